/* Health of nodes and clusters: asked for when it is wanted, and as the server has watched it. */
#include "api/route.h"
#include "base/mem.h"
#include "service/health.h"
#include "service/health_watch.h"
#include "service/history.h"

struct health_query {
	int64_t id;
	char *cluster;
};
static const struct field health_query_fields[] = {
	ROW_TEXT(struct health_query, cluster, FIELD_CREATE, .max = 63,
		.help = "Name or number: only this cluster and its nodes; all when absent"),
};
static const struct record_type health_query_type = {
	.name = "health_query",
	.table = "health_query",
	.size = sizeof(struct health_query),
	.fields = health_query_fields,
	.n_fields = ARRAY_LEN(health_query_fields),
};

static struct err *check_health(struct call *call)
{
	struct health_query query;
	json_t *input = NULL;
	json_t *report = NULL;

	record_init(&health_query_type, &query);
	struct err *e = call_query(call, &query);
	if (e == NULL)
		e = health_input(call->svc, query.cluster, &input);
	record_done(&health_query_type, &query);
	if (e != NULL)
		return e;
	TRY(call_task(call, health_run, input, &report));
	return report != NULL ? call_json(call, report) : NULL;
}

static struct err *get_status(struct call *call)
{
	struct health_query query;
	json_t *json = NULL;

	record_init(&health_query_type, &query);
	struct err *e = call_query(call, &query);
	if (e == NULL)
		e = health_status_json(call->svc, query.cluster, &json);
	record_done(&health_query_type, &query);
	return e != NULL ? e : call_json(call, json);
}

struct samples_query {
	int64_t id;
	char *since;
};
static const struct field samples_query_fields[] = {
	ROW_TEXT(struct samples_query, since, FIELD_CREATE, .max = 40,
		.help = "How far back: 1h (when absent), 7d; the further, the coarser"),
};
static const struct record_type samples_query_type = {
	.name = "samples_query",
	.table = "samples_query",
	.size = sizeof(struct samples_query),
	.fields = samples_query_fields,
	.n_fields = ARRAY_LEN(samples_query_fields),
};

static struct err *get_samples(struct call *call, const char *kind)
{
	cleanup(mem_freep) char *subject = mem_printf("%s/%s", kind, call->params[0]);
	struct samples_query query;
	json_t *json = NULL;

	record_init(&samples_query_type, &query);
	struct err *e = call_query(call, &query);
	if (e == NULL)
		e = history_json(call->svc, subject, query.since, &json);
	record_done(&samples_query_type, &query);
	return e != NULL ? e : call_json(call, json);
}

static struct err *samples_of_node(struct call *call)
{
	return get_samples(call, "node");
}

static struct err *samples_of_cluster(struct call *call)
{
	return get_samples(call, "cluster");
}

static struct err *samples_of_ups(struct call *call)
{
	return get_samples(call, "ups");
}

static const struct route routes_health_rows[] = {
	{"GET", "/api/health/check", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_health_report,
		.query = &health_query_type,
		.summary =
			"Ask every node and API server how it is, without SSH logins; takes seconds, changes nothing",
		.handle = check_health},
	{"GET", "/api/health/status", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_health_status,
		.query = &health_query_type,
		.summary =
			"What the server, which asks again and again, believes of every node and cluster, and since when",
		.handle = get_status},
	{"GET", "/api/nodes/{id}/samples", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_history, .query = &samples_query_type,
		.summary =
			"Figures of a node over time: each 10 s for an hour up to each 8 h for a year",
		.handle = samples_of_node},
	{"GET", "/api/clusters/{id}/samples", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_history, .query = &samples_query_type,
		.summary =
			"Figures of a cluster over time: each 10 s for an hour up to each 8 h for a year",
		.handle = samples_of_cluster},
	{"GET", "/api/ups/{id}/samples", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.shape = &shape_history, .query = &samples_query_type,
		.summary =
			"Figures of a UPS over time: each 10 s for an hour up to each 8 h for a year",
		.handle = samples_of_ups},
};
ROUTE_LIST(routes_health, "health");
