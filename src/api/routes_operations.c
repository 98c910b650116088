/* Routes of operations: what ran, runs and may run. */
#include <string.h>
#include <unistd.h>

#include "api/actions.h"
#include "api/opfile.h"
#include "api/reply.h"
#include "api/route.h"
#include "base/mem.h"
#include "service/cluster.h"
#include "service/node.h"
#include "service/op/op.h"
#include "service/op/op_custom.h"
#include "service/op/op_findings.h"
#include "service/query.h"

#define LOG_BYTES_MAX ((int64_t)4 << 20)

struct op_list_query {
	int64_t id;
	char *cluster, *node;
	int64_t since;
};
static const struct field op_list_fields[] = {
	ROW_TEXT(struct op_list_query, cluster, FIELD_CREATE,
		.help = "Only operations on this cluster (id or name)"),
	ROW_TEXT(struct op_list_query, node, FIELD_CREATE,
		.help = "Only operations on this node alone (id or name)"),
	ROW_TIME(struct op_list_query, since, FIELD_CREATE,
		.help = "Only operations asked for at or after this time"),
};
static const struct record_type op_list_query_type = {
	.name = "operation_list_query",
	.table = "operation_list_query",
	.size = sizeof(struct op_list_query),
	.fields = op_list_fields,
	.n_fields = ARRAY_LEN(op_list_fields),
};

struct op_events_query {
	int64_t id;
	int64_t after, limit;
	bool follow;
};
static const struct field op_events_fields[] = {
	ROW_I64(struct op_events_query, after, FIELD_CREATE, .min = 0, .max = INT64_MAX, .def = "0",
		.help = "Sequence number of the last event known"),
	ROW_I64(struct op_events_query, limit, FIELD_CREATE, .min = 1, .max = 10000, .def = "1000",
		.help = "Most events in one reply"),
	ROW_BOOL(struct op_events_query, follow, FIELD_CREATE,
		.help = "Keep the reply open until the operation ends (server only)"),
};
static const struct record_type op_events_query_type = {
	.name = "operation_events_query",
	.table = "operation_events_query",
	.size = sizeof(struct op_events_query),
	.fields = op_events_fields,
	.n_fields = ARRAY_LEN(op_events_fields),
};

struct op_log_query {
	int64_t id;
	int64_t offset;
	bool follow;
};
static const struct field op_log_fields[] = {
	ROW_I64(struct op_log_query, offset, FIELD_CREATE, .min = 0, .max = INT64_MAX, .def = "0",
		.help = "Bytes to skip; a reply has at most 4 MiB"),
	ROW_BOOL(struct op_log_query, follow, FIELD_CREATE,
		.help = "Keep the reply open until the operation ends (server only)"),
};
static const struct record_type op_log_query_type = {
	.name = "operation_log_query",
	.table = "operation_log_query",
	.size = sizeof(struct op_log_query),
	.fields = op_log_fields,
	.n_fields = ARRAY_LEN(op_log_fields),
};

struct op_findings_query {
	int64_t id;
	bool problems;
};
static const struct field op_findings_fields[] = {
	ROW_BOOL(struct op_findings_query, problems, FIELD_CREATE,
		.help = "Leave out what is well or does not concern a node"),
};
static const struct record_type op_findings_query_type = {
	.name = "operation_findings_query",
	.table = "operation_findings_query",
	.size = sizeof(struct op_findings_query),
	.fields = op_findings_fields,
	.n_fields = ARRAY_LEN(op_findings_fields),
};

