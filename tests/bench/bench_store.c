/* Measures the store against the bare SQLite statements that do the same work, in one run on one
 * machine, and prints ratios. Bare means: prepared once, values bound, columns read but not copied.
 * `./dev bench store` runs it; it is no test. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "model/node.h"
#include "store/store.h"

#define ROWS 10000
#define BATCH 100
#define GETS 20000
#define PAGE 100
#define PAGES 100
#define COMMITS 200
#define ROUNDS 5

struct bench {
	struct store *store;
	sqlite3 *db;
	sqlite3_stmt *insert, *get, *page;
	char *store_path, *bare_path;
	int next_row; /* number of the next row to insert, the same in both */
};

static void ok(struct err *take_err)
{
	if (take_err == NULL)
		return;
	fprintf(stderr, "bench_store: %s\n", err_message(take_err));
	exit(1);
}

static void good(int rc, int want)
{
	if (rc == want)
		return;
	fprintf(stderr, "bench_store: SQLite result %d\n", rc);
	exit(1);
}

static double seconds(clockid_t id)
{
	struct timespec ts = {0};

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct node make_node(int i)
{
	struct node n;

	record_init(&node_type, &n);
	n.hostname = mem_printf("node-%06d.example.com", i);
	n.ip_address = mem_printf("10.%d.%d.%d", i >> 16 & 255, i >> 8 & 255, i & 255);
	n.os_version = mem_strdup("Ubuntu 24.04.1 LTS");
	n.kernel_version = mem_strdup("6.8.0-45-generic");
	n.cpu_cores = 8;
	n.created_at = n.updated_at = INT64_C(1795424159000) + i;
	return n;
}

/* The columns in the order of the fields, as the backend has them. */
static char *columns(void)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < node_type.n_fields; i++)
		str_addf(&s, "%s\"%s\"", i > 0 ? "," : "", node_type.fields[i].name);
	return str_take(&s);
}

static void bare_open(struct bench *b)
{
	cleanup(mem_freep) char *names = columns();
	struct str insert = STR_INIT;
	struct store *made = NULL;

	ok(store_open(b->bare_path, &made)); /* the same schema */
	store_close(made);
	good(sqlite3_open_v2(b->bare_path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		     NULL),
		SQLITE_OK);
	good(sqlite3_exec(b->db,
		     "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
		     NULL, NULL, NULL),
		SQLITE_OK);
	str_addf(&insert, "INSERT INTO nodes (%s) VALUES (?", names);
	for (size_t i = 1; i < node_type.n_fields; i++)
		str_adds(&insert, ",?");
	str_addc(&insert, ')');
	cleanup(mem_freep) char *get = mem_printf("SELECT %s FROM nodes WHERE id=?", names);
	cleanup(mem_freep) char *page = mem_printf(
		"SELECT %s FROM nodes WHERE (hostname >= ?1 AND (hostname > ?1 OR id > ?2)) ORDER BY hostname, id LIMIT %d",
		names, PAGE);
	good(sqlite3_prepare_v2(b->db, str_get(&insert), -1, &b->insert, NULL), SQLITE_OK);
	good(sqlite3_prepare_v2(b->db, get, -1, &b->get, NULL), SQLITE_OK);
	good(sqlite3_prepare_v2(b->db, page, -1, &b->page, NULL), SQLITE_OK);
	str_done(&insert);
}

static void bare_insert(struct bench *b, const struct node *n)
{
	for (size_t i = 0; i < node_type.n_fields; i++) {
		const struct field *f = &node_type.fields[i];
		int at = (int)i + 1;
		if (field_is_none(f, n))
			sqlite3_bind_null(b->insert, at);
		else if (f->kind == FIELD_TEXT)
			sqlite3_bind_text(b->insert, at, field_text(f, n), -1, SQLITE_STATIC);
		else if (f->kind == FIELD_JSON)
			sqlite3_bind_text(b->insert, at, "[]", 2, SQLITE_STATIC);
		else
			sqlite3_bind_int64(b->insert, at, field_number(f, n));
	}
	good(sqlite3_step(b->insert), SQLITE_DONE);
	good(sqlite3_reset(b->insert), SQLITE_OK);
}

