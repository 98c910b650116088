/* Starting what is due (facts/nut.md 4.4 hold and gates, 4.5 conflicts): the strongest first, never
 * two that take the same cluster down, never one that brings it up beside one that takes it down.
 */
#include "power/engine_int.h"

#include <string.h>

#include "base/mem.h"

static int strength_of(const struct rule *rule)
{
	return power_action_strength(rule->escalated ? POWER_DO_FORCE_SHUTDOWN : rule->spec.action);
}

static bool same_side(const struct rule *a, const struct rule *b)
{
	return a->spec.dry_run == b->spec.dry_run && strcmp(a->spec.cluster, b->spec.cluster) == 0;
}

/** What a rule that takes the cluster down replaces. */
static void replace_others(struct power_engine *engine, const struct rule *rule,
	struct power_effects *out)
{
	for (int64_t r = 0; r < engine->n_rules; r++) {
		struct rule *other = &engine->rules[r];
		if (other == rule || other->state == POWER_ARMED || !same_side(rule, other) ||
			other->spec.action == POWER_DO_NOTIFY)
			continue;
		if (power_action_is_up(other->spec.action)) {
			rule_leave(engine, other,
				other->state == POWER_RUNNING ? POWER_ABORTED : POWER_CANCELLED,
				POWER_WHY_OUTAGE, out);
			continue;
		}
		if (strength_of(other) <= strength_of(rule))
			rule_leave(engine, other, POWER_SUPERSEDED, POWER_NO_REASON, out);
	}
}

static void remember_level(struct power_engine *engine, struct rule *rule)
{
	struct cluster *cluster = engine_cluster(engine, rule->spec.cluster);
	int64_t strength = strength_of(rule);

	if (cluster == NULL || strength == 0)
		return;
	int64_t *level = &cluster->level[rule->spec.dry_run];
	int64_t *undo = &cluster->undo[rule->spec.dry_run];
	rule->level_before = *level;
	rule->undo_before = *undo;
	*level = strength > *level ? strength : *level;
	*undo = strength > *undo ? strength : *undo;
}

void fire_start(struct power_engine *engine, struct rule *rule, struct power_effects *out)
{
	if (strength_of(rule) > 0)
		replace_others(engine, rule, out);
	remember_level(engine, rule);
	rule->state = POWER_RUNNING;
	rule->wanted = true;
	rule->started = engine->now;
	rule->attempt = 1;
	rule->phase = 0;
	rule->retry_at = I64_NONE;
	rule_tell(engine, rule, POWER_RUNNING, POWER_NO_REASON, out);
	out->items[out->n - 1].was_running = false;
}

/** One more worker is kept for rules that are critical. */
static bool has_worker(const struct power_engine *engine, const struct rule *rule)
{
	int n = 0;

	if (rule->spec.action == POWER_DO_NOTIFY)
		return true;
	for (int64_t r = 0; r < engine->n_rules; r++)
		n += engine->rules[r].state == POWER_RUNNING &&
			engine->rules[r].spec.action != POWER_DO_NOTIFY;
	return n < WORKERS + (rule->spec.trigger == POWER_ON_CRITICAL);
}

static bool is_quiet(const struct power_engine *engine)
{
	return engine->restarted != I64_NONE &&
		engine->now - engine->restarted < QUIET_AFTER_RESTART_MS;
}

static bool is_due_down(const struct power_engine *engine, const struct rule *rule)
{
	if (rule->state != POWER_PENDING || power_action_is_up(rule->spec.action) ||
		rule->deadline > engine->now)
		return false;
	if (!power_trigger_is_down(rule->spec.trigger))
		return true; /* tells of a return */
	struct verdict verdict = feed_verdict(engine, rule);
	return verdict.known && !verdict.held;
}

static bool needs(const struct cluster *cluster, const char *name)
{
	for (int64_t i = 0; i < cluster->spec.n_depends; i++) {
		if (strcmp(cluster->spec.depends[i], name) == 0)
			return true;
	}
	return false;
}

/** A cluster goes down after those that need it, comes up after those it needs. */
static bool waits_for_cluster(struct power_engine *engine, const struct rule *rule)
{
	bool up = power_action_is_up(rule->spec.action);
	const struct cluster *mine = engine_cluster(engine, rule->spec.cluster);

	if (mine == NULL || rule->spec.trigger == POWER_ON_CRITICAL)
		return false;
	for (int64_t r = 0; r < engine->n_rules; r++) {
		const struct rule *other = &engine->rules[r];
		const struct cluster *theirs = engine_cluster(engine, other->spec.cluster);
		if (theirs == NULL || theirs == mine || other->spec.dry_run != rule->spec.dry_run ||
			other->spec.action == POWER_DO_NOTIFY ||
			power_action_is_up(other->spec.action) != up)
			continue;
		bool first = up ? needs(mine, theirs->spec.name) : needs(theirs, mine->spec.name);
		bool busy = other->state == POWER_RUNNING ||
			(up ? other->state == POWER_PENDING : is_due_down(engine, other));
		if (first && busy)
			return true;
	}
	return false;
}

