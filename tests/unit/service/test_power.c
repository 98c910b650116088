/* The monitor of power under a virtual clock: what UPSes say becomes events, firings and
 * operations, each once, whatever dies in between. Nothing runs, since no engine of operations
 * ticks. */
#include "power_world.h"

#include <signal.h>
#include <sys/resource.h>

/* ---- what happens ---- */

static void an_outage_is_confirmed_after_three_seconds_and_starts_one_operation(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE "}");
	say(d, "OL", 10);
	assert_int_equal(count(d, &ups_device_type, "status", UPS_ONLINE), 1);
	say(d, "OB DISCHRG", 3);
	assert_int_equal(operations(d), 0);
	say(d, "OB DISCHRG", 1);
	assert_int_equal(events(d, POWER_EVENT_LOSS), 1);
	assert_int_equal(count(d, &ups_device_type, "status", UPS_ON_BATTERY), 1);
	expect_operation(d, "cluster.shutdown");
	say(d, "OB DISCHRG", 60);
	assert_int_equal(operations(d), 1);
}

static void a_step_between_two_polls_confirms_in_time(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE "}");
	say(d, "OL", 10);
	say(d, "OB", 1);
	assert_false(power_is_calm(&d->svc));
	d->clock.fake_ms += 2999;
	ok(power_tick(&d->svc, NULL, 0));
	assert_int_equal(operations(d), 0);
	d->clock.fake_ms += 1;
	ok(power_tick(&d->svc, NULL, 0));
	assert_int_equal(operations(d), 1);
}

static void an_outage_shorter_than_the_delay_does_nothing(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE ",\"action_delay\":60}");
	say(d, "OL", 10);
	say(d, "OB", 30);
	expect_firing(d, POWER_PENDING, POWER_NO_REASON);
	say(d, "OL", 200);
	expect_firing(d, POWER_CANCELLED, POWER_WHY_RESTORED);
	assert_int_equal(operations(d), 0);
	assert_int_equal(count(d, &ups_firing_type, NULL, 0), 1);
	assert_int_equal(events(d, POWER_EVENT_RESTORED), 1);
}

static void silence_on_battery_acts_and_silence_on_mains_only_tells(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d,
		"{\"ups_id\":1,\"cluster_id\":1,\"power_event\":\"critical_battery\",\"cluster_action\":\"force_shutdown\"}");
	add_rule(d, "{\"ups_id\":1,\"power_event\":\"comms_lost\",\"cluster_action\":\"notify\"}");
	say(d, "OL", 10);
	say(d, "!refused", 100);
	assert_int_equal(events(d, POWER_EVENT_COMMS_LOST), 1);
	assert_int_equal(count(d, &ups_device_type, "status", UPS_NO_CONTACT), 1);
	assert_int_equal(operations(d), 0);
	say(d, "OL", 20);
	say(d, "OB", 10);
	say(d, "!refused", 119);
	assert_int_equal(operations(d), 0);
	say(d, "!refused", 3);
	assert_int_equal(events(d, POWER_EVENT_CRITICAL), 1);
	expect_operation(d, "cluster.shutdown");
	struct operation op = newest_operation(d);
	assert_true(json_is_true(json_object_get(op.params, "force")));
	assert_true(json_is_true(json_object_get(op.params, "power_off")));
	record_done(&operation_type, &op);
}

/* A server that dies in one outage after another, each time a moment later: the state and what
 * follows from it are one transaction. */
static void a_crash_at_any_step_neither_doubles_nor_loses_a_shutdown(void **state)
{
	static const int moments[] = {1, 2, 3, 4, 5, 9, 13, 14, 15, 20};
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE ",\"action_delay\":14}");
	set_cluster(d, CLUSTER_ACTIVE);
	say(d, "OL", 10);
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		say(d, "OB", moments[i]);
		crash(d);
		say(d, "OB", 30 - moments[i]);
		assert_int_equal(operations(d), i + 1);
		crash(d);
		end_operation(d, OP_SUCCEEDED); /* while no server ran */
		say(d, "OB", 2);
		expect_firing(d, POWER_DONE, POWER_NO_REASON);
		say(d, "OL", 70);
	}
	assert_int_equal(events(d, POWER_EVENT_LOSS), ARRAY_LEN(moments));
	assert_int_equal(count(d, &ups_firing_type, NULL, 0), ARRAY_LEN(moments));
}

/* The transaction with the operation does not reach the disk: nothing of it is there, and the next
 * server starts it from the state before. */
