/* Owns whether there is time: how long a rule's action takes, by the runs before, and how long the
 * battery lasts under the load of now. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/cluster.h"
#include "model/operation.h"
#include "service/power_int.h"

#define RUNS 9             /* newest runs that count */
#define LEAD_UNKNOWN_S 600 /* when it was never seen how long it takes */
#define LEAD_SPARE_S 30    /* shared facts on NUT, section 4.2: auto_lead */
#define PERCENT 1000       /* thousandths */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* How long it takes, in seconds rounded up; I64_NONE: it was never seen. */
struct times {
	int64_t usual;   /* the median */
	int64_t longest; /* of the newest, so nearly always enough */
	int64_t runs;
};

static int64_t whole_s(int64_t ms)
{
	return (ms + 999) / 1000;
}

/* Of the newest runs that succeeded on this cluster. */
static struct err *times_of(struct service *svc, const struct ups_rule *rule, struct times *ret)
{
	const char *type = power_operation_of(rule->cluster_action);
	struct store_query q = {.sort = "id", .descending = true, .limit = RUNS};
	struct store_rows rows = {0};
	int64_t took[RUNS];

	store_where_text(&q, "type", STORE_EQ, type);
	store_where_number(&q, "status", STORE_EQ, OP_SUCCEEDED);
	store_where_number(&q, "check_mode", STORE_EQ, 0);
	store_where_within(&q, "clusters", &rule->cluster_id, 1);
	TRY(store_list(svc->store, &operation_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct operation *op = store_row(&rows, i);
		took[i] = op->finished_at - op->started_at;
	}
	qsort(took, rows.n, sizeof(took[0]), compare);
	*ret = (struct times){.usual = I64_NONE, .longest = I64_NONE, .runs = (int64_t)rows.n};
	if (rows.n > 0) {
		ret->usual = whole_s(took[rows.n / 2]);
		ret->longest = whole_s(took[rows.n - 1]);
	}
	store_rows_done(&rows);
	return NULL;
}

static int64_t lead_of(const struct ups_rule *rule, const struct times *t)
{
	return rule->action_delay +
		(t->runs == 0 ? LEAD_UNKNOWN_S : t->longest + t->longest / 4 + LEAD_SPARE_S);
}

struct err *power_lead_s(struct service *svc, const struct ups_rule *rule, int64_t *ret_s)
{
	struct times t;

	TRY(times_of(svc, rule, &t));
	*ret_s = lead_of(rule, &t);
	return NULL;
}

/* Time that is left on the battery when the rule begins, in seconds; I64_NONE: the UPS does not
 * tell. */
static int64_t left_s(const struct power_monitor *m, const struct ups_rule *rule,
	const struct power_reading *reading)
{
	int64_t runtime = reading->values[POWER_RUNTIME];
	int64_t charge = reading->values[POWER_CHARGE];

	if (runtime == I64_NONE)
		return I64_NONE;
	if (rule->power_event == POWER_ON_CRITICAL || rule->power_event == POWER_ON_UPS_SHUTDOWN)
		runtime = m->config.crit_runtime < runtime ? m->config.crit_runtime : runtime;
	if (rule->runtime_threshold != I64_NONE && rule->runtime_threshold * 1000 < runtime)
		runtime = rule->runtime_threshold * 1000;
	if (rule->battery_threshold != I64_NONE && charge != I64_NONE &&
		charge > rule->battery_threshold * PERCENT)
		runtime = runtime / charge * (rule->battery_threshold * PERCENT);
	return runtime / 1000;
}

static struct err *name_of(struct service *svc, int64_t cluster_id, char **ret)
{
	struct cluster c;

	TRY(store_get(svc->store, &cluster_type, cluster_id, &c));
	*ret = mem_strdup(c.name);
	record_done(&cluster_type, &c);
	return NULL;
}

static json_t *seconds(int64_t s)
{
	return s == I64_NONE ? json_null() : json_integer(s);
}

static struct err *add_rule(struct service *svc, const struct ups_rule *rule,
	const struct power_reading *reading, json_t *plan)
{
	cleanup(mem_freep) char *cluster = NULL;
	struct times t;

	TRY(times_of(svc, rule, &t));
	TRY(name_of(svc, rule->cluster_id, &cluster));
	int64_t needs = t.runs == 0 ? I64_NONE : t.usual + rule->action_delay;
	int64_t has = left_s(svc->power, rule, reading);
	bool known = needs != I64_NONE && has != I64_NONE;
	json_array_append_new(plan,
		json_pack("{s:s, s:s, s:s, s:o, s:I, s:o, s:o, s:o}", "rule", rule->name, "cluster",
			cluster, "action", enum_text(&power_action_table, rule->cluster_action),
			"needs_s", seconds(needs), "runs", (json_int_t)t.runs, "has_s",
			seconds(has), "fits", known ? json_boolean(needs <= has) : json_null(),
			"starts_at_runtime_s",
			rule->just_in_time ? json_integer(lead_of(rule, &t)) : json_null()));
	return NULL;
}

/* A rule that takes a cluster down by an operation of ours. */
static bool counts(const struct ups_rule *rule)
{
	return rule->enabled && !rule->dry_run && rule->workflow == NULL &&
		rule->cluster_id != I64_NONE && power_action_strength(rule->cluster_action) > 0;
}

struct err *power_plan_json(struct service *svc, int64_t ups_id, json_t **ret_plan)
{
	const struct power_word *word = svc->power != NULL ? power_word_of(svc->power, ups_id)
							   : NULL;
	struct store_query q = {.sort = "priority"};
	struct store_rows rows = {0};
	struct power_reading none;

	*ret_plan = json_array();
	if (svc->power == NULL)
		return NULL;
	power_reading_init(&none);
	store_where_number(&q, "ups_id", STORE_EQ, ups_id);
	struct err *e = store_list(svc->store, &ups_rule_type, &q, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++)
		if (counts(store_row(&rows, i)))
			e = add_rule(svc, store_row(&rows, i),
				word != NULL && word->ever ? &word->reading : &none, *ret_plan);
	store_rows_done(&rows);
	if (e != NULL)
		json_decref(*ret_plan);
	return e;
}

struct err *power_plan_judge(struct service *svc, struct power_word *word)
{
	json_t *plan = NULL;
	const json_t *row = NULL;
	bool fits = true;
	size_t i = 0;

	TRY(power_plan_json(svc, word->ups_id, &plan));
	json_array_foreach(plan, i, row)
		fits &= !json_is_false(json_object_get(row, "fits"));
	(void)health_track_take(&word->plan, fits ? HEALTH_UP : HEALTH_DEGRADED,
		clock_utc(svc->clock));
	json_decref(plan);
	return NULL;
}
