/* node.install: MicroK8s on a node, not yet in a cluster. */
#include "base/mem.h"
#include "service/op/op_run.h"

static const struct op_param params[] = {
	{.name = "channel",
		.kind = FIELD_TEXT,
		.check = check_channel,
		.help = "Snap channel, for example 1.32/stable. Default: of the node's cluster, else of the configuration."},
};

/* The channel: asked for, else of the cluster of the first node, else configured. */
static struct err *choose_channel(struct service *svc, struct op_run *run)
{
	struct cluster c;
	const char *asked = op_run_param_text(run, "channel");

	if (asked == NULL && run->nodes[0].cluster_id != I64_NONE) {
		TRY(store_get(svc->store, &cluster_type, run->nodes[0].cluster_id, &c));
		op_run_set_text(run, "mko_channel", c.channel);
		record_done(&cluster_type, &c);
	}
	if (json_object_get(run->vars, "mko_channel") == NULL)
		op_run_set_text(run, "mko_channel",
			asked != NULL ? asked : svc->config->microk8s_channel);
	return NULL;
}

static struct err *plan(struct service *svc, struct op_run *run)
{
	TRY(op_run_set_hosts_entries(svc, run));
	return choose_channel(svc, run);
}

const struct op_type op_node_install = {
	.name = "node.install",
	.title = "Install MicroK8s on %s",
	.summary =
		"Install MicroK8s from its channel, hold automatic refreshes, wait until it runs.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.timeout_s = 3600,
	.playbook = "install_microk8s",
	.params = params,
	.n_params = ARRAY_LEN(params),
	.plan = plan,
};
