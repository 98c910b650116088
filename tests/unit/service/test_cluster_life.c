/* Operations on a running cluster: who takes part, what is refused before anything is done, and how
 * far an upgrade came. Nothing is run: plans and finishes are called as the engine calls them. */
#include "testing.h"

#include "base/str.h"
#include "domain.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

/* A cluster that was scanned: n1 to n3 control planes, n4 and n5 workers, n6 in no cluster. */
static int make(void **state)
{
	struct cluster c;
	int rc = test_domain_make(state);
	struct test_domain *d = *state;
	int64_t id = test_add_cluster(d, "prod", true);

	for (int i = 1; i <= 6; i++) {
		struct node n;
		ok(store_get(d->svc.store, &node_type, test_add_node(d, i, i < 6 ? id : 0), &n));
		n.role = i <= 3 ? NODE_ROLE_CONTROL_PLANE
			: i < 6 ? NODE_ROLE_WORKER
				: NODE_ROLE_NONE;
		n.microk8s_status = MICROK8S_RUNNING;
		field_set_text(&n.microk8s_version, i < 6 ? "v1.32.9" : NULL);
		field_set_text(&n.channel, "1.32/stable");
		TX(d, store_update(d->svc.store, &node_type, &n));
		record_done(&node_type, &n);
	}
	ok(cluster_find(&d->svc, "prod", &c));
	c.scanned_at = 1;
	field_set_text(&c.channel, "1.32/stable");
	c.scan = json_loads("{\"dqlite\":[{\"address\":\"127.0.1.1:19001\",\"role\":\"voter\"},"
			    "{\"address\":\"127.0.1.2:19001\",\"role\":\"voter\"},"
			    "{\"address\":\"127.0.1.3:19001\",\"role\":\"voter\"}]}",
		0, NULL);
	TX(d, store_update(d->svc.store, &cluster_type, &c));
	record_done(&cluster_type, &c);
	return rc;
}

#define LIFE_TEST(name) cmocka_unit_test_setup_teardown(name, make, test_domain_drop)

static struct err *look(struct test_domain *d, const char *type, const char *params, json_t **ret)
{
	json_t *json = json_loads(params, 0, NULL);
	const struct op_request req = {.type = type, .target = "prod", .params = json};
	struct operation op;

	ok(store_begin(d->svc.store));
	struct err *e = op_preview(&d->svc, &test_admin, &req, ret);
	if (e == NULL) { /* a preview tells what the guard would say; a submit refuses */
		e = op_submit(&d->svc, &test_admin, &req, &op);
		if (e == NULL)
			record_done(&operation_type, &op);
		else
			json_decref(*ret);
	}
	store_rollback(d->svc.store);
	json_decref(json);
	return e;
}

static void expect_hosts(struct test_domain *d, const char *type, const char *params,
	const char *want)
{
	struct str got = STR_INIT;
	json_t *plan = NULL;
	size_t i;
	const json_t *host;

	ok(look(d, type, params, &plan));
	json_array_foreach(json_object_get(plan, "hosts"), i, host)
		str_addf(&got, "%s=%s ", json_string_value(json_object_get(host, "hostname")),
			json_string_value(json_object_get(host, "role")));
	assert_string_equal(str_get(&got), want);
	str_done(&got);
	json_decref(plan);
}

static void refused(struct test_domain *d, const char *type, const char *params, enum err_code code)
{
	json_t *plan = NULL;

	expect_code(look(d, type, params, &plan), code);
}

#define PLANES "n1=control_plane n2=control_plane n3=control_plane "

static void a_join_touches_the_control_planes_and_the_new_node_only(void **state)
{
	struct test_domain *d = *state;

	expect_hosts(d, "cluster.join", "{\"nodes\":[\"n6\"]}", PLANES "n6=worker ");
	expect_hosts(d, "cluster.join", "{\"nodes\":[6],\"role\":\"control_plane\"}",
		PLANES "n6=control_plane ");
	refused(d, "cluster.join", "{\"nodes\":[]}", ERR_INVALID);
	refused(d, "cluster.join", "{\"nodes\":\"n6\"}", ERR_INVALID);
	refused(d, "cluster.join", "{\"nodes\":[\"n6\"],\"role\":\"king\"}", ERR_INVALID);
	refused(d, "cluster.join", "{\"nodes\":[\"nobody\"]}", ERR_NOT_FOUND);
}

