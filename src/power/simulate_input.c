/* Reading what is simulated: traces (JSON lines) and rules (JSON), by tables, each mistake told
 * with its place. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "power/engine_int.h"
#include "power/number.h"
#include "power/simulate_int.h"

#define TRACE_LINES_MAX 200000
#define TRACE_END_MAX_S 2592000
#define LINE_ERR(number, ...) err_wrap(err_new(ERR_INVALID, __VA_ARGS__), "line %zu", (number))

/** A number, or the raw text of one, as text; "" when there is none. */
static void raw_text(const json_t *value, char text[static 64])
{
	text[0] = '\0';
	if (json_is_string(value))
		(void)snprintf(text, 64, "%s", json_string_value(value));
	else if (json_is_integer(value))
		(void)snprintf(text, 64, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		(void)snprintf(text, 64, "%.3f", json_real_value(value));
}

static struct err *read_time(const json_t *json, int64_t *ret_ms)
{
	const json_t *t = json_object_get(json, "t");

	if (!json_is_number(t) || json_number_value(t) < 0 ||
		json_number_value(t) > TRACE_END_MAX_S)
		return err_new(ERR_INVALID, "t must be seconds from 0 to %d", TRACE_END_MAX_S);
	*ret_ms = (int64_t)llround(json_number_value(t) * 1000);
	return NULL;
}

static struct err *read_name(const json_t *json, const char *key, char name[static POWER_NAME_SIZE])
{
	const json_t *value = json_object_get(json, key);
	char text[64];

	raw_text(value, text);
	if (text[0] == '\0' ||
		(json_is_string(value) && json_string_length(value) >= POWER_NAME_SIZE))
		return err_new(ERR_INVALID, "%s must be a name of 1 to %d bytes", key,
			POWER_NAME_SIZE - 1);
	name_set(name, POWER_NAME_SIZE, text);
	return NULL;
}

static struct err *read_sample(const json_t *json, struct trace_line *line)
{
	char text[64];

	if (!json_is_string(json_object_get(json, "status")))
		return err_new(ERR_INVALID,
			"wants status, miss, engine, edit or end (status is a text such as \"OB DISCHRG\")");
	line->kind = TRACE_SAMPLE;
	line->tokens = power_tokens(json_string_value(json_object_get(json, "status")));
	raw_text(json_object_get(json, "charge"), text);
	line->charge = power_charge(text);
	raw_text(json_object_get(json, "runtime"), text);
	line->runtime = power_runtime_ms(text);
	return read_name(json, "ups", line->name);
}

static struct err *read_edit(const json_t *json, struct trace_line *line)
{
	json_t *edit = json_object_get(json, "edit");
	struct power_rule_spec scratch = power_rule_spec_default();

	if (!json_is_object(edit))
		return err_new(ERR_INVALID, "edit must be an object such as {\"rule\":\"R1\",...}");
	line->kind = TRACE_EDIT;
	TRY(read_name(edit, "rule", line->name));
	TRY(plan_edit(edit, &scratch));
	line->edit = json_incref(edit);
	return NULL;
}

static struct err *read_line(const json_t *json, struct trace_line *line)
{
	const char *engine = json_string_value(json_object_get(json, "engine"));

	TRY(read_time(json, &line->t));
	if (json_is_true(json_object_get(json, "end"))) {
		line->kind = TRACE_END;
		return NULL;
	}
	if (engine != NULL) {
		bool up = strcmp(engine, "up") == 0;
		if (!up && strcmp(engine, "down") != 0)
			return err_new(ERR_INVALID, "engine must be up or down");
		line->kind = up ? TRACE_UP : TRACE_DOWN;
		return NULL;
	}
	if (json_object_get(json, "edit") != NULL)
		return read_edit(json, line);
	if (json_object_get(json, "miss") != NULL) {
		line->kind = TRACE_MISS;
		return read_name(json, "ups", line->name);
	}
	return read_sample(json, line);
}

static struct trace_line *add_line(struct trace *trace)
{
	if (trace->n == trace->cap) {
		trace->cap = trace->cap == 0 ? 64 : 2 * trace->cap;
		trace->lines = mem_realloc_array(trace->lines, trace->cap, sizeof(trace->lines[0]));
	}
	trace->lines[trace->n] = (struct trace_line){.charge = I64_NONE, .runtime = I64_NONE};
	return &trace->lines[trace->n++];
}

/** By time; lines of one time stay in their order. */
static void sort_lines(struct trace *trace)
{
	for (size_t i = 1; i < trace->n; i++) {
		struct trace_line line = trace->lines[i];
		size_t j = i;
		for (; j > 0 && trace->lines[j - 1].t > line.t; j--)
			trace->lines[j] = trace->lines[j - 1];
		trace->lines[j] = line;
	}
}

static struct err *read_text_line(struct trace *trace, const char *text, size_t len, size_t number)
{
	json_error_t problem;

	if (strspn(text, " \t\r") >= len)
		return NULL;
	if (trace->n == TRACE_LINES_MAX)
		return LINE_ERR(number, "a trace has at most %d lines", TRACE_LINES_MAX);
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &problem);
	if (json == NULL)
		return LINE_ERR(number, "no JSON: %s", problem.text);
	struct err *e = json_is_object(json) ? read_line(json, add_line(trace))
					     : err_new(ERR_INVALID, "must be an object");
	json_decref(json);
	return err_wrap(e, "line %zu", number);
}

