/* Owns how a request becomes an op_request. What the parameters mean is the operation type's
 * business. */
#include "api/actions.h"

#include <string.h>

#include "api/reply.h"
#include "base/mem.h"
#include "service/op/op.h"

static const struct field action_query_fields[] = {
	ROW_BOOL(struct action_query, dry_run, FIELD_CREATE,
		.help = "Say what would happen; start nothing"),
};
const struct record_type action_query_type = {
	.name = "action_query",
	.table = "action_query",
	.size = sizeof(struct action_query),
	.fields = action_query_fields,
	.n_fields = ARRAY_LEN(action_query_fields),
};

/* The keys of a body that are not parameters of the type. */
struct action_body {
	int64_t id;
	json_t *nodes;
	bool check_mode;
	int64_t timeout_s;
	bool no_wait;
};
#define ACTION_NODES                                                                               \
	ROW_JSON(struct action_body, nodes, FIELD_CREATE, .max = 10000,                            \
		.check_json = check_json_list, .help = "Ids or names of the nodes; absent: all")
#define ACTION_FIELDS                                                                              \
	ROW_BOOL(struct action_body, check_mode, FIELD_CREATE,                                     \
		.help = "Change nothing on the nodes (ansible --check)"),                          \
		ROW_I64(struct action_body, timeout_s, FIELD_CREATE, .min = 0, .max = 604800,      \
			.def = "0",                                                                \
			.help = "Most seconds the operation may run; 0: as its type says"),        \
		ROW_BOOL(struct action_body, no_wait, FIELD_CREATE,                                \
			.help = "Refuse instead of waiting for another operation")
static const struct field action_fields[] = {ACTION_FIELDS};
static const struct field actions_fields[] = {ACTION_NODES, ACTION_FIELDS};
const struct record_type action_body_type = {
	.name = "action",
	.table = "action",
	.size = sizeof(struct action_body),
	.fields = action_fields,
	.n_fields = ARRAY_LEN(action_fields),
};
const struct record_type actions_body_type = {
	.name = "actions",
	.table = "actions",
	.size = sizeof(struct action_body),
	.fields = actions_fields,
	.n_fields = ARRAY_LEN(actions_fields),
};

/* Divide the body: keys of `type` go into own, all others are parameters of the operation type. */
static void split_body(json_t *body, const struct record_type *type, json_t *own, json_t *params)
{
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach(body, key, value)
		json_object_set(record_field(type, key) != NULL ? own : params, key, value);
}

struct err *action_reply(struct call *call, const struct operation *op)
{
	json_t *json = NULL;

	TRY(op_json(call->svc, op, true, &json));
	call->reply->location = mem_printf("/api/operations/%lld", (long long)op->id);
	return call_json(call, json_pack("{s:o}", "operation", json));
}

struct err *action_submit(struct call *call, const struct op_request *req)
{
	struct action_query query;
	struct operation op;
	json_t *preview = NULL;

	record_init(&action_query_type, &query);
	TRY(call_query(call, &query));
	if (query.dry_run) {
		TRY(op_preview(call->svc, &call->actor, req, &preview));
		reply_json(call->reply, 200, preview);
		return NULL;
	}
	TRY(op_submit(call->svc, &call->actor, req, &op));
	struct err *e = action_reply(call, &op);
	record_done(&operation_type, &op);
	return e;
}

static struct err *submit_body(struct call *call, const char *target,
	const struct record_type *type)
{
	struct action_body body;
	json_t *own = json_object();
	json_t *params = json_object();

	split_body(call->body, type, own, params);
	record_init(type, &body);
	body.nodes = NULL;
	struct err *e = record_from_json(type, &body, own, RECORD_CREATE);
	if (e == NULL) {
		struct op_request req = {
			.type = call->op->name,
			.target = target,
			.nodes = body.nodes,
			.params = params,
			.check_mode = body.check_mode,
			.timeout_s = body.timeout_s,
			.no_wait = body.no_wait,
		};
		e = action_submit(call, &req);
	}
	record_done(type, &body);
	json_decref(own);
	json_decref(params);
	return e;
}

struct err *action_one(struct call *call)
{
	return submit_body(call, call->params[0], &action_body_type);
}

struct err *action_many(struct call *call)
{
	return submit_body(call, NULL, &actions_body_type);
}
