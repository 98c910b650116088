/* Idempotency-Key: the answer to a POST that succeeded is kept 24 h, so that a retry of the client
 * starts nothing twice. draft-ietf-httpapi-idempotency-key-header-07. Domain worker, in a
 * transaction. */
#pragma once

#include "api/route.h"

/** Look for the stored answer to this request. @ret_found whether call->reply was filled from it
 * Errors: ERR_INVALID when the key was used with another request. */
struct err *idem_find(struct call *call, bool *ret_found) ERR_RESULT;
/** Keep the answer in call->reply. */
struct err *idem_keep(struct call *call) ERR_RESULT;
