/* What the engine shows of its state; changes nothing. */
#include <string.h>

#include "base/mem.h"
#include "power/engine_int.h"

static const struct ups *find_ups(const struct power_engine *engine, const char *name)
{
	for (int64_t i = 0; i < engine->n_ups; i++)
		if (strcmp(engine->ups[i].name, name) == 0)
			return &engine->ups[i];
	return NULL;
}

bool power_engine_ups(const struct power_engine *engine, const char *name,
	struct power_ups_view *ret)
{
	const struct ups *ups = find_ups(engine, name);

	if (ups == NULL)
		return false;
	*ret = (struct power_ups_view){.lost = ups->lost,
		.off = ups->off,
		.fsd = ups->fsd,
		.blind = ups->blind,
		.flapping = ups->flapping,
		.outage = ups->open,
		.last_sample = ups->last_sample,
		.battery_from = ups->mains == MAINS_ONBATT ? ups->loss_since : ups->ob_since,
		.mains_from = ups->ol_since,
		.episode = ups->episode};
	if (ups->mains == MAINS_ONLINE)
		ret->line = POWER_LINE_ONLINE;
	else if (ups->mains == MAINS_ONBATT)
		ret->line = POWER_LINE_ONBATT;
	return true;
}

bool power_engine_rule(const struct power_engine *engine, const char *id,
	struct power_rule_view *ret)
{
	for (int64_t i = 0; i < engine->n_rules; i++) {
		const struct rule *rule = &engine->rules[i];
		bool pending = rule->state == POWER_PENDING;
		bool up = power_action_is_up(rule->spec.action);
		if (strcmp(rule->spec.id, id) != 0)
			continue;
		*ret = (struct power_rule_view){.state = rule->state,
			.since = rule->state != POWER_ARMED ? rule->since : I64_NONE,
			.deadline = pending && !up ? rule->deadline : I64_NONE,
			.held = pending && (up || rule->deadline <= engine->now),
			.retries = rule->retry_at != I64_NONE};
		return true;
	}
	return false;
}

int64_t power_engine_level(const struct power_engine *engine, const char *cluster)
{
	for (int64_t i = 0; i < engine->n_clusters; i++)
		if (strcmp(engine->clusters[i].spec.name, cluster) == 0)
			return engine->clusters[i].level[0];
	return 0;
}

bool power_engine_is_calm(const struct power_engine *engine)
{
	for (int64_t i = 0; i < engine->n_ups; i++) {
		const struct ups *ups = &engine->ups[i];
		if (ups->mains == MAINS_ONBATT || ups->open || ups->ob_since != I64_NONE)
			return false;
	}
	for (int64_t i = 0; i < engine->n_rules; i++)
		if (engine->rules[i].state != POWER_ARMED)
			return false;
	return true;
}

const char *power_engine_id(const struct power_engine *engine, enum power_list list, int64_t i)
{
	switch (list) {
	case POWER_LIST_UPS:
		return i < engine->n_ups ? engine->ups[i].name : NULL;
	case POWER_LIST_RULES:
		return i < engine->n_rules ? engine->rules[i].spec.id : NULL;
	case POWER_LIST_CLUSTERS:
		return i < engine->n_clusters ? engine->clusters[i].spec.name : NULL;
	}
	return NULL;
}
