/* Remembered replies: see model/idempotency.h. Domain worker, in a transaction. */
#pragma once

#include "model/idempotency.h"
#include "service/service.h"

/** The remembered reply of this actor under this key; older than 24 h is forgotten.
 * @ret_row record_done()   @ret_found   Errors: ERR_INVALID when it belongs to another request. */
struct err *idempotency_find(struct service *svc, const char *actor, const char *key,
	const char *request_hash, struct idempotency *ret_row, bool *ret_found) ERR_RESULT;
/** Remember a reply. @row everything but created_at */
struct err *idempotency_keep(struct service *svc, struct idempotency *row) ERR_RESULT;