struct op_run_body {
	int64_t id;
	char *type, *target;
	json_t *nodes, *params;
	bool check_mode;
	int64_t timeout_s;
	bool no_wait;
};
static const struct field op_run_fields[] = {
	ROW_TEXT(struct op_run_body, type, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 64,
		.help = "Operation type, see /api/operation-types"),
	ROW_TEXT(struct op_run_body, target, FIELD_CREATE, .max = 253,
		.help = "Id or name of the node or cluster"),
	ROW_JSON(struct op_run_body, nodes, FIELD_CREATE, .max = 10000,
		.check_json = check_json_list,
		.help = "Ids or names for a type of nodes; absent: all"),
	ROW_JSON(struct op_run_body, params, FIELD_CREATE,
		.help = "Object of the type's parameters", .check_json = check_json_object),
	ROW_BOOL(struct op_run_body, check_mode, FIELD_CREATE,
		.help = "Change nothing on the nodes (ansible --check)"),
	ROW_I64(struct op_run_body, timeout_s, FIELD_CREATE, .min = 0, .max = 604800, .def = "0",
		.help = "Most seconds; 0: as the type says"),
	ROW_BOOL(struct op_run_body, no_wait, FIELD_CREATE,
		.help = "Refuse instead of waiting for another operation"),
};
static const struct record_type op_run_body_type = {
	.name = "operation_run",
	.table = "operation_run",
	.size = sizeof(struct op_run_body),
	.fields = op_run_fields,
	.n_fields = ARRAY_LEN(op_run_fields),
};

struct op_prune_body {
	int64_t id;
	int64_t keep_days;
};
static const struct field op_prune_fields[] = {
	ROW_I64(struct op_prune_body, keep_days, FIELD_CREATE | FIELD_REQUIRED, .min = 0,
		.max = 36500, .help = "Days to keep"),
};
static const struct record_type op_prune_body_type = {
	.name = "operation_prune",
	.table = "operation_prune",
	.size = sizeof(struct op_prune_body),
	.fields = op_prune_fields,
	.n_fields = ARRAY_LEN(op_prune_fields),
};

static struct err *op_item(struct service *svc, const void *obj, struct record_writer *w)
{
	json_t *json = NULL;

	TRY(op_json(svc, obj, false, &json));
	record_write_object(w, json);
	json_decref(json);
	return NULL;
}

static struct err *find_op(const struct call *call, struct operation *ret_op)
{
	int64_t id = 0;
	struct err *e = parse_i64(call->params[0], 1, INT64_MAX, &id);

	if (e != NULL) {
		err_free(e);
		return err_new(ERR_NOT_FOUND,
			"no operation \"%s\": operations are known by their number",
			call->params[0]);
	}
	return query_get(call->svc, &operation_type, id, ret_op);
}

/* Narrow the list to what acts on a node or cluster. */
static void on_target(struct store_query *base, enum op_target kind, int64_t id)
{
	store_where_number(base, "target_kind", STORE_EQ, kind);
	store_where_number(base, "target_id", STORE_EQ, id);
}

static struct err *list_base(struct service *svc, const struct op_list_query *query,
	struct store_query *base)
{
	struct cluster cluster;
	struct node node;

	if (query->cluster != NULL) {
		TRY(cluster_find(svc, query->cluster, &cluster));
		on_target(base, OP_TARGET_CLUSTER, cluster.id);
		record_done(&cluster_type, &cluster);
	}
	if (query->node != NULL) {
		TRY(node_find(svc, query->node, &node));
		on_target(base, OP_TARGET_NODE, node.id);
		record_done(&node_type, &node);
	}
	if (query->since != I64_NONE)
		store_where_number(base, "created_at", STORE_GE, query->since);
	return NULL;
}

static struct err *list_ops(struct call *call)
{
	struct op_list_query query;
	struct store_query base = {.n_filters = 0};

	record_init(&op_list_query_type, &query);
	struct err *e = call_query(call, &query);
	if (e == NULL)
		e = list_base(call->svc, &query, &base);
	record_done(&op_list_query_type, &query);
	return e != NULL ? e : call_list(call, &base, op_item);
}

static struct err *get_op(struct call *call)
{
	struct operation op = {.id = 0};
	json_t *json = NULL;

	TRY(find_op(call, &op));
	struct err *e = op_json(call->svc, &op, true, &json);
	record_done(&operation_type, &op);
	return e != NULL ? e : call_json(call, json);
}

/* What follows the first part of a followed file. */
static void follow_file(struct call *call, const struct operation *op, char *take_path,
	int64_t offset, bool lines)
{
	call->reply->stream = true;
	call->reply->streaming = (struct api_stream){
		.kind = API_STREAM_FILE,
		.path = take_path,
		.after = offset,
		.operation = op->id,
		.final = op_status_final(op->status),
		.lines = lines,
	};
}

static struct err *get_events(struct call *call)
{
	struct op_events_query query;
	struct operation op = {.id = 0};
	int64_t offset = 0;

