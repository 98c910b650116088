/* Owns statements of the SQLite backend: errors, caches, binding, stepping. */
#include "store/store_sqlite_int.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* gcc's analyser cannot follow uthash: it takes what the table owns for leaked. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static const struct {
	int rc; /* primary result code */
	enum err_code code;
	const char *text;
	const char *hint;
} causes[] = {
	{SQLITE_BUSY, ERR_UNAVAILABLE, "the database is locked by another process",
		"find it with: fuser -v FILE"},
	{SQLITE_LOCKED, ERR_UNAVAILABLE, "the database is locked", NULL},
	{SQLITE_FULL, ERR_UNAVAILABLE, "no space is left for the database",
		"free space on its file system"},
	{SQLITE_READONLY, ERR_UNAVAILABLE, "the database cannot be written (read-only)",
		"check the owner, the mode and the mount of its folder"},
	{SQLITE_PERM, ERR_FORBIDDEN, "access to the database is denied", NULL},
	{SQLITE_AUTH, ERR_FORBIDDEN, "access to the database is denied", NULL},
	{SQLITE_CORRUPT, ERR_INVALID, "the database is damaged", "restore it from a backup"},
	{SQLITE_NOTADB, ERR_INVALID, "the file is not a database", "restore it from a backup"},
	{SQLITE_TOOBIG, ERR_TOO_LARGE, "a value is too large for the database", NULL},
};

/* Failures of the file system carry an errno that says more. */
static struct err *file_error(sqlite3 *db, const char *what)
{
	int errnum = sqlite3_system_errno(db);

	if (errnum == ENOSPC || errnum == EDQUOT)
		return err_hint(err_new(ERR_UNAVAILABLE, "%s: no space is left for the database",
					what),
			"free space on its file system");
	if (errnum == 0)
		return err_new(ERR_IO, "%s: %s", what, sqlite3_errmsg(db));
	return err_errno(errnum, "%s: the database file", what);
}

struct err *sqlite_error(sqlite3 *db, int rc, const char *what)
{
	int primary = rc & 0xff;

	if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN)
		return file_error(db, what);
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		if (causes[i].rc != primary)
			continue;
		struct err *e = err_new(causes[i].code, "%s: %s", what, causes[i].text);
		return causes[i].hint != NULL ? err_hint(e, "%s", causes[i].hint) : e;
	}
	must(primary != SQLITE_NOMEM);
	return err_new(ERR_INTERNAL, "%s: %s", what, sqlite3_errmsg(db));
}

struct err *sqlite_run(struct sqlite_conn *c, const char *sql)
{
	int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? NULL : sqlite_error(c->db, rc, "store");
}

struct err *sqlite_number(struct sqlite_conn *c, const char *sql, int64_t *ret)
{
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	TRY(sqlite_prepare(c, sql, &stmt));
	TRY(sqlite_step(c, stmt, &row));
	*ret = row ? sqlite3_column_int64(stmt, 0) : 0;
	return NULL;
}

static struct err *prepare(struct sqlite_conn *c, const char *sql, sqlite3_stmt **ret)
{
	int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

	return rc == SQLITE_OK ? NULL : sqlite_error(c->db, rc, "store");
}

static void drop_statement(struct sqlite_statement *s)
{
	sqlite3_finalize(s->stmt);
	mem_free(s->sql);
	*s = (struct sqlite_statement){0};
}

/* FNV-1a. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

/* The place of this SQL, else the one that was not asked for the longest; a free one was never
 * asked for. */
static struct sqlite_statement *find_place(struct sqlite_conn *c, const char *sql, uint64_t hash)
{
	struct sqlite_statement *oldest = &c->statements[0];

	for (size_t i = 0; i < SQLITE_STATEMENTS_MAX; i++) {
		struct sqlite_statement *s = &c->statements[i];
		if (s->sql != NULL && s->hash == hash && strcmp(s->sql, sql) == 0)
			return s;
		if (s->used < oldest->used)
			oldest = s;
	}
	return oldest;
}

struct err *sqlite_prepare(struct sqlite_conn *c, const char *sql, sqlite3_stmt **ret)
{
	uint64_t hash = hash_of(sql);
	struct sqlite_statement *s = find_place(c, sql, hash);
	sqlite3_stmt *stmt = NULL;

	if (s->sql == NULL || s->hash != hash || strcmp(s->sql, sql) != 0) {
		TRY(prepare(c, sql, &stmt));
		drop_statement(s);
		*s = (struct sqlite_statement){mem_strdup(sql), stmt, hash, 0};
	}
	s->used = ++c->calls;
	*ret = s->stmt;
	return NULL;
}

static char *column_list(const struct record_type *type)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < type->n_fields; i++)
		str_addf(&s, "%s\"%s\"", i > 0 ? ", " : "", type->fields[i].name);
	return str_take(&s);
}

static struct sqlite_table *find_table(struct sqlite_conn *c, const struct record_type *type)
{
	for (size_t i = 0; i < c->n_tables; i++)
		if (c->tables[i].type == type)
			return &c->tables[i];
	must(strcmp(type->fields[0].name, "id") == 0); /* insert and update rely on it */
	c->tables = mem_realloc_array(c->tables, c->n_tables + 1, sizeof(*c->tables));
	struct sqlite_table *t = &c->tables[c->n_tables++];
	*t = (struct sqlite_table){.type = type,
		.columns = column_list(type),
		.by = mem_zalloc(type->n_fields * sizeof(sqlite3_stmt *))};
	return t;
}

