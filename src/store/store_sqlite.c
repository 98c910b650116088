/* The SQLite backend: opening by url, transactions, durability, and the struct that ties its files
 * together. WAL mode, one connection. Transactions that write take the lock at their
 * beginning, so nothing fails half-way because of somebody else. */
#include "store/store_sqlite_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

extern const struct store_backend store_sqlite;

/* The file is made by us so that it is 0600 from its first byte on; -wal and -shm take its mode. */
static struct err *ensure_file(const char *path)
{
	/* never open and close an existing file: that would drop the locks of another connection of
	 * this process */
	cleanup(fs_closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		return NULL;
	if (errno != EEXIST)
		return err_errno(errno, "create the database %s", path);
	if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) != 0)
		return err_errno(errno, "open the database %s", path);
	return NULL;
}

static struct err *open_url(const char *url, void **ret_conn)
{
	const char *scheme = "sqlite://";
	const char *path = strncmp(url, scheme, strlen(scheme)) == 0 ? url + strlen(scheme) : url;
	struct sqlite_conn *c = NULL;

	TRY(ensure_file(path));
	TRY_WRAP(sqlite_connect(path, &c), "open %s", path);
	struct err *e = sqlite_migrate(c, sqlite_migrations());
	if (e != NULL) {
		sqlite_close(c);
		return e;
	}
	*ret_conn = c;
	return NULL;
}

static struct err *run_cached(struct sqlite_conn *c, const char *sql)
{
	cleanup(sqlite_resetp) sqlite3_stmt *stmt = NULL;
	bool row = false;

	TRY(sqlite_prepare(c, sql, &stmt));
	return sqlite_step(c, stmt, &row);
}

static struct err *begin(void *conn, bool writes)
{
	struct sqlite_conn *c = conn;

	TRY_WRAP(run_cached(c, writes ? "BEGIN IMMEDIATE" : "BEGIN"), "begin");
	c->in_transaction = true;
	c->changes_at_begin = sqlite3_total_changes64(c->db);
	return NULL;
}

static void rollback(void *conn)
{
	struct sqlite_conn *c = conn;

	c->in_transaction = false;
	if (sqlite3_get_autocommit(c->db))
		return; /* SQLite has rolled back by itself */
	err_ignore(run_cached(c,
		"ROLLBACK")); /* a rollback that fails ends with the connection or the next begin */
}

/* Flush the write-ahead log: what synchronous=FULL does at the end of each commit. The setting
 * itself cannot be changed inside a transaction, and how durable it must be is known only at its
 * end. */
static struct err *flush_log(struct sqlite_conn *c)
{
	sqlite3_file *file = NULL;
	int rc = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&file);

	if (rc != SQLITE_OK || file == NULL || file->pMethods == NULL)
		return err_new(ERR_INTERNAL, "the database has no write-ahead log");
	rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
	if (rc != SQLITE_OK)
		return err_new(ERR_IO,
			"the disk did not confirm the write: the last changes may be lost");
	return NULL;
}

static struct err *commit(void *conn, enum store_durability durability)
{
	struct sqlite_conn *c = conn;
	bool changed = sqlite3_total_changes64(c->db) != c->changes_at_begin;
	struct err *e = run_cached(c, "COMMIT");

	if (e != NULL) {
		rollback(c);
		return e;
	}
	c->in_transaction = false;
	return changed && durability == STORE_FULL ? flush_log(c) : NULL;
}

static struct err *savepoint(void *conn)
{
	return run_cached(conn, "SAVEPOINT job");
}

static struct err *release(void *conn, bool keep)
{
	if (!keep)
		TRY(run_cached(conn, "ROLLBACK TO job"));
	return run_cached(conn, "RELEASE job");
}

/* Changes over this connection and over others are both counted up, so the sum is new after each of
 * them. */
static struct err *table_version(void *conn, const struct record_type *type, int64_t *ret)
{
	struct sqlite_conn *c = conn;
	int64_t others = 0;
	int64_t own = 0;

	TRY(sqlite_number(c, "PRAGMA data_version", &others));
	for (size_t i = 0; i < c->n_changes; i++)
		if (strcmp(c->changes[i].table, type->table) == 0)
			own = c->changes[i].n;
	*ret = c->version_base + own + others;
	return NULL;
}

const struct store_backend store_sqlite = {
	.name = "sqlite",
	.open = open_url,
	.close = sqlite_close,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.savepoint = savepoint,
	.release = release,
	.insert = sqlite_insert,
	.get = sqlite_get,
	.update = sqlite_update,
	.remove = sqlite_remove,
	.list = sqlite_list,
	.count = sqlite_count,
	.remove_where = sqlite_remove_where,
	.table_version = table_version,
	.backup = sqlite_backup,
	.check = sqlite_check,
	.schema_version = sqlite_schema_version,
};
