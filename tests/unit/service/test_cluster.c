/* service/cluster and the cluster operations: roles are decided by mko, and the state is what the
 * control planes said. */
#include "testing.h"

#include "base/str.h"
#include "domain.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

static json_t *preview(struct test_domain *d, const char *type, const char *target)
{
	json_t *json = NULL;
	const struct op_request req = {.type = type, .target = target};
	ok(store_begin(d->svc.store));
	ok(op_preview(&d->svc, &test_admin, &req, &json));
	store_rollback(d->svc.store);
	return json;
}

static void expect_roles(const json_t *plan, const char *want)
{
	struct str got = STR_INIT;
	size_t i;
	const json_t *host;
	json_array_foreach(json_object_get(plan, "hosts"), i, host)
		str_addf(&got, "%s=%s ", json_string_value(json_object_get(host, "hostname")),
			json_string_value(json_object_get(host, "role")));
	assert_string_equal(str_get(&got), want);
	str_done(&got);
}

static void set_role(struct test_domain *d, const char *name, const char *role)
{
	struct node node;
	json_t *body = json_pack("{s:s}", "role", role);
	TX(d, node_edit(&d->svc, &test_admin, name, body, &node));
	json_decref(body);
	record_done(&node_type, &node);
}

static void the_first_three_nodes_of_an_ha_cluster_are_control_planes(void **state)
{
	struct test_domain *d = *state;
	int64_t c = test_add_cluster(d, "prod", true);
	for (int i = 1; i <= 4; i++)
		test_add_node(d, i, c);
	json_t *plan = preview(d, "cluster.setup", "prod");
	expect_roles(plan, "n1=control_plane n2=control_plane n3=control_plane n4=worker ");
	json_decref(plan);
}

static void what_the_user_said_counts_first(void **state)
{
	struct test_domain *d = *state;
	int64_t c = test_add_cluster(d, "prod", true);
	for (int i = 1; i <= 4; i++)
		test_add_node(d, i, c);
	set_role(d, "n1", "worker");
	json_t *plan = preview(d, "cluster.setup", "prod");
	expect_roles(plan, "n2=control_plane n3=control_plane n4=control_plane n1=worker ");
	json_decref(plan);
}

static void without_ha_the_first_node_is_the_only_control_plane(void **state)
{
	struct test_domain *d = *state;
	int64_t c = test_add_cluster(d, "small", false);
	test_add_node(d, 1, c);
	test_add_node(d, 2, c);
	json_t *plan = preview(d, "cluster.setup", "small");
	expect_roles(plan, "n1=control_plane n2=worker ");
	json_decref(plan);
}

static void a_setup_that_cannot_become_what_was_asked_is_refused(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	const struct op_request req = {.type = "cluster.setup", .target = "prod"};
	int64_t c = test_add_cluster(d, "prod", true);
	TX_FAILS(d, op_submit(&d->svc, &test_admin, &req, &op), ERR_PRECONDITION); /* no nodes */
	test_add_node(d, 1, c);
	test_add_node(d, 2, c);
	TX_FAILS(d, op_submit(&d->svc, &test_admin, &req, &op),
		ERR_PRECONDITION); /* two of three */
}

static void a_preview_shows_the_command_and_masks_secrets(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	int64_t c = test_add_cluster(d, "small", false);
	test_add_node(d, 1, c);
	json_t *body = json_pack("{s:s}", "sudo_password", "hunter2-secret");
	TX(d, node_edit(&d->svc, &test_admin, "n1", body, &node));
	record_done(&node_type, &node);
	json_decref(body);
	json_t *plan = preview(d, "cluster.setup", "small");
	char *text = json_dumps(plan, 0);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "mko.microk8s.setup_cluster"));
	assert_non_null(strstr(text, "cluster:1"));
	free(text);
	json_decref(plan);
}

/* Runs a scan's result through the state, as if a host had given it; returns the stored cluster. */
static struct cluster take(struct test_domain *d, const char *scan)
{
	struct operation op;
	struct op_run run;
	struct cluster c;
	json_t *data = json_pack("{s:o}", "cluster", json_loads(scan, 0, NULL));
	record_init(&operation_type, &op);
	op.id = 0;
	field_set_text(&op.type, "cluster.scan");
	op.target_kind = OP_TARGET_CLUSTER;
	op.target_id = 1;
	ok(op_run_open(&d->svc, &op, NULL, &run));
	TX(d, cluster_state_host(&d->svc, &run, &run.nodes[0], data));
	op_run_close(&run);
	record_done(&operation_type, &op);
	json_decref(data);
	ok(cluster_find(&d->svc, "1", &c));
	return c;
}

