/* Operation types whose playbooks act on nodes one by one and need no more than a description: one
 * row each. */
#include "base/mem.h"
#include "service/op/op_run.h"

static const struct op_param accept_key[] = {
	{.name = "accept_host_key",
		.kind = FIELD_BOOL,
		.help = "Trust the SSH host key that the node shows now, also when it differs from the one known (after a reinstallation)."},
};

const struct op_type op_node_host_key = {
	.name = "node.host_key",
	.title = "Learn the host key of %s",
	.summary =
		"Ask the node for its SSH host key and remember it. Nothing is done on the node.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 60,
	.params = accept_key,
	.n_params = ARRAY_LEN(accept_key),
};

const struct op_type op_node_test = {
	.name = "node.test",
	.title = "Test %s",
	.summary =
		"Reach the node by SSH and check sudo, operating system, architecture, Python, clock. Changes nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 300,
	.playbook = "test_node",
	.plan = op_run_set_other_nodes,
	.params = accept_key,
	.n_params = ARRAY_LEN(accept_key),
};

const struct op_type op_node_status = {
	.name = "node.status",
	.title = "Status of %s",
	.summary = "Read the state of MicroK8s and of the system. Changes nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 600,
	.playbook = "node_status",
};

const struct op_type op_node_facts = {
	.name = "node.facts",
	.title = "Read the facts of %s",
	.summary =
		"Read system, hardware, packages, MicroK8s and certificates, and keep a snapshot when something changed. Changes nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 600,
	.playbook = "node_facts",
};

static const char *const units[] = {"all", "kubelite", "k8s-dqlite", "containerd", "cluster-agent",
	"apiserver-kicker", "apiserver-proxy", "etcd", "flanneld", NULL};
static const struct op_param logs_params[] = {
	{.name = "unit",
		.kind = FIELD_TEXT,
		.def = "all",
		.choices = units,
		.help = "Service of MicroK8s, or all of them."},
	{.name = "since_s",
		.kind = FIELD_I64,
		.min = 0,
		.max = 31536000,
		.def = "0",
		.help = "Only the last so many seconds; 0: whatever the journal has."},
	{.name = "lines",
		.kind = FIELD_I64,
		.min = 1,
		.max = 10000,
		.def = "200",
		.help = "Most lines of a node, the newest ones."},
};

static struct err *plan_logs(struct service *svc, struct op_run *run)
{
	cleanup(mem_freep) char *folder = op_path(svc, run->op->id, "journal");

	op_run_set_text(run, "mko_logs_folder", folder);
	op_run_set_text(run, "mko_logs_unit", op_run_param_text(run, "unit"));
	op_run_set(run, "mko_logs_since_s", json_deep_copy(op_run_param(run, "since_s")));
	op_run_set(run, "mko_logs_lines", json_deep_copy(op_run_param(run, "lines")));
	return NULL;
}

const struct op_type op_node_logs = {
	.name = "node.logs",
	.title = "Read the journal of %s",
	.summary =
		"Fetch the newest lines of the journals of the MicroK8s services, at most 1 MiB a node. Changes nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 300,
	.playbook = "node_logs",
	.params = logs_params,
	.n_params = ARRAY_LEN(logs_params),
	.plan = plan_logs,
};
