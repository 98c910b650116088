/* Members that a scan shows and the inventory does not have: named, or adopted, or told why not. */
#include "testing.h"

#include "domain.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

#define NODE(NAME, ADDRESS, ROLE)                                                                  \
	"{\"name\":\"" NAME "\",\"address\":\"" ADDRESS "\",\"role\":\"" ROLE                      \
	"\",\"ready\":true,\"version\":\"v1.32.9\"}"
#define SCAN(NODES)                                                                                                          \
	"{\"cluster\":{\"nodes\":[" NODE("n1", "127.0.1.1",                                                                  \
		"control_plane") "," NODES                                                                                   \
				 "],\"high_availability\":true,\"network_cidr\":\"10.3.0.0/16\",\"service_cidr\":\"what?\"," \
				 "\"addons\":[{\"name\":\"dns\",\"status\":\"enabled\"},{\"name\":\"helm3\",\"status\":"     \
				 "\"enabled\"},{\"name\":\"rbac\",\"status\":\"disabled\"},"                                 \
				 "{\"name\":\"ingress\",\"status\":\"enabled\"}]}}"

/* n1 is in cluster prod and tells of it. */
static int make(void **state)
{
	struct node n;
	int rc = test_domain_make(state);
	struct test_domain *d = *state;
	int64_t id = test_add_node(d, 1, test_add_cluster(d, "prod", false));

	ok(store_get(d->svc.store, &node_type, id, &n));
	n.role = NODE_ROLE_CONTROL_PLANE;
	n.ssh_port = 2222;
	field_set_text(&n.ssh_user, "pi");
	n.become_password = seal_text(d->svc.key, "sesame");
	field_set_text(&n.channel, "1.32/stable");
	TX(d, store_update(d->svc.store, &node_type, &n));
	record_done(&node_type, &n);
	return rc;
}

#define ADOPT_TEST(name) cmocka_unit_test_setup_teardown(name, make, test_domain_drop)

/* An operation's results are taken in: the same scan `times` times, as its host reports more. */
static void scanned(struct test_domain *d, const char *params, const char *data, int times)
{
	struct operation op;
	struct op_run run;
	json_t *given = json_loads(params, 0, NULL);
	json_t *json = json_loads(data, 0, NULL);
	const struct op_request req = {.type = "cluster.scan", .target = "prod", .params = given};

	assert_non_null(json);
	TX(d, op_submit(&d->svc, &test_admin, &req, &op));
	op.started_at = clock_utc(&d->clock);
	for (int i = 0; i < times; i++) {
		ok(op_run_open(&d->svc, &op, NULL, &run));
		TX(d, cluster_state_host(&d->svc, &run, op_run_node(&run, "n1"), json));
		op_run_close(&run);
	}
	json_decref(given);
	json_decref(json);
	record_done(&operation_type, &op);
}

static void expect_scan(struct test_domain *d, const char *key, const char *want)
{
	struct cluster c;
	size_t i;
	json_t *item;
	struct str got = STR_INIT;

	ok(cluster_find(&d->svc, "prod", &c));
	json_array_foreach(json_object_get(c.scan, key), i, item) {
		const char *why = json_string_value(json_object_get(item, "why"));
		const json_t *name = json_is_string(item) ? item : json_object_get(item, "name");
		str_addf(&got, "%s%s", i > 0 ? "; " : "",
			name != NULL ? json_string_value(name) : "?");
		str_addf(&got, "%s%s", why != NULL ? ": " : "", why != NULL ? why : "");
	}
	assert_string_equal(str_get(&got), want);
	str_done(&got);
	record_done(&cluster_type, &c);
}

static int64_t nodes(struct test_domain *d)
{
	int64_t n = 0;

	ok(store_count(d->svc.store, &node_type, NULL, &n));
	return n;
}

static void unknown_members_are_named_and_left_alone(void **state)
{
	struct test_domain *d = *state;

	scanned(d, "{}", SCAN(NODE("n2", "127.0.1.2", "worker")), 1);
	expect_scan(d, "unknown", "n2");
	expect_scan(d, "adopted", "");
	assert_int_equal(nodes(d), 1);
}

static void a_member_is_adopted_once_and_reached_as_the_one_that_told(void **state)
{
	struct test_domain *d = *state;
	struct node n;
	char *password = NULL;

	scanned(d, "{\"adopt\":true}", SCAN(NODE("n2", "127.0.1.2", "worker")), 3);
	expect_scan(d, "unknown", "");
	expect_scan(d, "adopted", "n2");
	assert_int_equal(nodes(d), 2);
	ok(store_get_by(d->svc.store, &node_type, "hostname", "n2", &n));
	assert_string_equal(n.ip_address, "127.0.1.2");
	assert_string_equal(n.ssh_user, "pi");
	assert_int_equal(n.ssh_port, 2222);
	ok(seal_open_text(d->svc.key, n.become_password, &password));
	assert_string_equal(password, "sesame");
	mem_free(password);
	assert_int_equal(n.role, NODE_ROLE_WORKER);
	assert_int_equal(n.cluster_id, 1);
	assert_null(n.host_key); /* its own is learned at the first contact */
	record_done(&node_type, &n);

	d->clock.fake_ms += 1000;
	scanned(d, "{\"adopt\":true}", SCAN(NODE("n2", "127.0.1.2", "worker")), 1);
	expect_scan(d, "adopted", "");
}

static void settings_become_what_the_cluster_is(void **state)
{
	struct test_domain *d = *state;
	struct cluster c;

	scanned(d, "{\"adopt\":true}", SCAN(NODE("n2", "127.0.1.2", "worker")), 1);
	ok(cluster_find(&d->svc, "prod", &c));
	assert_string_equal(c.network_cidr, "10.3.0.0/16");
	assert_string_equal(c.service_cidr, "10.152.183.0/24"); /* nonsense is not taken over */
	assert_string_equal(c.channel, "1.32/stable");
	assert_true(c.ha_enabled);
	assert_int_equal(json_array_size(c.addons), 2);
	record_done(&cluster_type, &c);
}

static void what_cannot_be_adopted_is_told_with_the_reason(void **state)
{
	struct test_domain *d = *state;
	int64_t other = test_add_cluster(d, "other", false);

	test_add_node(d, 3, other);
	test_add_node(d, 4, 0);
	test_add_node(d, 5, 0);
	scanned(d, "{\"adopt\":true}",
		SCAN(NODE("n3", "127.0.1.3", "worker") "," NODE("n4", "127.0.1.99",
			"worker") "," NODE("n5", "127.0.1.5", "worker") "," NODE("../x",
			"127.0.1.6", "worker") ",{\"address\":\"127.0.1.8\"}"),
		1);
	expect_scan(d, "adopted", "n5");
	expect_scan(d, "unknown",
		"n3: the inventory has it in another cluster; n4: the inventory has it with the address 127.0.1.4; "
		"../x: hostname only lower-case letters, digits, '-' and '.' are allowed (RFC 1123); ?: it has no name");
	assert_int_equal(nodes(d), 4);
}

TEST_MAIN(ADOPT_TEST(unknown_members_are_named_and_left_alone),
	ADOPT_TEST(a_member_is_adopted_once_and_reached_as_the_one_that_told),
	ADOPT_TEST(settings_become_what_the_cluster_is),
	ADOPT_TEST(what_cannot_be_adopted_is_told_with_the_reason))
