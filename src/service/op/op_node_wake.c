/* node.wake: magic packets by mko itself and by a relay, then waiting for the machines. */
#include "base/mem.h"
#include "service/op/op_wake.h"

static struct err *plan_relay(struct service *svc, struct op_run *run, const char *relay)
{
	cleanup(mem_freep) char *hostname = NULL;
	json_t *machines = json_array();

	op_run_set(run, "mko_wake", machines);
	for (size_t i = 0; i < run->n_nodes; i++)
		if (run->nodes[i].mac_address != NULL)
			json_array_append_new(machines,
				json_pack("{s:s, s:s, s:I}", "mac", run->nodes[i].mac_address,
					"address", run->nodes[i].ip_address, "port",
					(json_int_t)run->nodes[i].ssh_port));
	struct err *e = op_run_add_helper(svc, run, relay, &hostname);
	if (e != NULL) {
		struct err *wrong = err_field(NULL, "relay", "%s", err_message(e));
		err_free(e);
		return err_hint(wrong, "mko node list");
	}
	op_run_set_text(run, "mko_relay", hostname);
	return NULL;
}

struct err *op_wake_plan(struct service *svc, struct op_run *run)
{
	const char *relay = op_run_param_text(run, "relay");

	run->wake = json_is_true(op_run_param(run, "wake"));
	return run->wake && relay != NULL ? plan_relay(svc, run, relay) : NULL;
}

static struct err *plan(struct service *svc, struct op_run *run)
{
	const json_t *wait = op_run_param(run, "wait_s");

	for (size_t i = 0; i < run->n_nodes; i++)
		if (run->nodes[i].mac_address == NULL)
			return err_hint(err_new(ERR_PRECONDITION,
						"the MAC address of node %s is not known",
						run->nodes[i].hostname),
				"mko node edit %s --mac-address aa:bb:cc:dd:ee:ff, or while it runs: mko node status %s",
				run->nodes[i].hostname, run->nodes[i].hostname);
	if (wait != NULL)
		op_run_set(run, "mko_ssh_timeout_s", json_deep_copy(wait));
	return op_wake_plan(svc, run);
}

static const struct op_param params[] = {
	WAKE_PARAMS,
	{.name = "wait_s",
		.kind = FIELD_I64,
		.min = 1,
		.max = 86400,
		.def = "600",
		.help = "Seconds to wait for the machines to answer."},
};
const struct op_type op_node_wake = {
	.name = "node.wake",
	.title = "Wake %s",
	.summary =
		"Send magic packets (Wake-on-LAN) to machines that are off, and wait until they answer.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.when_paused = true,
	.exclusive = true,
	.timeout_s = 3600,
	.playbook = "wake_nodes",
	.params = params,
	.n_params = ARRAY_LEN(params),
	.plan = plan,
};
