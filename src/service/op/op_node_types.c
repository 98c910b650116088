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
