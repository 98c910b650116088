/* node.hardware: one shell script on all nodes at once; what it printed lies in the operation's
 * folder and becomes a report of each node. */
#include "base/fs.h"
#include "base/mem.h"
#include "hardware/report.h"
#include "service/hardware.h"
#include "service/op/op.h"
#include "service/op/op_run.h"

static struct err *plan(struct service *svc, struct op_run *run)
{
	cleanup(mem_freep) char *folder = op_path(svc, run->op->id, "hardware");

	op_run_set_text(run, "mko_hardware_folder", folder);
	return NULL;
}

static struct err *read_report(struct service *svc, const struct op_run *run,
	const struct node *node, json_t **ret_report)
{
	cleanup(mem_freep) char *folder = op_path(svc, run->op->id, "hardware");
	cleanup(mem_freep) char *path = fs_join(folder, node->hostname);
	cleanup(mem_freep) char *text = NULL;
	size_t len = 0;

	TRY(fs_read(path, HARDWARE_TEXT_MAX, &text, &len));
	return hardware_report(text, len, ret_report);
}

/* A report that cannot be read is told with its host; the others are kept. */
static struct err *host_result(struct service *svc, struct op_run *run, struct node *node,
	const json_t *data)
{
	json_t *report = NULL;

	if (json_object_get(data, "hardware") == NULL)
		return NULL;
	TRY_WRAP(read_report(svc, run, node, &report), "hardware of %s", node->hostname);
	struct err *e = hardware_alerts(svc, node, report);
	if (e != NULL)
		json_decref(report);
	return e != NULL ? e : hardware_take(svc, node->id, run->op->id, report);
}

/* The newest report gets what changes by itself. */
static struct err *usage_result(struct service *svc, struct op_run *run, struct node *node,
	const json_t *data)
{
	json_t *usage = NULL;

	if (json_object_get(data, "hardware") == NULL)
		return NULL;
	TRY_WRAP(read_report(svc, run, node, &usage), "usage of %s", node->hostname);
	struct err *e = hardware_alerts(svc, node, usage);
	if (e == NULL)
		e = hardware_refresh(svc, node->id, usage);
	json_decref(usage);
	return e;
}

const struct op_type op_node_usage = {
	.name = "node.usage",
	.title = "Read the usage of %s",
	.summary =
		"Read the use of processors, memory, file systems and sensors now, and put it into the newest hardware report. Changes nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 300,
	.playbook = "read_usage",
	.plan = plan,
	.host_result = usage_result,
};

const struct op_type op_node_hardware = {
	.name = "node.hardware",
	.title = "Read the hardware of %s",
	.summary =
		"Read processors, memory, disks, networks, cards and sensors with a shell script. Changes nothing, installs nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 900,
	.playbook = "collect_hardware",
	.plan = plan,
	.host_result = host_result,
};
