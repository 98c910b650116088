/* Owns schedules as objects: adding, changing, showing, running now. When they fire is
 * schedule_tick.c's business. */
#include "service/schedule.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "service/audit.h"
#include "service/cluster.h"
#include "service/event.h"
#include "service/find.h"
#include "service/node.h"
#include "service/op/op.h"
#include "service/op/op_custom.h"
#include "service/op/op_run.h"
#include "service/schedule_int.h"

#define SHOWN_RUNS 5

/* ---- times ---- */

struct err *schedule_plan_open(const struct schedule *s, struct schedule_plan *ret)
{
	struct schedule_plan plan = {.has_window = s->window != NULL};

	TRY_WRAP(cron_parse(s->cron, &plan.cron), "cron");
	if (plan.has_window)
		TRY_WRAP(cron_window_parse(s->window, &plan.window), "window");
	TRY_WRAP(zone_open(s->timezone, &plan.zone), "timezone");
	*ret = plan;
	return NULL;
}

void schedule_plan_done(struct schedule_plan *plan)
{
	zone_free(plan->zone);
	plan->zone = NULL;
}

int64_t schedule_plan_next(const struct schedule_plan *plan, int64_t after_ms)
{
	struct cron_zone zone = zone_cron(plan->zone);
	int64_t next = cron_next(&plan->cron, &zone, after_ms / 1000);

	if (plan->has_window)
		next = cron_window_next(&plan->window, &zone, next);
	return next * 1000;
}

/* @first the first one, I64_NONE: the next after now */
static json_t *next_runs(const struct schedule_plan *plan, int64_t first, int64_t now,
	int64_t count)
{
	json_t *runs = json_array();
	int64_t at = first != I64_NONE ? first : schedule_plan_next(plan, now);

	for (int64_t i = 0; i < count; i++) {
		char *text = zone_format(plan->zone, at);
		json_array_append_new(runs, json_string(text));
		mem_free(text);
		at = schedule_plan_next(plan, at);
	}
	return runs;
}

struct err *schedule_preview(struct service *svc, const struct schedule *s, int64_t count,
	json_t **ret_json)
{
	struct schedule_plan plan = {.has_window = false};

	TRY(schedule_plan_open(s, &plan));
	*ret_json = json_pack("{s:o}", "next_runs",
		next_runs(&plan, I64_NONE, clock_utc(svc->clock), count));
	schedule_plan_done(&plan);
	return NULL;
}

struct err *schedule_json(struct service *svc, const struct schedule *s, json_t **ret_json)
{
	struct schedule_plan plan = {.has_window = false};
	int64_t now = clock_utc(svc->clock);
	json_t *runs = NULL;
	struct err *e = s->enabled ? schedule_plan_open(s, &plan) : NULL;

	if (s->enabled && e == NULL) {
		/* what waits for its window stays; what is due now shows what comes after */
		bool planned = s->next_run_at != I64_NONE && s->next_run_at > now;
		runs = next_runs(&plan, planned ? s->next_run_at : I64_NONE, now, SHOWN_RUNS);
	}
	err_ignore(e); /* last_outcome says so once it was due; a list shows the other rows */
	schedule_plan_done(&plan);
	json_t *json = record_to_json(&schedule_type, s);
	json_object_set_new(json, "next_runs", runs != NULL ? runs : json_array());
	*ret_json = json;
	return NULL;
}

/* ---- the operation ---- */

static struct op_request request_of(const struct schedule *s)
{
	return (struct op_request){
		.type = s->type,
		.target = s->target,
		.nodes = s->nodes,
		.params = s->params,
		.check_mode = s->check_mode,
		.timeout_s = s->timeout_s,
		.schedule_id = s->id,
	};
}

struct err *schedule_submit(struct service *svc, const struct actor *who, const struct schedule *s,
	struct operation *ret_op)
{
	const struct op_request req = request_of(s);
	struct actor as = *who;

	as.via = OP_VIA_SCHEDULE;
	return op_submit(svc, &as, &req, ret_op);
}

static struct err *check_target(struct service *svc, const struct op_type *type,
	const struct schedule *s)
{
	struct cluster c;
	struct node n;

	if (type->target == OP_TARGET_CLUSTER) {
		if (s->target == NULL)
			return err_field(NULL, "target", "is required: the name of a cluster");
		TRY(cluster_find(svc, s->target, &c));
		record_done(&cluster_type, &c);
	} else if (s->target != NULL) {
		TRY(node_find(svc, s->target, &n));
		record_done(&node_type, &n);
	}
	return NULL;
}

/* What can be known now is said now; the rest is checked again at each run. */
static struct err *check_operation(struct service *svc, const struct actor *who,
	const struct schedule *s)
{
	const struct op_type *type = op_type_get(svc, s->type);
	json_t *params = NULL;

	if (type == NULL)
		return err_hint(err_field(NULL, "type", "no operation type \"%s\"", s->type),
			"mko operation types");
	if (who->role < type->role)
		return err_new(ERR_FORBIDDEN, "%s needs the role %s", type->name,
			enum_text(&role_table, type->role));
	if (s->check_mode && !type->check_mode)
		return err_field(NULL, "check_mode", "%s cannot be tried without effect",
			type->name);
	TRY(op_params_check(type, s->params, &params));
	json_decref(params);
	return check_target(svc, type, s);
}

