/* The engine beyond the traces of scenarios.json: failures, phases, several clusters, boots. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "power/engine.h"
#include "testing_err.h"

/** An engine with one clock and its last effects as text: "A power_loss; R1 running; ...". */
struct bench {
	struct power_engine *engine;
	struct power_effects effects;
	int64_t now_s;
	struct str told;
};

static void bench_init(struct bench *b)
{
	*b = (struct bench){.engine = power_engine_new()};
}

static void bench_done(struct bench *b)
{
	power_engine_free(b->engine);
	power_effects_done(&b->effects);
	str_done(&b->told);
}

static void note(struct bench *b, const struct power_effect *e)
{
	static const char *const kinds[] = {"", "", "stop further", "hold wakes"};

	if (b->told.len > 0)
		str_adds(&b->told, "; ");
	if (e->kind == POWER_TELL_UPS)
		str_addf(&b->told, "%s %s", e->ups, enum_text(&power_event_table, e->event));
	else if (e->kind == POWER_TELL_RULE)
		str_addf(&b->told, "%s %s", e->rule, enum_text(&power_state_table, e->state));
	else
		str_addf(&b->told, "%s %s", e->rule, kinds[e->kind]);
	if (e->kind == POWER_TELL_RULE && e->state == POWER_RUNNING && e->attempt > 1)
		str_addf(&b->told, " again");
	if (e->kind == POWER_TELL_RULE && e->state == POWER_RUNNING &&
		e->action == POWER_DO_FORCE_SHUTDOWN)
		str_addf(&b->told, " force");
	if (e->reason != POWER_NO_REASON)
		str_addf(&b->told, "(%s)", enum_text(&power_reason_table, e->reason));
}

static void step(struct bench *b, const struct power_input *input)
{
	b->effects.n = 0;
	power_step(b->engine, input, &b->effects);
	for (size_t i = 0; i < b->effects.n; i++)
		note(b, &b->effects.items[i]);
}

static void tell(struct bench *b, struct power_command command)
{
	const struct power_input input = {.now = b->now_s * 1000,
		.commands = &command,
		.n_commands = 1};
	step(b, &input);
}

/** Poll UPS A (and B) each second until second `until`; NULL = a miss. */
static void poll2(struct bench *b, int64_t until, const char *a, const char *bb)
{
	for (; b->now_s < until; b->now_s++) {
		const struct power_observation both[] = {
			{.ups = "A",
				.ok = a != NULL,
				.tokens = power_tokens(a),
				.charge = 80000,
				.runtime = 900000},
			{.ups = "B",
				.ok = bb != NULL,
				.tokens = power_tokens(bb),
				.charge = 80000,
				.runtime = 900000},
		};
		const struct power_input input = {.now = b->now_s * 1000,
			.observations = both,
			.n_observations = 2};
		step(b, &input);
	}
}

static void poll(struct bench *b, int64_t until, const char *a)
{
	poll2(b, until, a, "OL");
}

static struct power_rule_spec rule(const char *id, const char *cluster, int trigger, int action)
{
	struct power_rule_spec spec = power_rule_spec_default();

	(void)snprintf(spec.id, sizeof(spec.id), "%s", id);
	(void)snprintf(spec.ups, sizeof(spec.ups), "A");
	(void)snprintf(spec.cluster, sizeof(spec.cluster), "%s", cluster);
	spec.trigger = trigger;
	spec.action = action;
	return spec;
}

static void add(struct bench *b, const struct power_rule_spec *spec)
{
	tell(b, (struct power_command){.kind = POWER_SET_RULE, .rule = spec});
}

static void add_cluster(struct bench *b, const char *name, int64_t policy, const char *depends)
{
	struct power_cluster_spec spec = {.policy = policy, .min_feeds = 1, .n_feeds = 2};

	(void)snprintf(spec.name, sizeof(spec.name), "%s", name);
	(void)snprintf(spec.feeds[0], sizeof(spec.feeds[0]), "A");
	(void)snprintf(spec.feeds[1], sizeof(spec.feeds[1]), "B");
	if (depends != NULL) {
		spec.n_depends = 1;
		(void)snprintf(spec.depends[0], sizeof(spec.depends[0]), "%s", depends);
	}
	tell(b, (struct power_command){.kind = POWER_SET_CLUSTER, .cluster = &spec});
}

static void report(struct bench *b, enum power_command_kind kind, const char *id, int64_t value)
{
	tell(b, (struct power_command){.kind = kind, .id = id, .value = value});
}

/** What was told since the last call. */
static void expect(struct bench *b, const char *want)
{
	assert_string_equal(str_get(&b->told), want);
	str_reset(&b->told);
}