static void a_store_that_fails_in_the_moment_of_firing_loses_nothing(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE "}");
	say(d, "OL", 10);
	say(d, "OB", 3);
	struct rlimit old;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	struct rlimit full = {.rlim_cur = 0, .rlim_max = old.rlim_max}; /* as a full disk */
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	struct power_sample s = sample(1, "OB", "90");
	d->clock.fake_ms += 1000;
	struct err *e = power_tick(&d->svc, &s, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(e);
	err_free(e);
	assert_int_equal(operations(d), 0);
	assert_false(power_is_calm(&d->svc));
	say(d, "OB", 1); /* the same server: it is owed */
	assert_int_equal(operations(d), 1);
	assert_int_equal(events(d, POWER_EVENT_LOSS), 1);
	say(d, "OB", 30);
	assert_int_equal(operations(d), 1);
}

static void a_delay_goes_on_after_another_boot_by_what_was_left(void **state)
{
	struct test_domain *d = *state;
	struct power_memory memory;
	site(d);
	add_rule(d, "{" RULE ",\"action_delay\":60}");
	say(d, "OL", 10);
	say(d, "OB", 24); /* the state is written every 10 s */
	power_stop(&d->svc);
	ok(store_get(d->svc.store, &power_memory_type, 1, &memory));
	field_set_text(&memory.boot_id, "another");
	int64_t left = 61000 - (memory.at - (d->clock.fake_ms - 23000));
	TX(d, store_update(d->svc.store, &power_memory_type, &memory));
	record_done(&power_memory_type, &memory);
	d->clock.fake_ms = memory.at - 3 * INT64_C(86400000); /* and the wall is wrong too */
	TX(d, power_start(&d->svc));
	int64_t begin = d->clock.fake_ms;
	while (operations(d) == 0 && d->clock.fake_ms - begin < 100000)
		say(d, "OB", 1);
	assert_in_range(d->clock.fake_ms - begin, left - 2000, left + 2000);
}

static void a_shutdown_that_fails_is_tried_again_and_then_forced(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE ",\"retries\":2,\"on_fail\":\"escalate\"}");
	say(d, "OL", 10);
	say(d, "OB", 4);
	end_operation(d, OP_FAILED);
	say(d, "OB", 5);
	assert_int_equal(operations(d), 1);
	say(d, "OB", 10);
	assert_int_equal(operations(d), 2);
	end_operation(d, OP_FAILED);
	say(d, "OB", 2);
	assert_int_equal(operations(d), 3);
	struct operation op = newest_operation(d);
	assert_true(json_is_true(json_object_get(op.params, "force")));
	record_done(&operation_type, &op);
}

static void what_a_person_cancels_is_not_tried_again(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE "}");
	say(d, "OL", 10);
	say(d, "OB", 4);
	end_operation(d, OP_CANCELLED);
	say(d, "OB", 60);
	assert_int_equal(operations(d), 1);
	expect_firing(d, POWER_CANCELLED, POWER_WHY_MANUAL);
}

static void a_rule_with_a_reverse_starts_what_it_shut_down_once_mains_is_good(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE ",\"auto_reverse\":true,\"min_charge\":50,\"stable_s\":30}");
	set_cluster(d, CLUSTER_ACTIVE);
	say(d, "OL", 10);
	say(d, "OB", 4);
	set_cluster(d, CLUSTER_OFFLINE);
	end_operation(d, OP_SUCCEEDED);
	say(d, "OB", 60);
	say(d, "OL CHRG", 29);
	assert_int_equal(operations(d), 1);
	say(d, "OL CHRG", 10);
	assert_int_equal(operations(d), 2);
	expect_operation(d, "cluster.startup");
	set_cluster(d, CLUSTER_ACTIVE);
	end_operation(d, OP_SUCCEEDED);
	say(d, "OL", 60);
	expect_firing(d, POWER_DONE, POWER_NO_REASON);
	say(d, "OB", 4); /* and the next outage acts again */
	assert_int_equal(operations(d), 3);
}

/* A person started it by hand: "it is down already" is no longer true. */
static void a_cluster_that_came_up_by_other_means_is_shut_down_again(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE "}");
	set_cluster(d, CLUSTER_ACTIVE);
	say(d, "OL", 10);
	say(d, "OB", 4);
	set_cluster(d, CLUSTER_OFFLINE);
	end_operation(d, OP_SUCCEEDED);
	say(d, "OL", 60);
	say(d, "OB", 5);
	expect_firing(d, POWER_SKIPPED, POWER_WHY_COVERED);
	say(d, "OL", 60);
	set_cluster(d, CLUSTER_ACTIVE);
	say(d, "OL", 2);
	say(d, "OB", 5);
	assert_int_equal(operations(d), 2);
}

