/* Routes of nodes. What a node may be is the business of service/node.h. */
#include "api/actions.h"
#include "api/route.h"
#include "base/mem.h"
#include "service/cluster.h"
#include "service/facts.h"
#include "service/node.h"
#include "service/query.h"

struct node_list_query {
	int64_t id;
	char *cluster;
};
static const struct field node_list_fields[] = {
	ROW_TEXT(struct node_list_query, cluster, FIELD_CREATE,
		.help = "Only nodes of this cluster (id or name)"),
};
static const struct record_type node_list_query_type = {
	.name = "node_list_query",
	.table = "node_list_query",
	.size = sizeof(struct node_list_query),
	.fields = node_list_fields,
	.n_fields = ARRAY_LEN(node_list_fields),
};

struct node_remove_query {
	int64_t id;
	bool force;
};
static const struct field node_remove_fields[] = {
	ROW_BOOL(struct node_remove_query, force, FIELD_CREATE,
		.help = "Also when it is a member of an active cluster"),
};
static const struct record_type node_remove_query_type = {
	.name = "node_remove_query",
	.table = "node_remove_query",
	.size = sizeof(struct node_remove_query),
	.fields = node_remove_fields,
	.n_fields = ARRAY_LEN(node_remove_fields),
};

struct node_facts_query {
	int64_t id;
	int64_t limit;
};
static const struct field node_facts_fields[] = {
	ROW_I64(struct node_facts_query, limit, FIELD_CREATE, .min = 1, .max = 100, .def = "100",
		.help = "Most snapshots"),
};
static const struct record_type node_facts_query_type = {
	.name = "node_facts_query",
	.table = "node_facts_query",
	.size = sizeof(struct node_facts_query),
	.fields = node_facts_fields,
	.n_fields = ARRAY_LEN(node_facts_fields),
};

struct node_diff_query {
	int64_t id;
	char *since;
};
static const struct field node_diff_fields[] = {
	ROW_TEXT(struct node_diff_query, since, FIELD_CREATE, .min = 1, .max = 64,
		.help = "A time, or a duration back from now (7d); absent: since the snapshot before the newest"),
};
static const struct record_type node_diff_query_type = {
	.name = "node_diff_query",
	.table = "node_diff_query",
	.size = sizeof(struct node_diff_query),
	.fields = node_diff_fields,
	.n_fields = ARRAY_LEN(node_diff_fields),
};

static struct err *node_item(struct service *svc, const void *obj, struct record_writer *w)
{
	return node_write(svc, obj, w);
}

static struct err *list_nodes(struct call *call)
{
	struct node_list_query query;
	struct store_query base = {.n_filters = 0};
	struct cluster cluster;

	record_init(&node_list_query_type, &query);
	struct err *e = call_query(call, &query);
	if (e == NULL && query.cluster != NULL) {
		e = cluster_find(call->svc, query.cluster, &cluster);
		if (e == NULL) {
			store_where_number(&base, "cluster_id", STORE_EQ, cluster.id);
			record_done(&cluster_type, &cluster);
		}
	}
	record_done(&node_list_query_type, &query);
	return e != NULL ? e : call_list(call, &base, node_item);
}

/* Answer with a node and free it. */
static struct err *reply_node(struct call *call, struct node *node)
{
	struct err *e = call_item(call, node, node_item);

	if (call->route->status == 201)
		call->reply->location = mem_printf("/api/nodes/%lld", (long long)node->id);
	record_done(&node_type, node);
	return e;
}

static struct err *create_node(struct call *call)
{
	struct node node;

	TRY(node_create(call->svc, &call->actor, call->body, &node));
	return reply_node(call, &node);
}

static struct err *get_node(struct call *call)
{
	struct node node;

	TRY(node_find(call->svc, call->params[0], &node));
	return reply_node(call, &node);
}

static struct err *edit_node(struct call *call)
{
	struct node node;

	TRY(node_edit(call->svc, &call->actor, call->params[0], call->body, &node));
	return reply_node(call, &node);
}

static struct err *remove_node(struct call *call)
{
	struct node_remove_query query;

	record_init(&node_remove_query_type, &query);
	TRY(call_query(call, &query));
	return node_remove(call->svc, &call->actor, call->params[0], query.force);
}

static struct err *get_facts(struct call *call)
{
	struct node_facts_query query;
	struct node node;
	json_t *list = NULL;

