/* What rounds hear becomes alerts and the status of nodes; at rest nothing is written. */
#include "testing.h"

#include <string.h>

#include "domain.h"
#include "model/alert.h"
#include "model/metric.h"
#include "service/alert.h"
#include "service/cluster.h"
#include "service/event.h"
#include "service/health.h"
#include "service/health_watch.h"

#define ROUND_MS 10000

/* What each API shows in the rounds that follow, NULL = nothing. */
static const char *certificate;
/* Whether the cluster takes our kubeconfig no longer. */
static bool kubeconfig_over;

/* A domain with a cluster prod of n1, n2 and a free node n3, all online; health is watched. */
static int make(void **state)
{
	test_domain_make(state);
	struct test_domain *d = *state;
	int64_t prod = test_add_cluster(d, "prod", true);

	for (int i = 1; i <= 3; i++) {
		struct node node;
		int64_t id = test_add_node(d, i, i < 3 ? prod : 0);
		ok(store_get(d->svc.store, &node_type, id, &node));
		node.status = NODE_ONLINE;
		TX(d, store_update(d->svc.store, &node_type, &node));
		record_done(&node_type, &node);
	}
	health_start(&d->svc);
	certificate = NULL;
	kubeconfig_over = false;
	return 0;
}

static int drop(void **state)
{
	health_stop(&((struct test_domain *)*state)->svc);
	return test_domain_drop(state);
}

static const char *word(char letter)
{
	return letter == 'u' ? "up" : letter == 'd' ? "down" : "degraded";
}

/* A round: a letter for each node, and one for the cluster. */
static void hear(struct test_domain *d, const char *nodes, char cluster)
{
	json_t *input = NULL;
	json_t *report = json_pack("{s:[], s:[]}", "nodes", "clusters");
	const json_t *node = NULL;
	size_t i = 0;

	d->clock = clock_fake(clock_utc(&d->clock) + ROUND_MS);
	ok(health_input(&d->svc, NULL, &input));
	json_array_foreach(json_object_get(input, "nodes"), i, node)
		json_array_append_new(json_object_get(report, "nodes"),
			json_pack("{s:O, s:O, s:O, s:O, s:s, s:s}", "id",
				json_object_get(node, "id"), "name", json_object_get(node, "name"),
				"address", json_object_get(node, "address"), "cluster_id",
				json_object_get(node, "cluster_id"), "state", word(nodes[i]),
				"reason", "heard so"));
	json_array_foreach(json_object_get(report, "nodes"), i, node)
		if (certificate != NULL)
			json_object_set_new((json_t *)(uintptr_t)node, "certificate_ends",
				json_string(certificate));
	json_array_foreach(json_object_get(input, "clusters"), i, node)
		json_array_append_new(json_object_get(report, "clusters"),
			json_pack("{s:O, s:O, s:s, s:s, s:i, s:i, s:b}", "id",
				json_object_get(node, "id"), "name", json_object_get(node, "name"),
				"state", word(cluster), "reason", "heard so", "voters", 3,
				"quorum_margin", cluster == 'g' ? 0 : 1, "kubeconfig_over",
				kubeconfig_over));
	ok(health_take(&d->svc, input, report));
	json_decref(input);
}

static void hear_often(struct test_domain *d, int times, const char *nodes, char cluster)
{
	for (int i = 0; i < times; i++)
		hear(d, nodes, cluster);
}

static int64_t count(struct test_domain *d, int64_t rule, int64_t state)
{
	struct store_query q = {.n_filters = 0};
	int64_t n = 0;

	store_where_number(&q, "rule", STORE_EQ, rule);
	store_where_number(&q, "state", STORE_EQ, state);
	ok(store_count(d->svc.store, &alert_type, &q, &n));
	return n;
}

static int64_t newest_event(struct test_domain *d)
{
	int64_t oldest = 0;
	int64_t newest = 0;

	ok(event_range(&d->svc, &oldest, &newest));
	return newest;
}

static void expect_node(struct test_domain *d, int64_t id, int64_t status)
{
	struct node node;

	ok(store_get(d->svc.store, &node_type, id, &node));
	assert_int_equal(node.status, status);
	record_done(&node_type, &node);
}

static void a_silent_node_is_told_once_and_told_when_it_is_back(void **state)
{
	struct test_domain *d = *state;
	struct alert a;

	hear(d, "uuu", 'u');
	hear_often(d, 2, "uud", 'u');
	expect_node(d, 3, NODE_ONLINE);
	hear_often(d, 5, "uud", 'u');
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_FIRING), 1);
	expect_node(d, 3, NODE_OFFLINE);
	ok(alert_find(&d->svc, "1", &a));
	assert_string_equal(a.title, "Node n3 is down");
	assert_int_equal(a.fired_at - a.since, 2 * ROUND_MS);
	record_done(&alert_type, &a);
	hear_often(d, 2, "uuu", 'u');
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_RESOLVED), 1);
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_FIRING), 0);
	expect_node(d, 3, NODE_ONLINE);
}