/* The names that an operation on the target would write into /etc/hosts. Owned. */
static char *names_written(struct test_domain *d, const char *type, const char *target,
	const char *params)
{
	json_t *json = json_loads(params, 0, NULL);
	const struct op_request req = {.type = type, .target = target, .params = json};
	struct str names = STR_INIT;
	json_t *plan = NULL;
	const json_t *one = NULL;
	size_t i = 0;

	ok(store_begin(d->svc.store));
	ok(op_preview(&d->svc, &test_admin, &req, &plan));
	store_rollback(d->svc.store);
	json_array_foreach(json_object_get(json_object_get(plan, "vars"), "mko_hosts_entries"), i,
		one)
		str_addf(&names, "%s ", json_string_value(json_object_get(one, "hostname")));
	json_decref(plan);
	json_decref(json);
	return str_take(&names);
}

static void a_node_learns_the_names_of_its_whole_cluster_whoever_takes_part(void **state)
{
	struct test_domain *d = *state;
	static const struct {
		const char *type, *target, *params, *names;
	} cases[] = {
		{"node.prepare", "n1", "{}", "n1 n2 n3 n4 n5 "},
		{"node.install", "n6", "{}", "n6 "},
		{"cluster.join", "prod", "{\"nodes\":[\"n6\"]}", "n1 n2 n3 n4 n5 n6 "},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *names = names_written(d, cases[i].type, cases[i].target, cases[i].params);
		assert_string_equal(names, cases[i].names);
		mem_free(names);
	}
}

static void nodes_leave_unless_the_cluster_would_not_survive_it(void **state)
{
	struct test_domain *d = *state;

	expect_hosts(d, "cluster.leave", "{\"nodes\":[\"n5\"]}", PLANES "n5=worker ");
	refused(d, "cluster.leave", "{\"nodes\":[\"n3\"]}", ERR_PRECONDITION);
	expect_hosts(d, "cluster.leave", "{\"nodes\":[\"n3\"],\"allow_quorum_loss\":true}", PLANES);
	refused(d, "cluster.leave", "{\"nodes\":[\"n1\",\"n2\",\"n3\"],\"allow_quorum_loss\":true}",
		ERR_PRECONDITION);
}

static void a_node_is_replaced_in_its_role_by_another_one(void **state)
{
	struct test_domain *d = *state;

	expect_hosts(d, "cluster.replace", "{\"old\":\"n3\",\"nodes\":[\"n6\"]}",
		PLANES "n6=control_plane ");
	expect_hosts(d, "cluster.replace", "{\"old\":\"n5\",\"nodes\":[\"n6\"]}",
		PLANES "n5=worker n6=worker ");
	refused(d, "cluster.replace", "{\"old\":\"n6\",\"nodes\":[\"n6\"]}", ERR_PRECONDITION);
	refused(d, "cluster.replace", "{\"old\":\"n5\",\"nodes\":[\"n5\"]}", ERR_INVALID);
}

static void only_members_outside_of_the_inventory_are_forgotten(void **state)
{
	struct test_domain *d = *state;

	expect_hosts(d, "cluster.forget", "{\"member\":\"192.0.2.9\"}", PLANES);
	refused(d, "cluster.forget", "{\"member\":\"n5\"}", ERR_PRECONDITION);
	refused(d, "cluster.forget", "{\"member\":\"127.0.1.5\"}", ERR_PRECONDITION);
	refused(d, "cluster.forget", "{\"member\":\"; reboot\"}", ERR_INVALID);
}

