/* The front of the store: finds the backend of a url, keeps the rules of transactions, checks
 * queries, forwards. Knows no SQL. */
#include "store/store.h"

#include <string.h>

#include "base/mem.h"
#include "model/metric.h"
#include "store/store_backend.h"
#include "store/store_int.h"

/* Pass an error on and note how long its call took. */
static struct err *timed(const char *call, double begun, struct err *take_err)
{
	metric_observe(METRIC_STORE_SECONDS, METRIC_LABELS(call), metric_now() - begun);
	return take_err;
}

struct store {
	const struct store_backend *backend;
	void *conn;
	bool in_transaction;
	int savepoints;
	enum store_durability durability; /* strongest that was asked for in this transaction */
};

/* The first backend of the list also opens plain paths. */
static const struct store_backend *find_backend(const char *url)
{
	const char *colon = strstr(url, "://");

	if (colon == NULL)
		return store_backends[0];
	for (size_t i = 0; store_backends[i] != NULL; i++) {
		const char *name = store_backends[i]->name;
		if (strlen(name) == (size_t)(colon - url) && strncmp(url, name, strlen(name)) == 0)
			return store_backends[i];
	}
	return NULL;
}

struct err *store_open(const char *url, struct store **ret_store)
{
	const struct store_backend *backend = find_backend(url);
	void *conn = NULL;

	if (backend == NULL)
		return err_new(ERR_INVALID, "no storage backend for %s", url);
	TRY(backend->open(url, &conn));
	struct store *s = mem_zalloc(sizeof(*s));
	s->backend = backend;
	s->conn = conn;
	*ret_store = s;
	return NULL;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->in_transaction)
		store_rollback(s);
	s->backend->close(s->conn);
	mem_free(s);
}

static struct err *begin(struct store *s, bool writes)
{
	must(!s->in_transaction);
	TRY(s->backend->begin(s->conn, writes));
	s->in_transaction = true;
	s->savepoints = 0;
	s->durability = STORE_NORMAL;
	return NULL;
}

struct err *store_begin(struct store *s)
{
	return begin(s, true);
}

struct err *store_begin_read(struct store *s)
{
	return begin(s, false);
}

void store_want(struct store *s, enum store_durability durability)
{
	must(s->in_transaction);
	if (durability > s->durability)
		s->durability = durability;
}

struct err *store_commit(struct store *s)
{
	must(s->in_transaction && s->savepoints == 0);
	double begun = metric_now();
	s->in_transaction = false;
	return timed("commit", begun,
		err_wrap(s->backend->commit(s->conn, s->durability), "commit"));
}

void store_rollback(struct store *s)
{
	must(s->in_transaction);
	s->in_transaction = false;
	s->backend->rollback(s->conn);
}

struct err *store_savepoint(struct store *s)
{
	must(s->in_transaction);
	TRY(s->backend->savepoint(s->conn));
	s->savepoints++;
	return NULL;
}

struct err *store_release(struct store *s, bool keep)
{
	must(s->savepoints > 0);
	s->savepoints--;
	return s->backend->release(s->conn, keep);
}

/* A write outside a transaction gets one of its own, as durable as can be: nothing is ever half
 * done. */
static struct err *begin_if_none(struct store *s, bool *ret_own)
{
	*ret_own = !s->in_transaction;
	if (!*ret_own)
		return NULL;
	TRY(store_begin(s));
	store_want(s, STORE_FULL);
	return NULL;
}

static struct err *end_own(struct store *s, bool own, struct err *take_err)
{
	if (!own)
		return take_err;
	if (take_err == NULL)
		return store_commit(s);
	store_rollback(s);
	return take_err;
}

struct err *store_insert(struct store *s, const struct record_type *type, void *obj)
{
	bool own = false;

	TRY(begin_if_none(s, &own));
	double begun = metric_now();
	return end_own(s, own, timed("insert", begun, s->backend->insert(s->conn, type, obj)));
}

struct err *store_get(struct store *s, const struct record_type *type, int64_t id, void *ret_obj)
{
	const struct store_filter key = {.field = "id", .number = id};
	double begun = metric_now();

	return timed("get", begun, s->backend->get(s->conn, type, &key, ret_obj));
}

struct err *store_get_by(struct store *s, const struct record_type *type, const char *field,
	const char *text, void *ret_obj)
{
	const struct store_filter key = {.field = field, .text = text};
	const struct field *f = record_field(type, field);

	must(f != NULL && f->kind == FIELD_TEXT && text != NULL);
	return s->backend->get(s->conn, type, &key, ret_obj);
}

struct err *store_update(struct store *s, const struct record_type *type, const void *obj)
{
	bool own = false;

	TRY(begin_if_none(s, &own));
	double begun = metric_now();
	return end_own(s, own, timed("update", begun, s->backend->update(s->conn, type, obj)));
}

struct err *store_delete(struct store *s, const struct record_type *type, int64_t id)
{
	bool own = false;

	TRY(begin_if_none(s, &own));
	return end_own(s, own, s->backend->remove(s->conn, type, id));
}

static const struct store_query everything = {0};

struct err *store_list(struct store *s, const struct record_type *type, const struct store_query *q,
	struct store_rows *ret_rows)
{
	if (q == NULL)
		q = &everything;
	TRY(store_query_check(type, q));
	double begun = metric_now();
	return timed("list", begun, s->backend->list(s->conn, type, q, ret_rows));
}

void *store_row(const struct store_rows *rows, size_t i)
{
	must(i < rows->n);
	return rows->data + i * rows->type->size;
}

void store_rows_done(struct store_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		record_done(rows->type, store_row(rows, i));
	mem_free(rows->data);
	*rows = (struct store_rows){0};
}

struct err *store_count(struct store *s, const struct record_type *type,
	const struct store_query *q, int64_t *ret)
{
	if (q == NULL)
		q = &everything;
	TRY(store_query_check(type, q));
	return s->backend->count(s->conn, type, q, ret);
}

struct err *store_delete_where(struct store *s, const struct record_type *type,
	const struct store_query *q, int64_t *ret_n)
{
	bool own = false;
	int64_t n = 0;

	TRY(store_query_check(type, q));
	TRY(begin_if_none(s, &own));
	TRY(end_own(s, own, s->backend->remove_where(s->conn, type, q, &n)));
	if (ret_n != NULL)
		*ret_n = n;
	return NULL;
}

struct err *store_table_version(struct store *s, const struct record_type *type, int64_t *ret)
{
	return s->backend->table_version(s->conn, type, ret);
}

struct err *store_backup(struct store *s, const char *path)
{
	return err_wrap(s->backend->backup(s->conn, path), "back up to %s", path);
}

struct err *store_check(struct store *s)
{
	return s->backend->check(s->conn);
}

int store_schema_version(const struct store *s)
{
	return s->backend->schema_version(s->conn);
}