static void at_rest_nothing_is_written(void **state)
{
	struct test_domain *d = *state;

	hear(d, "uuu", 'u');
	hear_often(d, 3, "uud", 'u');
	int64_t events = newest_event(d);
	int64_t nodes = 0;
	int64_t alerts = 0;
	int64_t after = 0;
	ok(store_table_version(d->svc.store, &node_type, &nodes));
	ok(store_table_version(d->svc.store, &alert_type, &alerts));
	hear_often(d, 100, "uud", 'u');
	assert_int_equal(newest_event(d), events);
	ok(store_table_version(d->svc.store, &node_type, &after));
	assert_int_equal(after, nodes);
	ok(store_table_version(d->svc.store, &alert_type, &after));
	assert_int_equal(after, alerts);
}

static void a_restart_forgets_no_alert_and_raises_none_twice(void **state)
{
	struct test_domain *d = *state;

	hear(d, "uuu", 'u');
	hear_often(d, 3, "uud", 'u');
	health_stop(&d->svc);
	health_start(&d->svc);
	hear(d, "uud", 'u');
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_FIRING), 1);
	hear_often(d, 4, "uud", 'u');
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_FIRING), 1);
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_RESOLVED), 0);
	hear_often(d, 2, "uuu", 'u');
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_RESOLVED), 1);
}

static void what_went_away_while_no_server_ran_is_over(void **state)
{
	struct test_domain *d = *state;

	hear(d, "uuu", 'u');
	hear_often(d, 3, "uud", 'u');
	health_stop(&d->svc);
	health_start(&d->svc);
	hear(d, "uuu", 'u');
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_RESOLVED), 1);
}

static void an_operation_that_holds_the_cluster_excuses_it(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	struct op_lock lock;

	record_init(&operation_type, &op);
	field_set_text(&op.type, "cluster.upgrade");
	field_set_text(&op.name, "Upgrade");
	op.created_at = clock_utc(&d->clock);
	TX(d, store_insert(d->svc.store, &operation_type, &op));
	record_init(&op_lock_type, &lock);
	field_set_text(&lock.resource, "cluster:1");
	lock.exclusive = true;
	lock.operation_id = op.id;
	lock.created_at = op.created_at;
	TX(d, store_insert(d->svc.store, &op_lock_type, &lock));
	hear(d, "uuu", 'u');
	hear_often(d, 5, "duu", 'g');
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_FIRING), 0);
	assert_int_equal(count(d, ALERT_CLUSTER_AT_RISK, ALERT_FIRING), 0);
	expect_node(d, 1, NODE_ONLINE);
	TX(d, store_delete(d->svc.store, &op_lock_type, lock.id));
	hear(d, "duu", 'g');
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_FIRING), 1);
	assert_int_equal(count(d, ALERT_CLUSTER_AT_RISK, ALERT_FIRING), 1);
	expect_node(d, 1, NODE_OFFLINE);
	record_done(&op_lock_type, &lock);
	record_done(&operation_type, &op);
}

static void a_removed_node_has_no_alert(void **state)
{
	struct test_domain *d = *state;

	hear(d, "uuu", 'u');
	hear_often(d, 3, "uud", 'u');
	TX(d, node_remove(&d->svc, &test_admin, "n3", false));
	hear(d, "uu", 'u');
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_RESOLVED), 1);
}

static void an_alert_that_was_raised_stays_when_its_network_follows(void **state)
{
	struct test_domain *d = *state;

	hear(d, "uuu", 'u');
	hear_often(d, 3, "uud", 'u');
	hear_often(d, 3, "ddd", 'd');
	assert_int_equal(count(d, ALERT_NETWORK_DOWN, ALERT_FIRING), 1);
	assert_int_equal(count(d, ALERT_CLUSTER_DOWN, ALERT_FIRING), 0);
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_FIRING), 1);
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_RESOLVED), 0);
	hear_often(d, 2, "uuu", 'u');
	assert_int_equal(count(d, ALERT_NETWORK_DOWN, ALERT_RESOLVED), 1);
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_RESOLVED), 1);
}

