/* Conformance: single rows. Whatever goes in comes out; what cannot be is refused with the right
 * code. */
#include "suite.h"

static void insert_gives_ids_that_are_never_reused(void **state)
{
	struct suite *t = *state;
	int64_t first = suite_add_operation(t, "a.b");
	int64_t second = suite_add_operation(t, "a.b");

	assert_true(first >= 1);
	assert_true(second > first);
	assert_ok(store_delete(t->s, &operation_type, second));
	suite_reopen(t);
	assert_true(suite_add_operation(t, "a.b") > second);
}

static void get_returns_what_was_inserted(void **state)
{
	struct suite *t = *state;
	struct node n = suite_node(1);
	struct node got;

	field_set_text(&n.notes, "line\nÄ 'quoted' \"twice\"; DROP TABLE nodes;--");
	n.memory_bytes = INT64_MAX;
	n.disk_bytes = INT64_MIN + 1;
	n.status = NODE_DEGRADED;
	n.last_seen = INT64_C(1795424159123);
	json_array_append_new(n.tags, json_string("rack 1"));
	assert_ok(store_insert(t->s, &node_type, &n));
	assert_ok(store_get(t->s, &node_type, n.id, &got));
	json_t *a = record_to_json(&node_type, &n);
	json_t *b = record_to_json(&node_type, &got);
	assert_true(json_equal(a, b));
	assert_string_equal(got.notes, n.notes);
	assert_int_equal(got.memory_bytes, INT64_MAX);
	assert_int_equal(got.disk_bytes, INT64_MIN + 1);
	json_decref(a);
	json_decref(b);
	record_done(&node_type, &n);
	record_done(&node_type, &got);
}

static void no_value_and_empty_are_different(void **state)
{
	struct suite *t = *state;
	struct node n = suite_node(1);
	struct node got;

	field_set_text(&n.notes, "");
	assert_ok(store_insert(t->s, &node_type, &n));
	assert_ok(store_get(t->s, &node_type, n.id, &got));
	assert_string_equal(got.notes, "");
	assert_null(got.ssh_key_path);
	assert_int_equal(got.cpu_cores, I64_NONE);
	assert_int_equal(got.cluster_id, I64_NONE);
	assert_int_equal(got.last_seen, I64_NONE);
	assert_int_equal(json_array_size(got.tags), 0);
	record_done(&node_type, &n);
	record_done(&node_type, &got);
}

static void json_and_truth_values_survive(void **state)
{
	struct suite *t = *state;
	struct operation op;
	struct operation got;

	record_init(&operation_type, &op);
	field_set_text(&op.type, "node.test");
	op.created_at = 5;
	op.check_mode = true;
	op.error = json_pack("{s:s, s:[i, b, n], s:{s:f}}", "summary", "a \"b\" ☃", "list", 1, 1,
		"deep", "x", 1.5);
	assert_ok(store_insert(t->s, &operation_type, &op));
	assert_ok(store_get(t->s, &operation_type, op.id, &got));
	assert_true(got.check_mode);
	assert_false(got.cancel_requested);
	assert_true(json_equal(got.error, op.error));
	assert_null(got.result);
	record_done(&operation_type, &op);
	record_done(&operation_type, &got);
}

static void get_of_a_missing_row_says_which(void **state)
{
	struct suite *t = *state;
	struct node got;

	memset(&got, 0x5a, sizeof(got));
	const struct node before = got;
	assert_says(store_get(t->s, &node_type, 7, &got), ERR_NOT_FOUND, "no node 7");
	assert_says(store_get_by(t->s, &node_type, "hostname", "nx", &got), ERR_NOT_FOUND,
		"no node \"nx\"");
	assert_memory_equal(&got, &before, sizeof(got));
}

static void get_by_finds_the_row_with_the_text(void **state)
{
	struct suite *t = *state;
	struct node got;

	suite_add_node(t, 1);
	int64_t id = suite_add_node(t, 2);
	assert_ok(store_get_by(t->s, &node_type, "hostname", "n2", &got));
	assert_int_equal(got.id, id);
	record_done(&node_type, &got);
	assert_fails(store_get_by(t->s, &node_type, "hostname", "n2' OR '1'='1", &got),
		ERR_NOT_FOUND);
	assert_fails(store_get_by(t->s, &node_type, "hostname", "N2", &got), ERR_NOT_FOUND);
}