static size_t sink; /* what is read must not be optimised away */

static void bare_read(sqlite3_stmt *stmt)
{
	for (int i = 0; i < sqlite3_column_count(stmt); i++) {
		if (sqlite3_column_type(stmt, i) == SQLITE_TEXT)
			sink += (size_t)sqlite3_column_text(stmt, i)[0];
		else
			sink += (size_t)sqlite3_column_int64(stmt, i);
	}
}

static void bare_run(struct bench *b, const char *sql)
{
	good(sqlite3_exec(b->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Each of these does its work once and returns the seconds it took. */

static double insert_store(struct bench *b)
{
	double start = seconds(CLOCK_MONOTONIC);

	for (int i = 0; i < ROWS / ROUNDS; i++) {
		if (i % BATCH == 0)
			ok(store_begin(b->store));
		struct node n = make_node(b->next_row + i);
		ok(store_insert(b->store, &node_type, &n));
		record_done(&node_type, &n);
		if (i % BATCH == BATCH - 1)
			ok(store_commit(b->store));
	}
	return seconds(CLOCK_MONOTONIC) - start;
}

static double insert_bare(struct bench *b)
{
	double start = seconds(CLOCK_MONOTONIC);

	for (int i = 0; i < ROWS / ROUNDS; i++) {
		if (i % BATCH == 0)
			bare_run(b, "BEGIN IMMEDIATE");
		struct node n = make_node(b->next_row + i);
		bare_insert(b, &n);
		record_done(&node_type, &n);
		if (i % BATCH == BATCH - 1)
			bare_run(b, "COMMIT");
	}
	b->next_row += ROWS / ROUNDS;
	return seconds(CLOCK_MONOTONIC) - start;
}

static double commit_store(struct bench *b)
{
	double start = seconds(CLOCK_MONOTONIC);

	for (int i = 0; i < COMMITS; i++) {
		struct node n = make_node(b->next_row + i);
		ok(store_begin(b->store));
		store_want(b->store, STORE_FULL);
		ok(store_insert(b->store, &node_type, &n));
		ok(store_commit(b->store));
		record_done(&node_type, &n);
	}
	return seconds(CLOCK_MONOTONIC) - start;
}

static double commit_bare(struct bench *b)
{
	bare_run(b, "PRAGMA synchronous=FULL");
	double start = seconds(CLOCK_MONOTONIC);
	for (int i = 0; i < COMMITS; i++) {
		struct node n = make_node(b->next_row + i);
		bare_run(b, "BEGIN IMMEDIATE");
		bare_insert(b, &n);
		bare_run(b, "COMMIT");
		record_done(&node_type, &n);
	}
	double took = seconds(CLOCK_MONOTONIC) - start;
	bare_run(b, "PRAGMA synchronous=NORMAL");
	b->next_row += COMMITS;
	return took;
}

static int64_t nth_id(int i)
{
	return 1 + (int64_t)i * 7919 % ROWS;
}

static double get_store(struct bench *b)
{
	double start = seconds(CLOCK_MONOTONIC);

	for (int i = 0; i < GETS; i++) {
		struct node n;
		ok(store_get(b->store, &node_type, nth_id(i), &n));
		sink += (size_t)n.hostname[0];
		record_done(&node_type, &n);
	}
	return seconds(CLOCK_MONOTONIC) - start;
}

static double get_bare(struct bench *b)
{
	double start = seconds(CLOCK_MONOTONIC);

	for (int i = 0; i < GETS; i++) {
		sqlite3_bind_int64(b->get, 1, nth_id(i));
		good(sqlite3_step(b->get), SQLITE_ROW);
		bare_read(b->get);
		sqlite3_reset(b->get);
	}
	return seconds(CLOCK_MONOTONIC) - start;
}

static double page_store(struct bench *b)
{
	double start = seconds(CLOCK_MONOTONIC);

	for (int i = 0; i < PAGES; i++) {
		struct store_query q = {.sort = "hostname", .limit = PAGE};
		struct store_rows rows;
		struct node last = {.id = i * 90 + 1};
		cleanup(mem_freep) char *hostname = mem_printf("node-%06d.example.com", i * 90);
		last.hostname = hostname;
		cleanup(mem_freep) char *after = store_cursor(&node_type, &q, &last);
		q.after = after;
		ok(store_list(b->store, &node_type, &q, &rows));
		sink += rows.n;
		store_rows_done(&rows);
	}
	return seconds(CLOCK_MONOTONIC) - start;
}

static double page_bare(struct bench *b)
{
	double start = seconds(CLOCK_MONOTONIC);

	for (int i = 0; i < PAGES; i++) {
		cleanup(mem_freep) char *hostname = mem_printf("node-%06d.example.com", i * 90);
		sqlite3_bind_text(b->page, 1, hostname, -1, SQLITE_STATIC);
		sqlite3_bind_int64(b->page, 2, i * 90 + 1);
		while (sqlite3_step(b->page) == SQLITE_ROW)
			bare_read(b->page);
		sqlite3_reset(b->page);
	}
	return seconds(CLOCK_MONOTONIC) - start;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static const struct {
	const char *name;
	int n; /* how many in one round */
	double (*store)(struct bench *b);
	double (*bare)(struct bench *b);
} rows[] = {
	{"insert, 100 a commit", ROWS / ROUNDS, insert_store, insert_bare},
	{"insert, one durable commit", COMMITS, commit_store, commit_bare},
	{"get by id", GETS, get_store, get_bare},
	{"page of 100 at 10000 rows", PAGES, page_store, page_bare},
};

/* Rounds of both in turn, so that a busy machine disturbs both alike; the median counts. */
static void measure(struct bench *b, size_t row)
{
	double store[ROUNDS];
	double bare[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		store[i] = rows[row].store(b);
		bare[i] = rows[row].bare(b);
	}
	qsort(store, ROUNDS, sizeof(store[0]), by_size);
	qsort(bare, ROUNDS, sizeof(bare[0]), by_size);
	double s = store[ROUNDS / 2];
	double r = bare[ROUNDS / 2];
	printf("%-30s %9.2f us   bare %9.2f us   ratio %.2f\n", rows[row].name,
		s / rows[row].n * 1e6, r / rows[row].n * 1e6, s / r);
}

/* What a CLI without a server pays for a list of 1000 rows. */
static void measure_list(struct bench *b)
{
	struct store_query q = {.limit = 1000};
	struct store_rows list;
	struct store *s = NULL;

	store_close(b->store);
	b->store = NULL;
	double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	ok(store_open(b->store_path, &s));
	double opened = seconds(CLOCK_PROCESS_CPUTIME_ID);
	ok(store_list(s, &node_type, &q, &list));
	double listed = seconds(CLOCK_PROCESS_CPUTIME_ID);
	printf("%-30s %9.2f ms CPU open, %.2f ms CPU list of %zu\n", "open, list 1000",
		(opened - start) * 1e3, (listed - opened) * 1e3, list.n);
	store_rows_done(&list);
	store_close(s);
}

int main(void)
{
	char dir[] = "/tmp/mko-bench-XXXXXX";
	struct bench b = {0};

	rand_init();
	if (mkdtemp(dir) == NULL)
		return 1;
	b.store_path = fs_join(dir, "store.db");
	b.bare_path = fs_join(dir, "bare.db");
	ok(store_open(b.store_path, &b.store));
	bare_open(&b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		measure(&b, i);
	measure_list(&b);
	good(sqlite3_finalize(b.insert) + sqlite3_finalize(b.get) + sqlite3_finalize(b.page),
		SQLITE_OK);
	good(sqlite3_close(b.db), SQLITE_OK);
	mem_free(b.store_path);
	mem_free(b.bare_path);
	ok(fs_remove_tree(dir));
	return sink == 0;
}