static void people_take_and_silence_alerts(void **state)
{
	struct test_domain *d = *state;
	struct alert a;

	hear(d, "uuu", 'u');
	hear_often(d, 3, "uud", 'u');
	TX(d, alert_acknowledge(&d->svc, &test_admin, "1", &a));
	assert_int_equal(a.state, ALERT_ACKNOWLEDGED);
	assert_string_equal(a.acknowledged_by, "tester");
	record_done(&alert_type, &a);
	TX(d, alert_silence(&d->svc, &test_admin, "1", 60, &a));
	assert_int_equal(a.silenced_until, clock_utc(&d->clock) + 60000);
	record_done(&alert_type, &a);
	hear_often(d, 2, "uuu", 'u');
	TX_FAILS(d, alert_acknowledge(&d->svc, &test_admin, "1", &a), ERR_CONFLICT);
	TX_FAILS(d, alert_silence(&d->svc, &test_admin, "n3", 60, &a), ERR_NOT_FOUND);
}

static void old_alerts_go(void **state)
{
	struct test_domain *d = *state;
	int64_t n = 0;

	d->config.alert_keep_days = 1;
	hear(d, "uuu", 'u');
	hear_often(d, 3, "uud", 'u');
	hear_often(d, 2, "uuu", 'u');
	TX(d, alert_prune(&d->svc, &n));
	assert_int_equal(n, 0);
	d->clock = clock_fake(clock_utc(&d->clock) + 90000000);
	TX(d, alert_prune(&d->svc, &n));
	assert_int_equal(n, 1);
}

static void status_tells_belief_and_news(void **state)
{
	struct test_domain *d = *state;
	json_t *json = NULL;

	expect_code(health_status_json(&d->svc, NULL, &json), ERR_UNAVAILABLE);
	hear(d, "uuu", 'u');
	hear(d, "uud", 'u');
	ok(health_status_json(&d->svc, NULL, &json));
	const json_t *n3 = json_array_get(json_object_get(json, "nodes"), 2);
	assert_string_equal(json_string_value(json_object_get(n3, "state")), "up");
	assert_string_equal(json_string_value(json_object_get(n3, "heard")), "down");
	assert_true(json_is_string(json_object_get(n3, "since")));
	json_decref(json);
	ok(health_status_json(&d->svc, "prod", &json));
	assert_int_equal(json_array_size(json_object_get(json, "nodes")), 2);
	json_decref(json);
}

static void a_node_that_comes_and_goes_is_told(void **state)
{
	struct test_domain *d = *state;

	hear_often(d, 5, "uuu", 'u');
	for (int i = 0; i < 4; i++) {
		hear(d, "duu", 'u');
		hear(d, "uuu", 'u');
	}
	assert_int_equal(count(d, ALERT_NODE_FLAPPING, ALERT_FIRING), 1);
	assert_int_equal(count(d, ALERT_NODE_DOWN, ALERT_FIRING), 0);
	int64_t events = newest_event(d);
	hear_often(d, 10, "uuu", 'u');
	assert_int_equal(newest_event(d), events);
	hear_often(d, 10, "uuu", 'u');
	assert_int_equal(count(d, ALERT_NODE_FLAPPING, ALERT_RESOLVED), 1);
}

static bool has_metric(const char *line)
{
	cleanup(str_done) struct str text = STR_INIT;

	metric_text(&text);
	return strstr(str_get(&text), line) != NULL;
}

static void a_certificate_that_ends_soon_is_told_until_it_is_renewed(void **state)
{
	struct test_domain *d = *state;
	char at[CLOCK_TEXT_SIZE];

	clock_format(clock_utc(&d->clock) + INT64_C(29) * 86400000, at);
	certificate = at;
	hear_often(d, 4, "uuu", 'u');
	assert_int_equal(count(d, ALERT_CERTIFICATE_ENDS, ALERT_FIRING), 3);
	TX(d, health_metrics(&d->svc));
	assert_true(has_metric("mko_cert_expiry_seconds{node=\"n1\",cluster=\"\"} 25055"));
	certificate = NULL;
	hear_often(d, 4, "uuu", 'u'); /* a round that is not told changes nothing */
	assert_int_equal(count(d, ALERT_CERTIFICATE_ENDS, ALERT_FIRING), 3);
	clock_format(clock_utc(&d->clock) + INT64_C(364) * 86400000, at);
	certificate = at;
	hear_often(d, 2, "uuu", 'u');
	assert_int_equal(count(d, ALERT_CERTIFICATE_ENDS, ALERT_RESOLVED), 3);
	certificate = "gibberish";
	hear_often(d, 4, "uuu", 'u');
	assert_int_equal(count(d, ALERT_CERTIFICATE_ENDS, ALERT_FIRING), 0);
}

static int64_t fetches(struct test_domain *d)
{
	struct store_query q = {.n_filters = 0};
	int64_t n = 0;

	store_where_text(&q, "type", STORE_EQ, "cluster.fetch_kubeconfig");
	ok(store_count(d->svc.store, &operation_type, &q, &n));
	return n;
}

