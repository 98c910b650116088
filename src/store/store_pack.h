/* Large JSON in a small form: what a FIELD_PACKED column holds. Pure; any thread. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/** Pack: four bytes of the length of the text (the highest first), then the text as zlib makes it
 * small. @ret_len bytes. Owned, free(). */
void *store_pack(const json_t *value, size_t *ret_len);
/** Unpack. @ret_value owned. Errors: ERR_INVALID: it is not what store_pack() makes. */
struct err *store_unpack(const void *data, size_t len, json_t **ret_value) ERR_RESULT;
