/* Routes of schedules. */
#include "api/actions.h"
#include "api/route.h"
#include "base/mem.h"
#include "service/schedule.h"

/* A plan that is not stored: what POST /api/schedules/preview takes. */
struct preview_body {
	int64_t id;
	char *cron, *timezone, *window;
	int64_t count;
};
static const struct field preview_fields[] = {
	ROW_TEXT(struct preview_body, cron, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 200,
		.help = "MINUTE HOUR DAY MONTH WEEKDAY"),
	ROW_TEXT(struct preview_body, timezone, FIELD_CREATE, .max = 64,
		.help = "Time zone; without it that of the server"),
	ROW_TEXT(struct preview_body, window, FIELD_CREATE, .max = 100,
		.help = "Maintenance window, [DAYS] HH:MM-HH:MM"),
	ROW_I64(struct preview_body, count, FIELD_CREATE, .min = 1, .max = 100, .def = "5",
		.help = "How many times"),
};
static const struct record_type preview_body_type = {
	.name = "schedule_preview",
	.table = "schedule_preview",
	.size = sizeof(struct preview_body),
	.fields = preview_fields,
	.n_fields = ARRAY_LEN(preview_fields),
};

static struct err *schedule_item(struct service *svc, const void *obj, struct record_writer *w)
{
	json_t *json = NULL;

	TRY(schedule_json(svc, obj, &json));
	record_write_object(w, json);
	json_decref(json);
	return NULL;
}

static struct err *list_schedules(struct call *call)
{
	return call_list(call, NULL, schedule_item);
}

/* Answer with a schedule and free it. */
static struct err *reply_schedule(struct call *call, struct schedule *s)
{
	json_t *json = NULL;
	struct err *e = schedule_json(call->svc, s, &json);
	int64_t id = s->id;

	record_done(&schedule_type, s);
	TRY(e);
	return call->route->status == 201 ? call_created(call, "schedules", id, json)
					  : call_json(call, json);
}

static struct err *create_schedule(struct call *call)
{
	struct schedule s;

	TRY(schedule_create(call->svc, &call->actor, call->body, &s));
	return reply_schedule(call, &s);
}

static struct err *get_schedule(struct call *call)
{
	struct schedule s;

	TRY(schedule_find(call->svc, call->params[0], &s));
	return reply_schedule(call, &s);
}

static struct err *edit_schedule(struct call *call)
{
	struct schedule s;

	TRY(schedule_edit(call->svc, &call->actor, call->params[0], call->body, &s));
	return reply_schedule(call, &s);
}

static struct err *remove_schedule(struct call *call)
{
	return schedule_remove(call->svc, &call->actor, call->params[0]);
}

static struct err *run_schedule(struct call *call)
{
	struct operation op;

	TRY(schedule_run(call->svc, &call->actor, call->params[0], &op));
	struct err *e = action_reply(call, &op);
	record_done(&operation_type, &op);
	return e;
}

static struct err *preview_schedule(struct call *call)
{
	struct preview_body body;
	json_t *json = NULL;

	record_init(&preview_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL) {
		const struct schedule plan = {.cron = body.cron,
			.timezone = body.timezone,
			.window = body.window};
		e = schedule_preview(call->svc, &plan, body.count, &json);
	}
	record_done(&preview_body_type, &body);
	return e != NULL ? e : call_json(call, json);
}

static const struct route routes_schedules_rows[] = {
	{"GET", "/api/schedules", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &schedule_type, .list_of = &schedule_type, .shape = &shape_schedule,
		.summary = "List schedules", .handle = list_schedules},
	{"POST", "/api/schedules", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_IDEMPOTENT, 201,
		ROUTE_REPLY_OBJECT, &schedule_type, .body_type = &schedule_type,
		.body_mode = RECORD_CREATE, .shape = &shape_schedule, .summary = "Add a schedule",
		.example =
			"{\"name\":\"nightly-scan\",\"cron\":\"0 3 * * *\",\"timezone\":\"Europe/Berlin\",\"type\":\"cluster.scan\","
			"\"target\":\"prod\"}",
		.handle = create_schedule},
	{"POST", "/api/schedules/preview", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.body_type = &preview_body_type, .shape = &shape_schedule_preview,
		.summary = "Say when a schedule would run",
		.example = "{\"cron\":\"0 3 * * mon-fri\"}", .handle = preview_schedule},
	{"GET", "/api/schedules/{id}", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.reply_type = &schedule_type, .shape = &shape_schedule,
		.summary = "Show a schedule with its next five times", .handle = get_schedule},
	{"PATCH", "/api/schedules/{id}", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_NEED_MATCH, 200,
		ROUTE_REPLY_OBJECT, &schedule_type, .body_type = &schedule_type,
		.body_mode = RECORD_UPDATE, .shape = &shape_schedule,
		.summary = "Change a schedule", .example = "{\"enabled\":false}",
		.handle = edit_schedule},
	{"DELETE", "/api/schedules/{id}", ROLE_OPERATOR, .status = 204,
		.summary = "Remove a schedule; operations it started stay",
		.handle = remove_schedule},
	{"POST", "/api/schedules/{id}/run", ROLE_OPERATOR,
		ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL | ROUTE_IDEMPOTENT, 202,
		ROUTE_REPLY_OPERATION, .summary = "Run a schedule's operation now",
		.handle = run_schedule},
};
ROUTE_LIST(routes_schedules, "schedules");
