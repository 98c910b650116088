/* Health that is watched: what rounds hear goes through debounce; what is believed becomes alerts
 * and the status of nodes. It lives in a server only (svc->health). At rest it writes nothing. */
#pragma once

#include <jansson.h>

#include "service/service.h"

struct health_monitor;

/** Make svc->health. */
void health_start(struct service *svc);
/** Free svc->health; NULL is fine. */
void health_stop(struct service *svc);
/** Whom the next round asks: as health_input() of all, and what spares work. The agent of every
 * other node is asked by TLS, the others only whether they listen, in turns; a node that has been
 * down for five minutes is asked each third time. @ret_input owned. Errors: of the store. */
struct err *health_next(struct service *svc, json_t **ret_input) ERR_RESULT;
/** Take what a round has heard. Writes, in a transaction of its own, only when something is to be
 * told. When that fails the next round does it.
 * @input of health_input()   @take_report of health_run(), owned   Errors: of the store. Domain
 * worker, outside of a transaction. */
struct err *health_take(struct service *svc, const json_t *input, json_t *take_report) ERR_RESULT;
/** What is believed: {"checked_at", "clusters":[...], "nodes":[...]} as in health_run(), with
 * `since` and `heard` (the newest answer); of what this request may see. @cluster name or ID, NULL
 * = all
 * @ret_json owned. Errors: ERR_NOT_FOUND, ERR_UNAVAILABLE (no server runs, or no round has ended).
 */
struct err *health_status_json(struct service *svc, const char *cluster,
	json_t **ret_json) ERR_RESULT;
/** What costs a cluster points now, as far as it is watched: [{points, reason}], owned. */
json_t *health_reasons(const struct service *svc, int64_t cluster_id);
/** The score of a cluster, 0 to 100: what its scan (score_reasons) and the watch (health_reasons)
 * have against it. @scan struct cluster.scan */
int64_t health_score(const json_t *scan);
/** Set the metrics of health and alerts. Domain worker, in a transaction. */
struct err *health_metrics(struct service *svc) ERR_RESULT;
