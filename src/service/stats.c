/* Owns which rows are counted for the metrics. */
#include "service/stats.h"

#include "base/mem.h"
#include "model/cluster.h"
#include "model/metric.h"
#include "model/node.h"
#include "model/operation.h"
#include "service/health_watch.h"
#include "service/power.h"

/* Count the rows of each status below `n`. */
static struct err *by_status(struct service *svc, enum metric_id id, const struct record_type *type,
	int64_t n)
{
	const struct enum_table *names = record_field(type, "status")->choices;

	for (int64_t status = 0; status < n; status++) {
		struct store_query q = {.n_filters = 0};
		int64_t rows = 0;
		store_where_number(&q, "status", STORE_EQ, status);
		TRY(store_count(svc->store, type, &q, &rows));
		metric_set(id, METRIC_LABELS(enum_text(names, status)), (double)rows);
	}
	return NULL;
}

struct err *stats_collect(struct service *svc)
{
	struct store_query waiting = {.n_filters = 0};
	int64_t n = 0;

	TRY(by_status(svc, METRIC_OPERATIONS, &operation_type, OP_RUNNING + 1));
	TRY(by_status(svc, METRIC_NODES, &node_type, enum_count(&node_status_table)));
	TRY(by_status(svc, METRIC_CLUSTERS, &cluster_type, enum_count(&cluster_status_table)));
	store_where_number(&waiting, "status", STORE_EQ, OP_QUEUED);
	store_where_number(&waiting, "waiting_for", STORE_NOT_NULL, 0);
	TRY(store_count(svc->store, &operation_type, &waiting, &n));
	metric_set(METRIC_OPERATIONS_WAITING, NULL, (double)n);
	TRY(power_metrics(svc));
	return health_metrics(svc);
}
