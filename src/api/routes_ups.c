/* Routes of UPSes, their rules, what happened, and the monitor. */
#include <string.h>

#include "api/route.h"
#include "base/mem.h"
#include "service/power.h"
#include "service/ups.h"
#include "service/ups_host.h"

struct ups_remove_query {
	int64_t id;
	bool force;
};
static const struct field remove_fields[] = {
	ROW_BOOL(struct ups_remove_query, force, FIELD_CREATE, .help = "Remove its rules with it."),
};
static const struct record_type remove_query_type = {
	.name = "ups_remove_query",
	.table = "ups_remove_query",
	.size = sizeof(struct ups_remove_query),
	.fields = remove_fields,
	.n_fields = ARRAY_LEN(remove_fields),
};

/* ---- UPSes ---- */

static struct err *ups_item(struct service *svc, const void *obj, struct record_writer *w)
{
	json_t *json = ups_json(obj);

	(void)svc;
	record_write_object(w, json);
	json_decref(json);
	return NULL;
}

static struct err *list_ups(struct call *call)
{
	return call_list(call, NULL, ups_item);
}

/* Answer with a UPS and free it. */
static struct err *reply_ups(struct call *call, struct ups_device *ups)
{
	json_t *json = ups_json(ups);
	int64_t id = ups->id;

	record_done(&ups_device_type, ups);
	return call->route->status == 201 ? call_created(call, "ups", id, json)
					  : call_json(call, json);
}

static struct err *create_ups(struct call *call)
{
	struct ups_device ups;

	TRY(ups_create(call->svc, &call->actor, call->body, &ups));
	return reply_ups(call, &ups);
}

static struct err *get_ups(struct call *call)
{
	struct ups_device ups;

	TRY(ups_find(call->svc, call->params[0], &ups));
	return reply_ups(call, &ups);
}

static struct err *edit_ups(struct call *call)
{
	struct ups_device ups;

	TRY(ups_edit(call->svc, &call->actor, call->params[0], call->body, &ups));
	return reply_ups(call, &ups);
}

static struct err *remove_ups(struct call *call)
{
	struct ups_remove_query query = {.force = false};

	TRY(call_query(call, &query));
	return ups_remove(call->svc, &call->actor, call->params[0], query.force);
}

static struct err *get_status(struct call *call)
{
	struct ups_device ups;
	json_t *json = NULL;

	TRY(ups_find(call->svc, call->params[0], &ups));
	struct err *e = power_status_json(call->svc, &ups, &json);
	record_done(&ups_device_type, &ups);
	TRY(e);
	return call_json(call, json);
}

static struct err *get_outages(struct call *call)
{
	struct ups_device ups;
	json_t *list = NULL;

	TRY(ups_find(call->svc, call->params[0], &ups));
	struct err *e = power_outages(call->svc, ups.id, &list);
	record_done(&ups_device_type, &ups);
	return e != NULL ? e
			 : call_json(call, json_pack("{s:o, s:n}", "items", list, "next_cursor"));
}

static struct err *list_rows(struct call *call)
{
	return call_list(call, NULL, NULL);
}

/* ---- rules ---- */

static struct err *rule_item(struct service *svc, const void *obj, struct record_writer *w)
{
	json_t *json = NULL;

	TRY(ups_rule_json(svc, obj, &json));
	record_write_object(w, json);
	json_decref(json);
	return NULL;
}

static struct err *list_rules(struct call *call)
{
	return call_list(call, NULL, rule_item);
}

/* Answer with a rule and free it. */
static struct err *reply_rule(struct call *call, struct ups_rule *rule)
{
	json_t *json = NULL;
	struct err *e = ups_rule_json(call->svc, rule, &json);
	int64_t id = rule->id;

	record_done(&ups_rule_type, rule);
	TRY(e);
	return call->route->status == 201 ? call_created(call, "ups/rules", id, json)
					  : call_json(call, json);
}

static struct err *create_rule(struct call *call)
{
	struct ups_rule rule;

	TRY(ups_rule_create(call->svc, &call->actor, call->body, &rule));
	return reply_rule(call, &rule);
}

