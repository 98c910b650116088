/* Operations that only read nodes, for checks to be made of what they read
 * (service/op/op_findings.h). */
#include "model/check/check.h"
#include "service/op/op_run.h"

/* Each node tries the ports of the others of the run and of their clusters. */
static struct err *plan(struct service *svc, struct op_run *run)
{
	return op_run_set_hosts_entries(svc, run);
}

const struct op_type op_node_check_prerequisites = {
	.name = "node.check_prerequisites",
	.title = "Check the prerequisites of %s",
	.summary =
		"Read everything that decides whether MicroK8s can run on nodes, and try the ports from each to each. Changes nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.checks = CHECK_PREREQUISITE,
	.timeout_s = 600,
	.playbook = "check_prerequisites",
	.plan = plan,
};

const struct op_type op_node_troubleshoot = {
	.name = "node.troubleshoot",
	.title = "Troubleshoot %s",
	.summary =
		"Read the state of the system and of MicroK8s with the ends of its logs, and name the known problems. Changes nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.checks = CHECK_DOCTOR,
	.timeout_s = 600,
	.playbook = "troubleshoot",
	.plan = plan,
};

const struct op_type op_cluster_troubleshoot = {
	.name = "cluster.troubleshoot",
	.title = "Troubleshoot cluster %s",
	.summary =
		"Read all nodes of the cluster, whether its API answers or not, and name the known problems, causes before consequences. Changes nothing.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.checks = CHECK_DOCTOR,
	.timeout_s = 600,
	.playbook = "troubleshoot",
	.plan = plan,
};
