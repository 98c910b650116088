/* What UPSes and rules of power raise as alerts, whether there is time for a shutdown, and rules
 * that wait for the last safe moment. */
#include "power_world.h"

#include <stdio.h>

#include "model/metric.h"

static int64_t alerts(struct test_domain *d, int64_t rule, int64_t state)
{
	struct store_query q = {0};
	int64_t n = 0;

	store_where_number(&q, "rule", STORE_EQ, rule);
	store_where_number(&q, "state", STORE_EQ, state);
	ok(store_count(d->svc.store, &alert_type, &q, &n));
	return n;
}

static void an_outage_is_an_alert_until_mains_is_back(void **state)
{
	struct test_domain *d = *state;
	site(d);
	say(d, "OL", 10);
	say(d, "OB", 2);
	assert_int_equal(alerts(d, ALERT_UPS_ON_BATTERY, ALERT_FIRING), 0);
	say(d, "OB", 10);
	assert_int_equal(alerts(d, ALERT_UPS_ON_BATTERY, ALERT_FIRING), 1);
	assert_int_equal(alerts(d, ALERT_UPS_BATTERY_LOW, ALERT_FIRING), 0);
	say(d, "OB LB", 2);
	say(d, "OB", 2); /* the bit wavers */
	assert_int_equal(alerts(d, ALERT_UPS_BATTERY_LOW, ALERT_FIRING), 1);
	crash(d);
	say(d, "!Data stale", 120); /* silent on battery: nothing is over */
	assert_int_equal(alerts(d, ALERT_UPS_NO_CONTACT, ALERT_FIRING), 1);
	assert_int_equal(alerts(d, ALERT_UPS_ON_BATTERY, ALERT_FIRING), 1);
	say(d, "OL CHRG", 60);
	assert_int_equal(alerts(d, ALERT_UPS_NO_CONTACT, ALERT_RESOLVED), 1);
	assert_int_equal(alerts(d, ALERT_UPS_ON_BATTERY, ALERT_RESOLVED), 1);
	assert_int_equal(alerts(d, ALERT_UPS_BATTERY_LOW, ALERT_RESOLVED), 1);
	assert_int_equal(count(d, &alert_type, NULL, 0), 3); /* each was told once */
}

static void a_worn_battery_is_told_and_forgotten_with_its_ups(void **state)
{
	struct test_domain *d = *state;
	site(d);
	say(d, "OL RB", 10);
	assert_int_equal(alerts(d, ALERT_UPS_REPLACE_BATTERY, ALERT_FIRING), 1);
	TX(d, ups_remove(&d->svc, &test_admin, "rack", true));
	say(d, "OL RB", 2);
	assert_int_equal(alerts(d, ALERT_UPS_REPLACE_BATTERY, ALERT_RESOLVED), 1);
	assert_int_equal(alerts(d, ALERT_UPS_REPLACE_BATTERY, ALERT_FIRING), 0);
}

static void a_rule_that_fails_is_an_alert_until_it_ends_well(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE ",\"retries\":1}");
	say(d, "OL", 10);
	say(d, "OB", 5);
	end_operation(d, OP_FAILED);
	say(d, "OB", 2);
	assert_int_equal(alerts(d, ALERT_POWER_RULE_FAILED, ALERT_FIRING), 1);
	set_cluster(d, CLUSTER_ACTIVE);
	say(d, "OL", 300);
	say(d, "OB", 5);
	end_operation(d, OP_SUCCEEDED);
	say(d, "OB", 2);
	assert_int_equal(alerts(d, ALERT_POWER_RULE_FAILED, ALERT_RESOLVED), 1);
}

static void a_rule_that_notifies_is_told_until_the_next_event(void **state)
{
	struct test_domain *d = *state;
	struct store_query q = {0};
	struct store_rows rows = {0};

	site(d);
	add_rule(d,
		"{\"name\":\"tell\",\"ups_id\":\"rack\",\"power_event\":\"power_loss\",\"cluster_action\":\"notify\"}");
	say(d, "OL", 10);
	say(d, "OB", 10);
	assert_int_equal(alerts(d, ALERT_POWER_NOTICE, ALERT_FIRING), 1);
	store_where_number(&q, "rule", STORE_EQ, ALERT_POWER_NOTICE);
	ok(store_list(d->svc.store, &alert_type, &q, &rows));
	const struct alert *a = store_row(&rows, 0);
	assert_string_equal(a->title, "Power rule tell has fired");
	assert_string_equal(a->reason,
		"Its event is power_loss. It says OB, charge 90 %, runtime 1800 s.");
	store_rows_done(&rows);
	say(d, "OL", 60);
	assert_int_equal(alerts(d, ALERT_POWER_NOTICE, ALERT_RESOLVED), 1);
	assert_int_equal(count(d, &alert_type, "rule", ALERT_POWER_NOTICE), 1);
}

