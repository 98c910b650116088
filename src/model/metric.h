/* Numbers about the running program, in one table. What happens is counted where it happens, from
 * any thread; GET /metrics writes all in the text format of Prometheus. The counts live as long as
 * the process. */
#pragma once

#include <stdint.h>

#include "base/str.h"

/** Every metric; the rows of the table in metric.c. */
enum metric_id {
	METRIC_BUILD,
	METRIC_HTTP_REQUESTS,
	METRIC_HTTP_SECONDS,
	METRIC_HTTP_ACTIVE,
	METRIC_HTTP_STREAMS,
	METRIC_WORKER_QUEUE,
	METRIC_STORE_SECONDS,
	METRIC_OPERATIONS,
	METRIC_OPERATIONS_WAITING,
	METRIC_OPERATIONS_FINISHED,
	METRIC_OPERATION_SECONDS,
	METRIC_OPERATION_WAIT_SECONDS,
	METRIC_NODES,
	METRIC_CLUSTERS,
	METRIC_NODE_UP,
	METRIC_CLUSTER_UP,
	METRIC_QUORUM_MARGIN,
	METRIC_CERT_EXPIRY,
	METRIC_UPS_ON_MAINS,
	METRIC_UPS_CHARGE,
	METRIC_UPS_RUNTIME,
	METRIC_UPS_LOAD,
	METRIC_UPS_POWER,
	METRIC_ALERTS,
	METRIC_HEALTH_SECONDS,
	METRIC_EVENTS,
	METRIC_LOGINS,
	METRIC_TLS_EXPIRES,
	METRIC_PROCESS_CPU,
	METRIC_PROCESS_MEMORY,
	METRIC_PROCESS_VIRTUAL,
	METRIC_PROCESS_FDS,
	METRIC_PROCESS_FDS_MAX,
	METRIC_PROCESS_START,
	METRIC_N_
};
#define METRIC_LABELS_MAX 3
/** The values of the labels of a metric, in the order of its row: METRIC_LABELS("GET", path,
 * "200").
 */
#define METRIC_LABELS(...) ((const char *const[METRIC_LABELS_MAX]){__VA_ARGS__})

/** Add to a counter or a gauge. @labels NULL for a metric without; borrowed   Any thread. */
void metric_add(enum metric_id id, const char *const *labels, double value);
/** Set a gauge. Any thread. */
void metric_set(enum metric_id id, const char *const *labels, double value);
/** Forget all series of a gauge, before those that are still there are set. Any thread. */
void metric_clear(enum metric_id id);
/** Put a value, in seconds, into a histogram. Any thread. */
void metric_observe(enum metric_id id, const char *const *labels, double seconds);
/** Seconds since an unknown start, for metric_observe() of the difference. Any thread. */
double metric_now(void);
/** Write all in the text format of Prometheus 0.0.4. Any thread. */
void metric_text(struct str *out);
/** Forget all counts: for tests. */
void metric_reset(void);
