/* The life of a rule (facts/nut.md 4.4): armed, pending, running, ended; what cancels and aborts
 * it. Starting is in engine_fire.c. */
#include "power/engine_int.h"

#include "base/mem.h"

#define PHASE_POWER_OFF 3

void rule_tell(const struct power_engine *engine, const struct rule *rule, int64_t state,
	enum power_reason reason, struct power_effects *out)
{
	struct power_effect *effect = effect_new(out, POWER_TELL_RULE);

	(void)engine;
	NAME_SET(effect->rule, rule->spec.id);
	NAME_SET(effect->cluster, rule->spec.cluster);
	effect->state = state;
	effect->reason = reason;
	effect->action = rule->escalated ? POWER_DO_FORCE_SHUTDOWN : rule->spec.action;
	effect->since = rule->since;
	effect->episode = rule->episode;
	effect->attempt = rule->attempt;
	effect->was_running = rule->state == POWER_RUNNING;
	effect->dry_run = rule->spec.dry_run;
	if (state == POWER_PENDING && reason == POWER_NO_REASON)
		effect->until = rule->deadline;
}

/** An action that was undone or left half done leaves the cluster as this says. */
static void set_levels(struct power_engine *engine, const struct rule *rule, int64_t level,
	int64_t undo)
{
	struct cluster *cluster = engine_cluster(engine, rule->spec.cluster);

	if (cluster == NULL)
		return;
	cluster->level[rule->spec.dry_run] = level;
	cluster->undo[rule->spec.dry_run] = undo;
}

static int64_t undo_of(struct power_engine *engine, const struct rule *rule)
{
	const struct cluster *cluster = engine_cluster(engine, rule->spec.cluster);

	return cluster != NULL ? cluster->undo[rule->spec.dry_run] : 0;
}

void rule_leave(struct power_engine *engine, struct rule *rule, enum power_state state,
	enum power_reason reason, struct power_effects *out)
{
	bool up = power_action_is_up(rule->spec.action);

	rule_tell(engine, rule, state, reason, out);
	if (rule->state == POWER_RUNNING && up && state != POWER_DONE)
		/* Half up: the next outage must act, and what is left is still to be undone. */
		set_levels(engine, rule, 0, undo_of(engine, rule));
	rule->state = POWER_ARMED;
	rule->spent = reason != POWER_WHY_DISABLED;
	rule->announced = false;
	rule->escalated = false;
	rule->up_held = false;
	rule->stopping = false;
	rule->retry_at = I64_NONE;
	if (!power_trigger_is_down(rule->spec.trigger) && rule->spent)
		rule->wanted = false;
}

/** What a good end means for the cluster. */
static void action_done(struct power_engine *engine, const struct rule *rule)
{
	int strength = rule->escalated ? power_action_strength(POWER_DO_FORCE_SHUTDOWN)
				       : power_action_strength(rule->spec.action);

	if (power_action_is_up(rule->spec.action))
		set_levels(engine, rule, 0, 0);
	else if (strength >= power_action_strength(POWER_DO_GRACEFUL_SHUTDOWN))
		set_levels(engine, rule, power_action_strength(POWER_DO_FORCE_SHUTDOWN),
			power_action_strength(POWER_DO_FORCE_SHUTDOWN));
}

/** Force is for an outage that goes on, not for one that is over or may be. */
static bool may_escalate(const struct power_engine *engine, const struct rule *rule)
{
	if (!rule->spec.escalate || rule->escalated || rule->stopping ||
		rule->spec.action != POWER_DO_GRACEFUL_SHUTDOWN)
		return false;
	struct verdict verdict = feed_verdict(engine, rule);
	return !verdict.held && !verdict.back;
}

