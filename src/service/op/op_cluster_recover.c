/* cluster.recover: the datastore comes back after more than half of its voters were lost for good.
 * What is decided, the playbook decides by what the survivors have; here only who may ask. */
#include <stdio.h>

#include "base/mem.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

static const struct op_param params[] = {
	{.name = "plan",
		.kind = FIELD_TEXT,
		.max = 64,
		.check = check_line,
		.help = "Digest of the plan that was shown (data.recover of a run with check_mode): nothing is done when the situation asks for another plan by now."},
};

static bool is_member(const struct op_run *run, const struct node *n)
{
	(void)run;
	return n->role != NODE_ROLE_NONE;
}

static struct err *plan(struct service *svc, struct op_run *run)
{
	char id[48];

	(void)svc;
	op_run_keep(run, is_member);
	if (run->n_nodes == 0)
		return err_hint(err_new(ERR_PRECONDITION, "cluster %s has no members",
					run->cluster->name),
			"mko cluster setup %s", run->cluster->name);
	snprintf(id, sizeof(id), "recover-%lld", (long long)run->op->id);
	op_run_set_text(run, "mko_recover_id", id);
	op_run_set_text(run, "mko_recover_plan", op_run_param_text(run, "plan"));
	return NULL;
}

const struct op_type op_cluster_recover = {
	.name = "cluster.recover",
	.title = "Recover the quorum of cluster %s",
	.summary =
		"After more than half of the voters were lost for good: make the survivors the only members of the datastore. Writes that only the lost ones had are gone.",
	.next = "mko cluster recover %s    (goes on with what is left)",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_ADMIN,
	.risk = OP_RISK_DESTROY,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 7200,
	.playbook = "recover_cluster",
	.params = params,
	.n_params = ARRAY_LEN(params),
	.plan = plan,
	.host_result = cluster_state_host,
	.finish = node_power_finish,
};
