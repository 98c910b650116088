/* Reading operations on clusters. */
#include "base/mem.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"
#include "service/scope.h"

static const struct op_param scan_params[] = {
	{.name = "adopt",
		.kind = FIELD_BOOL,
		.def = "false",
		.help = "Add members that the inventory does not have as nodes, reached as the node that tells of them, and take networks, addons and channel over into the settings of the cluster."},
};

static struct err *plan_scan(struct service *svc, struct op_run *run)
{
	if (json_is_true(op_run_param(run, "adopt")))
		TRY(scope_need_none(svc, "adopt the members of a cluster"));
	op_run_set_text(run, "mko_cluster_name", run->cluster->name);
	return NULL;
}

const struct op_type op_cluster_scan = {
	.name = "cluster.scan",
	.title = "Scan cluster %s",
	.summary =
		"Ask the cluster for its members, roles, datastore, addons and known faults. Changes nothing.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 600,
	.playbook = "scan_cluster",
	.params = scan_params,
	.n_params = ARRAY_LEN(scan_params),
	.plan = plan_scan,
	.host_result = cluster_state_host,
	.finish = cluster_state_finish,
};

/* A kubeconfig says nothing about health: the cluster's status is left alone. */
const struct op_type op_cluster_kubeconfig = {
	.name = "cluster.fetch_kubeconfig",
	.title = "Fetch the kubeconfig of cluster %s",
	.summary =
		"Read the administrator's kubeconfig from a running control plane and keep it sealed.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 300,
	.playbook = "fetch_kubeconfig",
	.secret = cluster_state_secret,
};
