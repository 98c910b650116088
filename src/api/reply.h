/* Building replies. Pure; any thread. */
#pragma once

#include "api/api.h"

/** Replace the body by JSON text. @take_json owned */
void reply_json(struct api_reply *reply, int status, json_t *take_json);
/** Set the ETag from the body (a strong one: hash of the bytes) when there is none yet. */
void reply_etag(struct api_reply *reply);
/** True when an If-Match or If-None-Match header names the ETag ("*" names all). @weak compare as
 * If-None-Match does */
bool reply_etag_listed(const char *header, const char *etag, bool weak);
/** Free what the reply holds and make it empty. */
void reply_clear(struct api_reply *reply);
