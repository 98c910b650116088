/* Random outages, rules, crashes and failing actions: what must hold in each of them. The seed is
 * printed; MKO_POWER_SEED repeats one, MKO_POWER_TRACES says how many (default 300). */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "power/engine.h"
#include "testing_err.h"

#define UPSES 3
#define CLUSTERS 2
#define RULES 7
#define STEPS 400
#define CALM_STEPS 900

static uint64_t random_state;
static uint64_t current_seed; /**< of the trace that runs, 0 = none */

static uint32_t roll(uint32_t n)
{
	must(n > 0);
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % n;
}

static const char *const names[UPSES] = {"A", "B", "C"};
static const char *const statuses[] = {"OL", "OL", "OL", "OL CHRG", "OB", "OB DISCHRG", "OB LB",
	"OL LB", "OL CAL", "OB CAL", "OFF", "OL DISCHRG", "FSD OL", "FSD OB LB", "OL BYPASS",
	"WAIT", ""};

/** A test's own view of a UPS: what it really said last. */
struct said {
	const char *status; /**< of the last sample that counts */
	int64_t charge;
	bool now; /**< said in this very step */
};
struct rule_view {
	struct power_rule_spec spec;
	int64_t state; /**< POWER_ARMED, POWER_PENDING, POWER_RUNNING */
	int64_t ends;
};
struct run {
	struct power_engine *engine, *twin; /**< the twin is saved and loaded at random */
	struct power_effects effects, twin_effects;
	struct said ups[UPSES];
	struct power_observation now[UPSES];
	struct rule_view rules[RULES];
	struct power_cluster_spec clusters[CLUSTERS];
	struct power_command commands[4 * RULES + 8];
	size_t n_commands;
	int64_t t;
	bool calm;
	int64_t calm_charge; /**< rises after the outages */
};

static void add_command(struct run *run, struct power_command command)
{
	must(run->n_commands < ARRAY_LEN(run->commands));
	run->commands[run->n_commands++] = command;
}

static void make_cluster(struct run *run, int i)
{
	struct power_cluster_spec *c = &run->clusters[i];

	*c = (struct power_cluster_spec){.policy = roll(2), .min_feeds = 1};
	(void)snprintf(c->name, sizeof(c->name), "c%d", i);
	c->n_feeds = 1 + roll(UPSES);
	for (int64_t f = 0; f < c->n_feeds && f < UPSES; f++)
		(void)snprintf(c->feeds[f], sizeof(c->feeds[f]), "%s", names[f]);
	c->min_feeds = 1 + roll((uint32_t)c->n_feeds);
	add_command(run, (struct power_command){.kind = POWER_SET_CLUSTER, .cluster = c});
}

static void make_rule(struct run *run, int i)
{
	struct power_rule_spec *r = &run->rules[i].spec;
	static const int64_t delays[] = {0, 0, 5000, 30000, 60000, 200000};

	*r = power_rule_spec_default();
	(void)snprintf(r->id, sizeof(r->id), "R%d", i);
	(void)snprintf(r->ups, sizeof(r->ups), "%s", names[roll(UPSES)]);
	(void)snprintf(r->cluster, sizeof(r->cluster), "c%u", roll(CLUSTERS));
	do {
		r->trigger = roll(POWER_ON_N_);
		r->action = roll(POWER_DO_N_);
		struct err *e = power_action_check(r->trigger, r->action);
		if (e == NULL)
			break;
		err_free(e);
	} while (true);
	r->delay = delays[roll(ARRAY_LEN(delays))];
	r->charge_below = roll(2) ? 30000 : I64_NONE;
	r->runtime_below = roll(2) ? 300000 : I64_NONE;
	r->priority = roll(3);
	r->escalate = roll(2) == 0;
	r->abort_on_restore = roll(4) != 0;
	r->dry_run = roll(8) == 0;
	r->timeout = roll(3) == 0 ? 90000 : 0;
	add_command(run, (struct power_command){.kind = POWER_SET_RULE, .rule = r});
}

