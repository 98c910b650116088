/* Owns the rows of `alerts`. */
#include "service/alert.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "service/audit.h"
#include "service/delivery.h"
#include "service/event.h"
#include "service/find.h"

#define DAY_MS INT64_C(86400000)

struct err *alert_find(struct service *svc, const char *id, struct alert *ret)
{
	return err_hint(find_record(svc, &alert_type, id, ret), "mko health alerts --all");
}

/* A text of the table with the name in it. Owned. */
static char *with_name(const char *text, const char *name)
{
	const char *at = strstr(text, "%s");

	if (at == NULL)
		return mem_strdup(text);
	return mem_printf("%.*s%s%s", (int)(at - text), text, name, at + 2);
}

json_t *alert_json(const struct alert *a)
{
	json_t *json = record_to_json(&alert_type, a);
	cleanup(mem_freep) char *next = with_name(alert_rules[a->rule].next, a->name);

	json_object_set_new(json, "next", json_string(next));
	return json;
}

static struct err *publish(struct service *svc, const char *kind, const struct alert *a)
{
	return event_publish(svc, "alerts", kind, a->id, alert_json(a));
}

/* ---- people ---- */

static struct err *change(struct service *svc, const struct actor *who, const char *action,
	struct alert *a)
{
	char object[64];

	(void)snprintf(object, sizeof(object), "alert/%lld", (long long)a->id);
	a->updated_at = clock_utc(svc->clock);
	TRY(store_update(svc->store, &alert_type, a));
	TRY(audit_write(svc, who, action, object, alert_json(a), "ok"));
	return publish(svc, action, a);
}

static struct err *find_open(struct service *svc, const char *id, struct alert *ret)
{
	TRY(alert_find(svc, id, ret));
	if (ret->state != ALERT_RESOLVED)
		return NULL;
	record_done(&alert_type, ret);
	return err_hint(err_new(ERR_CONFLICT, "alert %s is over", id), "mko health alerts");
}

/* What people do to an alert. */
static void acknowledge(struct alert *a, const struct actor *who, int64_t now)
{
	a->state = ALERT_ACKNOWLEDGED;
	a->acknowledged_at = now;
	field_set_text(&a->acknowledged_by, who->name);
}

static void silence(struct alert *a, const struct actor *who, int64_t now, int64_t duration_s)
{
	a->silenced_until = duration_s > 0 ? now + duration_s * 1000 : I64_NONE;
	field_set_text(&a->silenced_by, duration_s > 0 ? who->name : NULL);
}

struct err *alert_acknowledge(struct service *svc, const struct actor *who, const char *id,
	struct alert *ret)
{
	TRY(find_open(svc, id, ret));
	acknowledge(ret, who, clock_utc(svc->clock));
	struct err *e = change(svc, who, "alert.acknowledge", ret);
	if (e != NULL)
		record_done(&alert_type, ret);
	return e;
}

struct err *alert_silence(struct service *svc, const struct actor *who, const char *id,
	int64_t duration_s, struct alert *ret)
{
	TRY(find_open(svc, id, ret));
	silence(ret, who, clock_utc(svc->clock), duration_s);
	struct err *e = change(svc, who, "alert.silence", ret);
	if (e != NULL)
		record_done(&alert_type, ret);
	return e;
}

/* ---- what watches ---- */

static struct err *raise_one(struct service *svc, const struct alert_want *want)
{
	const struct alert_rule *rule = &alert_rules[want->rule];
	cleanup(mem_freep) char *title = with_name(rule->title, want->name);
	struct alert a;

	record_init(&alert_type, &a);
	a.rule = want->rule;
	a.severity = rule->severity;
	a.state = ALERT_FIRING;
	field_set_text(&a.subject, want->subject);
	field_set_text(&a.name, want->name);
	field_set_text(&a.title, title);
	field_set_text(&a.reason, want->reason);
	a.cluster_id = want->cluster_id;
	a.node_id = want->node_id;
	json_decref(a.members);
	a.members = json_incref(want->members);
	a.since = want->since;
	a.fired_at = a.updated_at = clock_utc(svc->clock);
	struct err *e = store_insert(svc->store, &alert_type, &a);
	if (e == NULL)
		e = publish(svc, "alert.firing", &a);
	if (e == NULL)
		e = delivery_queue(svc, &a, DELIVERY_FIRING);
	if (e == NULL)
		log_warn("alert %lld: %s: %s", (long long)a.id, a.title, a.reason);
	record_done(&alert_type, &a);
	return e;
}

static struct err *resolve_one(struct service *svc, struct alert *a)
{
	a->state = ALERT_RESOLVED;
	a->resolved_at = a->updated_at = clock_utc(svc->clock);
	TRY(store_update(svc->store, &alert_type, a));
	log_info("alert %lld is over: %s", (long long)a->id, a->title);
	TRY(publish(svc, "alert.resolved", a));
	return delivery_queue(svc, a, DELIVERY_RESOLVED);
}

/* It goes on; whom it speaks for may have changed. */
static struct err *follow_one(struct service *svc, struct alert *a, const struct alert_want *want)
{
	if (json_equal(a->members, want->members))
		return NULL;
	json_decref(a->members);
	a->members = json_incref(want->members);
	field_set_text(&a->reason, want->reason);
	a->updated_at = clock_utc(svc->clock);
	TRY(store_update(svc->store, &alert_type, a));
	return publish(svc, "alert.update", a);
}

