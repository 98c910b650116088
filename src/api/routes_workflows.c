/* Routes of workflows, and the answer to an approval that a run waits for. */
#include "api/actions.h"
#include "api/route.h"
#include "base/mem.h"
#include "service/op/op.h"
#include "service/query.h"
#include "service/workflow.h"

struct approve_body {
	int64_t id;
	bool approve;
	char *comment;
};
static const struct field approve_fields[] = {
	ROW_BOOL(struct approve_body, approve, FIELD_CREATE | FIELD_REQUIRED,
		.help = "true: go on; false: reject"),
	ROW_TEXT(struct approve_body, comment, FIELD_CREATE, .max = 500, .check = check_line,
		.help = "Why"),
};
static const struct record_type approve_body_type = {
	.name = "approval",
	.table = "approval",
	.size = sizeof(struct approve_body),
	.fields = approve_fields,
	.n_fields = ARRAY_LEN(approve_fields),
};

static struct err *list_workflows(struct call *call)
{
	return call_list(call, NULL, NULL);
}

/* Answer with a workflow and free it. */
static struct err *reply_workflow(struct call *call, struct workflow *w)
{
	json_t *json = record_to_json(&workflow_type, w);
	int64_t id = w->id;

	record_done(&workflow_type, w);
	return call->route->status == 201 ? call_created(call, "workflows", id, json)
					  : call_json(call, json);
}

static struct err *create_workflow(struct call *call)
{
	struct workflow w;

	TRY(workflow_create(call->svc, &call->actor, call->body, &w));
	return reply_workflow(call, &w);
}

static struct err *get_workflow(struct call *call)
{
	struct workflow w;

	TRY(workflow_find(call->svc, call->params[0], &w));
	return reply_workflow(call, &w);
}

static struct err *edit_workflow(struct call *call)
{
	struct workflow w;

	TRY(workflow_edit(call->svc, &call->actor, call->params[0], call->body, &w));
	return reply_workflow(call, &w);
}

static struct err *remove_workflow(struct call *call)
{
	return workflow_remove(call->svc, &call->actor, call->params[0]);
}

static struct err *run_workflow(struct call *call)
{
	struct workflow w;

	TRY(workflow_find(call->svc, call->params[0], &w));
	json_t *params = json_pack("{s:s}", "workflow", w.name);
	const struct op_request req = {.type = "workflow.run", .params = params};
	record_done(&workflow_type, &w);
	struct err *e = action_submit(call, &req);
	json_decref(params);
	return e;
}

static struct err *answer(struct call *call, int64_t id)
{
	struct approve_body body;
	struct operation op;

	record_init(&approve_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL)
		e = workflow_approve(call->svc, &call->actor, id, body.approve, body.comment);
	record_done(&approve_body_type, &body);
	TRY(e);
	TRY(query_get(call->svc, &operation_type, id, &op));
	e = action_reply(call, &op);
	record_done(&operation_type, &op);
	return e;
}

static struct err *approve_op(struct call *call)
{
	int64_t id = 0;
	struct err *e = parse_i64(call->params[0], 1, INT64_MAX, &id);

	if (e != NULL) {
		err_free(e);
		return err_new(ERR_NOT_FOUND,
			"no operation \"%s\": operations are known by their number",
			call->params[0]);
	}
	return answer(call, id);
}

static const struct route routes_workflows_rows[] = {
	{"GET", "/api/workflows", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &workflow_type, .list_of = &workflow_type,
		.summary = "List workflows", .handle = list_workflows},
	{"POST", "/api/workflows", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_IDEMPOTENT, 201,
		ROUTE_REPLY_OBJECT, &workflow_type, .body_type = &workflow_type,
		.body_mode = RECORD_CREATE, .summary = "Add a workflow",
		.example =
			"{\"name\":\"careful\",\"steps\":[{\"name\":\"look\",\"type\":\"cluster.scan\",\"target\":\"prod\"},"
			"{\"name\":\"go on?\",\"approval\":\"Is it a good moment?\",\"timeout_s\":3600},"
			"{\"name\":\"set up\",\"type\":\"cluster.setup\",\"target\":\"prod\"}]}",
		.handle = create_workflow},
	{"GET", "/api/workflows/{id}", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.reply_type = &workflow_type, .summary = "Show a workflow", .handle = get_workflow},
	{"PATCH", "/api/workflows/{id}", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_NEED_MATCH, 200,
		ROUTE_REPLY_OBJECT, &workflow_type, .body_type = &workflow_type,
		.body_mode = RECORD_UPDATE, .summary = "Change a workflow",
		.example = "{\"description\":\"monthly\"}", .handle = edit_workflow},
	{"DELETE", "/api/workflows/{id}", ROLE_OPERATOR, .status = 204,
		.summary = "Remove a workflow; its runs stay", .handle = remove_workflow},
	{"POST", "/api/workflows/{id}/run", ROLE_OPERATOR,
		ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL | ROUTE_IDEMPOTENT, 202,
		ROUTE_REPLY_OPERATION, .query = &action_query_type, .summary = "Run a workflow",
		.handle = run_workflow},
	{"POST", "/api/operations/{id}/approve", ROLE_OPERATOR, .status = 202,
		.reply = ROUTE_REPLY_OPERATION, .body_type = &approve_body_type,
		.summary = "Answer the approval that a workflow waits for",
		.example = "{\"approve\":true,\"comment\":\"checked\"}", .handle = approve_op},
};
ROUTE_LIST(routes_workflows, "workflows");
