/* Conformance: transactions, savepoints, durability, versions. */
#include "suite.h"

#include <sys/syscall.h>

/* The store's library calls these of ours instead of libc's: how often the disk was asked to
 * confirm. */
static int syncs;

int fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fsync, fd);
}

static void commit_keeps_and_rollback_undoes(void **state)
{
	struct suite *t = *state;

	assert_ok(store_begin(t->s));
	suite_add_node(t, 1);
	assert_ok(store_commit(t->s));
	assert_ok(store_begin(t->s));
	suite_add_node(t, 2);
	assert_int_equal(suite_count(t, &node_type), 2);
	store_rollback(t->s);
	assert_int_equal(suite_count(t, &node_type), 1);
	suite_reopen(t);
	assert_int_equal(suite_count(t, &node_type), 1);
}

static void closing_undoes_an_open_transaction(void **state)
{
	struct suite *t = *state;

	assert_ok(store_begin(t->s));
	suite_add_node(t, 1);
	suite_reopen(t);
	assert_int_equal(suite_count(t, &node_type), 0);
}

static void savepoints_are_kept_or_undone_one_by_one(void **state)
{
	struct suite *t = *state;

	assert_ok(store_begin(t->s));
	for (int i = 1; i <= 4; i++) {
		assert_ok(store_savepoint(t->s));
		suite_add_node(t, i);
		assert_ok(store_release(t->s, i % 2 == 0));
	}
	assert_ok(store_commit(t->s));
	struct store_rows rows;
	assert_ok(store_list(t->s, &node_type, NULL, &rows));
	assert_int_equal(rows.n, 2);
	assert_string_equal(((struct node *)store_row(&rows, 0))->hostname, "n2");
	assert_string_equal(((struct node *)store_row(&rows, 1))->hostname, "n4");
	store_rows_done(&rows);
}

static void an_error_in_a_job_leaves_the_batch_whole(void **state)
{
	struct suite *t = *state;

	assert_ok(store_begin(t->s));
	assert_ok(store_savepoint(t->s));
	suite_add_node(t, 1);
	assert_ok(store_release(t->s, true));
	assert_ok(store_savepoint(t->s));
	suite_add_node(t, 2);
	struct node twice = suite_node(1);
	assert_fails(store_insert(t->s, &node_type, &twice), ERR_EXISTS);
	record_done(&node_type, &twice);
	assert_ok(store_release(t->s, false));
	assert_ok(store_savepoint(t->s));
	suite_add_node(t, 3);
	assert_ok(store_release(t->s, true));
	assert_ok(store_commit(t->s));
	assert_int_equal(suite_count(t, &node_type), 2);
}

static void savepoints_nest(void **state)
{
	struct suite *t = *state;

	assert_ok(store_begin(t->s));
	assert_ok(store_savepoint(t->s));
	suite_add_node(t, 1);
	assert_ok(store_savepoint(t->s));
	suite_add_node(t, 2);
	assert_ok(store_release(t->s, false));
	assert_ok(store_release(t->s, true));
	assert_ok(store_commit(t->s));
	assert_int_equal(suite_count(t, &node_type), 1);
}

/* Syncs of one transaction with n rows. */
static int syncs_of(struct suite *t, int first, bool full, bool write)
{
	syncs = 0;
	assert_ok(store_begin(t->s));
	if (write)
		suite_add_node(t, first);
	if (full)
		store_want(t->s, STORE_FULL);
	store_want(t->s, STORE_NORMAL); /* the strongest wins */
	if (write)
		suite_add_node(t, first + 1);
	assert_ok(store_commit(t->s));
	return syncs;
}

static void a_full_commit_is_on_disk_and_a_normal_one_is_quick(void **state)
{
	struct suite *t = *state;

	if (!t->backend->is_file)
		skip();
	(void)syncs_of(t, 1, true, true); /* the first one also makes the log */
	assert_int_equal(syncs_of(t, 3, false, true), 0);
	assert_int_equal(syncs_of(t, 5, true, true), 1);
	assert_int_equal(syncs_of(t, 7, false, true), 0);
	/* nothing was written: nothing to wait for */
	assert_int_equal(syncs_of(t, 9, true, false), 0);
}

static void a_write_outside_a_transaction_is_durable(void **state)
{
	struct suite *t = *state;

	suite_add_node(t, 1);
	if (t->backend->is_file) {
		syncs = 0;
		suite_add_node(t, 2);
		assert_int_equal(syncs, 1);
	}
	struct node twice = suite_node(1);
	assert_fails(store_insert(t->s, &node_type, &twice), ERR_EXISTS);
	record_done(&node_type, &twice);
	/* the failed one has left no transaction open */
	assert_ok(store_begin(t->s));
	assert_ok(store_commit(t->s));
}

/* The process is gone between two statements: nothing of the transaction is left, all of the
 * earlier ones is. */