static void update_writes_all_fields(void **state)
{
	struct suite *t = *state;
	struct node n;
	struct node got;

	assert_ok(store_get(t->s, &node_type, suite_add_node(t, 1), &n));
	field_set_text(&n.hostname, "other");
	field_set_text(&n.notes, NULL);
	n.cpu_cores = 4;
	assert_ok(store_update(t->s, &node_type, &n));
	assert_ok(store_get(t->s, &node_type, n.id, &got));
	assert_string_equal(got.hostname, "other");
	assert_int_equal(got.cpu_cores, 4);
	record_done(&node_type, &got);
	n.id = 99;
	field_set_text(&n.hostname, "third");
	field_set_text(&n.ip_address, "10.9.9.9");
	assert_says(store_update(t->s, &node_type, &n), ERR_NOT_FOUND, "no node 99");
	record_done(&node_type, &n);
}

static void delete_removes_one_row(void **state)
{
	struct suite *t = *state;
	int64_t id = suite_add_node(t, 1);

	suite_add_node(t, 2);
	assert_ok(store_delete(t->s, &node_type, id));
	assert_fails(store_delete(t->s, &node_type, id), ERR_NOT_FOUND);
	assert_int_equal(suite_count(t, &node_type), 1);
}

static void a_taken_unique_value_names_its_field(void **state)
{
	struct suite *t = *state;
	struct node n = suite_node(2);
	const char *message = NULL;

	suite_add_node(t, 1);
	field_set_text(&n.hostname, "n1");
	struct err *e = store_insert(t->s, &node_type, &n);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_EXISTS);
	assert_int_equal(err_field_count(e), 1);
	assert_string_equal(err_field_at(e, 0, &message), "hostname");
	assert_non_null(strstr(err_message(e), "\"n1\""));
	err_free(e);
	assert_int_equal(n.id, I64_NONE);
	field_set_text(&n.hostname, "n2");
	assert_ok(store_insert(t->s, &node_type, &n));
	field_set_text(&n.ip_address, "10.0.0.1");
	e = store_update(t->s, &node_type, &n);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_EXISTS);
	assert_string_equal(err_field_at(e, 0, &message), "ip_address");
	err_free(e);
	record_done(&node_type, &n);
}

static void a_hidden_unique_value_stays_hidden(void **state)
{
	struct suite *t = *state;
	struct token a;

	record_init(&token_type, &a);
	field_set_text(&a.name, "a");
	field_set_text(&a.hash, "5ec2e7");
	a.created_at = 1;
	assert_ok(store_insert(t->s, &token_type, &a));
	field_set_text(&a.name, "b");
	struct err *e = store_insert(t->s, &token_type, &a);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_EXISTS);
	assert_null(strstr(err_message(e), "5ec2e7"));
	err_free(e);
	record_done(&token_type, &a);
}

static void a_key_is_unique_for_each_actor(void **state)
{
	struct suite *t = *state;
	struct idempotency k;

	record_init(&idempotency_type, &k);
	field_set_text(&k.key, "k");
	field_set_text(&k.actor, "ann");
	field_set_text(&k.request_hash, "h");
	k.created_at = 1;
	assert_ok(store_insert(t->s, &idempotency_type, &k));
	assert_fails(store_insert(t->s, &idempotency_type, &k), ERR_EXISTS);
	field_set_text(&k.actor, "bob");
	assert_ok(store_insert(t->s, &idempotency_type, &k));
	record_done(&idempotency_type, &k);
}

static void a_reference_to_a_missing_row_is_refused(void **state)
{
	struct suite *t = *state;
	struct node n = suite_node(1);

	n.cluster_id = 42;
	assert_fails(store_insert(t->s, &node_type, &n), ERR_CONFLICT);
	n.cluster_id = suite_add_cluster(t, "prod");
	assert_ok(store_insert(t->s, &node_type, &n));
	n.cluster_id = 42;
	assert_fails(store_update(t->s, &node_type, &n), ERR_CONFLICT);
	record_done(&node_type, &n);
}