const struct sqlite_table *sqlite_table(struct sqlite_conn *c, const struct record_type *type)
{
	return find_table(c, type);
}

/* ?1 is the id in every statement, ?2 ... the other fields in order. */
static void insert_sql(const struct sqlite_table *t, struct str *s)
{
	str_addf(s, "INSERT INTO \"%s\" (%s) VALUES (?1", t->type->table, t->columns);
	for (size_t i = 1; i < t->type->n_fields; i++)
		str_addf(s, ", ?%zu", i + 1);
	str_addc(s, ')');
}

static void get_sql(const struct sqlite_table *t, struct str *s)
{
	str_addf(s, "SELECT %s FROM \"%s\" WHERE \"id\" = ?1", t->columns, t->type->table);
}

static void update_sql(const struct sqlite_table *t, struct str *s)
{
	str_addf(s, "UPDATE \"%s\" SET ", t->type->table);
	for (size_t i = 1; i < t->type->n_fields; i++)
		str_addf(s, "%s\"%s\" = ?%zu", i > 1 ? ", " : "", t->type->fields[i].name, i + 1);
	str_adds(s, " WHERE \"id\" = ?1");
}

static void delete_sql(const struct sqlite_table *t, struct str *s)
{
	str_addf(s, "DELETE FROM \"%s\" WHERE \"id\" = ?1", t->type->table);
}

struct err *sqlite_verb(struct sqlite_conn *c, const struct record_type *type,
	enum sqlite_verb verb, sqlite3_stmt **ret)
{
	static void (*const sql_of[SQLITE_VERB_N_])(const struct sqlite_table *t, struct str *s) = {
		[SQLITE_VERB_INSERT] = insert_sql,
		[SQLITE_VERB_GET] = get_sql,
		[SQLITE_VERB_UPDATE] = update_sql,
		[SQLITE_VERB_DELETE] = delete_sql,
	};
	struct sqlite_table *t = find_table(c, type);

	if (t->statements[verb] == NULL) {
		struct str sql = STR_INIT;
		sql_of[verb](t, &sql);
		struct err *e = prepare(c, str_get(&sql), &t->statements[verb]);
		str_done(&sql);
		if (e != NULL)
			return e;
	}
	*ret = t->statements[verb];
	return NULL;
}

struct err *sqlite_by(struct sqlite_conn *c, const struct record_type *type, const char *field,
	sqlite3_stmt **ret)
{
	struct sqlite_table *t = find_table(c, type);
	const struct field *f = record_field(type, field);

	must(f != NULL);
	sqlite3_stmt **stmt = &t->by[f - type->fields];
	if (*stmt == NULL) {
		cleanup(mem_freep) char *sql = mem_printf(
			"SELECT %s FROM \"%s\" WHERE \"%s\" = ?1 ORDER BY \"id\" LIMIT 1",
			t->columns, type->table, field);
		TRY(prepare(c, sql, stmt));
	}
	*ret = *stmt;
	return NULL;
}

struct err *sqlite_step(struct sqlite_conn *c, sqlite3_stmt *stmt, bool *ret_row)
{
	/* After a full disk or an I/O error SQLite may have rolled back by itself: what follows
	 * would be committed one by one. */
	if (c->in_transaction && sqlite3_get_autocommit(c->db))
		return err_new(ERR_UNAVAILABLE, "the transaction was lost in an earlier failure");
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return sqlite_error(c->db, sqlite3_extended_errcode(c->db), "store");
	*ret_row = rc == SQLITE_ROW;
	return NULL;
}

void sqlite_resetp(sqlite3_stmt **stmt)
{
	if (*stmt != NULL)
		(void)sqlite3_reset(*stmt); /* repeats the error that sqlite_step() has returned */
	*stmt = NULL;
}

void sqlite_bind_number(sqlite3_stmt *stmt, int index, int64_t number)
{
	int rc = number == I64_NONE ? sqlite3_bind_null(stmt, index)
				    : sqlite3_bind_int64(stmt, index, number);

	must(rc == SQLITE_OK);
}

void sqlite_bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
	int rc = text == NULL ? sqlite3_bind_null(stmt, index)
			      : sqlite3_bind_text(stmt, index, text, -1, SQLITE_STATIC);

	must(rc == SQLITE_OK);
}

void sqlite_forget(struct sqlite_conn *c)
{
	for (size_t i = 0; i < SQLITE_STATEMENTS_MAX; i++)
		drop_statement(&c->statements[i]);
	for (size_t i = 0; i < c->n_tables; i++) {
		for (int verb = 0; verb < SQLITE_VERB_N_; verb++)
			sqlite3_finalize(c->tables[i].statements[verb]);
		for (size_t field = 0; field < c->tables[i].type->n_fields; field++)
			sqlite3_finalize(c->tables[i].by[field]);
		mem_free(c->tables[i].by);
		mem_free(c->tables[i].columns);
	}
	mem_free(c->tables);
	c->tables = NULL;
	c->n_tables = 0;
}