static struct err *get_rule(struct call *call)
{
	struct ups_rule rule;

	TRY(ups_rule_find(call->svc, call->params[0], &rule));
	return reply_rule(call, &rule);
}

static struct err *edit_rule(struct call *call)
{
	struct ups_rule rule;

	TRY(ups_rule_edit(call->svc, &call->actor, call->params[0], call->body, &rule));
	return reply_rule(call, &rule);
}

static struct err *remove_rule(struct call *call)
{
	return ups_rule_remove(call->svc, &call->actor, call->params[0]);
}

/* ---- the monitor ---- */

static struct err *get_monitor(struct call *call)
{
	json_t *json = NULL;

	TRY(power_monitor_json(call->svc, &json));
	return call_json(call, json);
}

static struct err *start_monitor(struct call *call)
{
	TRY(power_monitor_set(call->svc, &call->actor, true));
	return get_monitor(call);
}

static struct err *stop_monitor(struct call *call)
{
	TRY(power_monitor_set(call->svc, &call->actor, false));
	return get_monitor(call);
}

/* ---- this machine ---- */

struct ups_scan_body {
	char *host;
	int64_t port;
	char *network;
};
static const struct field scan_fields[] = {
	ROW_TEXT(struct ups_scan_body, host, FIELD_CREATE, .max = 253, .check = ups_check_host,
		.help = "Also ask the upsd of this machine what it serves."),
	ROW_I64(struct ups_scan_body, port, FIELD_CREATE, .min = 1, .max = 65535, .def = "3493",
		.help = "TCP port of that upsd."),
	ROW_TEXT(struct ups_scan_body, network, FIELD_CREATE, .max = 63, .check = check_cidr,
		.help = "Also ask every address of this network for a upsd."),
};
static const struct record_type scan_body_type = {
	.name = "ups_scan_body",
	.table = "ups_scan_body",
	.size = sizeof(struct ups_scan_body),
	.fields = scan_fields,
	.n_fields = ARRAY_LEN(scan_fields),
};

static json_t *scan_input(const struct ups_scan_body *body)
{
	return json_pack("{s:s*, s:I, s:s*}", "host", body->host, "port", (json_int_t)body->port,
		"network", body->network);
}

static struct err *scan(struct call *call)
{
	struct ups_scan_body body;
	json_t *json = NULL;

	record_init(&scan_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL)
		e = call_task(call, ups_host_scan, scan_input(&body), &json);
	record_done(&scan_body_type, &body);
	if (e != NULL || json == NULL)
		return e;
	e = ups_host_link(call->svc, json);
	if (e != NULL) {
		json_decref(json);
		return e;
	}
	return call_json(call, json);
}

static struct err *get_services(struct call *call)
{
	json_t *json = NULL;

	TRY(call_task(call, ups_host_services, NULL, &json));
	return json != NULL ? call_json(call, json) : NULL;
}

static struct err *restart_services(struct call *call)
{
	json_t *json = NULL;

	TRY(call_task(call, ups_host_restart, NULL, &json));
	if (json == NULL)
		return NULL;
	struct err *e = ups_host_restarted(call->svc, &call->actor);
	if (e != NULL) {
		json_decref(json);
		return e;
	}
	return call_json(call, json);
}

/* A section of ups.conf, which upsd's clients type: facts/nut.md 1.8. */
static struct err *check_section(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n <= 31 && text[n] == '\0' && text[0] >= 'a' && text[0] <= 'z'
		? NULL
		: err_new(ERR_INVALID, "must be at most 31 of a-z 0-9 _ - and begin with a letter");
}

