/* Clusters: what belongs together. */
#pragma once

#include <jansson.h>

#include "model/cluster.h"
#include "service/service.h"

/** Find a cluster by id or name. Errors: ERR_NOT_FOUND with a hint. */
struct err *cluster_find(struct service *svc, const char *id_or_name,
	struct cluster *ret_cluster) ERR_RESULT;
/** Addons as they are stored: "dns", "metallb:10.0.0.1-10.0.0.9" and {"name","args"} become the
 * last form. @addons array   @ret_addons owned. Errors: ERR_INVALID naming the wrong one. Any
 * thread. */
struct err *cluster_addons_normal(const json_t *addons, json_t **ret_addons) ERR_RESULT;
/** Check and store a new cluster. Errors: ERR_INVALID (all fields; networks that overlap),
 * ERR_EXISTS. */
struct err *cluster_create(struct service *svc, const struct actor *who, const json_t *body,
	struct cluster *ret_cluster) ERR_RESULT;
/** Change the given fields. Errors also: ERR_LOCKED, ERR_PRECONDITION (networks of a cluster that
 * is set up cannot change). */
struct err *cluster_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct cluster *ret_cluster) ERR_RESULT;
/** Forget a cluster; its nodes stay in the inventory without a cluster. Errors: ERR_LOCKED,
 * ERR_PRECONDITION when active and not force. */
struct err *cluster_remove(struct service *svc, const struct actor *who, const char *id_or_name,
	bool force) ERR_RESULT;
/** Names and numbers of feeds (UPSes) and of depends_on (clusters) become numbers. Errors:
 * ERR_INVALID (unknown, itself, a circle, fewer feeds than min_feeds). In a transaction. */
struct err *cluster_resolve_power(struct service *svc, struct cluster *cluster) ERR_RESULT;
/** A cluster is forgotten: no other needs it any more. In a transaction. */
struct err *cluster_forget_power(struct service *svc, int64_t id) ERR_RESULT;
/** As the API shows a cluster: record, node_count, control_plane_count, worker_count. Owned. */
struct err *cluster_json(struct service *svc, const struct cluster *cluster,
	json_t **ret_json) ERR_RESULT;
/** What `mko cluster status` shows: status, reason, ha, control planes, workers, nodes with roles,
 * dqlite members, addons, scanned_at, and desired: what differs from the file that was applied:
 * from the last scan; no contact to the nodes. Owned. */
struct err *cluster_status_json(struct service *svc, const struct cluster *cluster,
	json_t **ret_json) ERR_RESULT;
/** The admin kubeconfig that setup or fetch_kubeconfig sealed. @ret_text wipe with
 * seal_wipe_free(). Errors: ERR_NOT_FOUND + hint. */
struct err *cluster_kubeconfig(struct service *svc, const struct actor *who,
	const struct cluster *cluster, char **ret_text) ERR_RESULT;
/** The nodes of a cluster in the order of their IDs; free with store_rows_done(). */
struct err *cluster_nodes(struct service *svc, int64_t cluster_id,
	struct store_rows *ret_rows) ERR_RESULT;
