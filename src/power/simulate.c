/* The virtual world around power_step(): one poll each second, actions that take as long as they
 * are said to take, an engine that can be down. */
#include "power/simulate.h"

#include <string.h>

#include "base/mem.h"
#include "power/engine_int.h"
#include "power/simulate_int.h"

#define SECOND_MS 1000
/* How long it goes on after the last line of a trace that has no end. */
#define AFTER_LAST_LINE_MS 600000

/** What the trace says of one UPS until its next line. */
struct world_ups {
	struct power_observation observation;
	bool known;
};

struct world {
	const struct power_simulation *simulation;
	struct trace trace;
	struct plan plan;
	struct power_engine *engine;
	struct power_effects effects;
	struct world_ups ups[POWER_UPS_MAX];
	char names[POWER_UPS_MAX][POWER_NAME_SIZE];
	size_t n_ups;
	int64_t ends[POWER_RULES_MAX]; /**< when the action of a rule ends, I64_NONE = none runs */
	struct power_command commands[2 * POWER_RULES_MAX + POWER_UPS_MAX + POWER_CLUSTERS_MAX + 8];
	size_t n_commands;
	bool down;
	int64_t now, steps;
};

static struct power_command *command(struct world *world, enum power_command_kind kind)
{
	must(world->n_commands < ARRAY_LEN(world->commands));
	struct power_command *c = &world->commands[world->n_commands++];
	*c = (struct power_command){.kind = kind};
	return c;
}

