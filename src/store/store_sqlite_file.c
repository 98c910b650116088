/* Owns the database file as a whole: opening, migrations, backup, integrity. */
#include "store/store_sqlite_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/migrations.h"

/* PRAGMA application_id of our files: "mko1"; set by the first migration. */
#define APPLICATION_ID 0x6d6b6f31
/* Only backups and people with a shell ever hold the database beside us, and not for long. */
#define BUSY_TIMEOUT_MS 2000
#define MIGRATIONS_MAX 1000

const struct sqlite_migration *sqlite_migrations(void)
{
	static struct sqlite_migration list[ARRAY_LEN(migrations_files)];

	must(migrations_files_n < MIGRATIONS_MAX);
	for (size_t i = 0; i < migrations_files_n; i++) {
		list[i].version = (int)strtol(migrations_files[i].name, NULL, 10);
		list[i].sql = (const char *)migrations_files[i].data;
		must(list[i].version == (int)i + 1);
	}
	return list;
}

static int newest(const struct sqlite_migration *migrations)
{
	int version = 0;

	for (; migrations->sql != NULL; migrations++)
		version = migrations->version;
	return version;
}

static void count_change(void *user, int action, const char *database, const char *table,
	sqlite3_int64 rowid)
{
	struct sqlite_conn *c = user;

	(void)action;
	(void)database;
	(void)rowid;
	for (size_t i = 0; i < c->n_changes; i++) {
		if (strcmp(c->changes[i].table, table) == 0) {
			c->changes[i].n++;
			return;
		}
	}
	c->changes = mem_realloc_array(c->changes, c->n_changes + 1, sizeof(*c->changes));
	c->changes[c->n_changes++] = (struct sqlite_changes){mem_strdup(table), 1};
}

static int64_t random_base(void)
{
	uint64_t n = 0;

	rand_bytes(&n, sizeof(n));
	return (int64_t)(n >> 16); /* room to count up */
}

static struct err *configure(struct sqlite_conn *c)
{
	static const char *const settings[] = {
		/* the first one reads the file, so it finds what is no database */
		"PRAGMA journal_mode = WAL",
		/* commits that must be on disk are flushed by sqlite_commit() */
		"PRAGMA synchronous = NORMAL",
		"PRAGMA foreign_keys = ON",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA journal_size_limit = 4194304",
	};

	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		TRY(sqlite_run(c, settings[i]));
	if (sqlite3_db_readonly(c->db, "main") == 1)
		return err_new(ERR_UNAVAILABLE, "the database cannot be written (read-only)");
	return NULL;
}

struct err *sqlite_connect(const char *path, struct sqlite_conn **ret)
{
	struct sqlite_conn *c = mem_zalloc(sizeof(*c));
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(path, &c->db, flags, NULL);

	must(c->db != NULL);
	c->path = mem_strdup(path);
	c->version_base = random_base();
	(void)sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MS);
	(void)sqlite3_update_hook(c->db, count_change, c);
	struct err *e = rc == SQLITE_OK ? configure(c) : sqlite_error(c->db, rc, "store");
	if (e != NULL) {
		sqlite_close(c);
		return e;
	}
	*ret = c;
	return NULL;
}

void sqlite_close(void *conn)
{
	struct sqlite_conn *c = conn;

	if (c == NULL)
		return;
	sqlite_forget(c);
	must(sqlite3_close(c->db) == SQLITE_OK); /* BUSY: a statement was leaked */
	for (size_t i = 0; i < c->n_changes; i++)
		mem_free(c->changes[i].table);
	mem_free(c->changes);
	mem_free(c->path);
	mem_free(c);
}

static struct err *schema_version(struct sqlite_conn *c, int64_t *ret)
{
	return sqlite_number(c, "PRAGMA user_version", ret);
}

int sqlite_schema_version(const void *conn)
{
	struct sqlite_conn *c =
		(struct sqlite_conn *)(uintptr_t)conn; /* only the statement cache changes */
	int64_t version = 0;

	err_ignore(schema_version(c,
		&version)); /* 0: it cannot be read, as the next real access will tell */
	return (int)version;
}

/* Refuse files that other programs, or newer versions of this one, have made. */
static struct err *check_owner(struct sqlite_conn *c, int64_t version, int known)
{
	int64_t application = 0;
	int64_t objects = 0;

	TRY(sqlite_number(c, "PRAGMA application_id", &application));
	TRY(sqlite_number(c, "SELECT count(*) FROM sqlite_schema", &objects));
	if (application != APPLICATION_ID && (version != 0 || objects != 0))
		return err_new(ERR_INVALID, "%s is the database of another program", c->path);
	if (version > known)
		return err_hint(
			err_new(ERR_INVALID,
				"%s has schema version %lld, but this mko knows only up to %d",
				c->path, (long long)version, known),
			"use the newer mko that has written it, or restore %s.before-v%lld",
			c->path, (long long)version);
	return NULL;
}

static struct err *apply(struct sqlite_conn *c, const struct sqlite_migration *migrations,
	int64_t version)
{
	for (; migrations->sql != NULL; migrations++) {
		if (migrations->version <= version)
			continue;
		TRY_WRAP(sqlite_run(c, migrations->sql), "schema version %d", migrations->version);
		cleanup(mem_freep) char *sql =
			mem_printf("PRAGMA user_version = %d", migrations->version);
		TRY(sqlite_run(c, sql));
	}
	return NULL;
}

