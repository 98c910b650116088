/* Hardware reports of nodes: the newest, those before, what changed, and what a cluster has. Domain
 * worker only. */
#pragma once

#include "base/str.h"
#include "model/hardware.h"
#include "model/node.h"
#include "service/service.h"

/** Keep a report; the oldest of a node go. @take_report owned   In the caller's transaction. */
struct err *hardware_take(struct service *svc, int64_t node_id, int64_t operation_id,
	json_t *take_report) ERR_RESULT;
/** Put what changes by itself (usage, memory, filesystems, sensors, a Raspberry Pi's bits) into the
 * newest report, and when that was ("usage_at"). Errors: ERR_PRECONDITION: there is no report yet.
 * In the caller's transaction. */
struct err *hardware_refresh(struct service *svc, int64_t node_id, const json_t *usage) ERR_RESULT;
/** Raise alerts of what a report shows, and resolve those that it shows to be over. What it does
 * not tell (a tool was missing) stays as it was. In the caller's transaction. */
struct err *hardware_alerts(struct service *svc, const struct node *node,
	const json_t *report) ERR_RESULT;
/** The newest report of a node: {id, node_id, hostname, operation_id, taken_at, report}.
 * @ret_json owned. Errors: ERR_NOT_FOUND when there is none. */
struct err *hardware_show(struct service *svc, const struct node *node,
	json_t **ret_json) ERR_RESULT;
/** Write the newest report of a node. @format "json", "csv" or "html"   Errors: ERR_NOT_FOUND,
 * ERR_INVALID (no such format). */
struct err *hardware_export(struct service *svc, const struct node *node, const char *format,
	struct str *out) ERR_RESULT;
/** Reports of a node without what is in them, the newest first. @ret_list owned */
struct err *hardware_history(struct service *svc, const struct node *node,
	json_t **ret_list) ERR_RESULT;
/** What changed: {"from", "to", "changes":[{fact, before, after}]}. What changes by itself (usage,
 * counters, temperatures) is left out. @since RFC 3339 or a duration back from now; NULL: since the
 * report before the newest   @ret_json owned. Errors: ERR_INVALID, ERR_NOT_FOUND. */
struct err *hardware_diff(struct service *svc, const struct node *node, const char *since,
	json_t **ret_json) ERR_RESULT;
/** What the nodes of a cluster (NULL: all that may be seen) have: {"nodes":[{id, hostname,
 * taken_at, model, cores, threads, memory_bytes, disks, disk_bytes, gpus}], "totals":{...}}; the
 * totals are the sums of the rows. Nodes without a report have nulls. @ret_json owned */
struct err *hardware_totals(struct service *svc, const char *cluster, json_t **ret_json) ERR_RESULT;
