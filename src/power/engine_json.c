/* The state of the engine as JSON and back, by tables of its members; and moving its times. Every
 * member that outlives a tick is in a table: test_engine_random.c saves and loads at random. */
#include <string.h>

#include "base/mem.h"
#include "power/engine_int.h"

#define FORMAT 1

enum kind { NUMBER, TIME, FLAG, TEXT };

struct member {
	const char *name;
	enum kind kind;
	size_t offset;
	size_t size; /**< of a text */
};

#define NUMBER_(strct, m)                                                                          \
	{                                                                                          \
#m, NUMBER, offsetof(strct, m), 0                                                  \
	}
#define TIME_(strct, m)                                                                            \
	{                                                                                          \
#m, TIME, offsetof(strct, m), 0                                                    \
	}
#define FLAG_(strct, m)                                                                            \
	{                                                                                          \
#m, FLAG, offsetof(strct, m), 0                                                    \
	}
#define TEXT_(strct, m)                                                                            \
	{                                                                                          \
#m, TEXT, offsetof(strct, m), sizeof(((strct *)NULL)->m)                           \
	}

struct table {
	const struct member *members;
	size_t n;
};
#define TABLE(array)                                                                               \
	{                                                                                          \
		(array), ARRAY_LEN(array)                                                          \
	}

static const struct member config_members[] = {
	NUMBER_(struct power_config, ob_confirm),
	NUMBER_(struct power_config, ol_confirm),
	NUMBER_(struct power_config, flap_count),
	NUMBER_(struct power_config, flap_window),
	NUMBER_(struct power_config, flap_ol_confirm),
	NUMBER_(struct power_config, comms_lost),
	NUMBER_(struct power_config, comms_repeat),
	NUMBER_(struct power_config, off_confirm),
	NUMBER_(struct power_config, crit_charge),
	NUMBER_(struct power_config, crit_runtime),
	NUMBER_(struct power_config, cal_floor),
	NUMBER_(struct power_config, dischrg_drop),
	NUMBER_(struct power_config, blind_min),
	NUMBER_(struct power_config, blind_max),
	FLAG_(struct power_config, ignore_lb),
};
static const struct table config_table = TABLE(config_members);

static const struct member engine_members[] = {
	TIME_(struct power_engine, now),
	TIME_(struct power_engine, last),
	TIME_(struct power_engine, restarted),
};
static const struct table engine_table = TABLE(engine_members);

static const struct member ups_members[] = {
	TEXT_(struct ups, name),
	TEXT_(struct ups, identity),
	NUMBER_(struct ups, line),
	NUMBER_(struct ups, mains),
	FLAG_(struct ups, ever),
	FLAG_(struct ups, said_ol),
	FLAG_(struct ups, lost),
	FLAG_(struct ups, off),
	FLAG_(struct ups, fsd),
	FLAG_(struct ups, fsd_ours),
	FLAG_(struct ups, fsd_critical),
	FLAG_(struct ups, blind),
	FLAG_(struct ups, open),
	FLAG_(struct ups, flapping),
	FLAG_(struct ups, other_identity),
	FLAG_(struct ups, heard_since_restart),
	TIME_(struct ups, heard_from),
	TIME_(struct ups, last_sample),
	TIME_(struct ups, ob_since),
	TIME_(struct ups, ol_since),
	TIME_(struct ups, loss_since),
	TIME_(struct ups, lost_since),
	TIME_(struct ups, off_since),
	TIME_(struct ups, fsd_since),
	TIME_(struct ups, blind_since),
	TIME_(struct ups, said_lost),
	NUMBER_(struct ups, tokens),
	NUMBER_(struct ups, charge),
	NUMBER_(struct ups, runtime),
	NUMBER_(struct ups, dischrg_charge),
	NUMBER_(struct ups, episode),
	NUMBER_(struct ups, crit.n),
	TIME_(struct ups, crit.first),
	TIME_(struct ups, openings[0]),
	TIME_(struct ups, openings[1]),
	TIME_(struct ups, openings[2]),
	TIME_(struct ups, openings[3]),
	TIME_(struct ups, openings[4]),
	TIME_(struct ups, openings[5]),
	TIME_(struct ups, openings[6]),
	TIME_(struct ups, openings[7]),
};
_Static_assert(POWER_OPENINGS_MAX == 8, "the table of struct ups names each");
static const struct table ups_table = TABLE(ups_members);

