/* Operations that only read nodes, for checks to be made of what they read
 * (service/op/op_findings.h). */
#include <string.h>

#include "model/check/check.h"
#include "service/alert.h"
#include "service/op/op_findings.h"
#include "service/op/op_run.h"

#define FINDINGS_SHOWN 3 /* in the reason of an alert */

/* Each node tries the ports of the others of the run and of their clusters. */
static struct err *plan(struct service *svc, struct op_run *run)
{
	return op_run_set_hosts_entries(svc, run);
}

/* More than a hint, and certain. */
static bool is_wrong(const json_t *finding)
{
	const char *result = json_string_value(json_object_get(finding, "result"));
	const char *severity = json_string_value(json_object_get(finding, "severity"));

	return severity != NULL && result != NULL &&
		strcmp(severity, enum_text(&check_severity_table, CHECK_INFO)) != 0 &&
		(strcmp(result, enum_text(&check_result_table, CHECK_FAIL)) == 0 ||
			strcmp(result, enum_text(&check_result_table, CHECK_WARN)) == 0);
}

/* "n1: a certificate ends soon (MKO-DOC-004)": the first ones; they stand in the order of causes.
 */
static void add_reason(struct str *reason, const json_t *finding, size_t n)
{
	const char *host = json_string_value(json_object_get(finding, "host"));
	const char *title = json_string_value(json_object_get(finding, "title"));
	const char *code = json_string_value(json_object_get(finding, "code"));

	if (n < FINDINGS_SHOWN)
		str_addf(reason, "%s%s%s%s (%s)", n > 0 ? "; " : "", host != NULL ? host : "",
			host != NULL ? ": " : "", title, code);
}

static struct err *tell_findings(struct service *svc, const struct op_run *run, const json_t *items)
{
	cleanup(mem_freep) char *subject = mem_printf("cluster/%lld", (long long)run->cluster->id);
	const struct alert_subject of = {subject, run->cluster->name, run->cluster->id, I64_NONE};
	json_t *codes = json_array();
	struct str reason = STR_INIT;
	size_t i;
	const json_t *item;

	json_array_foreach(items, i, item) {
		if (!is_wrong(item))
			continue;
		add_reason(&reason, item, json_array_size(codes));
		json_array_append(codes, json_object_get(item, "code"));
	}
	size_t n = json_array_size(codes);
	if (n > FINDINGS_SHOWN)
		str_addf(&reason, "; and %zu more", n - FINDINGS_SHOWN);
	/* a node that was not looked at may have what was found on it before */
	const struct alert_answer answer = {.rule = ALERT_DOCTOR_FINDINGS,
		.told = n > 0 || run->op->status == OP_SUCCEEDED,
		.wrong = n > 0,
		.reason = str_get(&reason),
		.members = codes};
	struct err *e = alert_report(svc, ALERT_OF_DOCTOR, &of, &answer, 1);
	json_decref(codes);
	str_done(&reason);
	return e;
}

/* A cluster that mko has shut down is not ill. */
static struct err *finish_cluster(struct service *svc, struct op_run *run)
{
	bool looked = run->op->status == OP_SUCCEEDED || run->op->status == OP_PARTIAL;
	json_t *items = NULL;

	if (!looked || json_object_get(run->cluster->saved, "shutdown") != NULL)
		return NULL;
	TRY(op_findings(svc, run->op, true, &items));
	struct err *e = tell_findings(svc, run, items);
	json_decref(items);
	return e;
}

const struct op_type op_node_check_prerequisites = {
	.name = "node.check_prerequisites",
	.title = "Check the prerequisites of %s",
	.summary =
		"Read everything that decides whether MicroK8s can run on nodes, and try the ports from each to each. Changes nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.checks = CHECK_PREREQUISITE,
	.timeout_s = 600,
	.playbook = "check_prerequisites",
	.plan = plan,
};

const struct op_type op_node_troubleshoot = {
	.name = "node.troubleshoot",
	.title = "Troubleshoot %s",
	.summary =
		"Read the state of the system and of MicroK8s with the ends of its logs, and name the known problems. Changes nothing.",
	.target = OP_TARGET_NODE,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.checks = CHECK_DOCTOR,
	.timeout_s = 600,
	.playbook = "troubleshoot",
	.plan = plan,
};

const struct op_type op_cluster_troubleshoot = {
	.name = "cluster.troubleshoot",
	.title = "Troubleshoot cluster %s",
	.summary =
		"Read all nodes of the cluster, whether its API answers or not, and name the known problems, causes before consequences. Changes nothing.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.checks = CHECK_DOCTOR,
	.timeout_s = 600,
	.playbook = "troubleshoot",
	.plan = plan,
	.finish = finish_cluster,
};
