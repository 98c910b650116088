/* Care of nodes that are members of a cluster: cordon, drain, reboot, power off; and the rolling
 * reboot of a cluster. */
#include <string.h>

#include "base/mem.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_int.h"

/* What a parameter is called in the playbook. */
static const char *const vars[][2] = {
	{"drain_timeout_s", "mko_drain_timeout_s"},
	{"delete_timeout_s", "mko_delete_timeout_s"},
	{"delete_emptydir_data", "mko_delete_emptydir_data"},
	{"delete_bare_pods", "mko_delete_bare_pods"},
	{"drain", "mko_drain"},
	{"boot_timeout_s", "mko_boot_timeout_s"},
	{"allow_quorum_loss", "mko_allow_quorum_loss"},
};

static struct err *check_members(const struct op_run *run)
{
	for (size_t i = 0; i < run->n_nodes; i++)
		if (run->nodes[i].cluster_id == I64_NONE)
			return err_hint(err_new(ERR_PRECONDITION, "node %s is in no cluster",
						run->nodes[i].hostname),
				"mko node edit %s --cluster-id CLUSTER", run->nodes[i].hostname);
	return NULL;
}

static void set_vars(struct op_run *run)
{
	for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
		const json_t *value = op_run_param(run, vars[i][0]);
		if (value != NULL)
			op_run_set(run, vars[i][1], json_deep_copy(value));
	}
}

static struct err *plan_care(struct service *svc, struct op_run *run)
{
	TRY(check_members(run));
	set_vars(run);
	return op_run_add_helpers(svc, run);
}

static struct err *plan_uncordon(struct service *svc, struct op_run *run)
{
	op_run_set_text(run, "mko_state", "uncordoned");
	return plan_care(svc, run);
}

const struct op_type op_node_cordon = {
	.name = "node.cordon",
	.title = "Cordon %s",
	.summary = "Close nodes for new pods; those that run there stay.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 600,
	.playbook = "cordon_nodes",
	.plan = plan_care,
};

const struct op_type op_node_uncordon = {
	.name = "node.uncordon",
	.title = "Uncordon %s",
	.summary = "Open nodes for pods again, whoever closed them.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 600,
	.playbook = "cordon_nodes",
	.plan = plan_uncordon,
};

#define DRAIN_PARAMS                                                                                                                       \
	{.name = "drain_timeout_s",                                                                                                        \
		.kind = FIELD_I64,                                                                                                         \
		.min = 1,                                                                                                                  \
		.max = 86400,                                                                                                              \
		.def = "300",                                                                                                              \
		.help = "Seconds in which the pods are evicted, as disruption budgets allow."},                                            \
		{.name = "delete_timeout_s",                                                                                               \
			.kind = FIELD_I64,                                                                                                 \
			.min = 0,                                                                                                          \
			.max = 86400,                                                                                                      \
			.def = "0",                                                                                                        \
			.help = "Seconds in which pods that stay are then deleted with their grace, whatever a budget says; 0: none is."}, \
		{.name = "delete_emptydir_data",                                                                                           \
			.kind = FIELD_BOOL,                                                                                                \
			.def = "false",                                                                                                    \
			.help = "Move pods with scratch data (emptyDir) too; the data is lost."},                                          \
	{                                                                                                                                  \
		.name = "delete_bare_pods", .kind = FIELD_BOOL, .def = "false",                                                            \
		.help = "End pods too that no controller brings back."                                                                     \
	}

static const struct op_param drain_params[] = {DRAIN_PARAMS, OP_PARAM_ALLOW_QUORUM_LOSS};
const struct op_type op_node_drain = {
	.name = "node.drain",
	.title = "Drain %s",
	.summary =
		"Close nodes and move their pods away; opens them again and says which pods stay, and why, when it cannot.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_EACH,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 3600,
	.playbook = "drain_nodes",
	.params = drain_params,
	.n_params = ARRAY_LEN(drain_params),
	.plan = plan_care,
};

/* Workers, control planes without a vote, voters, the leader. */
static int rank(const json_t *scan, const struct node *node)
{
	const char *leader = json_string_value(json_object_get(scan, "leader"));
	size_t len = strlen(node->ip_address);

	if (node->role != NODE_ROLE_CONTROL_PLANE)
		return 0;
	if (leader != NULL && strncmp(leader, node->ip_address, len) == 0 && leader[len] == ':')
		return 3;
	return quorum_votes(scan, node) ? 2 : 1;
}