	record_init(&node_facts_query_type, &query);
	TRY(call_query(call, &query));
	TRY(node_find(call->svc, call->params[0], &node));
	struct err *e = facts_list(call->svc, &node, query.limit, &list);
	record_done(&node_type, &node);
	return e != NULL ? e
			 : call_json(call, json_pack("{s:o, s:n}", "items", list, "next_cursor"));
}

static struct err *diff_facts(struct call *call)
{
	struct node_diff_query query;
	struct node node;
	json_t *json = NULL;

	record_init(&node_diff_query_type, &query);
	struct err *e = call_query(call, &query);
	if (e == NULL)
		e = node_find(call->svc, call->params[0], &node);
	if (e == NULL) {
		e = facts_diff(call->svc, &node, query.since, &json);
		record_done(&node_type, &node);
	}
	record_done(&node_diff_query_type, &query);
	return e != NULL ? e : call_json(call, json);
}

#define NODE_BODY_MORE                                                                                                      \
	"{\"cluster_id\":{\"type\":[\"integer\",\"string\",\"null\"],\"description\":\"Id or name of the cluster\"},"       \
	"\"sudo_password\":{\"type\":\"string\",\"maxLength\":1024,\"writeOnly\":true,\"description\":\"Password for sudo " \
	"on the node, kept sealed; without it sudo must need none\"}}"
static const struct route routes_nodes_rows[] = {
	{"GET", "/api/nodes", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .reply_type = &node_type, .list_of = &node_type,
		.query = &node_list_query_type, .shape = &shape_node, .summary = "List nodes",
		.handle = list_nodes},
	{"POST", "/api/nodes", ROLE_OPERATOR, ROUTE_ANY_SCOPE | ROUTE_BODY_FREE | ROUTE_IDEMPOTENT,
		201, ROUTE_REPLY_OBJECT, &node_type, .body_type = &node_type,
		.body_mode = RECORD_CREATE, .shape = &shape_node, .body_more = NODE_BODY_MORE,
		.summary = "Add a node to the inventory",
		.example =
			"{\"hostname\":\"n1\",\"ip_address\":\"10.0.0.11\",\"ssh_user\":\"ubuntu\"}",
		.handle = create_node},
	{"GET", "/api/nodes/{id}", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .reply_type = &node_type, .shape = &shape_node,
		.summary = "Show a node", .handle = get_node},
	{"PATCH", "/api/nodes/{id}", ROLE_OPERATOR,
		ROUTE_ANY_SCOPE | ROUTE_BODY_FREE | ROUTE_NEED_MATCH, 200, ROUTE_REPLY_OBJECT,
		&node_type, .body_type = &node_type, .body_mode = RECORD_UPDATE,
		.shape = &shape_node, .body_more = NODE_BODY_MORE,
		.summary = "Change a node's settings", .example = "{\"notes\":\"rack 2\"}",
		.handle = edit_node},
	{"DELETE", "/api/nodes/{id}", ROLE_OPERATOR, .flags = ROUTE_ANY_SCOPE, .status = 204,
		.query = &node_remove_query_type,
		.summary = "Forget a node; the machine is not touched", .handle = remove_node},
	{"GET", "/api/nodes/{id}/facts", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .query = &node_facts_query_type, .shape = &shape_facts,
		.summary =
			"What the node was each time that something had changed, the newest first",
		.handle = get_facts},
	{"GET", "/api/nodes/{id}/facts/diff", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .query = &node_diff_query_type,
		.shape = &shape_facts_diff, .summary = "What changed on the node since a time",
		.handle = diff_facts},
	{"POST", "/api/nodes/actions/{action}", ROLE_VIEWER,
		ROUTE_ANY_SCOPE | ROUTE_ACTION_NODE | ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL |
			ROUTE_IDEMPOTENT,
		202, ROUTE_REPLY_OPERATION, .body_type = &actions_body_type,
		.query = &action_query_type,
		.summary = "Start an operation on several nodes or all",
		.example = "{\"nodes\":[\"n1\",\"n2\"]}", .handle = action_many},
	{"POST", "/api/nodes/{id}/{action}", ROLE_VIEWER,
		ROUTE_ANY_SCOPE | ROUTE_ACTION_NODE | ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL |
			ROUTE_IDEMPOTENT,
		202, ROUTE_REPLY_OPERATION, .body_type = &action_body_type,
		.query = &action_query_type, .summary = "Start an operation on a node",
		.example = "{}", .handle = action_one},
};
ROUTE_LIST(routes_nodes, "nodes");
