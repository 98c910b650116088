/* Owns the rows of `idempotency_keys`. */
#include "service/idempotency.h"

#include <string.h>

#include "base/mem.h"

#define KEEP_MS 86400000

static void where(struct store_query *q, const char *actor, const char *key)
{
	store_where_text(q, "key", STORE_EQ, key);
	store_where_text(q, "actor", STORE_EQ, actor);
}

struct err *idempotency_find(struct service *svc, const struct idempotency *wanted,
	struct idempotency *ret_row, bool *ret_found)
{
	struct store_query q = {.limit = 1};
	struct store_rows rows;
	struct err *e = NULL;

	where(&q, wanted->actor, wanted->key);
	store_where_number(&q, "created_at", STORE_GT, clock_utc(svc->clock) - KEEP_MS);
	TRY(store_list(svc->store, &idempotency_type, &q, &rows));
	*ret_found = rows.n > 0;
	if (rows.n > 0) {
		const struct idempotency *row = store_row(&rows, 0);
		if (strcmp(row->request_hash, wanted->request_hash) != 0)
			e = err_new(ERR_INVALID,
				"this Idempotency-Key was used with another request");
		else
			record_copy(&idempotency_type, ret_row, row);
	}
	store_rows_done(&rows);
	return e;
}

struct err *idempotency_keep(struct service *svc, struct idempotency *row)
{
	struct store_query q = {.n_filters = 0};

	where(&q, row->actor, row->key); /* an expired one with the same key */
	TRY(store_delete_where(svc->store, &idempotency_type, &q, NULL));
	row->created_at = clock_utc(svc->clock);
	return store_insert(svc->store, &idempotency_type, row);
}