struct ups_configure_body {
	char *name, *bus, *driver, *port, *listen;
	bool dry_run, restart;
};
#define B struct ups_configure_body
static const struct field configure_fields[] = {
	ROW_TEXT(B, name, FIELD_CREATE, .def = "ups", .max = 31, .check = check_section,
		.help = "Its name in NUT and in mko."),
	ROW_TEXT(B, bus, FIELD_CREATE, .max = 63, .check = check_line,
		.help = "Where it is plugged in, as a scan shows it; needed when there are several."),
	ROW_TEXT(B, driver, FIELD_CREATE, .max = 31, .check = check_section,
		.help = "Driver of NUT, for what is not on USB."),
	ROW_TEXT(B, port, FIELD_CREATE, .max = 500, .check = check_line,
		.help = "Port for that driver, for example /dev/ttyS0 or an address."),
	ROW_TEXT(B, listen, FIELD_CREATE, .max = 63, .check = check_ip,
		.help = "Address on which upsd also listens, for upsmon of other machines."),
	ROW_BOOL(B, dry_run, FIELD_CREATE, .help = "Only show what would change."),
	ROW_BOOL(B, restart, FIELD_CREATE, .def = "true",
		.help = "Start NUT anew and put everything back when the driver does not come up."),
};
#undef B
static const struct record_type configure_body_type = {
	.name = "ups_configure_body",
	.table = "ups_configure_body",
	.size = sizeof(struct ups_configure_body),
	.fields = configure_fields,
	.n_fields = ARRAY_LEN(configure_fields),
};

static struct err *configure(struct call *call)
{
	struct ups_configure_body body;
	json_t *json = NULL;

	record_init(&configure_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL)
		e = call_task(call, ups_host_configure, record_to_json(&configure_body_type, &body),
			&json);
	record_done(&configure_body_type, &body);
	if (e != NULL || json == NULL)
		return e;
	e = ups_host_configured(call->svc, &call->actor, json);
	if (e != NULL) {
		json_decref(json);
		return e;
	}
	return call_json(call, json);
}