static size_t place_in(const struct alert_plan *plan, const struct alert *a)
{
	size_t i = 0;

	while (i < plan->n &&
		!((int64_t)plan->wants[i].rule == a->rule &&
			strcmp(plan->wants[i].subject, a->subject) == 0))
		i++;
	return i;
}

/* One that goes on, or is over. @there of each want whether it is there already */
static struct err *sync_one(struct service *svc, const struct alert_plan *plan, struct alert *a,
	bool *there, const struct alert_keep *keep)
{
	size_t at = place_in(plan, a);

	if (at < plan->n) {
		there[at] = true;
		return follow_one(svc, a, &plan->wants[at]);
	}
	if (keep != NULL && keep->keep(keep->user, a))
		return NULL;
	return resolve_one(svc, a);
}

static struct err *raise_missing(struct service *svc, const struct alert_plan *plan,
	const bool *there)
{
	for (size_t i = 0; i < plan->n; i++)
		if (!there[i])
			TRY(raise_one(svc, &plan->wants[i]));
	return NULL;
}

struct err *alert_sync(struct service *svc, enum alert_source source, const struct alert_plan *plan,
	const struct alert_keep *keep)
{
	cleanup(mem_freep) bool *there = mem_zalloc((plan->n + 1) * sizeof(*there));
	struct store_query q = {.sort = "id"};
	struct store_rows rows = {0};
	struct err *e = NULL;

	store_where_number(&q, "state", STORE_NE, ALERT_RESOLVED);
	TRY(store_list(svc->store, &alert_type, &q, &rows));
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		struct alert *a = store_row(&rows, i);
		if (alert_rules[a->rule].source == source)
			e = sync_one(svc, plan, a, there, keep);
	}
	store_rows_done(&rows);
	return e != NULL ? e : raise_missing(svc, plan, there);
}

/* ---- reports ---- */

struct report {
	const struct alert_subject *of;
	const struct alert_answer *answers;
	size_t n;
};

/* An alert of something else, or of what this report does not tell, goes on. */
static bool not_told(const void *user, const struct alert *a)
{
	const struct report *report = user;

	for (size_t i = 0; i < report->n; i++)
		if ((int64_t)report->answers[i].rule == a->rule && report->answers[i].told)
			return strcmp(a->subject, report->of->subject) != 0;
	return true;
}

struct err *alert_report(struct service *svc, enum alert_source source,
	const struct alert_subject *of, const struct alert_answer *answers, size_t n)
{
	const struct report report = {of, answers, n};
	const struct alert_keep stay = {not_told, &report};
	struct alert_plan plan = {.wants = mem_zalloc((n + 1) * sizeof(struct alert_want))};

	for (size_t i = 0; i < n; i++)
		if (answers[i].wrong)
			plan.wants[plan.n++] = (struct alert_want){.rule = answers[i].rule,
				.subject = mem_strdup(of->subject),
				.name = mem_strdup(of->name),
				.reason = mem_strdup(answers[i].reason),
				.cluster_id = of->cluster_id,
				.node_id = of->node_id,
				.since = clock_utc(svc->clock),
				.members = json_incref(answers[i].members)};
	struct err *e = alert_sync(svc, source, &plan, &stay);
	alert_plan_done(&plan);
	return e;
}

struct err *alert_forget_node(struct service *svc, int64_t node_id)
{
	struct store_query q = {.sort = "id"};
	struct store_rows rows = {0};
	struct err *e = NULL;

	store_where_number(&q, "state", STORE_NE, ALERT_RESOLVED);
	store_where_number(&q, "node_id", STORE_EQ, node_id);
	TRY(store_list(svc->store, &alert_type, &q, &rows));
	for (size_t i = 0; e == NULL && i < rows.n; i++)
		e = resolve_one(svc, store_row(&rows, i));
	store_rows_done(&rows);
	return e;
}

struct err *alert_forget(struct service *svc, const char *subject)
{
	size_t len = strlen(subject);
	bool all = len > 0 && subject[len - 1] == ':';
	struct store_query q = {.sort = "id"};
	struct store_rows rows = {0};
	struct err *e = NULL;

	store_where_number(&q, "state", STORE_NE, ALERT_RESOLVED);
	TRY(store_list(svc->store, &alert_type, &q, &rows));
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		struct alert *a = store_row(&rows, i);
		if (all ? strncmp(a->subject, subject, len) == 0 : strcmp(a->subject, subject) == 0)
			e = resolve_one(svc, a);
	}
	store_rows_done(&rows);
	return e;
}

struct err *alert_prune(struct service *svc, int64_t *ret_n)
{
	struct store_query q = {.n_filters = 0};

	store_where_number(&q, "state", STORE_EQ, ALERT_RESOLVED);
	store_where_number(&q, "resolved_at", STORE_LT,
		clock_utc(svc->clock) - svc->config->alert_keep_days * DAY_MS);
	return store_delete_where(svc->store, &alert_type, &q, ret_n);
}