static const struct member rule_members[] = {
	TEXT_(struct rule, spec.id),
	TEXT_(struct rule, spec.ups),
	TEXT_(struct rule, spec.cluster),
	NUMBER_(struct rule, spec.trigger),
	NUMBER_(struct rule, spec.action),
	NUMBER_(struct rule, spec.charge_below),
	NUMBER_(struct rule, spec.runtime_below),
	NUMBER_(struct rule, spec.delay),
	NUMBER_(struct rule, spec.stable),
	NUMBER_(struct rule, spec.timeout),
	NUMBER_(struct rule, spec.min_charge),
	NUMBER_(struct rule, spec.priority),
	NUMBER_(struct rule, spec.retries),
	FLAG_(struct rule, spec.escalate),
	FLAG_(struct rule, spec.cancel_on_restore),
	FLAG_(struct rule, spec.abort_on_restore),
	FLAG_(struct rule, spec.dry_run),
	FLAG_(struct rule, spec.enabled),
	NUMBER_(struct rule, state),
	FLAG_(struct rule, wanted),
	FLAG_(struct rule, spent),
	FLAG_(struct rule, announced),
	FLAG_(struct rule, escalated),
	FLAG_(struct rule, up_held),
	FLAG_(struct rule, stopping),
	TIME_(struct rule, since),
	TIME_(struct rule, deadline),
	TIME_(struct rule, started),
	TIME_(struct rule, retry_at),
	NUMBER_(struct rule, attempt),
	NUMBER_(struct rule, phase),
	NUMBER_(struct rule, episode),
	NUMBER_(struct rule, level_before),
	NUMBER_(struct rule, undo_before),
};
static const struct table rule_table = TABLE(rule_members);

static const struct member feed_members[] = {
	TEXT_(struct feed, name),
	NUMBER_(struct feed, streak.n),
	TIME_(struct feed, streak.first),
};
static const struct table feed_table = TABLE(feed_members);

static const struct member cluster_members[] = {
	TEXT_(struct cluster, spec.name),
	NUMBER_(struct cluster, spec.policy),
	NUMBER_(struct cluster, spec.min_feeds),
	FLAG_(struct cluster, maintenance),
	NUMBER_(struct cluster, level[0]),
	NUMBER_(struct cluster, level[1]),
	NUMBER_(struct cluster, undo[0]),
	NUMBER_(struct cluster, undo[1]),
};
static const struct table cluster_table = TABLE(cluster_members);

static json_t *value_of(const struct member *m, const void *obj)
{
	const void *at = (const char *)obj + m->offset;

	switch (m->kind) {
	case NUMBER:
	case TIME: {
		int64_t number = *(const int64_t *)at;
		return number == I64_NONE ? json_null() : json_integer(number);
	}
	case FLAG:
		return json_boolean(*(const bool *)at);
	case TEXT:
		return json_stringn_nocheck(at, strnlen(at, m->size));
	}
	return json_null();
}

static json_t *to_json(const struct table *table, const void *obj)
{
	json_t *json = json_object();

	for (size_t i = 0; i < table->n; i++)
		(void)json_object_set_new(json, table->members[i].name,
			value_of(&table->members[i], obj));
	return json;
}

static bool set_value(const struct member *m, void *obj, const json_t *value)
{
	void *at = (char *)obj + m->offset;

	switch (m->kind) {
	case NUMBER:
	case TIME:
		if (!json_is_integer(value) && !json_is_null(value))
			return false;
		*(int64_t *)at = json_is_null(value) ? I64_NONE : json_integer_value(value);
		return true;
	case FLAG:
		if (!json_is_boolean(value))
			return false;
		*(bool *)at = json_is_true(value);
		return true;
	case TEXT:
		if (!json_is_string(value) || json_string_length(value) >= m->size)
			return false;
		name_set(at, m->size, json_string_value(value));
		return true;
	}
	return false;
}

static struct err *from_json(const struct table *table, void *obj, const json_t *json)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct member *m = &table->members[i];
		if (!set_value(m, obj, json_object_get(json, m->name)))
			return err_new(ERR_INVALID, "the state of power has a wrong %s", m->name);
	}
	return NULL;
}

static json_t *names_to_json(const char names[POWER_FEEDS_MAX][POWER_NAME_SIZE], int64_t n)
{
	json_t *list = json_array();

	for (int64_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string_nocheck(names[i]));
	return list;
}

static struct err *names_from_json(const json_t *list, char names[POWER_FEEDS_MAX][POWER_NAME_SIZE],
	int64_t *ret_n)
{
	size_t i;
	const json_t *name;

	if (!json_is_array(list) || json_array_size(list) > POWER_FEEDS_MAX)
		return err_new(ERR_INVALID, "the state of power has a wrong list of names");
	json_array_foreach(list, i, name) {
		if (!json_is_string(name) || json_string_length(name) >= POWER_NAME_SIZE)
			return err_new(ERR_INVALID, "the state of power has a wrong name");
		NAME_SET(names[i], json_string_value(name));
	}
	*ret_n = (int64_t)json_array_size(list);
	return NULL;
}

static json_t *rule_to_json(const struct rule *rule)
{
	json_t *json = to_json(&rule_table, rule);
	json_t *feeds = json_array();

	for (int64_t f = 0; f < rule->n_feeds; f++)
		(void)json_array_append_new(feeds, to_json(&feed_table, &rule->feeds[f]));
	(void)json_object_set_new(json, "feeds", feeds);
	return json;
}

static json_t *cluster_to_json(const struct cluster *cluster)
{
	json_t *json = to_json(&cluster_table, cluster);

	(void)json_object_set_new(json, "feeds",
		names_to_json(cluster->spec.feeds, cluster->spec.n_feeds));
	(void)json_object_set_new(json, "depends",
		names_to_json(cluster->spec.depends, cluster->spec.n_depends));
	return json;
}

