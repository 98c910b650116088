/* The SQLite backend's own seams, shared by store_sqlite*.c and the tests of the backend. One
 * connection, one thread. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "store/store_backend.h"
#include "store/store_int.h"

/** Statements that are prepared once for each record type. */
enum sqlite_verb {
	SQLITE_VERB_INSERT,
	SQLITE_VERB_GET,
	SQLITE_VERB_UPDATE,
	SQLITE_VERB_DELETE,
	SQLITE_VERB_N_
};

/** What is known of one record type on a connection. */
struct sqlite_table {
	const struct record_type *type;
	char *columns; /**< `"id", "hostname", ...` in the order of the fields */
	sqlite3_stmt *statements[SQLITE_VERB_N_];
	sqlite3_stmt **by; /**< by field: read the first row with this text, NULL = not yet made */
};

/** Statements of lists are cached by text; services ask for far fewer different ones. */
#define SQLITE_STATEMENTS_MAX 64

/** A cached statement; without sql the place is free. */
struct sqlite_statement {
	char *sql;
	sqlite3_stmt *stmt;
	uint64_t hash; /**< of sql: most texts begin alike */
	uint64_t used; /**< when it was last asked for, in calls */
};

/** How often a table was changed over this connection. */
struct sqlite_changes {
	char *table;
	int64_t n;
};

/** A connection. */
struct sqlite_conn {
	sqlite3 *db;
	char *path;
	bool in_transaction;         /**< the front has one open; SQLite may have lost it */
	int64_t changes_at_begin;    /**< total changes when it began */
	struct sqlite_table *tables; /**< array */
	size_t n_tables;
	struct sqlite_statement statements[SQLITE_STATEMENTS_MAX];
	uint64_t calls;                 /**< of sqlite_prepare() */
	struct sqlite_changes *changes; /**< array */
	size_t n_changes;
	int64_t version_base; /**< random: versions differ after each open */
};

/** One migration: text of a file of migrations/, whose name starts with its number. */
struct sqlite_migration {
	int version;
	const char *sql;
};

/* store_sqlite_stmt.c */

/** Make an error of the last failure on a connection. @what what was being done, without a colon
 * Codes: see the table in store_sqlite_stmt.c. */
struct err *sqlite_error(sqlite3 *db, int rc, const char *what) ERR_RESULT;
/** Run SQL text without results. */
struct err *sqlite_run(struct sqlite_conn *c, const char *sql) ERR_RESULT;
/** Read one integer, for example of a PRAGMA. */
struct err *sqlite_number(struct sqlite_conn *c, const char *sql, int64_t *ret) ERR_RESULT;
/** Borrow a prepared statement for this SQL from the cache; it is reset. */
struct err *sqlite_prepare(struct sqlite_conn *c, const char *sql, sqlite3_stmt **ret) ERR_RESULT;
/** The prepared statement of a verb for a type, borrowed and reset. @ret_table may be NULL */
struct err *sqlite_verb(struct sqlite_conn *c, const struct record_type *type,
	enum sqlite_verb verb, sqlite3_stmt **ret) ERR_RESULT;
/** The prepared statement that reads the first row with ?1 in a field, borrowed and reset. */
struct err *sqlite_by(struct sqlite_conn *c, const struct record_type *type, const char *field,
	sqlite3_stmt **ret) ERR_RESULT;
/** The table of a record type, borrowed until the next call. */
const struct sqlite_table *sqlite_table(struct sqlite_conn *c, const struct record_type *type);
/** Step a statement. @ret_row whether there is a row. Refuses when SQLite has lost the transaction.
 * The caller resets. */
struct err *sqlite_step(struct sqlite_conn *c, sqlite3_stmt *stmt, bool *ret_row) ERR_RESULT;
/** Reset for `cleanup(sqlite_resetp)`: a statement that is not reset holds its locks. */
void sqlite_resetp(sqlite3_stmt **stmt);
/** Bind a number, I64_NONE as NULL. @index from 1 */
void sqlite_bind_number(sqlite3_stmt *stmt, int index, int64_t number);
/** Bind a text that stays alive until the statement is reset; NULL as NULL. */
void sqlite_bind_text(sqlite3_stmt *stmt, int index, const char *text);
/** Finalise all statements and forget all tables. */
void sqlite_forget(struct sqlite_conn *c);

/* store_sqlite_row.c: one row */

/** Backend functions of single rows. */
struct err *sqlite_insert(void *conn, const struct record_type *type, void *obj) ERR_RESULT;
/** See store_get() and store_get_by(). */
struct err *sqlite_get(void *conn, const struct record_type *type, const struct store_filter *key,
	void *ret_obj) ERR_RESULT;
/** See store_update(). */
struct err *sqlite_update(void *conn, const struct record_type *type, const void *obj) ERR_RESULT;
/** See store_delete(). */
struct err *sqlite_remove(void *conn, const struct record_type *type, int64_t id) ERR_RESULT;
/** Fill uninitialised memory from the columns of the current row; nothing is owned on error. */
struct err *sqlite_read_row(sqlite3_stmt *stmt, const struct record_type *type,
	void *obj) ERR_RESULT;

/* store_sqlite_query.c: many rows */

/** See store_list(). */
struct err *sqlite_list(void *conn, const struct record_type *type, const struct store_query *q,
	struct store_rows *ret_rows) ERR_RESULT;
/** See store_count(). */
struct err *sqlite_count(void *conn, const struct record_type *type, const struct store_query *q,
	int64_t *ret) ERR_RESULT;
/** See store_delete_where(). */
struct err *sqlite_remove_where(void *conn, const struct record_type *type,
	const struct store_query *q, int64_t *ret_n) ERR_RESULT;

/* store_sqlite_file.c: the file as a whole */

/** The migrations of this program, ordered, ended by a row without sql. */
const struct sqlite_migration *sqlite_migrations(void);
/** Bring the schema to the newest of these migrations; a non-empty database is copied to
 * PATH.before-vN first. Errors: ERR_INVALID (newer schema, another program's database). */
struct err *sqlite_migrate(struct sqlite_conn *c,
	const struct sqlite_migration *migrations) ERR_RESULT;
/** See store_backup(). */
struct err *sqlite_backup(void *conn, const char *path) ERR_RESULT;
/** See store_check(). */
struct err *sqlite_check(void *conn) ERR_RESULT;
/** See store_schema_version(). */
int sqlite_schema_version(const void *conn);
/** Open a connection to a file that exists, with our settings. @ret owned: sqlite_close() */
struct err *sqlite_connect(const char *path, struct sqlite_conn **ret) ERR_RESULT;
/** Close a connection; NULL is fine. */
void sqlite_close(void *conn);
