/* The tables of the engine: finding, adding, removing; the limits by name; making and freeing. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/suggest.h"
#include "power/engine_int.h"
#include "power/number.h"

#define S INT64_C(1000)

struct power_config power_config_default(void)
{
	return (struct power_config){.ob_confirm = 3 * S,
		.ol_confirm = 10 * S,
		.flap_count = 3,
		.flap_window = 600 * S,
		.flap_ol_confirm = 60 * S,
		.comms_lost = 15 * S,
		.comms_repeat = 300 * S,
		.off_confirm = 30 * S,
		.crit_charge = 10 * S,
		.cal_floor = 5 * S,
		.dischrg_drop = 5 * S,
		.blind_min = 15 * S,
		.blind_max = 120 * S};
}

/* Names of the limits. Seconds and percent are both kept in thousandths. */
static const struct {
	const char *name;
	size_t offset;
	int64_t max;  /**< in whole units */
	int64_t unit; /**< of the member, in thousandths: 1, or 1000 for counts */
} limits[] = {
	{"ob_confirm", offsetof(struct power_config, ob_confirm), 3600, 1},
	{"ol_confirm", offsetof(struct power_config, ol_confirm), 3600, 1},
	{"flap_count", offsetof(struct power_config, flap_count), POWER_OPENINGS_MAX, 1000},
	{"flap_window", offsetof(struct power_config, flap_window), 86400, 1},
	{"flap_ol_confirm", offsetof(struct power_config, flap_ol_confirm), 3600, 1},
	{"comms_lost", offsetof(struct power_config, comms_lost), 3600, 1},
	{"comms_repeat", offsetof(struct power_config, comms_repeat), 86400, 1},
	{"off_confirm", offsetof(struct power_config, off_confirm), 3600, 1},
	{"crit_charge", offsetof(struct power_config, crit_charge), 100, 1},
	{"crit_runtime", offsetof(struct power_config, crit_runtime), 86400, 1},
	{"cal_floor", offsetof(struct power_config, cal_floor), 100, 1},
	{"dischrg_drop", offsetof(struct power_config, dischrg_drop), 100, 1},
	{"blind_min", offsetof(struct power_config, blind_min), 3600, 1},
	{"blind_max", offsetof(struct power_config, blind_max), 3600, 1},
};

static struct err *unknown_limit(const char *key)
{
	struct suggest near = suggest_start(key);
	struct err *e = err_new(ERR_INVALID, "there is no limit %s", key);

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		suggest_try(&near, limits[i].name);
	suggest_try(&near, "ignore_lb");
	return near.best != NULL ? err_hint(e, "did you mean %s?", near.best) : e;
}

struct err *power_config_set(struct power_config *config, const char *key, const char *value)
{
	if (strcmp(key, "ignore_lb") == 0)
		return err_wrap(parse_bool(value, &config->ignore_lb), "%s", key);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		if (strcmp(key, limits[i].name) != 0)
			continue;
		int64_t number = power_number(value, limits[i].max);
		if (number == I64_NONE || number % limits[i].unit != 0)
			return err_new(ERR_INVALID, "%s must be a number from 0 to %lld", key,
				(long long)limits[i].max);
		*(int64_t *)(void *)((char *)config + limits[i].offset) = number / limits[i].unit;
		return NULL;
	}
	return unknown_limit(key);
}

struct power_rule_spec power_rule_spec_default(void)
{
	return (struct power_rule_spec){.charge_below = I64_NONE,
		.runtime_below = I64_NONE,
		.stable = I64_NONE,
		.min_charge = I64_NONE,
		.priority = 100,
		.retries = 3,
		.cancel_on_restore = true,
		.abort_on_restore = true,
		.enabled = true};
}

struct power_engine *power_engine_new(void)
{
	struct power_engine *engine = mem_zalloc(sizeof(*engine));

	engine->config = power_config_default();
	engine->now = 0;
	engine->last = I64_NONE;
	engine->restarted = I64_NONE;
	return engine;
}

void power_engine_free(struct power_engine *engine)
{
	mem_free(engine);
}

void power_engine_freep(struct power_engine **engine)
{
	power_engine_free(*engine);
	*engine = NULL;
}

int64_t power_engine_last(const struct power_engine *engine)
{
	return engine->last;
}

void power_effects_done(struct power_effects *effects)
{
	mem_free(effects->items);
	*effects = (struct power_effects){.n = 0};
}

struct power_effect *effect_new(struct power_effects *effects, enum power_effect_kind kind)
{
	if (effects->n == effects->cap) {
		effects->cap = effects->cap == 0 ? 16 : 2 * effects->cap;
		effects->items =
			mem_realloc_array(effects->items, effects->cap, sizeof(effects->items[0]));
	}
	struct power_effect *effect = &effects->items[effects->n++];
	*effect = (struct power_effect){.kind = kind, .until = I64_NONE, .since = I64_NONE};
	return effect;
}

void name_set(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1);

	memset(to, 0, size);
	memcpy(to, from, len);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/** Order of IDs: numbers within them by value, so that R2 comes before R10. */
static int compare_ids(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0') {
		if (is_digit(*a) && is_digit(*b)) {
			size_t la = 0;
			size_t lb = 0;
			a += strspn(a, "0");
			b += strspn(b, "0");
			while (is_digit(a[la]))
				la++;
			while (is_digit(b[lb]))
				lb++;
			int order = la != lb ? (la < lb ? -1 : 1) : strncmp(a, b, la);
			if (order != 0)
				return order;
			a += la;
			b += lb;
		} else if (*a != *b) {
			return *a < *b ? -1 : 1;
		} else {
			a++;
			b++;
		}
	}
	return *a != '\0' ? 1 : (*b != '\0' ? -1 : 0);
}