	record_init(&op_events_query_type, &query);
	TRY(call_query(call, &query));
	TRY(find_op(call, &op));
	char *path = op_path(call->svc, op.id, "events.jsonl");
	struct err *e = opfile_lines(path, query.after, query.limit, &call->reply->body, &offset);
	call->reply->content_type = "application/jsonl";
	if (e == NULL && query.follow)
		follow_file(call, &op, MOVE(path), offset, true);
	mem_free(path);
	record_done(&operation_type, &op);
	return e;
}

static struct err *get_log(struct call *call)
{
	struct op_log_query query;
	struct operation op = {.id = 0};

	record_init(&op_log_query_type, &query);
	TRY(call_query(call, &query));
	TRY(find_op(call, &op));
	char *path = op_path(call->svc, op.id, "log.txt");
	struct err *e = opfile_bytes(path, query.offset, LOG_BYTES_MAX, &call->reply->body);
	call->reply->content_type = "text/plain; charset=utf-8";
	if (e == NULL && query.follow)
		follow_file(call, &op, MOVE(path), query.offset + (int64_t)call->reply->body.len,
			false);
	mem_free(path);
	record_done(&operation_type, &op);
	return e;
}

/* The journal that node.logs fetched from a host: a file with its name. */
static struct err *get_journal(struct call *call)
{
	struct operation op = {.id = 0};
	const char *host = call->params[1];
	cleanup(str_done) struct str name = STR_INIT;

	TRY(find_op(call, &op));
	int64_t id = op.id;
	record_done(&operation_type, &op);
	str_addf(&name, "journal/%s", host);
	cleanup(mem_freep) char *path = op_path(call->svc, id, str_get(&name));
	struct err *bad = check_hostname(host); /* it becomes part of a path */
	bool there = bad == NULL && access(path, R_OK) == 0;
	err_free(bad);
	if (!there)
		return err_new(ERR_NOT_FOUND, "operation %lld fetched no journal of %s",
			(long long)id, host);
	call->reply->content_type = "text/plain; charset=utf-8";
	return opfile_bytes(path, 0, LOG_BYTES_MAX, &call->reply->body);
}

static struct err *get_findings(struct call *call)
{
	struct op_findings_query query;
	struct operation op = {.id = 0};
	json_t *items = NULL;

	record_init(&op_findings_query_type, &query);
	TRY(call_query(call, &query));
	TRY(find_op(call, &op));
	struct err *e = op_findings(call->svc, &op, query.problems, &items);
	record_done(&operation_type, &op);
	return e != NULL ? e : call_json(call, json_pack("{so sn}", "items", items, "next_cursor"));
}

typedef struct err *(*op_verb_fn)(struct service *svc, const struct actor *who, int64_t id,
	struct operation *ret_op);

/* A verb on an existing operation; the role is that of its type, as for starting it. */
static struct err *op_verb(struct call *call, op_verb_fn verb)
{
	struct operation op = {.id = 0};
	struct operation after;

	TRY(find_op(call, &op));
	const struct op_type *type = op_type_get(call->svc, op.type);
	int64_t id = op.id;
	record_done(&operation_type, &op);
	if (type != NULL && call->actor.role < type->role)
		return err_new(ERR_FORBIDDEN, "%s needs the role %s", type->name,
			enum_text(&role_table, type->role));
	TRY(verb(call->svc, &call->actor, id, &after));
	struct err *e = action_reply(call, &after);
	record_done(&operation_type, &after);
	return e;
}

static struct err *cancel_op(struct call *call)
{
	return op_verb(call, op_cancel);
}

static struct err *retry_op(struct call *call)
{
	return op_verb(call, op_retry);
}

/* An unknown type is a wrong field of the body; what is wrong with a playbook is told as it
 * is. */
static struct err *wrong_type(struct service *svc, const char *name)
{
	const struct op_type *type = NULL;
	struct err *e = op_type_need(svc, name, &type);

	if (e == NULL || err_code(e) != ERR_NOT_FOUND)
		return e;
	err_free(e);
	return err_hint(err_field(NULL, "type", "no operation type \"%s\"", name),
		"mko operation types lists them");
}

static struct err *run_op(struct call *call)
{
	struct op_run_body body;