#define NODE(name, ready, role) "{\"name\":\"" name "\",\"ready\":" ready ",\"role\":\"" role "\"}"
#define VOTER(n, alive) "{\"id\":" #n ",\"role\":\"voter\",\"alive\":" alive "}"

static void status_follows_from_what_the_control_planes_said(void **state)
{
	struct test_domain *d = *state;
	int64_t id = test_add_cluster(d, "prod", true);
	for (int i = 1; i <= 3; i++)
		test_add_node(d, i, id);
	static const struct {
		const char *scan;
		int64_t status, margin, score;
	} cases[] = {
		{"{\"high_availability\":true,\"nodes\":[" NODE("n1", "true",
			 "control_plane") "," NODE("n2", "true", "control_plane") "," NODE("n3",
			 "true", "control_plane") "],\"dqlite\":[" VOTER(1, "true") "," VOTER(2,
			 "true") "," VOTER(3, "true") "]}",
			CLUSTER_ACTIVE, 1, 100},
		{"{\"high_availability\":true,\"nodes\":[" NODE("n1", "true",
			 "control_plane") "," NODE("n2", "false", "control_plane") "," NODE("n3",
			 "true", "control_plane") "],\"dqlite\":[" VOTER(1, "true") "," VOTER(2,
			 "false") "," VOTER(3,
			 "true") "],\"findings\":[{\"severity\":\"warning\","
				 "\"message\":\"n2 is not Ready\"},{\"severity\":\"info\",\"message\":\"x\"}]}",
			CLUSTER_DEGRADED, 0, 90},
		{"{\"high_availability\":false,\"nodes\":[" NODE("n1", "true",
			 "control_plane") "],\"dqlite\":[]}",
			CLUSTER_DEGRADED, I64_NONE, 40},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cluster c = take(d, cases[i].scan);
		assert_int_equal(c.status, cases[i].status);
		assert_int_equal(c.quorum_margin, cases[i].margin);
		assert_int_equal(c.health_score, cases[i].score);
		assert_int_equal(c.status == CLUSTER_ACTIVE, c.status_reason == NULL);
		record_done(&cluster_type, &c);
	}
}

static void overlapping_networks_and_taken_names_are_refused_together(void **state)
{
	struct test_domain *d = *state;
	struct cluster c;
	test_add_cluster(d, "prod", false);
	json_t *body = json_pack("{s:s, s:s, s:s}", "name", "prod", "network_cidr", "10.1.0.0/16",
		"service_cidr", "10.1.5.0/24");
	ok(store_begin(d->svc.store));
	struct err *e = cluster_create(&d->svc, &test_admin, body, &c);
	store_rollback(d->svc.store);
	assert_non_null(e);
	assert_int_equal(err_field_count(e), 2);
	err_free(e);
	json_decref(body);
}

static void a_new_cluster_has_dns_unless_addons_are_named(void **state)
{
	struct test_domain *d = *state;
	struct cluster c;
	test_add_cluster(d, "usual", false);
	ok(cluster_find(&d->svc, "usual", &c));
	assert_string_equal(json_string_value(json_object_get(json_array_get(c.addons, 0), "name")),
		"dns");
	record_done(&cluster_type, &c);
	json_t *body = json_pack("{s:s, s:[]}", "name", "bare", "addons");
	TX(d, cluster_create(&d->svc, &test_admin, body, &c));
	assert_int_equal(json_array_size(c.addons), 0);
	record_done(&cluster_type, &c);
	json_decref(body);
}

static void removing_a_cluster_keeps_its_nodes(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	int64_t id = test_add_cluster(d, "prod", false);
	test_add_node(d, 1, id);
	TX(d, cluster_remove(&d->svc, &test_admin, "prod", false));
	ok(node_find(&d->svc, "n1", &node));
	assert_int_equal(node.cluster_id, I64_NONE);
	record_done(&node_type, &node);
}

TEST_MAIN(DOMAIN_TEST(the_first_three_nodes_of_an_ha_cluster_are_control_planes),
	DOMAIN_TEST(what_the_user_said_counts_first),
	DOMAIN_TEST(without_ha_the_first_node_is_the_only_control_plane),
	DOMAIN_TEST(a_setup_that_cannot_become_what_was_asked_is_refused),
	DOMAIN_TEST(a_preview_shows_the_command_and_masks_secrets),
	DOMAIN_TEST(status_follows_from_what_the_control_planes_said),
	DOMAIN_TEST(overlapping_networks_and_taken_names_are_refused_together),
	DOMAIN_TEST(a_new_cluster_has_dns_unless_addons_are_named),
	DOMAIN_TEST(removing_a_cluster_keeps_its_nodes))
