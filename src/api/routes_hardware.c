/* Routes of hardware reports; the paths are the seed's. */
#include <stdio.h>

#include "api/actions.h"
#include "api/route.h"
#include "base/mem.h"
#include "service/hardware.h"
#include "service/node.h"

/* What POST /api/hardware-report takes. */
struct collect_body {
	int64_t id;
	int64_t node_id;
};
static const struct field collect_fields[] = {
	ROW_I64(struct collect_body, node_id, FIELD_CREATE | FIELD_REQUIRED, .min = 1,
		.max = INT64_MAX, .help = "Number of the node"),
};
static const struct record_type collect_body_type = {
	.name = "hardware_collect",
	.table = "hardware_collect",
	.size = sizeof(struct collect_body),
	.fields = collect_fields,
	.n_fields = ARRAY_LEN(collect_fields),
};

struct diff_query {
	int64_t id;
	char *since;
};
static const struct field diff_fields[] = {
	ROW_TEXT(struct diff_query, since, FIELD_CREATE, .max = 40,
		.help = "A time or a duration back from now (7d); absent: the report before the newest"),
};
static const struct record_type diff_query_type = {
	.name = "hardware_diff_query",
	.table = "hardware_diff_query",
	.size = sizeof(struct diff_query),
	.fields = diff_fields,
	.n_fields = ARRAY_LEN(diff_fields),
};

static const char *const format_texts[] = {"json", "csv", "html", NULL};
static const struct enum_table format_table = {"hardware_format", format_texts};
struct export_query {
	int64_t id;
	int64_t format;
};
static const struct field export_fields[] = {
	ROW_ENUM(struct export_query, format, FIELD_CREATE, .choices = &format_table, .def = "json",
		.help = "json, csv (what, value) or html (one page)"),
};
static const struct record_type export_query_type = {
	.name = "hardware_export_query",
	.table = "hardware_export_query",
	.size = sizeof(struct export_query),
	.fields = export_fields,
	.n_fields = ARRAY_LEN(export_fields),
};

/* As plain text in every form: a browser shall not take a page about devices for one of ours. */
static struct err *export_node(struct call *call)
{
	struct export_query query;
	struct node node;

	record_init(&export_query_type, &query);
	TRY(call_query(call, &query));
	TRY(node_find(call->svc, call->params[0], &node));
	struct err *e = hardware_export(call->svc, &node, enum_text(&format_table, query.format),
		&call->reply->body);
	record_done(&node_type, &node);
	call->reply->content_type = "text/plain; charset=utf-8";
	return e;
}

static struct err *collect(struct call *call)
{
	struct collect_body body;
	char target[24];

	record_init(&collect_body_type, &body);
	struct err *e = call_body(call, &body);
	(void)snprintf(target, sizeof(target), "%lld", (long long)body.node_id);
	record_done(&collect_body_type, &body);
	if (e != NULL)
		return e;
	const struct op_request req = {.type = "node.hardware", .target = target};
	return action_submit(call, &req);
}

static struct err *all_nodes(struct call *call)
{
	json_t *json = NULL;

	TRY(hardware_totals(call->svc, NULL, &json));
	return call_json(call, json);
}

static struct err *of_cluster(struct call *call)
{
	json_t *json = NULL;

	TRY(hardware_totals(call->svc, call->params[0], &json));
	return call_json(call, json);
}

static struct err *of_node(struct call *call)
{
	struct node node;
	json_t *json = NULL;

	TRY(node_find(call->svc, call->params[0], &node));
	struct err *e = hardware_show(call->svc, &node, &json);
	record_done(&node_type, &node);
	return e != NULL ? e : call_json(call, json);
}

static struct err *history(struct call *call)
{
	struct node node;
	json_t *list = NULL;

	TRY(node_find(call->svc, call->params[0], &node));
	struct err *e = hardware_history(call->svc, &node, &list);
	record_done(&node_type, &node);
	return e != NULL ? e
			 : call_json(call, json_pack("{s:o, s:n}", "items", list, "next_cursor"));
}

static struct err *diff(struct call *call)
{
	struct diff_query query;
	struct node node;
	json_t *json = NULL;

	record_init(&diff_query_type, &query);
	struct err *e = call_query(call, &query);
	if (e == NULL)
		e = node_find(call->svc, call->params[0], &node);
	if (e == NULL) {
		e = hardware_diff(call->svc, &node, query.since, &json);
		record_done(&node_type, &node);
	}
	record_done(&diff_query_type, &query);
	return e != NULL ? e : call_json(call, json);
}

static const struct route routes_hardware_rows[] = {
	{"POST", "/api/hardware-report", ROLE_OPERATOR, ROUTE_ANY_SCOPE | ROUTE_IDEMPOTENT, 202,
		ROUTE_REPLY_OPERATION, .body_type = &collect_body_type, .query = &action_query_type,
		.summary = "Read the hardware of a node", .example = "{\"node_id\":1}",
		.handle = collect},
	{"GET", "/api/hardware-report", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_hardware_totals,
		.summary = "What all nodes have, by their newest reports, with sums",
		.handle = all_nodes},
	{"GET", "/api/hardware-report/cluster/{id}", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE,
		.status = 200, .reply = ROUTE_REPLY_OBJECT, .shape = &shape_hardware_totals,
		.summary = "What the nodes of a cluster have, with sums", .handle = of_cluster},
	{"GET", "/api/hardware-report/node/{id}", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE,
		.status = 200, .reply = ROUTE_REPLY_OBJECT, .shape = &shape_hardware,
		.summary = "The newest hardware report of a node", .handle = of_node},
	{"GET", "/api/hardware-report/node/{id}/export", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE,
		.status = 200, .reply = ROUTE_REPLY_TEXT, .query = &export_query_type,
		.summary = "The newest hardware report of a node as a file", .handle = export_node},
	{"GET", "/api/hardware-report/node/{id}/history", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE,
		.status = 200, .reply = ROUTE_REPLY_OBJECT, .shape = &shape_hardware_history,
		.summary = "When the hardware of a node was read, the newest first",
		.handle = history},
	{"GET", "/api/hardware-report/node/{id}/diff", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE,
		.status = 200, .reply = ROUTE_REPLY_OBJECT, .query = &diff_query_type,
		.shape = &shape_hardware_diff,
		.summary = "What changed in the hardware of a node since a time", .handle = diff},
};
ROUTE_LIST(routes_hardware, "hardware");
