/* Owns single rows of the SQLite backend: reading, writing, and what a broken constraint means. */
#include "store/store_sqlite_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_pack.h"

static void bind_json(sqlite3_stmt *stmt, int index, const struct field *f, const json_t *value)
{
	if (value == NULL) {
		must(sqlite3_bind_null(stmt, index) == SQLITE_OK);
		return;
	}
	if ((f->flags & FIELD_PACKED) != 0) {
		size_t len = 0;
		void *data = store_pack(value, &len);
		must(sqlite3_bind_blob64(stmt, index, data, len, free) == SQLITE_OK);
		return;
	}
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	must(text != NULL);
	must(sqlite3_bind_text(stmt, index, text, -1, free) == SQLITE_OK);
}

/* Bind the fields from the first-th on: field i is parameter i + 1. */
static void bind_fields(sqlite3_stmt *stmt, const struct record_type *type, const void *obj,
	size_t first)
{
	for (size_t i = first; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		int index = (int)i + 1;
		if (f->kind == FIELD_TEXT)
			sqlite_bind_text(stmt, index, field_text(f, obj));
		else if (f->kind == FIELD_JSON)
			bind_json(stmt, index, f, field_json(f, obj));
		else
			sqlite_bind_number(stmt, index, field_number(f, obj));
	}
}

static struct err *read_packed(sqlite3_stmt *stmt, int column, const struct field *f, void *obj)
{
	const void *data = sqlite3_column_blob(stmt, column);
	json_t *value = NULL;

	TRY_WRAP(store_unpack(data, (size_t)sqlite3_column_bytes(stmt, column), &value),
		"the database is damaged: %s of row %lld", f->name,
		(long long)sqlite3_column_int64(stmt, 0));
	field_take(f, obj, value);
	return NULL;
}

static struct err *read_json(sqlite3_stmt *stmt, int column, const struct field *f, void *obj)
{
	if (sqlite3_column_type(stmt, column) == SQLITE_BLOB)
		return read_packed(stmt, column, f, obj);
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	json_t *value = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

	if (text != NULL && value == NULL)
		return err_new(ERR_INVALID, "the database is damaged: %s of row %lld is not JSON",
			f->name, (long long)sqlite3_column_int64(stmt, 0));
	field_take(f, obj, value);
	return NULL;
}

struct err *sqlite_read_row(sqlite3_stmt *stmt, const struct record_type *type, void *obj)
{
	struct err *e = NULL;

	memset(obj, 0, type->size); /* NULL pointers: every member is set below or freed as NULL */
	for (size_t i = 0; e == NULL && i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		int column = (int)i;
		bool none = sqlite3_column_type(stmt, column) == SQLITE_NULL;
		if (f->kind == FIELD_TEXT)
			field_take(f, obj,
				mem_strdup((const char *)sqlite3_column_text(stmt, column)));
		else if (f->kind == FIELD_JSON)
			e = read_json(stmt, column, f, obj);
		else if (!none)
			field_set_number(f, obj, sqlite3_column_int64(stmt, column));
		else
			field_set_number(f, obj,
				f->kind == FIELD_I64 || f->kind == FIELD_TIME ? I64_NONE : 0);
	}
	if (e != NULL)
		record_done(type, obj);
	return e;
}

/* The field named in "UNIQUE constraint failed: nodes.hostname, nodes.x": the first one, NULL when
 * it cannot be told. */
static const struct field *unique_field(sqlite3 *db, const struct record_type *type)
{
	const char *dot = strchr(sqlite3_errmsg(db), '.');

	for (size_t i = 0; dot != NULL && i < type->n_fields; i++) {
		size_t n = strcspn(dot + 1, ",");
		const char *name = type->fields[i].name;
		if (strlen(name) == n && strncmp(name, dot + 1, n) == 0)
			return &type->fields[i];
	}
	return NULL;
}

static struct err *exists_error(struct sqlite_conn *c, const struct record_type *type,
	const void *obj)
{
	const struct field *f = unique_field(c->db, type);

	if (f == NULL)
		return err_new(ERR_EXISTS, "such a %s exists already", type->name);
	const char *value =
		f->kind == FIELD_TEXT && (f->flags & FIELD_HIDDEN) == 0 ? field_text(f, obj) : NULL;
	struct err *e = err_new(ERR_EXISTS, "a %s with the %s \"%s\" exists already", type->name,
		f->name, value != NULL ? value : "given");
	return err_field(e, f->name, "is taken by another %s", type->name);
}

