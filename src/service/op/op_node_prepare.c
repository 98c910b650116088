/* node.prepare: what MicroK8s needs on a node before it is installed. */
#include "base/mem.h"
#include "service/op/op_run.h"

static struct err *plan(struct service *svc, struct op_run *run)
{
	TRY(op_run_set_hosts_entries(svc, run));
	return op_run_set_other_nodes(svc, run);
}

const struct op_type op_node_prepare = {
	.name = "node.prepare",
	.title = "Prepare %s",
	.summary =
		"Packages, kernel modules, limits, /etc/hosts and the other needs of MicroK8s; reports what it cannot mend.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 1800,
	.playbook = "prepare_node",
	.plan = plan,
};