json_t *power_engine_save(const struct power_engine *engine)
{
	json_t *json = to_json(&engine_table, engine);
	json_t *ups = json_array();
	json_t *rules = json_array();
	json_t *clusters = json_array();

	for (int64_t i = 0; i < engine->n_ups; i++)
		(void)json_array_append_new(ups, to_json(&ups_table, &engine->ups[i]));
	for (int64_t i = 0; i < engine->n_rules; i++)
		(void)json_array_append_new(rules, rule_to_json(&engine->rules[i]));
	for (int64_t i = 0; i < engine->n_clusters; i++)
		(void)json_array_append_new(clusters, cluster_to_json(&engine->clusters[i]));
	(void)json_object_set_new(json, "format", json_integer(FORMAT));
	(void)json_object_set_new(json, "config", to_json(&config_table, &engine->config));
	(void)json_object_set_new(json, "ups", ups);
	(void)json_object_set_new(json, "rules", rules);
	(void)json_object_set_new(json, "clusters", clusters);
	return json;
}

static bool is_in(int64_t value, int64_t n)
{
	return value >= 0 && value < n;
}

static struct err *load_rule(struct rule *rule, const json_t *json)
{
	const json_t *feeds = json_object_get(json, "feeds");
	size_t i;
	const json_t *feed;

	TRY(from_json(&rule_table, rule, json));
	if (!is_in(rule->spec.trigger, POWER_ON_N_) || !is_in(rule->spec.action, POWER_DO_N_) ||
		!is_in(rule->state, POWER_DONE) || json_array_size(feeds) > POWER_FEEDS_MAX)
		return err_new(ERR_INVALID, "the state of power has a rule out of range");
	json_array_foreach(feeds, i, feed)
		TRY(from_json(&feed_table, &rule->feeds[i], feed));
	rule->n_feeds = (int64_t)json_array_size(feeds);
	return NULL;
}

static struct err *load_cluster(struct cluster *cluster, const json_t *json)
{
	TRY(from_json(&cluster_table, cluster, json));
	TRY(names_from_json(json_object_get(json, "feeds"), cluster->spec.feeds,
		&cluster->spec.n_feeds));
	return names_from_json(json_object_get(json, "depends"), cluster->spec.depends,
		&cluster->spec.n_depends);
}

static struct err *load_lists(struct power_engine *engine, const json_t *json)
{
	const json_t *ups = json_object_get(json, "ups");
	const json_t *rules = json_object_get(json, "rules");
	const json_t *clusters = json_object_get(json, "clusters");
	size_t i;
	const json_t *item;

	if (!json_is_array(ups) || json_array_size(ups) > POWER_UPS_MAX || !json_is_array(rules) ||
		json_array_size(rules) > POWER_RULES_MAX || !json_is_array(clusters) ||
		json_array_size(clusters) > POWER_CLUSTERS_MAX)
		return err_new(ERR_INVALID, "the state of power has wrong lists");
	json_array_foreach(ups, i, item)
		TRY(from_json(&ups_table, &engine->ups[i], item));
	json_array_foreach(rules, i, item)
		TRY(load_rule(&engine->rules[i], item));
	json_array_foreach(clusters, i, item)
		TRY(load_cluster(&engine->clusters[i], item));
	engine->n_ups = (int64_t)json_array_size(ups);
	engine->n_rules = (int64_t)json_array_size(rules);
	engine->n_clusters = (int64_t)json_array_size(clusters);
	return NULL;
}

struct err *power_engine_load(const json_t *json, struct power_engine **ret_engine)
{
	cleanup(power_engine_freep) struct power_engine *engine = power_engine_new();

	if (json_integer_value(json_object_get(json, "format")) != FORMAT)
		return err_new(ERR_INVALID, "the state of power is of another version");
	TRY(from_json(&engine_table, engine, json));
	TRY(from_json(&config_table, &engine->config, json_object_get(json, "config")));
	TRY(load_lists(engine, json));
	feed_resolve(engine);
	*ret_engine = MOVE(engine);
	return NULL;
}

static void shift(const struct table *table, void *obj, int64_t by_ms)
{
	for (size_t i = 0; i < table->n; i++) {
		int64_t *at = (int64_t *)(void *)((char *)obj + table->members[i].offset);
		if (table->members[i].kind == TIME && *at != I64_NONE)
			*at += by_ms;
	}
}

void power_engine_shift(struct power_engine *engine, int64_t by_ms)
{
	shift(&engine_table, engine, by_ms);
	for (int64_t i = 0; i < engine->n_ups; i++)
		shift(&ups_table, &engine->ups[i], by_ms);
	for (int64_t i = 0; i < engine->n_rules; i++) {
		struct rule *rule = &engine->rules[i];
		shift(&rule_table, rule, by_ms);
		for (int64_t f = 0; f < rule->n_feeds; f++)
			shift(&feed_table, &rule->feeds[f], by_ms);
	}
}
