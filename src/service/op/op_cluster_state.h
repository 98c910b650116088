/* How results of playbooks become the state of a cluster. Inside of operations. */
#pragma once

#include "service/op/op_run.h"

/** Take in the result of one host: its role, and the cluster's scan when this host gave it. For
 * op_type.host_result. */
struct err *cluster_state_host(struct service *svc, struct op_run *run, struct node *node,
	const json_t *data) ERR_RESULT;
/** Keep the sealed kubeconfig. For op_type.secret. */
struct err *cluster_state_secret(struct service *svc, struct op_run *run, const char *name,
	const char *sealed) ERR_RESULT;
/** Set the cluster's status when the operation ends: what no scan told, follows from how it ended.
 * For op_type.finish. */
struct err *cluster_state_finish(struct service *svc, struct op_run *run) ERR_RESULT;