/* What a failed write means; take_err is kept when it is no constraint. */
static struct err *write_error(struct sqlite_conn *c, const struct record_type *type,
	const void *obj, struct err *take_err)
{
	int rc = sqlite3_extended_errcode(c->db);

	if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
		rc == SQLITE_CONSTRAINT_ROWID) {
		err_free(take_err);
		return exists_error(c, type, obj);
	}
	if (rc == SQLITE_CONSTRAINT_FOREIGNKEY || rc == SQLITE_CONSTRAINT_TRIGGER) {
		err_free(take_err);
		return err_new(ERR_CONFLICT, "the %s refers to something that does not exist",
			type->name);
	}
	return err_wrap(take_err, "write %s", type->name);
}

struct err *sqlite_insert(void *conn, const struct record_type *type, void *obj)
{
	struct sqlite_conn *c = conn;
	const struct field *id = &type->fields[0];
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	TRY(sqlite_verb(c, type, SQLITE_VERB_INSERT, &stmt));
	bind_fields(stmt, type, obj, 1);
	sqlite_bind_number(stmt, 1, I64_NONE); /* the database chooses */
	struct err *e = sqlite_step(c, stmt, &row);
	if (e != NULL)
		return write_error(c, type, obj, e);
	field_set_number(id, obj, sqlite3_last_insert_rowid(c->db));
	return NULL;
}

static struct err *not_found(const struct record_type *type, const struct store_filter *key)
{
	if (key->text != NULL)
		return err_new(ERR_NOT_FOUND, "no %s \"%s\"", type->name, key->text);
	return err_new(ERR_NOT_FOUND, "no %s %lld", type->name, (long long)key->number);
}

/* The statement that reads the first row with this key, its parameter bound. */
static struct err *get_statement(struct sqlite_conn *c, const struct record_type *type,
	const struct store_filter *key, sqlite3_stmt **ret)
{
	if (key->text == NULL) {
		TRY(sqlite_verb(c, type, SQLITE_VERB_GET, ret));
		sqlite_bind_number(*ret, 1, key->number);
		return NULL;
	}
	TRY(sqlite_by(c, type, key->field, ret));
	sqlite_bind_text(*ret, 1, key->text);
	return NULL;
}

struct err *sqlite_get(void *conn, const struct record_type *type, const struct store_filter *key,
	void *ret_obj)
{
	struct sqlite_conn *c = conn;
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	TRY(get_statement(c, type, key, &stmt));
	TRY_WRAP(sqlite_step(c, stmt, &row), "read %s", type->name);
	if (!row)
		return not_found(type, key);
	cleanup(mem_freep) void *obj = mem_zalloc(type->size);
	TRY_WRAP(sqlite_read_row(stmt, type, obj), "read %s", type->name);
	memcpy(ret_obj, obj, type->size);
	return NULL;
}

struct err *sqlite_update(void *conn, const struct record_type *type, const void *obj)
{
	struct sqlite_conn *c = conn;
	const struct store_filter key = {.number = field_number(&type->fields[0], obj)};
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	TRY(sqlite_verb(c, type, SQLITE_VERB_UPDATE, &stmt));
	bind_fields(stmt, type, obj, 0);
	struct err *e = sqlite_step(c, stmt, &row);
	if (e != NULL)
		return write_error(c, type, obj, e);
	return sqlite3_changes(c->db) > 0 ? NULL : not_found(type, &key);
}

struct err *sqlite_remove(void *conn, const struct record_type *type, int64_t id)
{
	struct sqlite_conn *c = conn;
	const struct store_filter key = {.number = id};
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	TRY(sqlite_verb(c, type, SQLITE_VERB_DELETE, &stmt));
	sqlite_bind_number(stmt, 1, id);
	struct err *e = sqlite_step(c, stmt, &row);
	if (e != NULL && (sqlite3_extended_errcode(c->db) & 0xff) == SQLITE_CONSTRAINT) {
		err_free(e);
		return err_new(ERR_CONFLICT, "%s %lld is still used by others", type->name,
			(long long)id);
	}
	TRY_WRAP(e, "delete %s", type->name);
	return sqlite3_changes(c->db) > 0 ? NULL : not_found(type, &key);
}
