/* Owns the way from a request's words to a store query, and the transaction verbs for rooms that
 * may not see the store. */
#include "service/query.h"

#include <string.h>

#include "base/mem.h"
#include "service/find.h"
#include "service/scope.h"

struct err *query_page(struct service *svc, const struct record_type *type,
	const struct store_query *q, struct store_rows *ret_rows, char **ret_cursor)
{
	struct store_rows rows;

	struct store_query seen = *q;

	TRY(scope_where(svc, type, &seen));
	TRY(store_list(svc->store, type, &seen, &rows));
	*ret_cursor = NULL;
	if (rows.more && rows.n > 0)
		*ret_cursor = store_cursor(type, q, store_row(&rows, rows.n - 1));
	*ret_rows = rows;
	return NULL;
}

const void *query_row(const struct store_rows *rows, size_t i)
{
	return store_row(rows, i);
}

void query_rows_done(struct store_rows *rows)
{
	store_rows_done(rows);
}

struct err *query_get(struct service *svc, const struct record_type *type, int64_t id,
	void *ret_obj)
{
	return find_by_id(svc, type, id, ret_obj);
}

/* The value of a filter as a number, for all kinds but texts. */
static struct err *filter_number(const struct field *f, const char *value, int64_t *ret)
{
	bool flag = false;

	switch (f->kind) {
	case FIELD_I64:
		return parse_i64(value, INT64_MIN + 1, INT64_MAX, ret);
	case FIELD_BOOL:
		TRY(parse_bool(value, &flag));
		*ret = flag;
		return NULL;
	case FIELD_ENUM:
		*ret = enum_value(f->choices, value);
		if (*ret < 0)
			return err_new(ERR_INVALID, "not one of the values of %s",
				f->choices->name);
		return NULL;
	case FIELD_TIME:
		if (clock_parse(value, ret) != 0)
			return err_new(ERR_INVALID, "not a time such as 2026-01-31T12:00:00Z");
		return NULL;
	case FIELD_TEXT:
	case FIELD_JSON:
	case FIELD_KIND_N_:
		break;
	}
	return err_new(ERR_INVALID, "cannot be filtered");
}

struct err *query_filter(const struct record_type *type, struct store_query *q, const char *name,
	const char *value)
{
	const struct field *f = record_field(type, name);
	int64_t number = 0;

	must(f != NULL);
	if (q->n_filters == STORE_FILTERS_MAX)
		return err_new(ERR_INVALID, "more than %d filters", STORE_FILTERS_MAX);
	if (strcmp(value, "null") == 0) {
		store_where_number(q, name, STORE_IS_NULL, 0);
		return NULL;
	}
	if (f->kind == FIELD_TEXT) {
		store_where_text(q, name, STORE_EQ, value);
		return NULL;
	}
	struct err *e = filter_number(f, value, &number);
	if (e != NULL) {
		struct err *out = err_field(NULL, name, "%s", err_message(e));
		err_free(e);
		return out;
	}
	store_where_number(q, name, STORE_EQ, number);
	return NULL;
}

struct err *tx_begin(struct service *svc)
{
	return store_begin(svc->store);
}

struct err *tx_begin_read(struct service *svc)
{
	return store_begin_read(svc->store);
}

struct err *tx_commit(struct service *svc)
{
	struct err *e = store_commit(svc->store);

	if (e != NULL)
		svc->rights_epoch++; /* what was learned from it is not so */
	return e;
}

void tx_rollback(struct service *svc)
{
	store_rollback(svc->store);
	svc->rights_epoch++;
}

struct err *tx_job_begin(struct service *svc)
{
	return store_savepoint(svc->store);
}

struct err *tx_job_end(struct service *svc, bool keep)
{
	return store_release(svc->store, keep);
}