struct ups *engine_ups(struct power_engine *engine, const char *name)
{
	for (int64_t i = 0; name != NULL && i < engine->n_ups; i++) {
		if (strcmp(engine->ups[i].name, name) == 0)
			return &engine->ups[i];
	}
	return NULL;
}

struct rule *engine_rule(struct power_engine *engine, const char *id)
{
	for (int64_t i = 0; id != NULL && i < engine->n_rules; i++) {
		if (strcmp(engine->rules[i].spec.id, id) == 0)
			return &engine->rules[i];
	}
	return NULL;
}

struct cluster *engine_cluster(struct power_engine *engine, const char *name)
{
	for (int64_t i = 0; name != NULL && i < engine->n_clusters; i++) {
		if (strcmp(engine->clusters[i].spec.name, name) == 0)
			return &engine->clusters[i];
	}
	return NULL;
}

static void add_ups(struct power_engine *engine, const char *name)
{
	int64_t at = engine->n_ups;

	if (engine->n_ups == POWER_UPS_MAX || engine_ups(engine, name) != NULL)
		return;
	for (; at > 0 && strcmp(engine->ups[at - 1].name, name) > 0; at--)
		engine->ups[at] = engine->ups[at - 1];
	ups_init(&engine->ups[at], name, engine->now);
	engine->n_ups++;
}

static void remove_ups(struct power_engine *engine, const char *name, struct power_effects *out)
{
	struct ups *ups = engine_ups(engine, name);

	if (ups == NULL)
		return;
	for (int64_t r = 0; r < engine->n_rules; r++) {
		struct rule *rule = &engine->rules[r];
		if (strcmp(rule->spec.ups, name) == 0 && rule->state == POWER_PENDING)
			rule_leave(engine, rule, POWER_CANCELLED, POWER_WHY_UPS_REMOVED, out);
	}
	int64_t at = ups - engine->ups;
	engine->n_ups--;
	memmove(ups, ups + 1, (size_t)(engine->n_ups - at) * sizeof(*ups));
}

static void set_cluster(struct power_engine *engine, const struct power_cluster_spec *spec)
{
	struct cluster *cluster = engine_cluster(engine, spec->name);

	if (cluster == NULL) {
		int64_t at = engine->n_clusters;
		if (at == POWER_CLUSTERS_MAX)
			return;
		for (; at > 0 && strcmp(engine->clusters[at - 1].spec.name, spec->name) > 0; at--)
			engine->clusters[at] = engine->clusters[at - 1];
		engine->n_clusters++;
		cluster = &engine->clusters[at];
		*cluster = (struct cluster){.maintenance = false};
	}
	cluster->spec = *spec;
	for (int64_t f = 0; f < spec->n_feeds; f++)
		add_ups(engine, spec->feeds[f]);
}

static void remove_cluster(struct power_engine *engine, const char *name)
{
	struct cluster *cluster = engine_cluster(engine, name);

	if (cluster == NULL)
		return;
	int64_t at = cluster - engine->clusters;
	engine->n_clusters--;
	memmove(cluster, cluster + 1, (size_t)(engine->n_clusters - at) * sizeof(*cluster));
}

static void set_rule(struct power_engine *engine, const struct power_rule_spec *spec)
{
	struct rule *rule = engine_rule(engine, spec->id);

	if (rule == NULL) {
		int64_t at = engine->n_rules;
		if (at == POWER_RULES_MAX)
			return;
		for (; at > 0 && compare_ids(engine->rules[at - 1].spec.id, spec->id) > 0; at--)
			engine->rules[at] = engine->rules[at - 1];
		engine->n_rules++;
		rule = &engine->rules[at];
		*rule = (struct rule){.since = I64_NONE,
			.deadline = I64_NONE,
			.started = I64_NONE,
			.retry_at = I64_NONE};
	}
	rule->spec = *spec;
	add_ups(engine, spec->ups);
	if (engine_cluster(engine, spec->cluster) == NULL && spec->cluster[0] != '\0') {
		struct power_cluster_spec cluster = {.min_feeds = 1};
		NAME_SET(cluster.name, spec->cluster);
		set_cluster(engine, &cluster);
	}
}

static void remove_rule(struct power_engine *engine, const char *id, struct power_effects *out)
{
	struct rule *rule = engine_rule(engine, id);

	if (rule == NULL)
		return;
	if (rule->state != POWER_ARMED)
		rule_leave(engine, rule, POWER_CANCELLED, POWER_WHY_DELETED, out);
	int64_t at = rule - engine->rules;
	engine->n_rules--;
	memmove(rule, rule + 1, (size_t)(engine->n_rules - at) * sizeof(*rule));
}

bool engine_configure(struct power_engine *engine, const struct power_command *command,
	struct power_effects *out)
{
	must(command->kind != POWER_SET_RULE || command->rule != NULL);
	must(command->kind != POWER_SET_CLUSTER || command->cluster != NULL);
	if (command->kind == POWER_SET_CONFIG)
		engine->config = *command->config;
	else if (command->kind == POWER_SET_UPS)
		add_ups(engine, command->id);
	else if (command->kind == POWER_REMOVE_UPS)
		remove_ups(engine, command->id, out);
	else if (command->kind == POWER_SET_CLUSTER)
		set_cluster(engine, command->cluster);
	else if (command->kind == POWER_REMOVE_CLUSTER)
		remove_cluster(engine, command->id);
	else if (command->kind == POWER_SET_RULE)
		set_rule(engine, command->rule);
	else if (command->kind == POWER_REMOVE_RULE)
		remove_rule(engine, command->id, out);
	else
		return false;
	feed_resolve(engine);
	return true;
}
