/* node.prepare, prepare_reboot: what MicroK8s needs on a node before it is installed. */
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

/* One after the other, and under the quorum guard: the machine goes down. */
static struct err *plan_reboot(struct service *svc, struct op_run *run)
{
	TRY(plan(svc, run));
	op_run_set(run, "mko_allow_reboot", json_true());
	op_run_set(run, "mko_serial", json_integer(1));
	return NULL;
}

static const struct op_param reboot_params[] = {OP_PARAM_ALLOW_QUORUM_LOSS};
const struct op_type op_node_prepare_reboot = {
	.name = "node.prepare_reboot",
	.title = "Prepare %s, with a reboot",
	.summary =
		"As node.prepare; a Raspberry Pi whose memory cgroup is off gets it into its kernel command line and is rebooted for it, one node after the other.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_EACH,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 7200,
	.playbook = "prepare_node",
	.params = reboot_params,
	.n_params = ARRAY_LEN(reboot_params),
	.plan = plan_reboot,
};