static const struct route routes_ups_rows[] = {
	{"GET", "/api/ups", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &ups_device_type, .list_of = &ups_device_type, .shape = &shape_ups,
		.summary = "List UPSes", .handle = list_ups},
	{"POST", "/api/ups", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_IDEMPOTENT, 201,
		ROUTE_REPLY_OBJECT, &ups_device_type, .body_type = &ups_device_type,
		.body_mode = RECORD_CREATE, .shape = &shape_ups,
		.body_more = "{\"nut_password\":{\"type\":[\"string\",\"null\"]}}",
		.summary = "Add a UPS that a upsd serves",
		.example =
			"{\"name\":\"rack\",\"nut_host\":\"192.0.2.10\",\"nut_name\":\"ups\",\"nut_username\":\"mko\"}",
		.handle = create_ups},
	{"GET", "/api/ups/events", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &ups_event_type, .list_of = &ups_event_type,
		.summary = "List what happened to UPSes", .handle = list_rows},
	{"GET", "/api/ups/firings", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &ups_firing_type, .list_of = &ups_firing_type,
		.summary = "List what rules of power did", .handle = list_rows},
	{"GET", "/api/ups/rules", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &ups_rule_type, .list_of = &ups_rule_type, .shape = &shape_ups_rule,
		.summary = "List rules of power", .handle = list_rules},
	{"POST", "/api/ups/rules", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_IDEMPOTENT, 201,
		ROUTE_REPLY_OBJECT, &ups_rule_type, .body_type = &ups_rule_type,
		.body_mode = RECORD_CREATE, .shape = &shape_ups_rule,
		.body_more =
			"{\"ups_id\":{\"type\":[\"integer\",\"string\"]},\"cluster_id\":{\"type\":[\"integer\",\"string\",\"null\"]}}",
		.summary = "Add a rule of power",
		.example =
			"{\"ups_id\":1,\"cluster_id\":1,\"power_event\":\"power_loss\",\"cluster_action\":\"graceful_shutdown\","
			"\"name\":\"Emergency Shutdown\",\"action_delay\":60}",
		.handle = create_rule},
	{"GET", "/api/ups/rules/{id}", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.reply_type = &ups_rule_type, .shape = &shape_ups_rule,
		.summary = "Show a rule of power", .handle = get_rule},
	{"PATCH", "/api/ups/rules/{id}", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_NEED_MATCH, 200,
		ROUTE_REPLY_OBJECT, &ups_rule_type, .body_type = &ups_rule_type,
		.body_mode = RECORD_UPDATE, .shape = &shape_ups_rule,
		.body_more =
			"{\"ups_id\":{\"type\":[\"integer\",\"string\"]},\"cluster_id\":{\"type\":[\"integer\",\"string\",\"null\"]}}",
		.summary = "Change a rule of power; what waits follows at once",
		.example = "{\"action_delay\":120}", .handle = edit_rule},
	{"DELETE", "/api/ups/rules/{id}", ROLE_OPERATOR, .status = 204,
		.summary = "Remove a rule of power; what waits is cancelled",
		.handle = remove_rule},
	{"GET", "/api/ups/monitor/status", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.shape = &shape_ups_monitor, .summary = "Say whether power is watched",
		.handle = get_monitor},
	{"POST", "/api/ups/monitor/start", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL,
		200, ROUTE_REPLY_OBJECT, .shape = &shape_ups_monitor,
		.summary = "Watch power; this outlives restarts", .handle = start_monitor},
	{"POST", "/api/ups/monitor/stop", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL, 200,
		ROUTE_REPLY_OBJECT, .shape = &shape_ups_monitor,
		.summary = "Watch power no more; this outlives restarts", .handle = stop_monitor},
	{"POST", "/api/ups/scan", ROLE_OPERATOR, ROUTE_BODY_OPTIONAL, 200, ROUTE_REPLY_OBJECT,
		.body_type = &scan_body_type, .body_mode = RECORD_CREATE, .shape = &shape_ups_scan,
		.summary =
			"Look for UPSes on USB of the server's machine and at upsds; takes seconds",
		.example = "{\"host\":\"192.0.2.10\"}", .handle = scan},
	{"POST", "/api/ups/configure", ROLE_ADMIN, ROUTE_BODY_OPTIONAL | ROUTE_AUDIT_ERRORS, 200,
		ROUTE_REPLY_OBJECT, .body_type = &configure_body_type, .body_mode = RECORD_CREATE,
		.shape = &shape_ups_configured,
		.summary =
			"Make NUT on the server's machine drive a UPS, and watch it; what was there is kept",
		.example = "{\"name\":\"rack\",\"dry_run\":true}", .handle = configure},
	{"GET", "/api/ups/services", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.shape = &shape_ups_services,
		.summary = "Show the state of NUT's services on the server's machine",
		.handle = get_services},
	{"POST", "/api/ups/services/restart", ROLE_ADMIN,
		ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL | ROUTE_AUDIT_ERRORS, 200, ROUTE_REPLY_OBJECT,
		.shape = &shape_ups_services,
		.summary =
			"Start NUT's services on the server's machine anew: upsd, then drivers, then upsmon",
		.handle = restart_services},
	{"GET", "/api/ups/{id}", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.reply_type = &ups_device_type, .shape = &shape_ups, .summary = "Show a UPS",
		.handle = get_ups},
	{"PATCH", "/api/ups/{id}", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_NEED_MATCH, 200,
		ROUTE_REPLY_OBJECT, &ups_device_type, .body_type = &ups_device_type,
		.body_mode = RECORD_UPDATE, .shape = &shape_ups,
		.body_more = "{\"nut_password\":{\"type\":[\"string\",\"null\"]}}",
		.summary = "Change a UPS", .example = "{\"nut_host\":\"192.0.2.11\"}",
		.handle = edit_ups},
	{"DELETE", "/api/ups/{id}", ROLE_OPERATOR, .status = 204, .query = &remove_query_type,
		.summary = "Remove a UPS", .handle = remove_ups},
	{"GET", "/api/ups/{id}/outages", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.shape = &shape_ups_outages,
		.summary = "The outages of a UPS, the newest first: when, how long, how deep",
		.handle = get_outages},
	{"GET", "/api/ups/{id}/status", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.shape = &shape_ups_status, .summary = "Show what a UPS says right now",
		.handle = get_status},
};
ROUTE_LIST(routes_ups, "ups");
