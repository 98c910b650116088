/* cluster.certs, certs_renew: how long the certificates of all nodes are good. The result stays
 * with the operation; the last one answers questions. */
#include "base/mem.h"
#include "service/op/op_run.h"

static const struct op_param renew_params[] = {
	{.name = "below_days",
		.kind = FIELD_I64,
		.min = 1,
		.max = 3650,
		.def = "30",
		.help = "Renew what ends within so many days."},
	OP_PARAM_ALLOW_QUORUM_LOSS,
};

static struct err *plan_renew(struct service *svc, struct op_run *run)
{
	(void)svc;
	op_run_set(run, "mko_certs_below_days",
		json_incref((json_t *)(uintptr_t)op_run_param(run, "below_days")));
	return NULL;
}

const struct op_type op_cluster_certs = {
	.name = "cluster.certs",
	.title = "Certificates of cluster %s",
	.summary =
		"Read every certificate of every node with the days it is still good. Changes nothing.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 600,
	.playbook = "cluster_certs",
};

const struct op_type op_cluster_certs_renew = {
	.name = "cluster.certs_renew",
	.title = "Renew the certificates of cluster %s",
	.summary =
		"Renew certificates that end soon, one control plane after another, each ready before the next.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_EACH,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 7200,
	.playbook = "renew_certs",
	.params = renew_params,
	.n_params = ARRAY_LEN(renew_params),
	.plan = plan_renew,
};
