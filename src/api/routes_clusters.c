/* Routes of clusters. */
#include "api/actions.h"
#include "api/route.h"
#include "base/mem.h"
#include "base/seal.h"
#include "service/backup.h"
#include "service/cluster.h"

struct cluster_remove_query {
	int64_t id;
	bool force;
};
static const struct field cluster_remove_fields[] = {
	ROW_BOOL(struct cluster_remove_query, force, FIELD_CREATE,
		.help = "Also when it is active"),
};
static const struct record_type cluster_remove_query_type = {
	.name = "cluster_remove_query",
	.table = "cluster_remove_query",
	.size = sizeof(struct cluster_remove_query),
	.fields = cluster_remove_fields,
	.n_fields = ARRAY_LEN(cluster_remove_fields),
};

static struct err *cluster_item(struct service *svc, const void *obj, struct record_writer *w)
{
	json_t *json = NULL;

	TRY(cluster_json(svc, obj, &json));
	record_write_object(w, json);
	json_decref(json);
	return NULL;
}

static struct err *list_clusters(struct call *call)
{
	return call_list(call, NULL, cluster_item);
}

/* Answer with a cluster and free it. */
static struct err *reply_cluster(struct call *call, struct cluster *cluster)
{
	json_t *json = NULL;
	struct err *e = cluster_json(call->svc, cluster, &json);
	int64_t id = cluster->id;

	record_done(&cluster_type, cluster);
	if (e != NULL)
		return e;
	if (call->route->status == 201)
		return call_created(call, "clusters", id, json);
	return call_json(call, json);
}

static struct err *create_cluster(struct call *call)
{
	struct cluster cluster;

	TRY(cluster_create(call->svc, &call->actor, call->body, &cluster));
	return reply_cluster(call, &cluster);
}

static struct err *get_cluster(struct call *call)
{
	struct cluster cluster;

	TRY(cluster_find(call->svc, call->params[0], &cluster));
	return reply_cluster(call, &cluster);
}

static struct err *edit_cluster(struct call *call)
{
	struct cluster cluster;

	TRY(cluster_edit(call->svc, &call->actor, call->params[0], call->body, &cluster));
	return reply_cluster(call, &cluster);
}

static struct err *remove_cluster(struct call *call)
{
	struct cluster_remove_query query;

	record_init(&cluster_remove_query_type, &query);
	TRY(call_query(call, &query));
	return cluster_remove(call->svc, &call->actor, call->params[0], query.force);
}

static struct err *get_status(struct call *call)
{
	struct cluster cluster;
	json_t *json = NULL;

	TRY(cluster_find(call->svc, call->params[0], &cluster));
	struct err *e = cluster_status_json(call->svc, &cluster, &json);
	record_done(&cluster_type, &cluster);
	return e != NULL ? e : call_json(call, json);
}

static struct err *get_kubeconfig(struct call *call)
{
	struct cluster cluster;
	char *text = NULL;

	TRY(cluster_find(call->svc, call->params[0], &cluster));
	struct err *e = cluster_kubeconfig(call->svc, &call->actor, &cluster, &text);
	record_done(&cluster_type, &cluster);
	if (e != NULL)
		return e;
	str_adds(&call->reply->body, text);
	seal_wipe_free(text);
	call->reply->content_type = "text/plain; charset=utf-8";
	return NULL;
}

static struct err *get_backups(struct call *call)
{
	struct cluster cluster;
	json_t *list = NULL;

	TRY(cluster_find(call->svc, call->params[0], &cluster));
	struct err *e = backup_list(call->svc, cluster.name, &list);
	record_done(&cluster_type, &cluster);
	return e != NULL ? e
			 : call_json(call, json_pack("{s:o, s:n}", "items", list, "next_cursor"));
}

static const struct route routes_clusters_rows[] = {
	{"GET", "/api/clusters", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .reply_type = &cluster_type, .list_of = &cluster_type,
		.shape = &shape_cluster, .summary = "List clusters", .handle = list_clusters},
	{"POST", "/api/clusters", ROLE_OPERATOR, ROUTE_BODY_FREE | ROUTE_IDEMPOTENT, 201,
		ROUTE_REPLY_OBJECT, &cluster_type, .shape = &shape_cluster,
		.body_type = &cluster_type, .body_mode = RECORD_CREATE, .summary = "Add a cluster",
		.example = "{\"name\":\"prod\",\"ha_enabled\":true}", .handle = create_cluster},
	{"GET", "/api/clusters/{id}", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .reply_type = &cluster_type, .shape = &shape_cluster,
		.summary = "Show a cluster", .handle = get_cluster},
	{"PATCH", "/api/clusters/{id}", ROLE_OPERATOR,
		ROUTE_ANY_SCOPE | ROUTE_BODY_FREE | ROUTE_NEED_MATCH, 200, ROUTE_REPLY_OBJECT,
		&cluster_type, .body_type = &cluster_type, .body_mode = RECORD_UPDATE,
		.shape = &shape_cluster, .summary = "Change a cluster's settings",
		.example = "{\"description\":\"production\"}", .handle = edit_cluster},
	{"DELETE", "/api/clusters/{id}", ROLE_OPERATOR, .flags = ROUTE_ANY_SCOPE, .status = 204,
		.query = &cluster_remove_query_type,
		.summary = "Forget a cluster; its nodes stay in the inventory",
		.handle = remove_cluster},
	{"GET", "/api/clusters/{id}/status", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_cluster_status,
		.summary = "What the last scan found: members, roles, addons, voters",
		.handle = get_status},
	{"GET", "/api/clusters/{id}/kubeconfig", ROLE_OPERATOR, ROUTE_ANY_SCOPE | ROUTE_NO_STORE,
		200, ROUTE_REPLY_TEXT, .summary = "The administrator's kubeconfig",
		.handle = get_kubeconfig},
	{"GET", "/api/clusters/{id}/backups", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .shape = &shape_backup,
		.summary = "Whole backups of the cluster, the newest first", .handle = get_backups},
	{"POST", "/api/clusters/{id}/{action}", ROLE_VIEWER,
		ROUTE_ANY_SCOPE | ROUTE_ACTION_CLUSTER | ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL |
			ROUTE_IDEMPOTENT,
		202, ROUTE_REPLY_OPERATION, .body_type = &action_body_type,
		.query = &action_query_type, .summary = "Start an operation on a cluster",
		.example = "{}", .handle = action_one},
};
ROUTE_LIST(routes_clusters, "clusters");