static void observe(struct run *run, int u)
{
	struct power_observation *o = &run->now[u];
	static const int64_t charges[] = {I64_NONE, 3000, 8000, 20000, 50000, 90000, 100000};

	if (run->calm) {
		run->calm_charge += run->calm_charge < 100000 ? 200 : 0;
		*o = (struct power_observation){.ok = true,
			.tokens = POWER_OL,
			.charge = run->calm_charge,
			.runtime = 900000};
		run->ups[u].status = "OL";
	} else if (roll(12) == 0 || run->t == 0) {
		const char *status = statuses[roll(ARRAY_LEN(statuses))];
		*o = (struct power_observation){.ok = roll(8) != 0,
			.tokens = power_tokens(status),
			.charge = charges[roll(ARRAY_LEN(charges))],
			.runtime = roll(3) ? 100000 * (int64_t)roll(12) : I64_NONE};
		if (o->ok && o->tokens != 0 && o->tokens != POWER_WAIT)
			run->ups[u].status = status;
	}
	o->ups = names[u];
	run->ups[u].now = o->ok && o->tokens != 0 && o->tokens != POWER_WAIT;
	if (run->ups[u].now)
		run->ups[u].charge = o->charge;
}

/** The feeds that a rule may look at: those of its cluster, and its own. */
static bool may_see(const struct run *run, const struct power_rule_spec *rule, int u)
{
	const struct power_cluster_spec *c = &run->clusters[rule->cluster[1] - '0'];

	if (strcmp(rule->ups, names[u]) == 0)
		return true;
	for (int64_t f = 0; f < c->n_feeds && f < UPSES; f++) {
		if (strcmp(c->feeds[f], names[u]) == 0)
			return true;
	}
	return false;
}

/** Going down wants a UPS whose last word was not that it is on mains. */
static void check_down(const struct run *run, const struct rule_view *rule)
{
	bool away = false;

	for (int u = 0; u < UPSES; u++) {
		int64_t tokens = power_tokens(run->ups[u].status);
		away = away ||
			(may_see(run, &rule->spec, u) &&
				((tokens & (POWER_OB | POWER_FSD)) != 0 ||
					(tokens & (POWER_DISCHRG | POWER_OFF)) != 0));
	}
	assert_true(away);
}

/** Coming up wants a fresh word of mains and charge from its own UPS at least. */
static void check_up(const struct run *run, const struct rule_view *rule)
{
	int u = rule->spec.ups[0] - 'A';
	int64_t tokens = power_tokens(run->ups[u].status);
	bool start = rule->spec.action == POWER_DO_STARTUP || rule->spec.action == POWER_DO_WAKE;

	assert_true(run->ups[u].now);
	assert_int_equal(tokens & POWER_FSD, 0);
	assert_true((tokens & (POWER_OL | POWER_CAL | POWER_OFF)) != 0);
	if (start && run->ups[u].charge != I64_NONE)
		assert_true(run->ups[u].charge >= 40000);
}

static bool works(const struct rule_view *rule)
{
	return rule->state == POWER_RUNNING && rule->spec.action != POWER_DO_NOTIFY;
}

/** Never two at once on one cluster. */
static void check_alone(const struct run *run, const struct rule_view *rule)
{
	for (int i = 0; i < RULES; i++) {
		const struct rule_view *other = &run->rules[i];
		if (other == rule || !works(other) || !works(rule) ||
			other->spec.dry_run != rule->spec.dry_run)
			continue;
		assert_string_not_equal(other->spec.cluster, rule->spec.cluster);
	}
}

static void started(struct run *run, struct rule_view *rule, const struct power_effect *effect)
{
	bool again = effect->attempt > 1;

	assert_true(again == (rule->state == POWER_RUNNING));
	rule->state = POWER_RUNNING;
	rule->ends = run->t + 1000 * (int64_t)roll(100);
	if (again)
		return;
	check_alone(run, rule);
	if (power_action_strength(effect->action) > 0)
		check_down(run, rule);
	if (power_action_is_up(effect->action))
		check_up(run, rule);
}

static void follow(struct run *run, const struct power_effect *effect)
{
	if (effect->kind == POWER_TELL_UPS)
		return;
	struct rule_view *rule = &run->rules[effect->rule[1] - '0'];
	if (effect->kind == POWER_STOP_FURTHER) {
		assert_int_equal(rule->state, POWER_RUNNING);
		rule->ends = run->t;
	} else if (effect->kind == POWER_TELL_RULE && effect->state == POWER_RUNNING) {
		started(run, rule, effect);
	} else if (effect->kind == POWER_TELL_RULE && effect->state == POWER_PENDING) {
		assert_int_not_equal(rule->state, POWER_RUNNING);
		rule->state = POWER_PENDING;
	} else if (effect->kind == POWER_TELL_RULE) {
		assert_int_equal(effect->was_running, rule->state == POWER_RUNNING);
		rule->state = POWER_ARMED;
	}
}