static int ups_index(struct world *world, const char *name)
{
	for (size_t i = 0; i < world->n_ups; i++) {
		if (strcmp(world->names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

static struct err *know_ups(struct world *world, const char *name)
{
	if (ups_index(world, name) >= 0)
		return NULL;
	if (world->n_ups == POWER_UPS_MAX)
		return err_new(ERR_INVALID, "there are more than %d UPSes", POWER_UPS_MAX);
	NAME_SET(world->names[world->n_ups], name);
	world->ups[world->n_ups] = (struct world_ups){.known = false};
	world->n_ups++;
	return NULL;
}

static struct err *know_all(struct world *world)
{
	for (size_t i = 0; i < world->plan.n_rules; i++)
		TRY(know_ups(world, world->plan.rules[i].ups));
	for (size_t i = 0; i < world->plan.n_clusters; i++) {
		const struct power_cluster_spec *cluster = &world->plan.clusters[i];
		for (int64_t f = 0; f < cluster->n_feeds; f++)
			TRY(know_ups(world, cluster->feeds[f]));
	}
	for (size_t i = 0; i < world->trace.n; i++) {
		const struct trace_line *line = &world->trace.lines[i];
		if (line->kind == TRACE_SAMPLE || line->kind == TRACE_MISS)
			TRY(know_ups(world, line->name));
		if (line->kind == TRACE_EDIT && plan_find(&world->plan, line->name) < 0)
			return err_new(ERR_INVALID, "the trace edits %s, which is no rule",
				line->name);
	}
	return NULL;
}

static void configure(struct world *world)
{
	command(world, POWER_SET_CONFIG)->config = world->simulation->config;
	for (size_t i = 0; i < world->n_ups; i++)
		command(world, POWER_SET_UPS)->id = world->names[i];
	for (size_t i = 0; i < world->plan.n_clusters; i++)
		command(world, POWER_SET_CLUSTER)->cluster = &world->plan.clusters[i];
	for (size_t i = 0; i < world->plan.n_rules; i++)
		command(world, POWER_SET_RULE)->rule = &world->plan.rules[i];
}

/** An engine that goes on from the saved state of the other. */
static void reload(struct world *world)
{
	json_t *json = power_engine_save(world->engine);
	char *text = json_dumps(json, JSON_COMPACT);
	json_t *again = text != NULL ? json_loads(text, 0, NULL) : NULL;
	struct power_engine *engine = NULL;
	struct err *e = power_engine_load(again, &engine);

	must(e == NULL);
	power_engine_free(world->engine);
	world->engine = engine;
	json_decref(again);
	mem_free(text);
	json_decref(json);
}

static void edit(struct world *world, const struct trace_line *line)
{
	int i = plan_find(&world->plan, line->name);

	if (json_is_true(json_object_get(line->edit, "deleted"))) {
		command(world, POWER_REMOVE_RULE)->id = line->name;
		return;
	}
	err_ignore(plan_edit(line->edit, &world->plan.rules[i])); /* was checked when it was read */
	command(world, POWER_SET_RULE)->rule = &world->plan.rules[i];
}

static void take_line(struct world *world, const struct trace_line *line)
{
	struct world_ups *ups = NULL;

	switch (line->kind) {
	case TRACE_SAMPLE:
	case TRACE_MISS:
		ups = &world->ups[ups_index(world, line->name)];
		ups->known = true;
		ups->observation = (struct power_observation){.ok = line->kind == TRACE_SAMPLE,
			.tokens = line->tokens,
			.charge = line->charge,
			.runtime = line->runtime};
		break;
	case TRACE_DOWN:
		world->down = true;
		break;
	case TRACE_UP:
		if (world->down) {
			reload(world);
			(void)command(world, POWER_RESTARTED);
		}
		world->down = false;
		break;
	case TRACE_EDIT:
		edit(world, line);
		break;
	case TRACE_END:
		break;
	}
}

static void set_text(json_t *line, const char *key, const char *text)
{
	(void)json_object_set_new(line, key, json_string_nocheck(text));
}

static void set_time(json_t *line, const char *key, int64_t ms)
{
	(void)json_object_set_new(line, key,
		ms % SECOND_MS == 0 ? json_integer(ms / SECOND_MS)
				    : json_real((double)ms / SECOND_MS));
}

static void print_effect(struct world *world, const struct power_effect *effect)
{
	json_t *line = json_object();

	set_time(line, "t", world->now);
	if (effect->kind == POWER_TELL_UPS) {
		set_text(line, "ups", effect->ups);
		set_text(line, "event", enum_text(&power_event_table, effect->event));
	} else {
		set_text(line, "rule", effect->rule);
		set_text(line, "state", enum_text(&power_state_table, effect->state));
		if (effect->until != I64_NONE)
			set_time(line, "until", effect->until);
	}
	if (effect->reason != POWER_NO_REASON)
		set_text(line, "reason", enum_text(&power_reason_table, effect->reason));
	if (effect->dry_run)
		(void)json_object_set_new(line, "dry_run", json_true());
	world->simulation->line(world->simulation->user, line);
	json_decref(line);
}

static void act(struct world *world, const struct power_effect *effect)
{
	int i = plan_find(&world->plan, effect->rule);

	if (i < 0 || effect->kind == POWER_HOLD_WAKES)
		return;
	if (effect->kind == POWER_STOP_FURTHER)
		world->ends[i] = world->now;
	else if (effect->state == POWER_RUNNING)
		world->ends[i] = world->now + world->plan.durations[i];
	else if (effect->was_running)
		world->ends[i] = I64_NONE;
}

static void report_ends(struct world *world)
{
	for (size_t i = 0; i < world->plan.n_rules; i++) {
		if (world->ends[i] == I64_NONE || world->now < world->ends[i])
			continue;
		world->ends[i] = I64_NONE;
		command(world, POWER_REPORT_DONE)->id = world->plan.rules[i].id;
	}
}

static void step(struct world *world)
{
	struct power_observation observations[POWER_UPS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < world->n_ups; i++) {
		if (!world->ups[i].known)
			continue;
		observations[n] = world->ups[i].observation;
		observations[n++].ups = world->names[i];
	}
	report_ends(world);
	const struct power_input input = {.now = world->now,
		.observations = observations,
		.n_observations = n,
		.commands = world->commands,
		.n_commands = world->n_commands};
	world->effects.n = 0;
	power_step(world->engine, &input, &world->effects);
	world->n_commands = 0;
	for (size_t i = 0; i < world->effects.n; i++) {
		const struct power_effect *effect = &world->effects.items[i];
		if (effect->kind == POWER_TELL_UPS || effect->kind == POWER_TELL_RULE)
			print_effect(world, effect);
		if (effect->kind != POWER_TELL_UPS)
			act(world, effect);
	}
	world->steps++;
	if (world->simulation->reload_every > 0 &&
		world->steps % world->simulation->reload_every == 0)
		reload(world);
}

static int64_t end_of(const struct trace *trace)
{
	for (size_t i = 0; i < trace->n; i++) {
		if (trace->lines[i].kind == TRACE_END)
			return trace->lines[i].t;
	}
	return trace->lines[trace->n - 1].t + AFTER_LAST_LINE_MS;
}

static void run(struct world *world)
{
	int64_t end = end_of(&world->trace);
	size_t next = 0;

	world->now = world->trace.lines[0].t / SECOND_MS * SECOND_MS;
	configure(world);
	for (; world->now < end; world->now += SECOND_MS) {
		while (next < world->trace.n && world->trace.lines[next].t <= world->now)
			take_line(world, &world->trace.lines[next++]);
		if (!world->down)
			step(world);
	}
}

struct err *power_simulate(const struct power_simulation *simulation)
{
	struct world *world = mem_zalloc(sizeof(*world));

	world->simulation = simulation;
	world->engine = power_engine_new();
	for (size_t i = 0; i < POWER_RULES_MAX; i++)
		world->ends[i] = I64_NONE;
	struct err *e = err_wrap(trace_read(simulation->trace, &world->trace), "read the trace");
	if (e == NULL)
		e = err_wrap(plan_read(simulation->rules, &world->plan), "read the rules");
	if (e == NULL)
		e = know_all(world);
	if (e == NULL)
		run(world);
	power_effects_done(&world->effects);
	power_engine_free(world->engine);
	trace_done(&world->trace);
	mem_free(world);
	return e;
}