void rule_ended(struct power_engine *engine, struct rule *rule, enum power_state state,
	struct power_effects *out)
{
	if (rule->state != POWER_RUNNING)
		return;
	if (state == POWER_DONE) {
		action_done(engine, rule);
		rule_leave(engine, rule, POWER_DONE, POWER_NO_REASON, out);
		return;
	}
	if (rule->attempt < rule->spec.retries && !rule->stopping) {
		rule->retry_at = engine->now + RETRY_MS;
		return;
	}
	bool escalate = may_escalate(engine, rule);
	rule_leave(engine, rule, POWER_FAILED, POWER_NO_REASON, out);
	if (!escalate)
		return;
	rule->escalated = true;
	fire_start(engine, rule, out);
}

void rule_timers(struct power_engine *engine, struct power_effects *out)
{
	for (int64_t r = 0; r < engine->n_rules; r++) {
		struct rule *rule = &engine->rules[r];
		if (rule->state != POWER_RUNNING)
			continue;
		if (rule->spec.timeout > 0 && engine->now - rule->started >= rule->spec.timeout) {
			rule_leave(engine, rule, POWER_TIMEOUT, POWER_NO_REASON, out);
		} else if (rule->retry_at != I64_NONE && engine->now >= rule->retry_at) {
			rule->retry_at = I64_NONE;
			rule->attempt++;
			rule_tell(engine, rule, POWER_RUNNING, POWER_NO_REASON, out);
		}
	}
}

static void make_pending(struct power_engine *engine, struct rule *rule, struct power_effects *out)
{
	rule->state = POWER_PENDING;
	rule->announced = false;
	rule->attempt = 0;
	if (power_action_is_up(rule->spec.action)) {
		rule->announced = true;
		rule_tell(engine, rule, POWER_PENDING, POWER_WHY_GATES, out);
		return;
	}
	rule->deadline = rule->since + rule->spec.delay;
	if (rule->deadline <= engine->now)
		return; /* told when it starts, or at the end of the tick when it cannot */
	rule->announced = true;
	rule_tell(engine, rule, POWER_PENDING, POWER_NO_REASON, out);
}

/** A changed delay counts from the same start. */
static void follow_delay(const struct power_engine *engine, struct rule *rule,
	struct power_effects *out)
{
	int64_t deadline = rule->since + rule->spec.delay;

	if (rule->deadline == deadline)
		return;
	rule->deadline = deadline;
	if (deadline > engine->now)
		rule_tell(engine, rule, POWER_PENDING, POWER_NO_REASON, out);
}

static bool is_undoable(const struct rule *rule)
{
	int64_t action = rule->escalated ? POWER_DO_FORCE_SHUTDOWN : rule->spec.action;

	return power_action_strength(action) > 0 && action != POWER_DO_FORCE_SHUTDOWN &&
		rule->phase < PHASE_POWER_OFF;
}

static void abort_running(struct power_engine *engine, struct rule *rule, struct power_effects *out)
{
	if (!rule->spec.abort_on_restore || rule->spec.action == POWER_DO_NOTIFY)
		return;
	if (is_undoable(rule)) {
		int64_t level = rule->level_before;
		int64_t undo = rule->undo_before;
		rule_leave(engine, rule, POWER_ABORTED, POWER_WHY_RESTORED, out);
		set_levels(engine, rule, level, undo);
		return;
	}
	if (rule->stopping)
		return;
	rule->stopping = true;
	struct power_effect *effect = effect_new(out, POWER_STOP_FURTHER);
	NAME_SET(effect->rule, rule->spec.id);
	NAME_SET(effect->cluster, rule->spec.cluster);
	effect->action = rule->spec.action;
	effect->episode = rule->episode;
	effect->dry_run = rule->spec.dry_run;
}

static int64_t episode_of(struct power_engine *engine, const struct rule *rule)
{
	const struct ups *ups = engine_ups(engine, rule->spec.ups);

	return ups != NULL ? ups->episode : 0;
}

