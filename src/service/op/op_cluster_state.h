/* How results of playbooks become the state of a cluster. Inside of operations. */
#pragma once

#include "service/op/op_run.h"

/** Take in the result of one host: its role, and the cluster's scan when this host gave it. For
 * op_type.host_result. */
struct err *cluster_state_host(struct service *svc, struct op_run *run, struct node *node,
	const json_t *data) ERR_RESULT;
/** Name the members that the inventory does not have in the scan: "unknown" [{name, address, role,
 * version, why}], and "adopted" [name] those that were added as nodes now because the operation is
 * asked to ("adopt"); then the cluster's settings become what the cluster is. In the caller's
 * transaction. @reporter the node that told; others are reached as it is
 * @scan changed in place. Errors: store errors. */
struct err *cluster_adopt(struct service *svc, struct op_run *run, const struct node *reporter,
	json_t *scan) ERR_RESULT;
/** Keep the sealed kubeconfig. For op_type.secret. */
struct err *cluster_state_secret(struct service *svc, struct op_run *run, const char *name,
	const char *sealed) ERR_RESULT;
/** Set the cluster's status when the operation ends: what no scan told, follows from how it ended.
 * For op_type.finish. */
struct err *cluster_state_finish(struct service *svc, struct op_run *run) ERR_RESULT;
/** Store and publish a cluster that changed. */
struct err *cluster_state_save(struct service *svc, struct cluster *c) ERR_RESULT;
/** Write down what a cluster needs to come back as it was. @key "shutdown", "paused", "suspended"
 * @take_value owned; NULL removes the key. The caller saves the cluster. */
void cluster_state_keep(struct cluster *c, const char *key, json_t *take_value);
/** Set status and reason of a cluster, and save it. @take_reason owned, NULL = none */
struct err *cluster_state_set(struct service *svc, struct cluster *c, int64_t status,
	char *take_reason) ERR_RESULT;
/** Nodes whose machines were powered off ("power":"off" in their result), or without which the
 * playbook went on ("unreached":true), are offline, whatever the last task saw. For op_type.finish.
 */
struct err *node_power_finish(struct service *svc, struct op_run *run) ERR_RESULT;