static void report_ends(struct run *run)
{
	for (int i = 0; i < RULES; i++) {
		struct rule_view *rule = &run->rules[i];
		if (rule->state != POWER_RUNNING || rule->ends > run->t)
			continue;
		rule->ends = INT64_MAX;
		add_command(run,
			(struct power_command){.kind = roll(5) == 0 ? POWER_REPORT_FAILED
								    : POWER_REPORT_DONE,
				.id = rule->spec.id});
	}
	for (int i = 0; i < RULES; i++) {
		if (run->rules[i].state == POWER_RUNNING && roll(30) == 0)
			add_command(run,
				(struct power_command){.kind = POWER_REPORT_PHASE,
					.id = run->rules[i].spec.id,
					.value = 1 + roll(3)});
	}
}

static void reload(struct power_engine **engine)
{
	json_t *json = power_engine_save(*engine);

	power_engine_free(*engine);
	*engine = NULL;
	assert_ok(power_engine_load(json, engine));
	json_decref(json);
}

static void check_twin(const struct run *run)
{
	assert_int_equal(run->effects.n, run->twin_effects.n);
	for (size_t i = 0; i < run->effects.n; i++)
		assert_memory_equal(&run->effects.items[i], &run->twin_effects.items[i],
			sizeof(run->effects.items[i]));
}

/** Somebody switches a rule off or on, or gives it another delay. */
static void edit(struct run *run)
{
	struct power_rule_spec *rule = &run->rules[roll(RULES)].spec;

	if (roll(2) == 0)
		rule->enabled = !rule->enabled;
	else
		rule->delay = 1000 * (int64_t)roll(100);
	add_command(run, (struct power_command){.kind = POWER_SET_RULE, .rule = rule});
}

static void one_step(struct run *run)
{
	for (int u = 0; u < UPSES; u++)
		observe(run, u);
	report_ends(run);
	if (!run->calm && roll(150) == 0) {
		run->t += 1000 * (int64_t)roll(60);
		add_command(run, (struct power_command){.kind = POWER_RESTARTED});
	}
	if (!run->calm && roll(80) == 0)
		edit(run);
	const struct power_input input = {.now = run->t,
		.observations = run->now,
		.n_observations = UPSES,
		.commands = run->commands,
		.n_commands = run->n_commands};
	run->effects.n = 0;
	run->twin_effects.n = 0;
	power_step(run->engine, &input, &run->effects);
	power_step(run->twin, &input, &run->twin_effects);
	run->n_commands = 0;
	check_twin(run);
	for (size_t i = 0; i < run->effects.n; i++)
		follow(run, &run->effects.items[i]);
	if (roll(60) == 0)
		reload(&run->twin);
	run->t += 1000;
}

static void one_trace(struct run *run)
{
	*run = (struct run){.engine = power_engine_new(), .twin = power_engine_new()};
	for (int u = 0; u < UPSES; u++)
		add_command(run, (struct power_command){.kind = POWER_SET_UPS, .id = names[u]});
	for (int i = 0; i < CLUSTERS; i++)
		make_cluster(run, i);
	for (int i = 0; i < RULES; i++)
		make_rule(run, i);
	for (int i = 0; i < STEPS; i++)
		one_step(run);
	run->calm = true;
	run->calm_charge = 1000 * (int64_t)roll(50);
	for (int i = 0; i < CALM_STEPS; i++)
		one_step(run);
	for (int i = 0; i < RULES; i++)
		assert_int_equal(run->rules[i].state, POWER_ARMED);
	power_engine_free(run->engine);
	power_engine_free(run->twin);
	power_effects_done(&run->effects);
	power_effects_done(&run->twin_effects);
}

static uint64_t number_of(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : fallback;
}

static void no_outage_breaks_what_must_hold(void **state)
{
	(void)state;
	static struct run run;
	uint64_t n = number_of("MKO_POWER_TRACES", 300);
	uint64_t seed = number_of("MKO_POWER_SEED", (uint64_t)time(NULL));

	print_message("%llu traces from seed %llu\n", (unsigned long long)n,
		(unsigned long long)seed);
	for (uint64_t i = 0; i < n; i++) {
		current_seed = seed + i;
		random_state = current_seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
		one_trace(&run);
	}
	current_seed = 0;
}

/** Says how to repeat what failed. */
static int tell_seed(void **state)
{
	(void)state;
	if (current_seed != 0)
		print_error("repeat with MKO_POWER_SEED=%llu MKO_POWER_TRACES=1\n",
			(unsigned long long)current_seed);
	return 0;
}

TEST_MAIN(cmocka_unit_test_teardown(no_outage_breaks_what_must_hold, tell_seed))
