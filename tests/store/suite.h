/* The ground of the conformance suite: every test runs on every backend of the table below, each in
 * a store of its own. A new backend is a row here; what it cannot be asked for (damage, locks) is
 * NULL and skipped. */
#pragma once

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/account.h"
#include "model/cluster.h"
#include "model/event.h"
#include "model/idempotency.h"
#include "model/node.h"
#include "model/operation.h"
#include "store/store.h"
#include "testing_err.h"

struct suite_backend {
	const char *name;
	bool is_file;                    /* the url is the path of a file */
	char *(*url)(const char *dir);   /* of a new store */
	void (*damage)(const char *url); /* make a closed store unreadable */
	void (*set_version)(const char *url,
		int v);                        /* pretend another program version has written it */
	void (*make_foreign)(const char *url); /* a store of some other program */
	pid_t (*lock)(const char *url); /* another process that holds it until it is killed */
};

struct suite {
	const struct suite_backend *backend;
	char *dir;
	char *url;
	struct store *s;
};

__attribute__((unused)) static void sqlite_do(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static char *sqlite_url(const char *dir)
{
	return fs_join(dir, "mko.db");
}

static void sqlite_damage(const char *url)
{
	struct stat st;
	char noise[4096];

	assert_int_equal(stat(url, &st), 0);
	FILE *file = fopen(url, "r+be");
	assert_non_null(file);
	memset(noise, 0xa5, sizeof(noise));
	/* keep the header, so that it looks like a database */
	assert_int_equal(fseek(file, 100, SEEK_SET), 0);
	for (long at = 100; at < st.st_size - (long)sizeof(noise); at += (long)sizeof(noise))
		assert_int_equal(fwrite(noise, sizeof(noise), 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void sqlite_set_version(const char *url, int v)
{
	char *sql = mem_printf("PRAGMA user_version = %d", v);

	sqlite_do(url, sql);
	mem_free(sql);
}

static void sqlite_make_foreign(const char *url)
{
	sqlite_do(url, "CREATE TABLE bookmarks (x)");
}

static pid_t sqlite_lock(const char *url)
{
	int ready[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		sqlite3 *db = NULL;
		if (sqlite3_open(url, &db) != SQLITE_OK ||
			sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static const struct suite_backend suite_backends[] = {
	{
		.name = "sqlite",
		.is_file = true,
		.url = sqlite_url,
		.damage = sqlite_damage,
		.set_version = sqlite_set_version,
		.make_foreign = sqlite_make_foreign,
		.lock = sqlite_lock,
	},
};

static int suite_setup(void **state)
{
	struct suite *t = mem_zalloc(sizeof(*t));

	rand_init();
	t->backend = *state;
	t->dir = mem_strdup("/tmp/mko-store-XXXXXX");
	if (mkdtemp(t->dir) == NULL)
		return -1;
	t->url = t->backend->url(t->dir);
	*state = t;
	struct err *e = store_open(t->url, &t->s);
	if (e == NULL)
		return 0;
	print_error("%s\n", err_message(e));
	err_free(e);
	return -1;
}

static int suite_teardown(void **state)
{
	struct suite *t = *state;

	store_close(t->s);
	err_ignore(fs_remove_tree(t->dir)); /* a left-over in /tmp does not fail a test */
	mem_free(t->dir);
	mem_free(t->url);
	mem_free(t);
	return 0;
}

/* Close and open again, as a restart does. */
__attribute__((unused)) static void suite_reopen(struct suite *t)
{
	store_close(t->s);
	t->s = NULL;
	assert_ok(store_open(t->url, &t->s));
}

/* A node "n<i>" with the address 10.0.x.y, not stored. */
__attribute__((unused)) static struct node suite_node(int i)
{
	struct node n;

	record_init(&node_type, &n);
	n.hostname = mem_printf("n%d", i);
	n.ip_address = mem_printf("10.0.%d.%d", i / 256, i % 256);
	n.created_at = n.updated_at = 1000 + i;
	return n;
}

/* Store a node "n<i>"; its id. */
__attribute__((unused)) static int64_t suite_add_node(struct suite *t, int i)
{
	struct node n = suite_node(i);

	assert_ok(store_insert(t->s, &node_type, &n));
	int64_t id = n.id;
	record_done(&node_type, &n);
	return id;
}

__attribute__((unused)) static int64_t suite_add_cluster(struct suite *t, const char *name)
{
	struct cluster c;

	record_init(&cluster_type, &c);
	field_set_text(&c.name, name);
	c.created_at = c.updated_at = 1;
	assert_ok(store_insert(t->s, &cluster_type, &c));
	int64_t id = c.id;
	record_done(&cluster_type, &c);
	return id;
}

__attribute__((unused)) static int64_t suite_add_operation(struct suite *t, const char *type)
{
	struct operation op;

	record_init(&operation_type, &op);
	field_set_text(&op.type, type);
	op.created_at = 1;
	assert_ok(store_insert(t->s, &operation_type, &op));
	int64_t id = op.id;
	record_done(&operation_type, &op);
	return id;
}

__attribute__((unused)) static int64_t suite_count(struct suite *t, const struct record_type *type)
{
	int64_t n = -1;

	assert_ok(store_count(t->s, type, NULL, &n));
	return n;
}

/* One TAP plan for all tests on all backends. */
static int suite_run(const struct CMUnitTest *tests, size_t n_tests)
{
	size_t n = n_tests * ARRAY_LEN(suite_backends);
	struct CMUnitTest *all = mem_zalloc(n * sizeof(*all));

	for (size_t b = 0; b < ARRAY_LEN(suite_backends); b++) {
		for (size_t i = 0; i < n_tests; i++) {
			struct CMUnitTest *one = &all[b * n_tests + i];
			*one = tests[i];
			one->name = mem_printf("%s: %s", suite_backends[b].name, tests[i].name);
			one->initial_state = (void *)(uintptr_t)&suite_backends[b];
		}
	}
	int failed = _cmocka_run_group_tests("store", all, n, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		mem_free((char *)(uintptr_t)all[i].name);
	mem_free(all);
	return failed;
}

#define SUITE_TEST(function) cmocka_unit_test_setup_teardown(function, suite_setup, suite_teardown)
#define SUITE_MAIN(...)                                                                            \
	int main(void)                                                                             \
	{                                                                                          \
		const struct CMUnitTest tests[] = {__VA_ARGS__};                                   \
		return suite_run(tests, sizeof(tests) / sizeof(tests[0]));                         \
	}
