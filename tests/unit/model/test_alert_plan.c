/* What is an alert, and what only follows from one. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/alert_plan.h"

static const struct health_track up = {.state = HEALTH_UP, .known = true};
static const struct health_track ill = {.state = HEALTH_DEGRADED, .since = 500, .known = true};
static const struct health_track down = {.state = HEALTH_DOWN, .since = 1000, .known = true};
static const struct health_track unheard = {.known = false};

#define NODE(number, label, at, cluster, how)                                                      \
	{                                                                                          \
		.id = (number), .name = (label), .address = (at), .cluster_id = (cluster),         \
		.track = (how), .reason = "because"                                                \
	}

static void plan(const struct alert_node *nodes, size_t n, const struct alert_cluster *clusters,
	size_t n_clusters, struct alert_plan *ret)
{
	const struct alert_view view = {nodes, n, clusters, n_clusters};

	alert_plan_make(&view, ret);
}

static void a_node_that_is_down_is_one_alert(void **state)
{
	const struct alert_node nodes[] = {NODE(1, "n1", "10.0.0.1", 7, &up),
		NODE(2, "n2", "10.0.0.2", 7, &down), NODE(3, "n3", "10.0.0.3", 7, &ill),
		NODE(4, "n4", "10.0.0.4", I64_NONE, &unheard)};
	const struct alert_cluster prod = {.id = 7, .name = "prod", .track = &ill, .risk = &up};
	struct alert_plan p;

	(void)state;
	plan(nodes, 4, &prod, 1, &p);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.wants[0].rule, ALERT_NODE_DOWN);
	assert_string_equal(p.wants[0].subject, "node/2");
	assert_string_equal(p.wants[0].reason, "because");
	assert_int_equal(p.wants[0].since, 1000);
	assert_int_equal(p.wants[0].cluster_id, 7);
	assert_int_equal(p.wants[1].rule, ALERT_NODE_DEGRADED);
	alert_plan_done(&p);
}

static void forty_nodes_behind_a_cut_switch_are_one_alert(void **state)
{
	struct alert_node nodes[44];
	char names[44][32];
	char addresses[44][32];
	const struct alert_cluster prod = {.id = 7, .name = "prod", .track = &down, .risk = &up};
	struct alert_plan p;

	(void)state;
	for (size_t i = 0; i < 44; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "n%zu", i);
		(void)snprintf(addresses[i], sizeof(addresses[i]),
			i < 40 ? "10.0.0.%zu" : "fd00::%zu", i + 1);
		nodes[i] = (struct alert_node)NODE((int64_t)i + 1, names[i], addresses[i],
			i < 40 ? 7 : 8, i < 40 ? &down : &up);
	}
	plan(nodes, 44, &prod, 1, &p);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.wants[0].rule, ALERT_NETWORK_DOWN);
	assert_string_equal(p.wants[0].subject, "network/10.0.0.0/24");
	assert_int_equal(json_array_size(p.wants[0].members), 40);
	assert_int_equal(p.wants[0].cluster_id, 7);
	assert_non_null(strstr(p.wants[0].reason, "40 of 40"));
	assert_non_null(strstr(p.wants[0].reason, "and 30 more"));
	alert_plan_done(&p);
}

static void a_few_of_many_are_no_network(void **state)
{
	struct alert_node nodes[8];
	struct alert_plan p;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		nodes[i] = (struct alert_node)NODE((int64_t)i + 1, "n", "10.0.0.9", I64_NONE,
			i < 3 ? &down : &up);
	plan(nodes, 8, NULL, 0, &p);
	assert_int_equal(p.n, 3);
	alert_plan_done(&p);
}

static void a_cluster_that_is_off_explains_its_nodes(void **state)
{
	const struct alert_node nodes[] = {NODE(1, "n1", "10.0.0.1", 7, &down),
		NODE(2, "n2", "10.0.0.2", 7, &down)};
	const struct alert_cluster prod = {.id = 7,
		.name = "prod",
		.track = &down,
		.risk = &up,
		.reason = "off"};
	struct alert_plan p;

	(void)state;
	plan(nodes, 2, &prod, 1, &p);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.wants[0].rule, ALERT_CLUSTER_DOWN);
	assert_string_equal(p.wants[0].subject, "cluster/7");
	alert_plan_done(&p);
}

static void a_lost_quorum_is_told_with_its_cause(void **state)
{
	const struct alert_node nodes[] = {NODE(1, "n1", "10.0.0.1", 7, &ill),
		NODE(2, "n2", "10.0.1.2", 7, &down), NODE(3, "n3", "10.0.2.3", 7, &down)};
	const struct alert_cluster prod = {.id = 7,
		.name = "prod",
		.track = &down,
		.risk = &up,
		.reason = "no quorum"};
	struct alert_plan p;

	(void)state;
	plan(nodes, 3, &prod, 1, &p);
	assert_int_equal(p.n, 3);
	assert_int_equal(p.wants[0].rule, ALERT_CLUSTER_DOWN);
	assert_string_equal(p.wants[1].subject, "node/2");
	assert_string_equal(p.wants[2].subject, "node/3");
	alert_plan_done(&p);
}

static void a_cluster_that_can_lose_no_voter_is_told(void **state)
{
	const struct alert_cluster prod = {.id = 7, .name = "prod", .track = &ill, .risk = &ill};
	struct alert_plan p;

	(void)state;
	plan(NULL, 0, &prod, 1, &p);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.wants[0].rule, ALERT_CLUSTER_AT_RISK);
	alert_plan_done(&p);
}

static void nobody_is_woken_for_what_an_operation_does(void **state)
{
	struct alert_node nodes[] = {NODE(1, "n1", "10.0.0.1", 7, &down),
		NODE(2, "n2", "10.0.0.2", 7, &down), NODE(3, "n3", "10.0.0.3", 7, &down)};
	const struct alert_cluster prod = {.id = 7,
		.name = "prod",
		.track = &down,
		.risk = &ill,
		.excused = true};
	struct alert_plan p;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		nodes[i].excused = true;
	plan(nodes, 3, &prod, 1, &p);
	assert_int_equal(p.n, 0);
	alert_plan_done(&p);
}

TEST_MAIN(cmocka_unit_test(a_node_that_is_down_is_one_alert),
	cmocka_unit_test(forty_nodes_behind_a_cut_switch_are_one_alert),
	cmocka_unit_test(a_few_of_many_are_no_network),
	cmocka_unit_test(a_cluster_that_is_off_explains_its_nodes),
	cmocka_unit_test(a_lost_quorum_is_told_with_its_cause),
	cmocka_unit_test(a_cluster_that_can_lose_no_voter_is_told),
	cmocka_unit_test(nobody_is_woken_for_what_an_operation_does))
