/* cluster.inspect: what `microk8s inspect` collects on each node, brought to the server for a
 * support bundle. The reports lie in the operation's own folder and go with it. */
#include "base/mem.h"
#include "service/op/op.h"
#include "service/op/op_run.h"

static struct err *plan(struct service *svc, struct op_run *run)
{
	cleanup(mem_freep) char *folder = op_path(svc, run->op->id, "inspect");

	op_run_set_text(run, "mko_inspect_folder", folder);
	return NULL;
}

const struct op_type op_cluster_inspect = {
	.name = "cluster.inspect",
	.title = "Inspect cluster %s",
	.summary =
		"Run microk8s inspect on each node and bring the reports to the server. Changes nothing; takes minutes when the API is down.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_ADMIN,
	.risk = OP_RISK_READ,
	.timeout_s = 1800,
	.playbook = "inspect_nodes",
	.plan = plan,
};