static void a_dry_run_writes_everything_down_and_does_nothing(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE ",\"dry_run\":true}");
	say(d, "OL", 10);
	say(d, "OB", 10);
	assert_int_equal(operations(d), 0);
	expect_firing(d, POWER_DONE, POWER_NO_REASON);
}

static void a_shutdown_outranks_what_works_on_the_cluster(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	const struct op_request req = {.type = "cluster.scan", .target = "prod"};
	site(d);
	add_rule(d, "{" RULE "}");
	say(d, "OL", 10);
	TX(d, op_submit(&d->svc, &test_admin, &req, &op));
	int64_t scan = op.id;
	record_done(&operation_type, &op);
	say(d, "OB", 4);
	ok(store_get(d->svc.store, &operation_type, scan, &op));
	assert_int_equal(op.status, OP_CANCELLED);
	record_done(&operation_type, &op);
	op = newest_operation(d);
	assert_int_equal(op.priority, OP_PRIORITY_POWER);
	record_done(&operation_type, &op);
}

static void disabling_and_removing_a_rule_cancels_what_waits(void **state)
{
	struct test_domain *d = *state;
	struct ups_rule rule;
	json_t *off = json_pack("{s:b}", "enabled", 0);
	json_t *on = json_pack("{s:b}", "enabled", 1);
	site(d);
	add_rule(d, "{" RULE ",\"name\":\"r\",\"action_delay\":60}");
	say(d, "OL", 10);
	say(d, "OB", 10);
	TX(d, ups_rule_edit(&d->svc, &test_admin, "r", off, &rule));
	record_done(&ups_rule_type, &rule);
	say(d, "OB", 2);
	expect_firing(d, POWER_CANCELLED, POWER_WHY_DISABLED);
	TX(d, ups_rule_edit(&d->svc, &test_admin, "r", on, &rule));
	record_done(&ups_rule_type, &rule);
	say(d, "OB", 2);
	expect_firing(d, POWER_PENDING, POWER_NO_REASON);
	TX(d, ups_rule_remove(&d->svc, &test_admin, "r"));
	say(d, "OB", 100);
	expect_firing(d, POWER_CANCELLED, POWER_WHY_DELETED);
	assert_int_equal(operations(d), 0);
	json_decref(off);
	json_decref(on);
}

/* Two UPSes say something in each second. */
static void say_two(struct test_domain *d, const char *a, const char *b, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		struct power_sample s[] = {sample(1, a, "90"), sample(2, b, "90")};
		d->clock.fake_ms += 1000;
		ok(power_tick(&d->svc, s, 2));
	}
}

static void set_feeds(struct test_domain *d, const char *json)
{
	struct cluster c;
	json_t *body = json_loads(json, 0, NULL);
	TX(d, cluster_edit(&d->svc, &test_admin, "prod", body, &c));
	json_decref(body);
	record_done(&cluster_type, &c);
}

static void redundant_feeds_act_only_when_too_few_are_left(void **state)
{
	struct test_domain *d = *state;
	site(d);
	assert_int_equal(add_ups(d, "other"), 2);
	set_feeds(d, "{\"feeds\":[\"rack\",2]}");
	add_rule(d, "{" RULE "}");
	say_two(d, "OL", "OL", 10);
	say_two(d, "OB", "OL", 60);
	assert_int_equal(operations(d), 0);
	say_two(d, "OB", "OB", 4);
	assert_int_equal(operations(d), 1);
}

static void edit_cluster(struct test_domain *d, const char *name, const char *json)
{
	struct cluster c;
	json_t *body = json_loads(json, 0, NULL);
	TX(d, cluster_edit(&d->svc, &test_admin, name, body, &c));
	json_decref(body);
	record_done(&cluster_type, &c);
}

static int64_t newest_cluster(struct test_domain *d)
{
	struct operation op = newest_operation(d);
	int64_t id = json_integer_value(json_array_get(op.clusters, 0));
	record_done(&operation_type, &op);
	return id;
}