struct err *trace_read(const char *text, struct trace *ret_trace)
{
	size_t number = 1;

	*ret_trace = (struct trace){.n = 0};
	for (const char *p = text; *p != '\0'; number++) {
		size_t len = strcspn(p, "\n");
		TRY(read_text_line(ret_trace, p, len, number));
		p += len + (p[len] == '\n');
	}
	if (ret_trace->n == 0)
		return err_new(ERR_INVALID, "the trace is empty");
	sort_lines(ret_trace);
	return NULL;
}

void trace_done(struct trace *trace)
{
	for (size_t i = 0; i < trace->n; i++)
		json_decref(trace->lines[i].edit);
	mem_free(trace->lines);
	*trace = (struct trace){.n = 0};
}

/** How a member of a rule is written. */
enum member_kind { SECONDS, PERCENT, COUNT, FLAG, WORD, ESCALATE, NOT_HERE };
struct member {
	const char *name;
	enum member_kind kind;
	size_t offset;
	int64_t max;
	const struct enum_table *words;
};
#define AT(m) offsetof(struct power_rule_spec, m)
static const struct member members[] = {
	{"id", NOT_HERE},
	{"rule", NOT_HERE},
	{"ups", NOT_HERE},
	{"cluster", NOT_HERE},
	{"name", NOT_HERE},
	{"duration", NOT_HERE},
	{"deleted", NOT_HERE},
	{"event", WORD, AT(trigger), 0, &power_trigger_table},
	{"action", WORD, AT(action), 0, &power_action_table},
	{"delay", SECONDS, AT(delay), 86400},
	{"stable", SECONDS, AT(stable), 86400},
	{"timeout", SECONDS, AT(timeout), 86400},
	{"runtime_threshold", SECONDS, AT(runtime_below), 604800},
	{"battery_threshold", PERCENT, AT(charge_below), 100},
	{"min_charge", PERCENT, AT(min_charge), 100},
	{"priority", COUNT, AT(priority), 1000000},
	{"retries", COUNT, AT(retries), 100},
	{"on_fail", ESCALATE, AT(escalate)},
	{"cancel_on_restore", FLAG, AT(cancel_on_restore)},
	{"abort_on_restore", FLAG, AT(abort_on_restore)},
	{"dry_run", FLAG, AT(dry_run)},
	{"enabled", FLAG, AT(enabled)},
};

static const struct member *member_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	}
	return NULL;
}

static struct err *set_number(const struct member *m, int64_t *ret_number, const json_t *value)
{
	char text[64];