/** A rule whose event is that power went away. */
static void review_down(struct power_engine *engine, struct rule *rule, struct power_effects *out)
{
	struct verdict verdict = feed_verdict(engine, rule);

	if (verdict.back) {
		if (rule->state == POWER_PENDING && rule->spec.cancel_on_restore)
			rule_leave(engine, rule, POWER_CANCELLED, POWER_WHY_RESTORED, out);
		else if (rule->state == POWER_RUNNING)
			abort_running(engine, rule, out);
		if (rule->state == POWER_ARMED) {
			rule->wanted = false;
			rule->spent = false;
		}
	}
	if (verdict.satisfied && !rule->wanted && rule->state == POWER_ARMED) {
		rule->wanted = true;
		rule->since = verdict.since;
		rule->episode = episode_of(engine, rule);
	}
	if (rule->state == POWER_PENDING && !rule->spec.enabled)
		rule_leave(engine, rule, POWER_CANCELLED, POWER_WHY_DISABLED, out);
	else if (rule->state == POWER_PENDING)
		follow_delay(engine, rule, out);
	else if (rule->state == POWER_ARMED && rule->wanted && !rule->spent && rule->spec.enabled)
		make_pending(engine, rule, out);
}

/** What happened to the feeds of a rule that brings up. */
struct news {
	bool came, went, shaky;
};

static struct news news_of(const struct power_engine *engine, const struct rule *rule)
{
	struct news news = {.came = false};
	bool startup = rule->spec.trigger == POWER_ON_UPS_STARTUP;

	for (int64_t f = 0; f < rule->n_feeds; f++) {
		const struct ups *ups = &engine->ups[rule->feeds[f].index];
		news.came = news.came || ups->restored_now || (startup && ups->appeared_now);
		news.went = news.went || ups->lost_power_now;
		news.shaky = news.shaky || ups->line == LINE_OB || ups_is_out(ups);
	}
	return news;
}

static void hold_wakes(struct rule *rule, bool hold, struct power_effects *out)
{
	if (rule->up_held == hold)
		return;
	rule->up_held = hold;
	struct power_effect *effect = effect_new(out, POWER_HOLD_WAKES);
	NAME_SET(effect->rule, rule->spec.id);
	NAME_SET(effect->cluster, rule->spec.cluster);
	effect->action = rule->spec.action;
	effect->episode = rule->episode;
	effect->until = hold ? I64_NONE : 0;
	effect->dry_run = rule->spec.dry_run;
}

/** A rule whose event is that power came back. */
static void review_up(struct power_engine *engine, struct rule *rule, struct power_effects *out)
{
	struct news news = news_of(engine, rule);

	if (news.went && rule->state == POWER_PENDING)
		rule_leave(engine, rule, POWER_CANCELLED, POWER_WHY_OUTAGE, out);
	else if (news.went && rule->state == POWER_RUNNING)
		rule_leave(engine, rule, POWER_ABORTED, POWER_WHY_OUTAGE, out);
	else if (rule->state == POWER_RUNNING)
		hold_wakes(rule, news.shaky, out);
	if (news.went)
		rule->wanted = false;
	if (news.came && !rule->wanted && rule->state == POWER_ARMED) {
		rule->wanted = true;
		rule->spent = false;
		rule->since = engine->now;
		rule->episode = episode_of(engine, rule);
	}
	if (rule->state == POWER_PENDING && !rule->spec.enabled)
		rule_leave(engine, rule, POWER_CANCELLED, POWER_WHY_DISABLED, out);
	else if (rule->state == POWER_ARMED && rule->wanted && rule->spec.enabled)
		make_pending(engine, rule, out);
}

void rule_review(struct power_engine *engine, struct power_effects *out)
{
	for (int64_t r = 0; r < engine->n_rules; r++) {
		struct rule *rule = &engine->rules[r];
		if (power_trigger_is_down(rule->spec.trigger))
			review_down(engine, rule, out);
		else
			review_up(engine, rule, out);
	}
}
