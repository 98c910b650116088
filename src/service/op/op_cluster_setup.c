/* cluster.setup: from nodes to a running cluster; run again, it finishes what is missing and
 * changes nothing else. */
#include <string.h>

#include "base/mem.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

#define HA_CONTROL_PLANES 3

static const struct op_param params[] = {
	{.name = "channel",
		.kind = FIELD_TEXT,
		.check = check_channel,
		.help = "Snap channel, for example 1.32/stable. Default: of the cluster, else of the configuration."},
};

/* The first nodes without a role become control planes until there are enough, the others workers.
 */
static size_t decide_roles(struct op_run *run)
{
	size_t wanted = run->cluster->ha_enabled ? HA_CONTROL_PLANES : 1;
	size_t planes = 0;

	for (size_t i = 0; i < run->n_nodes; i++)
		planes += run->nodes[i].role == NODE_ROLE_CONTROL_PLANE;
	for (size_t i = 0; i < run->n_nodes; i++) {
		struct node *node = &run->nodes[i];
		if (node->role != NODE_ROLE_NONE)
			continue;
		node->role = planes < wanted ? NODE_ROLE_CONTROL_PLANE : NODE_ROLE_WORKER;
		planes += node->role == NODE_ROLE_CONTROL_PLANE;
	}
	return planes;
}

/* Control planes first, each kind in the order of IDs. */
static void order_nodes(struct op_run *run)
{
	struct node *ordered = mem_zalloc(run->n_nodes * sizeof(*ordered));
	size_t n = 0;

	for (int worker = 0; worker <= 1; worker++)
		for (size_t i = 0; i < run->n_nodes; i++)
			if ((run->nodes[i].role == NODE_ROLE_WORKER) == worker)
				ordered[n++] = run->nodes[i];
	mem_free(run->nodes);
	run->nodes = ordered;
}

static struct err *check_planes(const struct op_run *run, size_t planes)
{
	const char *name = run->cluster->name;

	if (planes == 0)
		return err_hint(err_new(ERR_PRECONDITION, "cluster %s has workers only", name),
			"mko node edit NODE --role control_plane");
	if (run->cluster->ha_enabled && planes < HA_CONTROL_PLANES)
		return err_hint(
			err_new(ERR_PRECONDITION,
				"high availability needs %d control planes; cluster %s can have %zu",
				HA_CONTROL_PLANES, name, planes),
			"add nodes, or: mko cluster edit %s --no-ha", name);
	return NULL;
}

static struct err *plan(struct service *svc, struct op_run *run)
{
	const struct cluster *c = run->cluster;
	const char *channel = op_run_param_text(run, "channel");
	size_t planes = decide_roles(run);

	TRY(check_planes(run, planes));
	order_nodes(run);
	if (channel == NULL)
		channel = c->channel != NULL ? c->channel : svc->config->microk8s_channel;
	op_run_set_text(run, "mko_cluster_name", c->name);
	op_run_set_text(run, "mko_channel", channel);
	op_run_set_text(run, "mko_network_cidr", c->network_cidr);
	op_run_set_text(run, "mko_service_cidr", c->service_cidr);
	op_run_set(run, "mko_ha", json_boolean(c->ha_enabled));
	op_run_set(run, "mko_addons", c->addons != NULL ? json_deep_copy(c->addons) : json_array());
	op_run_set(run, "mko_addon_timeout_s", json_integer(svc->config->microk8s_addon_timeout_s));
	op_run_set(run, "mko_join_token_ttl_s",
		json_integer(svc->config->microk8s_join_token_ttl_s));
	TRY(op_run_set_hosts_entries(svc, run));
	return op_run_set_other_nodes(svc, run);
}

const struct op_type op_cluster_setup = {
	.name = "cluster.setup",
	.title = "Set up cluster %s",
	.summary =
		"Install MicroK8s on all nodes and join them to one cluster; finishes an interrupted set-up; changes nothing when done.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.timeout_s = 7200,
	.playbook = "setup_cluster",
	.params = params,
	.n_params = ARRAY_LEN(params),
	.plan = plan,
	.host_result = cluster_state_host,
	.secret = cluster_state_secret,
	.finish = cluster_state_finish,
};
