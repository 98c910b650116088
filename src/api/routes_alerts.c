/* Routes of alerts. */
#include "api/route.h"
#include "base/mem.h"
#include "service/alert.h"

/* What POST .../silence takes. */
struct silence_body {
	int64_t id;
	int64_t duration_s;
};
static const struct field silence_fields[] = {
	ROW_I64(struct silence_body, duration_s, FIELD_CREATE | FIELD_REQUIRED, .min = 0,
		.max = 31536000, .unit = "seconds",
		.help = "Seconds that nobody is told of it; 0: from now on again"),
};
static const struct record_type silence_body_type = {
	.name = "alert_silence",
	.table = "alert_silence",
	.size = sizeof(struct silence_body),
	.fields = silence_fields,
	.n_fields = ARRAY_LEN(silence_fields),
};

static struct err *alert_item(struct service *svc, const void *obj, struct record_writer *w)
{
	json_t *json = alert_json(obj);

	(void)svc;
	record_write_object(w, json);
	json_decref(json);
	return NULL;
}

static struct err *list_alerts(struct call *call)
{
	return call_list(call, NULL, alert_item);
}

/* Answer with an alert and free it. */
static struct err *reply_alert(struct call *call, struct alert *a)
{
	json_t *json = alert_json(a);

	record_done(&alert_type, a);
	return call_json(call, json);
}

static struct err *get_alert(struct call *call)
{
	struct alert a;

	TRY(alert_find(call->svc, call->params[0], &a));
	return reply_alert(call, &a);
}

static struct err *acknowledge_alert(struct call *call)
{
	struct alert a;

	TRY(alert_acknowledge(call->svc, &call->actor, call->params[0], &a));
	return reply_alert(call, &a);
}

static struct err *silence_alert(struct call *call)
{
	struct silence_body body;
	struct alert a;

	record_init(&silence_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL)
		e = alert_silence(call->svc, &call->actor, call->params[0], body.duration_s, &a);
	record_done(&silence_body_type, &body);
	return e != NULL ? e : reply_alert(call, &a);
}

static const struct route routes_alerts_rows[] = {
	{"GET", "/api/alerts", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &alert_type, .list_of = &alert_type, .shape = &shape_alert,
		.summary = "List alerts: what is not well, and what was", .handle = list_alerts},
	{"GET", "/api/alerts/{id}", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.reply_type = &alert_type, .shape = &shape_alert, .summary = "Show an alert",
		.handle = get_alert},
	{"POST", "/api/alerts/{id}/acknowledge", ROLE_OPERATOR,
		ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL, 200, ROUTE_REPLY_OBJECT, &alert_type,
		.shape = &shape_alert, .summary = "Say that somebody has taken it",
		.handle = acknowledge_alert},
	{"POST", "/api/alerts/{id}/silence", ROLE_OPERATOR, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .reply_type = &alert_type,
		.body_type = &silence_body_type, .shape = &shape_alert,
		.summary = "Tell nobody of it for a time", .example = "{\"duration_s\":7200}",
		.handle = silence_alert},
};
ROUTE_LIST(routes_alerts, "alerts");