static void a_kubeconfig_that_is_over_is_fetched_at_most_once_an_hour(void **state)
{
	struct test_domain *d = *state;

	hear(d, "uuu", 'u');
	kubeconfig_over = true;
	hear_often(d, 2, "uuu", 'u');
	assert_int_equal(fetches(d), 0);
	hear_often(d, 20, "uuu", 'u');
	assert_int_equal(fetches(d), 1);
	hear_often(d, 360, "uuu", 'u');
	assert_int_equal(fetches(d), 2);
	kubeconfig_over = false;
	hear_often(d, 400, "uuu", 'u');
	assert_int_equal(fetches(d), 2);
}

/* A key of the i-th node of the next round. */
static bool next_has(struct test_domain *d, size_t i, const char *key)
{
	json_t *input = NULL;

	ok(health_next(&d->svc, &input));
	bool has = json_is_true(json_object_get(json_array_get(json_object_get(input, "nodes"), i),
		key));
	json_decref(input);
	return has;
}

static int count_next(struct test_domain *d, int rounds, size_t i, const char *key)
{
	int n = 0;

	for (int k = 0; k < rounds; k++)
		n += next_has(d, i, key);
	return n;
}

static void a_node_that_has_been_down_for_long_is_asked_less_often(void **state)
{
	struct test_domain *d = *state;

	hear(d, "uuu", 'u');
	hear_often(d, 29, "uud", 'u');
	assert_int_equal(count_next(d, 12, 2, "resting"), 0);
	hear_often(d, 10, "uud", 'u');
	assert_int_equal(count_next(d, 12, 2, "resting"), 8);
	assert_int_equal(count_next(d, 12, 1, "resting"), 0);
	hear_often(d, 2, "uuu", 'u');
	assert_int_equal(count_next(d, 12, 2, "resting"), 0);
}

static void agents_are_asked_in_depth_in_turns(void **state)
{
	struct test_domain *d = *state;

	assert_false(next_has(d, 0, "light")); /* nothing is known yet */
	hear(d, "uuu", 'u');
	assert_int_equal(count_next(d, 10, 0, "light"), 5);
	assert_int_equal(count_next(d, 10, 1, "light"), 5);
}

static struct cluster prod_of(struct test_domain *d)
{
	struct cluster c;

	ok(cluster_find(&d->svc, "prod", &c));
	return c;
}

static void the_score_follows_what_is_believed(void **state)
{
	struct test_domain *d = *state;
	struct cluster c = prod_of(d);
	json_t *json = NULL;

	json_decref(c.scan);
	c.scan = json_pack("{s:[{s:i, s:s}]}", "score_reasons", "points", 10, "reason",
		"an addon is off");
	c.scanned_at = clock_utc(&d->clock);
	c.health_score = 90;
	TX(d, store_update(d->svc.store, &cluster_type, &c));
	record_done(&cluster_type, &c);
	hear(d, "uuu", 'u');
	hear_often(d, 3, "udu", 'u');
	c = prod_of(d);
	assert_int_equal(c.health_score, 70);
	ok(cluster_status_json(&d->svc, &c, &json));
	const json_t *lost = json_object_get(json, "score_reasons");
	assert_int_equal(json_array_size(lost), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(lost, 1), "reason")),
		"n2 is down");
	json_decref(json);
	record_done(&cluster_type, &c);
	hear_often(d, 3, "udu", 'd');
	c = prod_of(d);
	assert_int_equal(c.health_score, 0);
	record_done(&cluster_type, &c);
	hear_often(d, 2, "uuu", 'u');
	c = prod_of(d);
	assert_int_equal(c.health_score, 90);
	record_done(&cluster_type, &c);
}

#define WATCHED(name) cmocka_unit_test_setup_teardown(name, make, drop)
TEST_MAIN(WATCHED(a_silent_node_is_told_once_and_told_when_it_is_back),
	WATCHED(at_rest_nothing_is_written),
	WATCHED(a_restart_forgets_no_alert_and_raises_none_twice),
	WATCHED(what_went_away_while_no_server_ran_is_over),
	WATCHED(an_operation_that_holds_the_cluster_excuses_it),
	WATCHED(a_removed_node_has_no_alert),
	WATCHED(an_alert_that_was_raised_stays_when_its_network_follows),
	WATCHED(people_take_and_silence_alerts), WATCHED(old_alerts_go),
	WATCHED(status_tells_belief_and_news), WATCHED(a_node_that_comes_and_goes_is_told),
	WATCHED(a_certificate_that_ends_soon_is_told_until_it_is_renewed),
	WATCHED(a_node_that_has_been_down_for_long_is_asked_less_often),
	WATCHED(agents_are_asked_in_depth_in_turns), WATCHED(the_score_follows_what_is_believed),
	WATCHED(a_kubeconfig_that_is_over_is_fetched_at_most_once_an_hour))
