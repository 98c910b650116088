/* Owns the locks: rows that belong to an operation, never to a process. */
#include <string.h>

#include "base/mem.h"
#include "service/op/op_int.h"

bool op_wants_conflict(const struct op_want *a, size_t na, const struct op_want *b, size_t nb)
{
	for (size_t i = 0; i < na; i++)
		for (size_t k = 0; k < nb; k++)
			if ((a[i].exclusive || b[k].exclusive) &&
				strcmp(a[i].resource, b[k].resource) == 0)
				return true;
	return false;
}

static char *describe(struct service *svc, int64_t op_id)
{
	struct operation op;
	struct err *e = store_get(svc->store, &operation_type, op_id, &op);

	if (e != NULL) {
		err_ignore(e); /* only a text for people */
		return mem_printf("operation %lld", (long long)op_id);
	}
	char *text = mem_printf("operation %lld (%s)", (long long)op_id, op.name);
	record_done(&operation_type, &op);
	return text;
}

struct err *op_lock_holder(struct service *svc, int64_t op_id, const struct op_want *want,
	int64_t *ret_holder)
{
	struct store_query q = {.limit = 1};
	struct store_rows rows = {0};

	store_where_text(&q, "resource", STORE_EQ, want->resource);
	store_where_number(&q, "operation_id", STORE_NE, op_id);
	if (!want->exclusive)
		store_where_number(&q, "exclusive", STORE_EQ, 1);
	TRY(store_list(svc->store, &op_lock_type, &q, &rows));
	*ret_holder = rows.n > 0 ? ((const struct op_lock *)store_row(&rows, 0))->operation_id : 0;
	store_rows_done(&rows);
	return NULL;
}

struct err *op_locks_blocked(struct service *svc, int64_t op_id, const struct op_want *wants,
	size_t n, char **ret_by)
{
	*ret_by = NULL;
	for (size_t i = 0; i < n; i++) {
		int64_t holder = 0;
		TRY(op_lock_holder(svc, op_id, &wants[i], &holder));
		if (holder != 0) {
			*ret_by = describe(svc, holder);
			return NULL;
		}
	}
	return NULL;
}

struct err *op_locks_take(struct service *svc, int64_t op_id, const struct op_want *wants, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct op_lock lock;
		record_init(&op_lock_type, &lock);
		lock.operation_id = op_id;
		lock.exclusive = wants[i].exclusive;
		lock.created_at = clock_utc(svc->clock);
		field_set_text(&lock.resource, wants[i].resource);
		struct err *e = store_insert(svc->store, &op_lock_type, &lock);
		record_done(&op_lock_type, &lock);
		if (e != NULL)
			return err_wrap(e, "lock %s", wants[i].resource);
	}
	return NULL;
}

struct err *op_locks_release(struct service *svc, int64_t op_id)
{
	struct store_query q = {0};

	store_where_number(&q, "operation_id", STORE_EQ, op_id);
	return store_delete_where(svc->store, &op_lock_type, &q, NULL);
}

struct err *op_target_locked(struct service *svc, const char *resource, bool *ret_locked,
	char **ret_by)
{
	struct op_want want = {.exclusive = false};
	int64_t holder = 0;

	memcpy(want.resource, resource, strnlen(resource, sizeof(want.resource) - 1));
	TRY(op_lock_holder(svc, 0, &want, &holder));
	*ret_locked = holder != 0;
	if (ret_by != NULL)
		*ret_by = holder != 0 ? describe(svc, holder) : NULL;
	return NULL;
}
