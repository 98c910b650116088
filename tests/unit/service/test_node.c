/* service/node: the inventory refuses what would break later, says all of it at once, and keeps
 * secrets sealed. */
#include "testing.h"

#include "domain.h"

static json_t *body_of(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	assert_non_null(json);
	return json;
}

static void expect_refused(struct test_domain *d, const char *text, enum err_code code,
	size_t fields)
{
	struct node node;
	json_t *body = body_of(text);
	ok(store_begin(d->svc.store));
	struct err *e = node_create(&d->svc, &test_admin, body, &node);
	store_rollback(d->svc.store);
	json_decref(body);
	assert_non_null(e);
	assert_int_equal(err_code(e), code);
	assert_int_equal(err_field_count(e), fields);
	err_free(e);
}

static void all_wrong_fields_are_reported_at_once(void **state)
{
	struct test_domain *d = *state;
	expect_refused(d,
		"{\"hostname\":\"{{ lookup('pipe','id') }}\",\"ip_address\":\"-oProxyCommand=x\",\"ssh_port\":70000,"
		"\"ssh_user\":\"a b\"}",
		ERR_INVALID, 4);
}

static void a_taken_name_or_address_is_refused(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	expect_refused(d, "{\"hostname\":\"n1\",\"ip_address\":\"127.0.1.9\"}", ERR_EXISTS, 1);
	expect_refused(d, "{\"hostname\":\"n9\",\"ip_address\":\"127.0.1.1\"}", ERR_EXISTS, 1);
	expect_refused(d, "{\"hostname\":\"n1\",\"ip_address\":\"127.0.1.1\"}", ERR_EXISTS, 2);
}

static void a_missing_key_file_or_cluster_is_refused(void **state)
{
	struct test_domain *d = *state;
	expect_refused(d,
		"{\"hostname\":\"n1\",\"ip_address\":\"127.0.1.1\",\"ssh_key_path\":\"/nowhere/id\",\"cluster_id\":99}",
		ERR_INVALID, 2);
	expect_refused(d,
		"{\"hostname\":\"n1\",\"ip_address\":\"127.0.1.1\",\"cluster_id\":\"prod\"}",
		ERR_INVALID, 1);
}

static void a_cluster_may_be_given_by_name(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	int64_t cluster = test_add_cluster(d, "prod", false);
	json_t *body = body_of(
		"{\"hostname\":\"n1\",\"ip_address\":\"127.0.1.1\",\"cluster_id\":\"prod\"}");
	TX(d, node_create(&d->svc, &test_admin, body, &node));
	assert_int_equal(node.cluster_id, cluster);
	json_decref(body);
	record_done(&node_type, &node);
}

static void a_sudo_password_is_sealed_and_never_shown(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	json_t *json = NULL;
	char *plain = NULL;
	json_t *body = body_of(
		"{\"hostname\":\"n1\",\"ip_address\":\"127.0.1.1\",\"sudo_password\":\"hunter2-secret\"}");
	TX(d, node_create(&d->svc, &test_admin, body, &node));
	json_decref(body);
	ok(node_json(&d->svc, &node, &json));
	char *text = json_dumps(json, 0);
	assert_null(strstr(text, "hunter2"));
	assert_null(strstr(text, "become_password"));
	assert_true(json_is_true(json_object_get(json, "has_sudo_password")));
	free(text);
	json_decref(json);
	ok(seal_open_text(d->svc.key, node.become_password, &plain));
	assert_string_equal(plain, "hunter2-secret");
	seal_wipe_free(plain);
	record_done(&node_type, &node);
}

static void a_new_address_forgets_the_host_key(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	test_add_node(d, 1, 0);
	json_t *body = body_of("{\"notes\":\"attic\"}");
	TX(d, node_edit(&d->svc, &test_admin, "n1", body, &node));
	assert_non_null(node.host_key);
	record_done(&node_type, &node);
	json_decref(body);
	body = body_of("{\"ip_address\":\"127.0.1.77\"}");
	TX(d, node_edit(&d->svc, &test_admin, "n1", body, &node));
	assert_null(node.host_key);
	record_done(&node_type, &node);
	json_decref(body);
}

static void a_running_member_is_removed_only_by_force(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	int64_t cluster = test_add_cluster(d, "prod", false);
	test_add_node(d, 1, cluster);
	ok(node_find(&d->svc, "n1", &node));
	node.microk8s_status = MICROK8S_RUNNING;
	TX(d, store_update(d->svc.store, &node_type, &node));
	record_done(&node_type, &node);
	TX_FAILS(d, node_remove(&d->svc, &test_admin, "n1", false), ERR_PRECONDITION);
	TX(d, node_remove(&d->svc, &test_admin, "n1", true));
	TX_FAILS(d, node_remove(&d->svc, &test_admin, "n1", true), ERR_NOT_FOUND);
}

static void the_inventory_follows_ansibles_protocol(void **state)
{
	struct test_domain *d = *state;
	json_t *json = NULL;
	int64_t cluster = test_add_cluster(d, "my-prod.1", false);
	test_add_node(d, 1, cluster);
	test_add_node(d, 2, 0);
	ok(node_inventory(&d->svc, &json));
	const json_t *vars =
		json_object_get(json_object_get(json_object_get(json, "_meta"), "hostvars"), "n1");
	assert_string_equal(json_string_value(json_object_get(vars, "ansible_host")), "127.0.1.1");
	assert_int_equal(json_array_size(json_object_get(json_object_get(json, "cluster_my_prod_1"),
				 "hosts")),
		1);
	assert_int_equal(json_array_size(json_object_get(json_object_get(json, "mko_targets"),
				 "hosts")),
		2);
	json_decref(json);
}

TEST_MAIN(DOMAIN_TEST(all_wrong_fields_are_reported_at_once),
	DOMAIN_TEST(a_taken_name_or_address_is_refused),
	DOMAIN_TEST(a_missing_key_file_or_cluster_is_refused),
	DOMAIN_TEST(a_cluster_may_be_given_by_name),
	DOMAIN_TEST(a_sudo_password_is_sealed_and_never_shown),
	DOMAIN_TEST(a_new_address_forgets_the_host_key),
	DOMAIN_TEST(a_running_member_is_removed_only_by_force),
	DOMAIN_TEST(the_inventory_follows_ansibles_protocol))