/* ---- changes ---- */

struct err *schedule_find(struct service *svc, const char *id_or_name, struct schedule *ret)
{
	return err_hint(find_record(svc, &schedule_type, id_or_name, ret), "mko schedule list");
}

struct err *schedule_publish(struct service *svc, const char *kind, const struct schedule *s)
{
	json_t *json = NULL;

	TRY(schedule_json(svc, s, &json));
	return event_publish(svc, "schedules", kind, s->id, json);
}

static struct err *changed(struct service *svc, const struct actor *who, const char *action,
	const struct schedule *s)
{
	char object[128];

	snprintf(object, sizeof(object), "schedule/%lld %s", (long long)s->id, s->name);
	TRY(audit_write(svc, who, action, object, record_to_json(&schedule_type, s), "ok"));
	return schedule_publish(svc, action, s);
}

/* Plan from now on, owned by who changed it. */
static struct err *settle(struct service *svc, const struct actor *who, struct schedule *s)
{
	struct schedule_plan plan = {.has_window = false};
	int64_t now = clock_utc(svc->clock);

	TRY(check_operation(svc, who, s));
	TRY(schedule_plan_open(s, &plan));
	s->next_run_at = s->enabled ? schedule_plan_next(&plan, now) : I64_NONE;
	schedule_plan_done(&plan);
	s->planned_at = s->updated_at = now;
	s->owner_id = who->user_id;
	s->owner_role = who->role;
	field_set_text(&s->owner, who->name);
	return NULL;
}

static struct err *check_name_free(struct service *svc, const struct schedule *s)
{
	struct schedule other;
	struct err *e = store_get_by(svc->store, &schedule_type, "name", s->name, &other);

	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* free: good */
		return NULL;
	}
	TRY(e);
	bool same = other.id == s->id;
	record_done(&schedule_type, &other);
	return same ? NULL
		    : err_recode(err_field(NULL, "name", "%s is taken", s->name), ERR_EXISTS);
}

static struct err *create_in(struct service *svc, const struct actor *who, const json_t *body,
	struct schedule *s)
{
	TRY(record_from_json(&schedule_type, s, body, RECORD_CREATE));
	s->id = 0;
	TRY(check_name_free(svc, s));
	TRY(settle(svc, who, s));
	s->created_at = s->updated_at;
	store_want(svc->store, STORE_FULL);
	TRY(store_insert(svc->store, &schedule_type, s));
	return changed(svc, who, "schedule.create", s);
}

struct err *schedule_create(struct service *svc, const struct actor *who, const json_t *body,
	struct schedule *ret)
{
	struct schedule s;

	record_init(&schedule_type, &s);
	struct err *e = create_in(svc, who, body, &s);
	if (e != NULL) {
		record_done(&schedule_type, &s);
		return err_wrap(e, "add schedule");
	}
	*ret = s;
	return NULL;
}

static struct err *edit_in(struct service *svc, const struct actor *who, const json_t *body,
	struct schedule *s)
{
	TRY(record_from_json(&schedule_type, s, body, RECORD_UPDATE));
	TRY(check_name_free(svc, s));
	TRY(settle(svc, who, s));
	store_want(svc->store, STORE_FULL);
	TRY(store_update(svc->store, &schedule_type, s));
	return changed(svc, who, "schedule.update", s);
}

struct err *schedule_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct schedule *ret)
{
	struct schedule s;

	TRY(schedule_find(svc, id_or_name, &s));
	struct err *e = edit_in(svc, who, body, &s);
	if (e != NULL) {
		record_done(&schedule_type, &s);
		return err_wrap(e, "change schedule %s", id_or_name);
	}
	*ret = s;
	return NULL;
}

static struct err *remove_in(struct service *svc, const struct actor *who, const struct schedule *s)
{
	char object[128];

	TRY(store_delete(svc->store, &schedule_type, s->id));
	snprintf(object, sizeof(object), "schedule/%lld %s", (long long)s->id, s->name);
	TRY(audit_write(svc, who, "schedule.remove", object, NULL, "ok"));
	return event_publish(svc, "schedules", "schedule.remove", s->id,
		json_pack("{s:s}", "name", s->name));
}

struct err *schedule_remove(struct service *svc, const struct actor *who, const char *id_or_name)
{
	struct schedule s;

	TRY(schedule_find(svc, id_or_name, &s));
	struct err *e = remove_in(svc, who, &s);
	record_done(&schedule_type, &s);
	return e;
}

/* A run by hand is that person's own: it asks with that person's rights. */
struct err *schedule_run(struct service *svc, const struct actor *who, const char *id_or_name,
	struct operation *ret_op)
{
	struct schedule s;

	TRY(schedule_find(svc, id_or_name, &s));
	const struct op_request req = request_of(&s);
	struct err *e = op_submit(svc, who, &req, ret_op);
	record_done(&schedule_type, &s);
	return err_wrap(e, "run schedule %s", id_or_name);
}
