/* Replies remembered under the Idempotency-Key of a request, so that a retry gets the same reply
 * and nothing is done twice. */
#pragma once

#include "model/record.h"

/** A row of `idempotency_keys`; one for each key and actor. */
struct idempotency {
	int64_t id;
	char *key;          /**< as the client gave it */
	char *actor;        /**< whose key it is: two accounts may choose the same */
	char *request_hash; /**< SHA-256 hex of method, path and body: another request under this
			       key is an error */
	int64_t status; /**< HTTP status of the reply, I64_NONE while the first request is served */
	char *location; /**< header of the reply, NULL: none */
	char *reply;    /**< body of the reply */
	int64_t created_at;
};
extern const struct record_type idempotency_type;