static void a_killed_process_loses_only_what_was_not_committed(void **state)
{
	struct suite *t = *state;

	store_close(t->s);
	t->s = NULL;
	pid_t pid = fork();
	if (pid == 0) {
		struct store *s = NULL;
		struct node n = suite_node(1);
		bool good = store_open(t->url, &s) == NULL && store_begin(s) == NULL &&
			store_insert(s, &node_type, &n) == NULL && store_commit(s) == NULL;
		struct node m = suite_node(2);
		good = good && store_begin(s) == NULL && store_insert(s, &node_type, &m) == NULL;
		_exit(good ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_ok(store_open(t->url, &t->s));
	assert_int_equal(suite_count(t, &node_type), 1);
	assert_ok(store_check(t->s));
}

static int64_t version(struct suite *t, const struct record_type *type)
{
	int64_t v = 0;

	assert_ok(store_table_version(t->s, type, &v));
	return v;
}

static void the_version_of_a_table_changes_with_it(void **state)
{
	struct suite *t = *state;
	struct node n;
	int64_t nodes = version(t, &node_type);
	int64_t clusters = version(t, &cluster_type);

	assert_int_equal(version(t, &node_type), nodes);
	int64_t id = suite_add_node(t, 1);
	assert_int_not_equal(version(t, &node_type), nodes);
	assert_int_equal(version(t, &cluster_type), clusters);
	nodes = version(t, &node_type);
	assert_ok(store_get(t->s, &node_type, id, &n));
	assert_int_equal(version(t, &node_type), nodes);
	assert_ok(store_update(t->s, &node_type, &n));
	record_done(&node_type, &n);
	assert_int_not_equal(version(t, &node_type), nodes);
	nodes = version(t, &node_type);
	struct store_query all = {0};
	assert_ok(store_delete_where(t->s, &node_type, &all, NULL));
	assert_int_not_equal(version(t, &node_type), nodes);
}

static void the_version_also_changes_through_references(void **state)
{
	struct suite *t = *state;
	struct op_host host;
	int64_t id = suite_add_operation(t, "node.test");

	record_init(&op_host_type, &host);
	field_set_text(&host.hostname, "n1");
	host.operation_id = id;
	assert_ok(store_insert(t->s, &op_host_type, &host));
	record_done(&op_host_type, &host);
	int64_t before = version(t, &op_host_type);
	assert_ok(store_delete(t->s, &operation_type, id));
	assert_int_not_equal(version(t, &op_host_type), before);
}

static void the_version_changes_by_another_connection_too(void **state)
{
	struct suite *t = *state;
	struct store *other = NULL;
	int64_t before = version(t, &node_type);
	struct node n = suite_node(1);

	assert_ok(store_open(t->url, &other));
	assert_ok(store_insert(other, &node_type, &n));
	record_done(&node_type, &n);
	store_close(other);
	assert_int_not_equal(version(t, &node_type), before);
	assert_int_equal(suite_count(t, &node_type), 1);
}

/* A reader in the batch must not remember the old version together with new content, nor the other
 * way round. */
static void a_version_seen_in_a_transaction_is_never_given_twice(void **state)
{
	struct suite *t = *state;

	assert_ok(store_begin(t->s));
	suite_add_node(t, 1);
	int64_t inside = version(t, &node_type);
	store_rollback(t->s);
	suite_add_node(t, 2);
	assert_int_not_equal(version(t, &node_type), inside);
}

static void a_transaction_that_reads_may_write_after_all(void **state)
{
	struct suite *t = *state;

	assert_ok(store_begin_read(t->s));
	suite_add_node(t, 1);
	assert_ok(store_commit(t->s));
	assert_ok(store_begin_read(t->s));
	suite_add_node(t, 2);
	store_rollback(t->s);
	assert_int_equal(suite_count(t, &node_type), 1);
}

SUITE_MAIN(SUITE_TEST(commit_keeps_and_rollback_undoes),
	SUITE_TEST(a_transaction_that_reads_may_write_after_all),
	SUITE_TEST(closing_undoes_an_open_transaction),
	SUITE_TEST(savepoints_are_kept_or_undone_one_by_one),
	SUITE_TEST(an_error_in_a_job_leaves_the_batch_whole), SUITE_TEST(savepoints_nest),
	SUITE_TEST(a_full_commit_is_on_disk_and_a_normal_one_is_quick),
	SUITE_TEST(a_write_outside_a_transaction_is_durable),
	SUITE_TEST(a_killed_process_loses_only_what_was_not_committed),
	SUITE_TEST(the_version_of_a_table_changes_with_it),
	SUITE_TEST(the_version_also_changes_through_references),
	SUITE_TEST(the_version_changes_by_another_connection_too),
	SUITE_TEST(a_version_seen_in_a_transaction_is_never_given_twice))
