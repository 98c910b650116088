/* The route of the metrics. */
#include <stdio.h>

#include "api/route.h"
#include "base/mem.h"
#include "base/process.h"
#include "gen/version.h"
#include "model/metric.h"
#include "service/query.h"
#include "service/stats.h"

static struct err *collect_process(void)
{
	struct process_use use;

	TRY(process_use(&use));
	metric_set(METRIC_PROCESS_CPU, NULL, use.cpu_s);
	metric_set(METRIC_PROCESS_MEMORY, NULL, (double)use.resident_bytes);
	metric_set(METRIC_PROCESS_VIRTUAL, NULL, (double)use.virtual_bytes);
	metric_set(METRIC_PROCESS_FDS, NULL, (double)use.fds);
	metric_set(METRIC_PROCESS_FDS_MAX, NULL, (double)use.fds_max);
	metric_set(METRIC_PROCESS_START, NULL, use.start_s);
	return NULL;
}

static struct err *get_metrics(struct call *call)
{
	char schema[16];

	snprintf(schema, sizeof(schema), "%d", store_schema_version(call->svc->store));
	metric_set(METRIC_BUILD, METRIC_LABELS(MKO_VERSION, schema), 1);
	TRY(collect_process());
	TRY(stats_collect(call->svc));
	metric_text(&call->reply->body);
	call->reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
	return NULL;
}

static const struct route routes_metrics_rows[] = {
	{"GET", "/metrics", ROLE_VIEWER, .status = 200, .reply = ROUTE_REPLY_TEXT,
		.summary = "Numbers about the server in the text format of Prometheus",
		.handle = get_metrics},
};
ROUTE_LIST(routes_metrics, "metrics");