static void a_failed_shutdown_is_tried_again_then_forced(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b);
	struct power_rule_spec spec = rule("R1", "c1", POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN);
	spec.escalate = true;
	add(&b, &spec);
	poll(&b, 10, "OL");
	poll(&b, 14, "OB");
	expect(&b, "A power_loss; R1 running");
	for (int i = 0; i < 2; i++) {
		report(&b, POWER_REPORT_FAILED, "R1", 0);
		expect(&b, "");
		poll(&b, b.now_s + 11, "OB");
		expect(&b, "R1 running again");
	}
	report(&b, POWER_REPORT_FAILED, "R1", 0);
	expect(&b, "R1 failed; R1 running force");
	report(&b, POWER_REPORT_DONE, "R1", 0);
	expect(&b, "R1 done");
	bench_done(&b);
}

static void a_restore_undoes_what_can_be_undone(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b);
	const struct power_rule_spec down =
		rule("R1", "c1", POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN);
	const struct power_rule_spec up = rule("R2", "c1", POWER_ON_RESTORED, POWER_DO_STARTUP);
	add(&b, &down);
	add(&b, &up);
	poll(&b, 10, "OL");
	poll(&b, 14, "OB");
	report(&b, POWER_REPORT_PHASE, "R1", 2);
	expect(&b, "A power_loss; R1 running");
	poll(&b, 200, "OL");
	expect(&b,
		"A power_restored; R1 aborted(restored); R2 pending(gates); R2 skipped(nothing_to_undo)");
	bench_done(&b);
}

static void a_restore_while_nodes_power_off_commands_no_further_ones(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b);
	const struct power_rule_spec down =
		rule("R1", "c1", POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN);
	const struct power_rule_spec up = rule("R2", "c1", POWER_ON_RESTORED, POWER_DO_STARTUP);
	add(&b, &down);
	add(&b, &up);
	poll(&b, 10, "OL");
	poll(&b, 14, "OB");
	report(&b, POWER_REPORT_PHASE, "R1", 3);
	poll(&b, 140, "OL");
	expect(&b,
		"A power_loss; R1 running; A power_restored; R1 stop further; R2 pending(gates)");
	report(&b, POWER_REPORT_DONE, "R1", 0);
	poll(&b, 142, "OL");
	expect(&b, "R1 done; R2 running");
	poll(&b, 143, "OB");
	expect(&b, "R2 hold wakes");
	poll(&b, 150, "OB");
	expect(&b, "A power_loss; R2 aborted(outage); R1 running");
	bench_done(&b);
}

static void at_most_four_clusters_go_down_at_once_and_one_more_when_critical(void **state)
{
	(void)state;
	static const char *const clusters[] = {"c1", "c2", "c3", "c4", "c5", "c6", "c7"};
	struct bench b;
	bench_init(&b);
	for (int i = 0; i < 7; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "R%d", i + 1);
		struct power_rule_spec spec = rule(id, clusters[i],
			i < 5 ? POWER_ON_LOSS : POWER_ON_CRITICAL, POWER_DO_GRACEFUL_SHUTDOWN);
		spec.priority = i;
		add(&b, &spec);
	}
	poll(&b, 10, "OL");
	poll(&b, 14, "OB");
	expect(&b, "A power_loss; R1 running; R2 running; R3 running; R4 running; R5 pending");
	poll(&b, 16, "OB LB");
	expect(&b, "R6 running; R7 pending");
	report(&b, POWER_REPORT_DONE, "R1", 0);
	expect(&b, "R1 done; R7 running");
	report(&b, POWER_REPORT_DONE, "R2", 0);
	report(&b, POWER_REPORT_DONE, "R3", 0);
	expect(&b, "R2 done; R3 done; R5 running");
	bench_done(&b);
}

static void those_that_need_a_cluster_go_down_before_it(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b);
	add_cluster(&b, "apps", POWER_FEEDS_ANY, "storage");
	add_cluster(&b, "storage", POWER_FEEDS_ANY, NULL);
	const struct power_rule_spec storage =
		rule("R1", "storage", POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN);
	const struct power_rule_spec apps =
		rule("R2", "apps", POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN);
	add(&b, &storage);
	add(&b, &apps);
	poll(&b, 10, "OL");
	poll(&b, 20, "OB");
	expect(&b, "A power_loss; R2 running; R1 pending");
	report(&b, POWER_REPORT_DONE, "R2", 0);
	expect(&b, "R2 done; R1 running");
	bench_done(&b);
}

static void a_cluster_brought_up_by_hand_is_shut_down_again(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b);
	const struct power_rule_spec down =
		rule("R1", "c1", POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN);
	add(&b, &down);
	poll(&b, 10, "OL");
	poll(&b, 14, "OB");
	report(&b, POWER_REPORT_DONE, "R1", 0);
	poll(&b, 50, "OL");
	expect(&b, "A power_loss; R1 running; R1 done; A power_restored");
	poll(&b, 60, "OB");
	expect(&b, "A power_loss; R1 skipped(covered)");
	poll(&b, 100, "OL");
	report(&b, POWER_CLUSTER_UP, "c1", 0);
	poll(&b, 110, "OB");
	expect(&b, "A power_restored; A power_loss; A flapping; R1 running");
	bench_done(&b);
}