static void a_cluster_goes_down_before_what_it_needs(void **state)
{
	struct test_domain *d = *state;
	site(d);
	int64_t storage = test_add_cluster(d, "storage", false);
	test_add_node(d, 2, storage);
	edit_cluster(d, "prod", "{\"depends_on\":[\"storage\"]}");
	add_rule(d,
		"{\"ups_id\":\"rack\",\"cluster_id\":\"storage\",\"power_event\":\"power_loss\",\"cluster_action\":\"graceful_shutdown\",\"priority\":1}");
	add_rule(d, "{" RULE ",\"priority\":100}");
	say(d, "OL", 10);
	say(d, "OB", 10);
	assert_int_equal(operations(d), 1);
	assert_int_equal(newest_cluster(d), 1); /* although the other is more urgent */
	end_operation(d, OP_SUCCEEDED);
	say(d, "OB", 3);
	assert_int_equal(operations(d), 2);
	assert_int_equal(newest_cluster(d), storage);
}

static void rules_leave_a_cluster_in_maintenance_alone(void **state)
{
	struct test_domain *d = *state;
	site(d);
	edit_cluster(d, "prod", "{\"power_maintenance\":true}");
	add_rule(d, "{" RULE "}");
	say(d, "OL", 10);
	say(d, "OB", 60);
	assert_int_equal(operations(d), 0);
	expect_firing(d, POWER_SKIPPED, POWER_WHY_MAINTENANCE);
	say(d, "OL", 60);
	edit_cluster(d, "prod", "{\"power_maintenance\":false}");
	say(d, "OB", 10);
	assert_int_equal(operations(d), 1);
}

static void clusters_that_need_each_other_are_refused(void **state)
{
	struct test_domain *d = *state;
	struct cluster c;
	json_t *body = json_pack("{s:[s]}", "depends_on", "prod");

	site(d);
	test_add_cluster(d, "storage", false);
	test_add_cluster(d, "base", false);
	edit_cluster(d, "prod", "{\"depends_on\":[\"storage\"]}");
	edit_cluster(d, "storage", "{\"depends_on\":[\"base\"]}");
	TX_FAILS(d, cluster_edit(&d->svc, &test_admin, "base", body, &c), ERR_INVALID);
	TX_FAILS(d, cluster_edit(&d->svc, &test_admin, "prod", body, &c), ERR_INVALID);
	json_decref(body);
	TX(d, cluster_remove(&d->svc, &test_admin, "storage", true));
	ok(cluster_find(&d->svc, "prod", &c));
	assert_int_equal(json_array_size(c.depends_on), 0);
	record_done(&cluster_type, &c);
}

static void a_cluster_that_needs_both_feeds_acts_with_the_first(void **state)
{
	struct test_domain *d = *state;
	site(d);
	assert_int_equal(add_ups(d, "other"), 2);
	set_feeds(d, "{\"feeds\":[\"rack\",\"other\"],\"min_feeds\":2}");
	add_rule(d, "{" RULE "}");
	say_two(d, "OL", "OL", 10);
	say_two(d, "OL", "OB", 4);
	assert_int_equal(operations(d), 1);
}

/* Without its UPS the list is shorter, and what is left decides alone. */
static void a_feed_that_is_removed_counts_no_more(void **state)
{
	struct test_domain *d = *state;
	site(d);
	assert_int_equal(add_ups(d, "other"), 2);
	set_feeds(d, "{\"feeds\":[\"rack\",\"other\"]}");
	add_rule(d, "{" RULE "}");
	say_two(d, "OL", "OL", 10);
	TX(d, ups_remove(&d->svc, &test_admin, "other", false));
	say(d, "OB", 5);
	assert_int_equal(operations(d), 1);
}

static void a_ups_that_is_not_watched_any_more_never_counts_as_silent(void **state)
{
	struct test_domain *d = *state;
	struct ups_device ups;
	struct power_links links = {.n = 0};
	json_t *off = json_pack("{s:b}", "enabled", 0);
	site(d);
	add_rule(d,
		"{\"ups_id\":1,\"cluster_id\":1,\"power_event\":\"critical_battery\",\"cluster_action\":\"force_shutdown\"}");
	say(d, "OL", 10);
	assert_true(power_links_follow(&d->svc, &links));
	assert_int_equal(links.n, 1);
	say(d, "OB", 10);
	TX(d, ups_edit(&d->svc, &test_admin, "rack", off, &ups));
	record_done(&ups_device_type, &ups);
	for (int i = 0; i < 300; i++) {
		d->clock.fake_ms += 1000;
		ok(power_tick(&d->svc, NULL, 0));
	}
	assert_int_equal(operations(d), 0);
	assert_true(power_links_follow(&d->svc, &links));
	assert_int_equal(links.n, 0);
	power_links_done(&links);
	json_decref(off);
}