	record_init(&op_run_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL)
		e = wrong_type(call->svc, body.type);
	if (e == NULL) {
		struct op_request req = {
			.type = body.type,
			.target = body.target,
			.nodes = body.nodes,
			.params = body.params,
			.check_mode = body.check_mode,
			.timeout_s = body.timeout_s,
			.no_wait = body.no_wait,
		};
		e = action_submit(call, &req);
	}
	record_done(&op_run_body_type, &body);
	return e;
}

static struct err *prune_ops(struct call *call)
{
	struct op_prune_body body;
	int64_t n = 0;

	record_init(&op_prune_body_type, &body);
	TRY(call_body(call, &body));
	TRY(op_prune(call->svc, &call->actor, body.keep_days, &n));
	return call_json(call, json_pack("{s:I}", "removed", (json_int_t)n));
}

static void add_custom_type(void *user, const char *name, const struct op_type *type,
	const struct err *why)
{
	(void)name;
	(void)why; /* the list of playbooks tells */
	if (type != NULL)
		json_array_append_new(user, op_type_json(type));
}

static struct err *list_types(struct call *call)
{
	json_t *items = json_array();

	for (size_t i = 0; op_types[i] != NULL; i++)
		json_array_append_new(items, op_type_json(op_types[i]));
	struct err *e = op_custom_each(call->svc, add_custom_type, items);
	if (e != NULL) {
		json_decref(items);
		return e;
	}
	return call_json(call, json_pack("{so sn}", "items", items, "next_cursor"));
}

static const struct route routes_operations_rows[] = {
	{"GET", "/api/operations", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .reply_type = &operation_type,
		.list_of = &operation_type, .query = &op_list_query_type, .shape = &shape_operation,
		.summary = "List operations", .handle = list_ops},
	{"POST", "/api/operations", ROLE_VIEWER, ROUTE_ANY_SCOPE | ROUTE_IDEMPOTENT, 202,
		ROUTE_REPLY_OPERATION, .body_type = &op_run_body_type, .query = &action_query_type,
		.summary = "Start an operation of any type",
		.example = "{\"type\":\"node.status\",\"target\":\"n1\"}", .handle = run_op},
	{"POST", "/api/operations/prune", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.shape = &shape_pruned, .body_type = &op_prune_body_type,
		.summary = "Delete old final operations with their files",
		.example = "{\"keep_days\":90}", .handle = prune_ops},
	{"GET", "/api/operations/{id}", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .reply_type = &operation_type,
		.shape = &shape_operation, .summary = "Show an operation with its hosts",
		.handle = get_op},
	{"GET", "/api/operations/{id}/events", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LINES, .query = &op_events_query_type,
		.summary = "What happened in an operation, as JSON lines", .handle = get_events},
	{"GET", "/api/operations/{id}/log", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_TEXT, .query = &op_log_query_type,
		.summary = "What ansible-playbook printed", .handle = get_log},
	{"GET", "/api/operations/{id}/journal/{host}", ROLE_OPERATOR, .flags = ROUTE_ANY_SCOPE,
		.status = 200, .reply = ROUTE_REPLY_TEXT,
		.summary = "The journal that node.logs fetched from a host", .handle = get_journal},
	{"GET", "/api/operations/{id}/findings", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE,
		.status = 200, .reply = ROUTE_REPLY_LIST, .query = &op_findings_query_type,
		.shape = &shape_finding,
		.summary =
			"What the checks say about the nodes that an operation has read: problems first, causes before consequences",
		.handle = get_findings},
	{"POST", "/api/operations/{id}/cancel", ROLE_OPERATOR,
		ROUTE_ANY_SCOPE | ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL, 202, ROUTE_REPLY_OPERATION,
		.summary = "Ask an operation to stop", .handle = cancel_op},
	{"POST", "/api/operations/{id}/retry", ROLE_OPERATOR,
		ROUTE_ANY_SCOPE | ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL | ROUTE_IDEMPOTENT, 202,
		ROUTE_REPLY_OPERATION, .summary = "Run again for the hosts that did not succeed",
		.handle = retry_op},
	{"GET", "/api/operation-types", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .shape = &shape_operation_types,
		.summary = "What operations there are, with their parameters",
		.handle = list_types},
};
ROUTE_LIST(routes_operations, "operations");