static void a_row_that_others_refer_to_cannot_be_deleted(void **state)
{
	struct suite *t = *state;
	struct node n = suite_node(1);
	int64_t cluster = suite_add_cluster(t, "prod");

	n.cluster_id = cluster;
	assert_ok(store_insert(t->s, &node_type, &n));
	assert_fails(store_delete(t->s, &cluster_type, cluster), ERR_CONFLICT);
	struct store_query q = {0};
	store_where_text(&q, "name", STORE_EQ, "prod");
	assert_fails(store_delete_where(t->s, &cluster_type, &q, NULL), ERR_CONFLICT);
	assert_int_equal(suite_count(t, &cluster_type), 1);
	n.cluster_id = I64_NONE;
	assert_ok(store_update(t->s, &node_type, &n));
	assert_ok(store_delete(t->s, &cluster_type, cluster));
	record_done(&node_type, &n);
}

static void parts_of_an_operation_go_with_it(void **state)
{
	struct suite *t = *state;
	int64_t id = suite_add_operation(t, "node.test");
	struct op_host host;
	struct op_lock lock;

	record_init(&op_host_type, &host);
	field_set_text(&host.hostname, "n1");
	host.operation_id = id;
	host.node_id = suite_add_node(t, 1);
	assert_ok(store_insert(t->s, &op_host_type, &host));
	record_init(&op_lock_type, &lock);
	field_set_text(&lock.resource, "node:1");
	lock.operation_id = id;
	assert_ok(store_insert(t->s, &op_lock_type, &lock));
	/* a removed node leaves its name in the history */
	assert_ok(store_delete(t->s, &node_type, host.node_id));
	record_done(&op_host_type, &host);
	assert_ok(store_get(t->s, &op_host_type, host.id, &host));
	assert_int_equal(host.node_id, I64_NONE);
	assert_ok(store_delete(t->s, &operation_type, id));
	assert_int_equal(suite_count(t, &op_host_type), 0);
	assert_int_equal(suite_count(t, &op_lock_type), 0);
	record_done(&op_host_type, &host);
	record_done(&op_lock_type, &lock);
}

static void a_value_out_of_its_enumeration_is_refused(void **state)
{
	struct suite *t = *state;
	struct node n = suite_node(1);

	n.status = NODE_ERROR + 1;
	assert_fails(store_insert(t->s, &node_type, &n), ERR_INTERNAL);
	n.status = -1;
	assert_fails(store_insert(t->s, &node_type, &n), ERR_INTERNAL);
	n.status = NODE_ERROR;
	assert_ok(store_insert(t->s, &node_type, &n));
	record_done(&node_type, &n);
}

static void large_values_survive(void **state)
{
	struct suite *t = *state;
	struct node n = suite_node(1);
	struct node got;
	const size_t size = (size_t)3 << 20;

	n.notes = mem_zalloc(size + 1);
	memset(n.notes, 'x', size);
	assert_ok(store_insert(t->s, &node_type, &n));
	assert_ok(store_get(t->s, &node_type, n.id, &got));
	assert_int_equal(strlen(got.notes), size);
	record_done(&node_type, &n);
	record_done(&node_type, &got);
}

SUITE_MAIN(SUITE_TEST(insert_gives_ids_that_are_never_reused),
	SUITE_TEST(get_returns_what_was_inserted), SUITE_TEST(no_value_and_empty_are_different),
	SUITE_TEST(json_and_truth_values_survive), SUITE_TEST(get_of_a_missing_row_says_which),
	SUITE_TEST(get_by_finds_the_row_with_the_text), SUITE_TEST(update_writes_all_fields),
	SUITE_TEST(delete_removes_one_row), SUITE_TEST(a_taken_unique_value_names_its_field),
	SUITE_TEST(a_hidden_unique_value_stays_hidden), SUITE_TEST(a_key_is_unique_for_each_actor),
	SUITE_TEST(a_reference_to_a_missing_row_is_refused),
	SUITE_TEST(a_row_that_others_refer_to_cannot_be_deleted),
	SUITE_TEST(parts_of_an_operation_go_with_it),
	SUITE_TEST(a_value_out_of_its_enumeration_is_refused), SUITE_TEST(large_values_survive))