/* A shutdown of prod that took so long and went well. */
static void shutdown_took(struct test_domain *d, int64_t seconds)
{
	struct operation op;

	record_init(&operation_type, &op);
	field_set_text(&op.type, "cluster.shutdown");
	field_set_text(&op.name, "Shut down");
	op.status = OP_SUCCEEDED;
	json_decref(op.clusters);
	op.clusters = json_pack("[i]", 1);
	op.created_at = op.started_at = clock_utc(&d->clock);
	op.finished_at = op.started_at + seconds * 1000;
	TX(d, store_insert(d->svc.store, &operation_type, &op));
	record_done(&operation_type, &op);
}

/* The only row of the plan. Owned by the reply, which the caller frees. */
static const json_t *plan_of(struct test_domain *d, json_t **ret_status)
{
	struct ups_device ups;

	ok(ups_find(&d->svc, "rack", &ups));
	ok(power_status_json(&d->svc, &ups, ret_status));
	record_done(&ups_device_type, &ups);
	return json_array_get(json_object_get(*ret_status, "plan"), 0);
}

static void the_plan_compares_what_a_shutdown_takes_with_the_battery(void **state)
{
	struct test_domain *d = *state;
	json_t *status = NULL;

	site(d);
	add_rule(d, "{" RULE ",\"action_delay\":60}");
	say(d, "OL", 30);
	const json_t *row = plan_of(d, &status);
	assert_true(json_is_null(json_object_get(row, "needs_s"))); /* it was never seen */
	assert_true(json_is_null(json_object_get(row, "fits")));
	json_decref(status);
	shutdown_took(d, 100);
	shutdown_took(d, 500);
	shutdown_took(d, 152);
	say(d, "OL", 30);
	row = plan_of(d, &status);
	assert_int_equal(json_integer_value(json_object_get(row, "needs_s")), 212);
	assert_int_equal(json_integer_value(json_object_get(row, "has_s")), 1800);
	assert_true(json_is_true(json_object_get(row, "fits")));
	json_decref(status);
	assert_int_equal(alerts(d, ALERT_POWER_PLAN_SHORT, ALERT_FIRING), 0);
	for (int i = 0; i < 8; i++)
		shutdown_took(d, 2000);
	say(d, "OL", 240);
	assert_int_equal(alerts(d, ALERT_POWER_PLAN_SHORT, ALERT_FIRING), 1);
}

static struct power_sample with_runtime(const char *status, int64_t runtime_s)
{
	struct power_sample s = {.ups_id = 1};
	char text[24];

	power_reading_init(&s.reading);
	(void)snprintf(text, sizeof(text), "%lld", (long long)runtime_s);
	power_reading_set(&s.reading, "ups.status", status);
	power_reading_set(&s.reading, "battery.charge", "95");
	power_reading_set(&s.reading, "battery.runtime", text);
	return s;
}

static int64_t figure(const json_t *outage, const char *key)
{
	return json_integer_value(json_object_get(outage, key));
}