static void start_down(struct power_engine *engine, struct rule *rule, struct power_effects *out)
{
	const struct cluster *cluster = engine_cluster(engine, rule->spec.cluster);
	int strength = strength_of(rule);

	if (cluster != NULL && cluster->maintenance && strength > 0)
		rule_leave(engine, rule, POWER_SKIPPED, POWER_WHY_MAINTENANCE, out);
	else if (cluster != NULL && strength > 0 && strength <= cluster->level[rule->spec.dry_run])
		rule_leave(engine, rule, POWER_SKIPPED, POWER_WHY_COVERED, out);
	else if (has_worker(engine, rule) && !waits_for_cluster(engine, rule))
		fire_start(engine, rule, out);
}

/** Another rule works on the cluster. */
static bool cluster_is_busy(const struct power_engine *engine, const struct rule *rule)
{
	for (int64_t r = 0; r < engine->n_rules; r++) {
		const struct rule *other = &engine->rules[r];
		if (other != rule && other->state == POWER_RUNNING && same_side(rule, other) &&
			other->spec.action != POWER_DO_NOTIFY)
			return true;
	}
	return false;
}

static bool has_to_undo(const struct rule *rule, int64_t undo)
{
	switch ((enum power_action)rule->spec.action) {
	case POWER_DO_SCALE_UP:
		return undo == power_action_strength(POWER_DO_SCALE_DOWN);
	case POWER_DO_RESUME:
		return undo == power_action_strength(POWER_DO_PAUSE);
	case POWER_DO_STARTUP:
	case POWER_DO_WAKE:
		return undo >= power_action_strength(POWER_DO_GRACEFUL_SHUTDOWN);
	case POWER_DO_GRACEFUL_SHUTDOWN:
	case POWER_DO_FORCE_SHUTDOWN:
	case POWER_DO_SCALE_DOWN:
	case POWER_DO_PAUSE:
	case POWER_DO_NOTIFY:
	case POWER_DO_N_:
		break;
	}
	return false;
}

static void start_up(struct power_engine *engine, struct rule *rule, struct power_effects *out)
{
	const struct cluster *cluster = engine_cluster(engine, rule->spec.cluster);
	int64_t undo = cluster != NULL ? cluster->undo[rule->spec.dry_run] : 0;

	if (rule->state != POWER_PENDING || !feed_gates(engine, rule) ||
		cluster_is_busy(engine, rule))
		return;
	if (cluster != NULL && cluster->maintenance)
		rule_leave(engine, rule, POWER_SKIPPED, POWER_WHY_MAINTENANCE, out);
	else if (!has_to_undo(rule, undo))
		rule_leave(engine, rule, POWER_SKIPPED, POWER_WHY_NOTHING_TO_UNDO, out);
	else if (has_worker(engine, rule) && !waits_for_cluster(engine, rule))
		fire_start(engine, rule, out);
}

/** Whether a is started before b: the stronger, then the lower priority, then the lower ID. */
static bool is_before(const struct rule *a, const struct rule *b)
{
	int sa = strength_of(a);
	int sb = strength_of(b);

	if (sa != sb)
		return sa > sb;
	if (a->spec.priority != b->spec.priority)
		return a->spec.priority < b->spec.priority;
	return a < b; /* the array is in the order of IDs */
}

/** Put a rule into its place of the list. */
static void insert(struct rule **list, size_t n, struct rule *rule)
{
	for (; n > 0 && is_before(rule, list[n - 1]); n--)
		list[n] = list[n - 1];
	list[n] = rule;
}

/** Those that wait because nobody is free to do them are told once. */
static void announce(struct power_engine *engine, struct power_effects *out)
{
	for (int64_t r = 0; r < engine->n_rules; r++) {
		struct rule *rule = &engine->rules[r];
		if (rule->state != POWER_PENDING || rule->announced)
			continue;
		rule->announced = true;
		rule_tell(engine, rule, POWER_PENDING, POWER_NO_REASON, out);
	}
}

void fire_due(struct power_engine *engine, struct power_effects *out)
{
	struct rule *due[POWER_RULES_MAX] = {NULL};
	size_t n = 0;

	for (int64_t r = 0; r < engine->n_rules; r++) {
		if (engine->rules[r].state == POWER_PENDING)
			insert(due, n++, &engine->rules[r]);
	}
	for (size_t i = 0; i < n && !is_quiet(engine); i++) {
		if (is_due_down(engine, due[i]))
			start_down(engine, due[i], out);
	}
	for (size_t i = 0; i < n && !is_quiet(engine); i++) {
		if (power_action_is_up(due[i]->spec.action))
			start_up(engine, due[i], out);
	}
	announce(engine, out);
}
