/* The table of remembered replies. */
#include "model/idempotency.h"

#include "base/mem.h"

static const struct field fields[] = {
	ROW_I64(struct idempotency, id, FIELD_FIND, .help = "Number of the row."),
	ROW_TEXT(struct idempotency, key, FIELD_FILTER, .help = "Key that the client gave."),
	ROW_TEXT(struct idempotency, actor, FIELD_FILTER, .help = "Whose key it is."),
	ROW_TEXT(struct idempotency, request_hash, 0, .help = "Hash of the request."),
	ROW_I64(struct idempotency, status, 0, .help = "HTTP status of the reply."),
	ROW_TEXT(struct idempotency, location, 0, .help = "Location of the reply."),
	ROW_TEXT(struct idempotency, reply, 0, .help = "Body of the reply."),
	ROW_TIME(struct idempotency, created_at, FIELD_FIND, .help = "When it was stored."),
};

const struct record_type idempotency_type = {
	.name = "idempotency key",
	.table = "idempotency_keys",
	.size = sizeof(struct idempotency),
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
};