static void after_a_boot_the_rest_of_the_delay_counts(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b);
	struct power_rule_spec down = rule("R1", "c1", POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN);
	down.delay = 60000;
	add(&b, &down);
	poll(&b, 1010, "OL");
	poll(&b, 1031, "OB");
	expect(&b, "A power_loss; R1 pending");
	/* The deadline is 1070, the last step was at 1030: 40 s are left. The new clock says 5. */
	json_t *json = power_engine_save(b.engine);
	power_engine_free(b.engine);
	assert_ok(power_engine_load(json, &b.engine));
	json_decref(json);
	power_engine_shift(b.engine, 5000 - power_engine_last(b.engine));
	b.now_s = 5;
	report(&b, POWER_RESTARTED, NULL, 0);
	poll(&b, 45, "OB");
	expect(&b, "");
	poll(&b, 46, "OB");
	expect(&b, "R1 running");
	bench_done(&b);
}

static void a_gap_in_the_loop_is_a_restart(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b);
	struct power_rule_spec down = rule("R1", "c1", POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN);
	down.delay = 30000;
	add(&b, &down);
	poll(&b, 10, "OL");
	poll(&b, 20, "OB");
	b.now_s = 100;
	poll(&b, 105, "OB");
	expect(&b, "A power_loss; R1 pending");
	poll(&b, 106, "OB");
	expect(&b, "R1 running");
	bench_done(&b);
}

static void our_own_fsd_is_not_critical_and_a_stranger_under_the_name_is_silence(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b);
	const struct power_rule_spec down =
		rule("R1", "c1", POWER_ON_CRITICAL, POWER_DO_FORCE_SHUTDOWN);
	add(&b, &down);
	poll(&b, 10, "OL");
	report(&b, POWER_FSD_OURS, "A", 0);
	poll(&b, 20, "FSD OL");
	expect(&b, "");
	poll(&b, 30, "OL");
	for (; b.now_s < 60; b.now_s++) {
		const struct power_observation o = {.ups = "A",
			.ok = true,
			.tokens = POWER_OB | POWER_LB,
			.charge = I64_NONE,
			.runtime = I64_NONE,
			.identity = b.now_s == 30 ? "APC 1" : "APC 2"};
		const struct power_input input = {.now = b.now_s * 1000,
			.observations = &o,
			.n_observations = 1};
		step(&b, &input);
	}
	expect(&b, "A identity_changed; A power_loss; A critical_battery(blind); R1 running force");
	bench_done(&b);
}

static void of_three_feeds_two_are_needed(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b);
	struct power_cluster_spec spec = {.policy = POWER_FEEDS_ALL, .min_feeds = 2, .n_feeds = 2};
	(void)snprintf(spec.name, sizeof(spec.name), "c1");
	(void)snprintf(spec.feeds[0], sizeof(spec.feeds[0]), "A");
	(void)snprintf(spec.feeds[1], sizeof(spec.feeds[1]), "B");
	tell(&b, (struct power_command){.kind = POWER_SET_CLUSTER, .cluster = &spec});
	const struct power_rule_spec down =
		rule("R1", "c1", POWER_ON_LOSS, POWER_DO_GRACEFUL_SHUTDOWN);
	add(&b, &down);
	poll2(&b, 10, "OL", "OL");
	poll2(&b, 20, "OL", "OB");
	expect(&b, "B power_loss; R1 running");
	bench_done(&b);
}

static void a_broken_state_is_refused(void **state)
{
	(void)state;
	struct power_engine *engine = NULL;
	json_t *json = json_object();

	assert_fails(power_engine_load(json, &engine), ERR_INVALID);
	assert_fails(power_engine_load(NULL, &engine), ERR_INVALID);
	json_decref(json);
	struct power_engine *good = power_engine_new();
	json = power_engine_save(good);
	power_engine_free(good);
	(void)json_object_set_new(json, "ups", json_string("x"));
	assert_fails(power_engine_load(json, &engine), ERR_INVALID);
	assert_null(engine);
	json_decref(json);
}

TEST_MAIN(cmocka_unit_test(a_failed_shutdown_is_tried_again_then_forced),
	cmocka_unit_test(a_restore_undoes_what_can_be_undone),
	cmocka_unit_test(a_restore_while_nodes_power_off_commands_no_further_ones),
	cmocka_unit_test(at_most_four_clusters_go_down_at_once_and_one_more_when_critical),
	cmocka_unit_test(those_that_need_a_cluster_go_down_before_it),
	cmocka_unit_test(a_cluster_brought_up_by_hand_is_shut_down_again),
	cmocka_unit_test(after_a_boot_the_rest_of_the_delay_counts),
	cmocka_unit_test(a_gap_in_the_loop_is_a_restart),
	cmocka_unit_test(our_own_fsd_is_not_critical_and_a_stranger_under_the_name_is_silence),
	cmocka_unit_test(of_three_feeds_two_are_needed),
	cmocka_unit_test(a_broken_state_is_refused))