	raw_text(value, text);
	int64_t number = power_number(text, m->max);
	if (number == I64_NONE || (m->kind == COUNT && number % 1000 != 0))
		return err_new(ERR_INVALID, "must be a number from 0 to %lld", (long long)m->max);
	*ret_number = m->kind == COUNT ? number / 1000 : number;
	return NULL;
}

static struct err *set_word(const struct member *m, int64_t *ret_word, const json_t *value)
{
	int word = json_is_string(value) ? enum_value(m->words, json_string_value(value)) : -1;

	if (word < 0)
		return err_new(ERR_INVALID, "is no %s", m->words->name);
	*ret_word = word;
	return NULL;
}

static struct err *set_member(const struct member *m, struct power_rule_spec *rule,
	const json_t *value)
{
	void *at = (char *)rule + m->offset;
	const char *word = json_string_value(value);

	switch (m->kind) {
	case SECONDS:
	case PERCENT:
	case COUNT:
		return set_number(m, at, value);
	case WORD:
		return set_word(m, at, value);
	case FLAG:
		if (!json_is_boolean(value))
			return err_new(ERR_INVALID, "must be true or false");
		*(bool *)at = json_is_true(value);
		return NULL;
	case ESCALATE:
		if (word == NULL || (strcmp(word, "escalate") != 0 && strcmp(word, "alert") != 0))
			return err_new(ERR_INVALID, "must be alert or escalate");
		*(bool *)at = strcmp(word, "escalate") == 0;
		return NULL;
	case NOT_HERE:
		break;
	}
	return NULL;
}

static struct err *unknown_member(struct err *e, const char *key)
{
	struct suggest near = suggest_start(key);

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		suggest_try(&near, members[i].name);
	if (near.best == NULL)
		return err_field(e, key, "unknown");
	return err_field(e, key, "unknown; did you mean %s?", near.best);
}

struct err *plan_edit(const json_t *edit, struct power_rule_spec *rule)
{
	struct err *e = NULL;
	const char *key;
	const json_t *value;
	void *iter = NULL;

	for (iter = json_object_iter((json_t *)(uintptr_t)edit); iter != NULL;
		iter = json_object_iter_next((json_t *)(uintptr_t)edit, iter)) {
		key = json_object_iter_key(iter);
		value = json_object_iter_value(iter);
		const struct member *m = member_of(key);
		struct err *wrong = m != NULL ? set_member(m, rule, value) : NULL;
		if (m == NULL)
			e = unknown_member(e, key);
		if (wrong != NULL)
			e = err_field(e, key, "%s", err_message(wrong));
		err_free(wrong);
	}
	return e;
}

static struct err *read_rule(const json_t *json, struct power_rule_spec *rule, int64_t *ret_ms)
{
	const struct member duration = {"duration", SECONDS, 0, 86400};

	*rule = power_rule_spec_default();
	*ret_ms = 60000;
	if (!json_is_object(json))
		return err_new(ERR_INVALID, "must be an object");
	TRY(read_name(json, "id", rule->id));
	TRY(read_name(json, "ups", rule->ups));
	TRY(read_name(json, "cluster", rule->cluster));
	if (json_object_get(json, "event") == NULL || json_object_get(json, "action") == NULL)
		return err_new(ERR_INVALID, "wants an event and an action");
	TRY(plan_edit(json, rule));
	if (json_object_get(json, "duration") != NULL)
		TRY_WRAP(set_number(&duration, ret_ms, json_object_get(json, "duration")),
			"duration");
	return power_action_check(rule->trigger, rule->action);
}

static struct err *read_names(const json_t *json, const char *key,
	char names[POWER_FEEDS_MAX][POWER_NAME_SIZE], int64_t *ret_n)
{
	const json_t *list = json_object_get(json, key);
	size_t i;
	const json_t *name;

	if (list == NULL)
		return NULL;
	if (!json_is_array(list) || json_array_size(list) > POWER_FEEDS_MAX)
		return err_new(ERR_INVALID, "%s must be at most %d names", key, POWER_FEEDS_MAX);
	json_array_foreach(list, i, name) {
		if (!json_is_string(name) || json_string_length(name) == 0 ||
			json_string_length(name) >= POWER_NAME_SIZE)
			return err_new(ERR_INVALID, "%s must be names", key);
		NAME_SET(names[i], json_string_value(name));
	}
	*ret_n = (int64_t)json_array_size(list);
	return NULL;
}