static void an_upgrade_goes_one_version_up(void **state)
{
	static const struct {
		const char *params;
		enum err_code code;
	} bad[] = {
		{"{\"to\":\"1.34\"}", ERR_PRECONDITION},
		{"{\"to\":\"1.31/stable\"}", ERR_PRECONDITION},
		{"{\"to\":\"latest/stable\"}", ERR_INVALID},
		{"{\"to\":\"1.33x\"}", ERR_INVALID},
		{"{\"to\":\"\"}", ERR_INVALID},
		{"{}", ERR_INVALID},
		{"{\"resume\":true}", ERR_PRECONDITION},
		{"{\"resume\":true,\"to\":\"1.33\"}", ERR_INVALID},
	};
	struct test_domain *d = *state;

	expect_hosts(d, "cluster.upgrade", "{\"to\":\"1.33\"}", PLANES "n4=worker n5=worker ");
	expect_hosts(d, "cluster.upgrade", "{\"to\":\"1.33/candidate\"}",
		PLANES "n4=worker n5=worker ");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused(d, "cluster.upgrade", bad[i].params, bad[i].code);
	refused(d, "cluster.upgrade_abort", "{}", ERR_PRECONDITION);
}

/* Let an upgrade end as the engine does. @done_to channel of n1 by then */
static struct cluster end(struct test_domain *d, const char *params, const char *done_to,
	int64_t status)
{
	struct node n;
	struct op_run run;
	struct cluster c;
	struct operation op;
	json_t *json = json_loads(params, 0, NULL);
	const struct op_request req = {.type = "cluster.upgrade", .target = "prod", .params = json};

	TX(d, op_submit(&d->svc, &test_admin, &req, &op));
	ok(store_get_by(d->svc.store, &node_type, "hostname", "n1", &n));
	field_set_text(&n.channel, done_to);
	TX(d, store_update(d->svc.store, &node_type, &n));
	record_done(&node_type, &n);
	ok(op_run_open(&d->svc, &op, NULL, &run));
	op.status = status;
	TX(d, run.type->finish(&d->svc, &run));
	op_run_close(&run);
	record_done(&operation_type, &op);
	json_decref(json);
	ok(cluster_find(&d->svc, "prod", &c));
	return c;
}

static const char *word(const struct cluster *c, const char *key)
{
	return json_string_value(json_object_get(c->upgrade, key));
}

static void an_upgrade_that_was_halted_can_only_be_resumed_or_given_up(void **state)
{
	struct test_domain *d = *state;
	struct cluster c = end(d, "{\"to\":\"1.33\",\"worker_batch\":2}", "1.33/stable", OP_FAILED);

	assert_string_equal(word(&c, "status"), "halted");
	assert_string_equal(word(&c, "channel"), "1.33/stable");
	assert_string_equal(c.channel, "1.32/stable");
	record_done(&cluster_type, &c);
	refused(d, "cluster.upgrade", "{\"to\":\"1.33\"}", ERR_PRECONDITION);
	json_t *plan = NULL;
	ok(look(d, "cluster.upgrade", "{\"resume\":true}", &plan));
	const json_t *vars = json_object_get(plan, "vars");
	assert_string_equal(json_string_value(json_object_get(vars, "mko_channel")), "1.33/stable");
	assert_int_equal(json_integer_value(json_object_get(vars, "mko_worker_batch")), 2);
	json_decref(plan);
	ok(look(d, "cluster.upgrade_abort", "{}", &plan));
	json_decref(plan);
}

static void an_upgrade_that_was_refused_leaves_nothing_to_resume(void **state)
{
	struct test_domain *d = *state;
	struct cluster c = end(d, "{\"to\":\"1.33\"}", "1.32/stable", OP_FAILED);

	assert_null(c.upgrade);
	record_done(&cluster_type, &c);
}

TEST_MAIN(LIFE_TEST(a_join_touches_the_control_planes_and_the_new_node_only),
	LIFE_TEST(a_node_learns_the_names_of_its_whole_cluster_whoever_takes_part),
	LIFE_TEST(nodes_leave_unless_the_cluster_would_not_survive_it),
	LIFE_TEST(a_node_is_replaced_in_its_role_by_another_one),
	LIFE_TEST(only_members_outside_of_the_inventory_are_forgotten),
	LIFE_TEST(an_upgrade_goes_one_version_up),
	LIFE_TEST(an_upgrade_that_was_halted_can_only_be_resumed_or_given_up),
	LIFE_TEST(an_upgrade_that_was_refused_leaves_nothing_to_resume))
