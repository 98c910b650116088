/* power_step(): the order of things inside a tick (facts/nut.md 4.1), and commands. */
#include "power/engine.h"

#include <string.h>

#include "base/mem.h"
#include "power/engine_int.h"

static void restarted(struct power_engine *engine)
{
	engine->restarted = engine->now;
	for (int64_t u = 0; u < engine->n_ups; u++)
		ups_restarted(&engine->ups[u], engine->now);
}

static void cluster_is_up(struct power_engine *engine, const char *name)
{
	struct cluster *cluster = engine_cluster(engine, name);

	if (cluster == NULL)
		return;
	cluster->level[0] = 0;
	cluster->undo[0] = 0;
}

static void cancel_by_hand(struct power_engine *engine, struct rule *rule,
	struct power_effects *out)
{
	if (rule->state != POWER_ARMED)
		rule_leave(engine, rule, POWER_CANCELLED, POWER_WHY_MANUAL, out);
}

static void command_rule(struct power_engine *engine, const struct power_command *command,
	struct power_effects *out)
{
	struct rule *rule = engine_rule(engine, command->id);

	if (rule == NULL)
		return;
	if (command->kind == POWER_CANCEL_RULE)
		cancel_by_hand(engine, rule, out);
	else if (command->kind == POWER_REPORT_PHASE)
		rule->phase = command->value;
}

static void command_ups(struct power_engine *engine, const struct power_command *command)
{
	struct ups *ups = engine_ups(engine, command->id);

	if (ups == NULL)
		return;
	if (command->kind == POWER_FSD_OURS)
		ups->fsd_ours = true;
	else
		ups->identity[0] = '\0';
}

static void run_command(struct power_engine *engine, const struct power_command *command,
	struct power_effects *out)
{
	struct cluster *cluster = NULL;

	if (engine_configure(engine, command, out))
		return;
	if (command->kind == POWER_RESTARTED) {
		restarted(engine);
	} else if (command->kind == POWER_CLUSTER_UP) {
		cluster_is_up(engine, command->id);
	} else if (command->kind == POWER_MAINTENANCE) {
		cluster = engine_cluster(engine, command->id);
		if (cluster != NULL)
			cluster->maintenance = command->value != 0;
	} else if (command->kind == POWER_FSD_OURS || command->kind == POWER_NEW_IDENTITY) {
		command_ups(engine, command);
	} else {
		command_rule(engine, command, out);
	}
}

/** Ends of actions come after cancellations (4.1), so that a restore wins. */
static void run_reports(struct power_engine *engine, const struct power_input *input,
	struct power_effects *out)
{
	for (size_t i = 0; i < input->n_commands; i++) {
		const struct power_command *command = &input->commands[i];
		bool done = command->kind == POWER_REPORT_DONE;
		if (!done && command->kind != POWER_REPORT_FAILED)
			continue;
		struct rule *rule = engine_rule(engine, command->id);
		if (rule != NULL)
			rule_ended(engine, rule, done ? POWER_DONE : POWER_FAILED, out);
	}
}

static const struct power_observation *observation_of(const struct power_input *input,
	const struct ups *ups)
{
	for (size_t i = 0; i < input->n_observations; i++) {
		if (strcmp(input->observations[i].ups, ups->name) == 0)
			return &input->observations[i];
	}
	return NULL;
}

static void run_observations(struct power_engine *engine, const struct power_input *input,
	struct power_effects *out)
{
	for (int64_t u = 0; u < engine->n_ups; u++) {
		struct ups *ups = &engine->ups[u];
		const struct power_observation *o = observation_of(input, ups);
		ups_begin(ups);
		if (o != NULL && ups_observe(engine, ups, o, out))
			feed_count(engine, ups);
		ups_advance(engine, ups, out);
	}
}

void power_step(struct power_engine *engine, const struct power_input *input,
	struct power_effects *ret_effects)
{
	must(engine->last == I64_NONE || input->now >= engine->last);
	engine->now = input->now;
	if (engine->last != I64_NONE && engine->now - engine->last > GAP_IS_RESTART_MS)
		restarted(engine);
	for (size_t i = 0; i < input->n_commands; i++)
		run_command(engine, &input->commands[i], ret_effects);
	run_observations(engine, input, ret_effects);
	rule_review(engine, ret_effects);
	run_reports(engine, input, ret_effects);
	rule_timers(engine, ret_effects);
	fire_due(engine, ret_effects);
	engine->last = engine->now;
}