/* A stable sort: there are few ranks. */
static void order_nodes(struct op_run *run, const json_t *scan)
{
	struct node *ordered = mem_zalloc((run->n_nodes + 1) * sizeof(*ordered));
	size_t n = 0;

	for (int wanted = 0; wanted <= 3; wanted++)
		for (size_t i = 0; i < run->n_nodes; i++)
			if (rank(scan, &run->nodes[i]) == wanted)
				ordered[n++] = run->nodes[i];
	mem_free(run->nodes);
	run->nodes = ordered;
}

static struct err *plan_reboot(struct service *svc, struct op_run *run)
{
	struct cluster c;

	TRY(plan_care(svc, run));
	if (run->cluster != NULL) {
		order_nodes(run, run->cluster->scan);
		return NULL;
	}
	TRY(store_get(svc->store, &cluster_type, run->nodes[0].cluster_id, &c));
	order_nodes(run, c.scan);
	record_done(&cluster_type, &c);
	return NULL;
}

static struct err *plan_power_off(struct service *svc, struct op_run *run)
{
	op_run_set_text(run, "mko_power", "off");
	return plan_reboot(svc, run);
}

#define REBOOT_PARAMS                                                                              \
	DRAIN_PARAMS,                                                                              \
		{.name = "drain",                                                                  \
			.kind = FIELD_BOOL,                                                        \
			.def = "true",                                                             \
			.help = "Move the pods away first."},                                      \
		OP_PARAM_ALLOW_QUORUM_LOSS

#define BOOT_PARAM                                                                                 \
	{                                                                                          \
		.name = "boot_timeout_s", .kind = FIELD_I64, .min = 10, .max = 86400,              \
		.def = "900", .help = "Seconds for the machine to come back."                      \
	}

/* What a worker is told that has lost its control planes. */
static struct err *set_control_planes(struct service *svc, struct op_run *run)
{
	struct store_query q = {.sort = "id"};
	struct store_rows rows = {0};
	json_t *planes = json_array();

	store_where_number(&q, "cluster_id", STORE_EQ, run->nodes[0].cluster_id);
	store_where_number(&q, "role", STORE_EQ, NODE_ROLE_CONTROL_PLANE);
	struct err *e = store_list(svc->store, &node_type, &q, &rows);
	for (size_t i = 0; i < rows.n; i++) {
		const struct node *plane = store_row(&rows, i);
		json_array_append_new(planes, json_string(plane->ip_address));
	}
	store_rows_done(&rows);
	op_run_set(run, "mko_control_planes", planes);
	return e;
}

static struct err *plan_restart(struct service *svc, struct op_run *run)
{
	op_run_set_text(run, "mko_power", "restart");
	TRY(plan_reboot(svc, run));
	return set_control_planes(svc, run);
}

static const struct op_param restart_params[] = {REBOOT_PARAMS};
const struct op_type op_node_restart = {
	.name = "node.restart",
	.title = "Restart MicroK8s on %s",
	.summary =
		"Drain, stop MicroK8s with all its containers, start it and open the node again, one node after the other; the machines stay on.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_EACH,
	.exclusive = true,
	.timeout_s = 7200,
	.playbook = "reboot_nodes",
	.params = restart_params,
	.n_params = ARRAY_LEN(restart_params),
	.plan = plan_restart,
};

static const struct op_param reboot_params[] = {REBOOT_PARAMS, BOOT_PARAM};
const struct op_type op_node_reboot = {
	.name = "node.reboot",
	.title = "Reboot %s",
	.summary =
		"Drain, stop, reboot and open again, one node after the other; stops at the first that does not come back.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_EACH,
	.exclusive = true,
	.timeout_s = 14400,
	.playbook = "reboot_nodes",
	.params = reboot_params,
	.n_params = ARRAY_LEN(reboot_params),
	.plan = plan_reboot,
};

static const struct op_param power_off_params[] = {REBOOT_PARAMS};
const struct op_type op_node_power_off = {
	.name = "node.power_off",
	.title = "Power off %s",
	.summary = "Drain and stop nodes and power off their machines; they stay cordoned.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_TOGETHER,
	.exclusive = true,
	.timeout_s = 7200,
	.playbook = "reboot_nodes",
	.params = power_off_params,
	.n_params = ARRAY_LEN(power_off_params),
	.plan = plan_power_off,
	.finish = node_power_finish,
};

const struct op_type op_cluster_reboot = {
	.name = "cluster.reboot",
	.title = "Reboot the nodes of cluster %s",
	.summary =
		"Reboot all nodes one by one, workers first, the leader last; goes on only while the cluster is healthy.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_EACH,
	.exclusive = true,
	.timeout_s = 43200,
	.playbook = "reboot_nodes",
	.params = reboot_params,
	.n_params = ARRAY_LEN(reboot_params),
	.plan = plan_reboot,
};