static void outages_tell_when_how_long_and_how_deep(void **state)
{
	struct test_domain *d = *state;
	json_t *list = NULL;

	site(d);
	say(d, "OL", 10);
	say(d, "OB", 100);
	ok(power_outages(&d->svc, 1, &list));
	assert_int_equal(json_array_size(list), 1);
	assert_true(json_is_null(json_object_get(json_array_get(list, 0), "ended")));
	json_decref(list);
	for (int i = 0; i < 20; i++) { /* it has lost 30 % by now */
		struct power_sample s = sample(1, "OL CHRG", "60");
		d->clock.fake_ms += 1000;
		ok(power_tick(&d->svc, &s, 1));
	}
	say(d, "OL", 100);
	say(d, "OB LB", 30);
	say(d, "OL", 60);
	ok(power_outages(&d->svc, 1, &list));
	assert_int_equal(json_array_size(list), 2);
	const json_t *first = json_array_get(list, 1); /* the newest comes first */
	assert_in_range(figure(first, "length_s"), 98, 102);
	assert_int_equal(figure(first, "charge_begin"), 90);
	assert_int_equal(figure(first, "charge_end"), 60);
	assert_int_equal(figure(first, "depth_percent"), 30);
	assert_in_range(figure(json_array_get(list, 0), "length_s"), 28, 32);
	json_decref(list);
	ok(power_outages(&d->svc, 99, &list));
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

static bool has_metric(const char *line)
{
	cleanup(str_done) struct str text = STR_INIT;

	metric_text(&text);
	return strstr(str_get(&text), line) != NULL;
}

static void gauges_tell_what_is_heard_and_only_that(void **state)
{
	struct test_domain *d = *state;

	site(d);
	say(d, "OL", 10);
	TX(d, power_metrics(&d->svc));
	assert_true(has_metric("mko_ups_on_mains{ups=\"rack\"} 1\n"));
	assert_true(has_metric("mko_ups_charge_percent{ups=\"rack\"} 90\n"));
	assert_true(has_metric("mko_ups_runtime_seconds{ups=\"rack\"} 1800\n"));
	assert_false(has_metric("mko_ups_load_percent{"));
	say(d, "OB", 10);
	TX(d, power_metrics(&d->svc));
	assert_true(has_metric("mko_ups_on_mains{ups=\"rack\"} 0\n"));
	say(d, "OL", 60);
	say(d, "!Data stale", 60);
	TX(d, power_metrics(&d->svc));
	assert_false(has_metric("mko_ups_on_mains{"));
}

static void a_rule_that_is_just_in_time_begins_at_the_last_safe_moment(void **state)
{
	struct test_domain *d = *state;
	int64_t runtime = 1800;

	site(d);
	shutdown_took(d, 200);
	add_rule(d, "{" RULE ",\"just_in_time\":true}");
	say(d, "OL", 10);
	while (operations(d) == 0 && runtime > 0) {
		struct power_sample s = with_runtime("OB DISCHRG", runtime);
		d->clock.fake_ms += 1000;
		ok(power_tick(&d->svc, &s, 1));
		runtime--;
	}
	assert_in_range(runtime, 270, 280); /* 200 s, a quarter, and half a minute */
	expect_operation(d, "cluster.shutdown");
}

static void just_in_time_also_ends_its_wait_by_the_word_of_the_ups(void **state)
{
	struct test_domain *d = *state;

	site(d);
	shutdown_took(d, 200);
	add_rule(d, "{" RULE ",\"just_in_time\":true}");
	say(d, "OL", 10);
	say(d, "OB", 60);
	assert_int_equal(operations(d), 0);
	say(d, "OB LB", 5);
	assert_int_equal(operations(d), 1);
}

static void just_in_time_fits_only_what_takes_a_cluster_down_at_power_loss(void **state)
{
	struct test_domain *d = *state;
	struct ups_rule rule;
	json_t *body = json_loads(
		"{\"ups_id\":\"rack\",\"cluster_id\":\"prod\",\"power_event\":\"power_restored\",\"cluster_action\":\"startup\",\"just_in_time\":true}",
		0, NULL);

	site(d);
	TX_FAILS(d, ups_rule_create(&d->svc, &test_admin, body, &rule), ERR_INVALID);
	json_decref(body);
}

TEST_MAIN(POWER_TEST(an_outage_is_an_alert_until_mains_is_back),
	POWER_TEST(a_worn_battery_is_told_and_forgotten_with_its_ups),
	POWER_TEST(a_rule_that_fails_is_an_alert_until_it_ends_well),
	POWER_TEST(a_rule_that_notifies_is_told_until_the_next_event),
	POWER_TEST(the_plan_compares_what_a_shutdown_takes_with_the_battery),
	POWER_TEST(outages_tell_when_how_long_and_how_deep),
	POWER_TEST(gauges_tell_what_is_heard_and_only_that),
	POWER_TEST(a_rule_that_is_just_in_time_begins_at_the_last_safe_moment),
	POWER_TEST(just_in_time_also_ends_its_wait_by_the_word_of_the_ups),
	POWER_TEST(just_in_time_fits_only_what_takes_a_cluster_down_at_power_loss))