static struct err *read_cluster(const char *name, const json_t *json,
	struct power_cluster_spec *cluster)
{
	const json_t *policy = json_object_get(json, "policy");
	const json_t *min_feeds = json_object_get(json, "min_feeds");

	*cluster = (struct power_cluster_spec){.min_feeds = 1};
	if (strlen(name) == 0 || strlen(name) >= POWER_NAME_SIZE || !json_is_object(json))
		return err_new(ERR_INVALID, "must be a name and an object");
	NAME_SET(cluster->name, name);
	TRY(read_names(json, "feeds", cluster->feeds, &cluster->n_feeds));
	TRY(read_names(json, "depends_on", cluster->depends, &cluster->n_depends));
	if (policy != NULL) {
		int value = json_is_string(policy)
			? enum_value(&power_policy_table, json_string_value(policy))
			: -1;
		if (value < 0)
			return err_new(ERR_INVALID, "policy must be any or all");
		cluster->policy = value;
	}
	if (min_feeds == NULL)
		return NULL;
	if (!json_is_integer(min_feeds) || json_integer_value(min_feeds) < 1 ||
		json_integer_value(min_feeds) > POWER_FEEDS_MAX)
		return err_new(ERR_INVALID, "min_feeds must be a number from 1 to %d",
			POWER_FEEDS_MAX);
	cluster->policy = POWER_FEEDS_ALL;
	cluster->min_feeds = json_integer_value(min_feeds);
	return NULL;
}

static struct err *read_clusters(const json_t *json, struct plan *plan)
{
	void *iter = NULL;
	json_t *clusters = json_object_get(json, "clusters");

	if (clusters == NULL)
		return NULL;
	if (!json_is_object(clusters) || json_object_size(clusters) > POWER_CLUSTERS_MAX)
		return err_new(ERR_INVALID, "clusters must be an object of at most %d clusters",
			POWER_CLUSTERS_MAX);
	for (iter = json_object_iter(clusters); iter != NULL;
		iter = json_object_iter_next(clusters, iter)) {
		const char *name = json_object_iter_key(iter);
		TRY_WRAP(read_cluster(name, json_object_iter_value(iter),
				 &plan->clusters[plan->n_clusters++]),
			"cluster %s", name);
	}
	return NULL;
}

static struct err *read_plan(const json_t *json, struct plan *plan)
{
	const json_t *rules = json_object_get(json, "rules");
	size_t i;
	const json_t *rule;

	TRY(read_clusters(json, plan));
	if (!json_is_array(rules) || json_array_size(rules) > POWER_RULES_MAX)
		return err_new(ERR_INVALID, "rules must be an array of at most %d rules",
			POWER_RULES_MAX);
	json_array_foreach(rules, i, rule) {
		TRY_WRAP(read_rule(rule, &plan->rules[i], &plan->durations[i]), "rule %zu", i + 1);
		if (plan_find(plan, plan->rules[i].id) >= 0)
			return err_new(ERR_INVALID, "rule %zu: %s is there twice", i + 1,
				plan->rules[i].id);
		plan->n_rules++;
	}
	return NULL;
}

struct err *plan_read(const char *text, struct plan *ret_plan)
{
	json_error_t problem;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &problem);

	ret_plan->n_rules = 0;
	ret_plan->n_clusters = 0;
	if (json == NULL)
		return err_new(ERR_INVALID, "line %d: no JSON: %s", problem.line, problem.text);
	struct err *e = read_plan(json, ret_plan);
	json_decref(json);
	return e;
}

int plan_find(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->n_rules; i++) {
		if (strcmp(plan->rules[i].id, id) == 0)
			return (int)i;
	}
	return -1;
}
