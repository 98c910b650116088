/* Remembered replies: see model/idempotency.h. Domain worker, in a transaction. */
#pragma once

#include "model/idempotency.h"
#include "service/service.h"

/** The remembered reply to a request; older than 24 h is forgotten. @wanted key, actor and
 * request_hash are used
 * @ret_row record_done()   @ret_found   Errors: ERR_INVALID when the key belongs to another request
 * of this actor. */
struct err *idempotency_find(struct service *svc, const struct idempotency *wanted,
	struct idempotency *ret_row, bool *ret_found) ERR_RESULT;
/** Remember a reply. @row everything but created_at */
struct err *idempotency_keep(struct service *svc, struct idempotency *row) ERR_RESULT;