static void a_monitor_that_was_stopped_stays_so_over_restarts(void **state)
{
	struct test_domain *d = *state;
	site(d);
	add_rule(d, "{" RULE "}");
	say(d, "OL", 10);
	TX(d, power_monitor_set(&d->svc, &test_admin, false));
	crash(d);
	say(d, "OB", 30);
	assert_int_equal(operations(d), 0);
	TX(d, power_monitor_set(&d->svc, &test_admin, true));
	say(d, "OB", 30);
	assert_int_equal(operations(d), 1);
}

/* At rest the disk is left alone: at most one row is written when the server starts. */
static void at_rest_nothing_is_written(void **state)
{
	struct test_domain *d = *state;
	int64_t before = 0;
	int64_t after = 0;
	site(d);
	add_rule(d, "{" RULE "}");
	say(d, "OL", 30);
	ok(store_table_version(d->svc.store, &power_memory_type, &before));
	say(d, "OL", 600);
	ok(store_table_version(d->svc.store, &power_memory_type, &after));
	assert_int_equal(before, after);
	assert_true(power_is_calm(&d->svc));
}

static void the_status_shows_what_the_ups_says_and_what_waits(void **state)
{
	struct test_domain *d = *state;
	struct ups_device ups;
	json_t *json = NULL;
	site(d);
	add_rule(d, "{" RULE ",\"action_delay\":60}");
	say(d, "OL", 10);
	say(d, "OB DISCHRG", 10);
	ok(ups_find(&d->svc, "rack", &ups));
	ok(power_status_json(&d->svc, &ups, &json));
	assert_string_equal(json_string_value(json_object_get(json, "power")), "on_battery");
	assert_string_equal(json_string_value(json_object_get(json, "ups_status")), "OB DISCHRG");
	assert_int_equal(json_integer_value(json_object_get(json, "charge_pct")), 90);
	assert_true(json_is_true(json_object_get(json, "contact")));
	assert_int_equal(json_array_size(json_object_get(json, "firings")), 1);
	json_decref(json);
	record_done(&ups_device_type, &ups);
}

TEST_MAIN(POWER_TEST(an_outage_is_confirmed_after_three_seconds_and_starts_one_operation),
	POWER_TEST(a_step_between_two_polls_confirms_in_time),
	POWER_TEST(an_outage_shorter_than_the_delay_does_nothing),
	POWER_TEST(silence_on_battery_acts_and_silence_on_mains_only_tells),
	POWER_TEST(a_crash_at_any_step_neither_doubles_nor_loses_a_shutdown),
	POWER_TEST(a_store_that_fails_in_the_moment_of_firing_loses_nothing),
	POWER_TEST(a_delay_goes_on_after_another_boot_by_what_was_left),
	POWER_TEST(a_shutdown_that_fails_is_tried_again_and_then_forced),
	POWER_TEST(what_a_person_cancels_is_not_tried_again),
	POWER_TEST(a_rule_with_a_reverse_starts_what_it_shut_down_once_mains_is_good),
	POWER_TEST(a_cluster_that_came_up_by_other_means_is_shut_down_again),
	POWER_TEST(a_dry_run_writes_everything_down_and_does_nothing),
	POWER_TEST(a_shutdown_outranks_what_works_on_the_cluster),
	POWER_TEST(disabling_and_removing_a_rule_cancels_what_waits),
	POWER_TEST(redundant_feeds_act_only_when_too_few_are_left),
	POWER_TEST(a_cluster_goes_down_before_what_it_needs),
	POWER_TEST(rules_leave_a_cluster_in_maintenance_alone),
	POWER_TEST(clusters_that_need_each_other_are_refused),
	POWER_TEST(a_cluster_that_needs_both_feeds_acts_with_the_first),
	POWER_TEST(a_feed_that_is_removed_counts_no_more),
	POWER_TEST(a_ups_that_is_not_watched_any_more_never_counts_as_silent),
	POWER_TEST(a_monitor_that_was_stopped_stays_so_over_restarts),
	POWER_TEST(at_rest_nothing_is_written),
	POWER_TEST(the_status_shows_what_the_ups_says_and_what_waits))