/* A migration may rebuild a table that others refer to, so references are checked at the end
 * instead of at each step. */
static struct err *check_references(struct sqlite_conn *c)
{
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	TRY(sqlite_prepare(c, "PRAGMA foreign_key_check", &stmt));
	TRY(sqlite_step(c, stmt, &row));
	if (!row)
		return NULL;
	return err_new(ERR_INVALID, "row %lld of %s refers to a missing row of %s",
		(long long)sqlite3_column_int64(stmt, 1),
		(const char *)sqlite3_column_text(stmt, 0),
		(const char *)sqlite3_column_text(stmt, 2));
}

static struct err *apply_all(struct sqlite_conn *c, const struct sqlite_migration *migrations)
{
	int64_t version = 0;

	TRY(sqlite_run(c, "BEGIN IMMEDIATE"));
	/* again: another process may have been faster */
	struct err *e = schema_version(c, &version);
	if (e == NULL)
		e = apply(c, migrations, version);
	if (e == NULL && version > 0)
		e = check_references(c);
	if (e == NULL)
		e = sqlite_run(c, "COMMIT");
	if (e != NULL && !sqlite3_get_autocommit(c->db))
		err_ignore(sqlite_run(c, "ROLLBACK")); /* the first error is the one to tell */
	return e;
}

static struct err *copy_to(struct sqlite_conn *c, const char *path, bool replace) ERR_RESULT;

struct err *sqlite_migrate(struct sqlite_conn *c, const struct sqlite_migration *migrations)
{
	int64_t version = 0;
	const int known = newest(migrations);

	TRY(schema_version(c, &version));
	if (version == known)
		return check_owner(c, version, known);
	TRY(check_owner(c, version, known));
	if (version > 0) {
		cleanup(mem_freep) char *path = mem_printf("%s.before-v%d", c->path, known);
		TRY_WRAP(copy_to(c, path, true), "back up before the migration");
	}
	TRY(sqlite_run(c, "PRAGMA synchronous = FULL"));
	TRY(sqlite_run(c, "PRAGMA foreign_keys = OFF"));
	struct err *e = apply_all(c, migrations);
	sqlite_forget(c); /* statements were made for the old tables */
	if (e == NULL)
		e = sqlite_run(c, "PRAGMA foreign_keys = ON");
	if (e == NULL)
		e = sqlite_run(c, "PRAGMA synchronous = NORMAL");
	return err_wrap(e, "migrate %s", c->path);
}

static struct err *copy_pages(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

	if (backup == NULL)
		return sqlite_error(to, sqlite3_extended_errcode(to), "store");
	(void)sqlite3_backup_step(backup, -1);
	int rc = sqlite3_backup_finish(backup);
	return rc == SQLITE_OK ? NULL : sqlite_error(to, rc, "store");
}

static struct err *copy_file(const char *from_path, const char *to_path)
{
	sqlite3 *from = NULL;
	sqlite3 *to = NULL;
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	/* a connection of its own sees what is committed, even in the middle of our transaction */
	int rc = sqlite3_open_v2(from_path, &from, flags, NULL);
	struct err *e = rc == SQLITE_OK ? NULL : sqlite_error(from, rc, "store");

	if (e == NULL) {
		(void)sqlite3_busy_timeout(from, BUSY_TIMEOUT_MS);
		rc = sqlite3_open_v2(to_path, &to, flags, NULL);
		e = rc == SQLITE_OK ? copy_pages(from, to) : sqlite_error(to, rc, "store");
	}
	(void)sqlite3_close(from);
	(void)sqlite3_close(to);
	return e;
}

/* Copy into PATH.part, then rename: a backup is whole or absent. */
static struct err *copy_to(struct sqlite_conn *c, const char *path, bool replace)
{
	cleanup(mem_freep) char *part = mem_printf("%s.part", path);
	struct stat st;

	if (!replace && lstat(path, &st) == 0)
		return err_new(ERR_EXISTS, "%s exists", path);
	TRY(fs_remove_tree(part));
	TRY(fs_write_new(part, "", 0, 0600));
	struct err *e = copy_file(c->path, part);
	if (e == NULL && rename(part, path) != 0)
		e = err_errno(errno, "rename");
	if (e != NULL)
		err_ignore(fs_remove_tree(part)); /* the first error is the one to tell */
	return e;
}

struct err *sqlite_backup(void *conn, const char *path)
{
	return copy_to(conn, path, false);
}

static struct err *check_pages(struct sqlite_conn *c)
{
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	TRY(sqlite_prepare(c, "PRAGMA integrity_check(1)", &stmt));
	TRY(sqlite_step(c, stmt, &row));
	const char *text = row ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (text != NULL && strcmp(text, "ok") == 0)
		return NULL;
	return err_hint(err_new(ERR_INVALID, "the database is damaged: %s",
				text != NULL ? text : "no answer"),
		"restore it from a backup");
}

struct err *sqlite_check(void *conn)
{
	TRY(check_pages(conn));
	return check_references(conn);
}
