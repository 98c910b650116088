/* Owns which alerts follow from a hardware report. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "hardware/findings.h"
#include "service/alert.h"
#include "service/hardware.h"

/* What a report answered. */
struct answers {
	int64_t node_id;
	bool told[ALERT_RULE_N_]; /* of each rule whether the report says anything */
};

/* An alert of another node, or of what this report does not tell, goes on. */
static bool keep(const void *user, const struct alert *a)
{
	const struct answers *answers = user;

	return a->node_id != answers->node_id || !answers->told[a->rule];
}

static void add_want(struct alert_plan *plan, const struct node *node, int64_t now,
	const struct hardware_finding *f)
{
	struct alert_want *w = &plan->wants[plan->n++];

	*w = (struct alert_want){.rule = (enum alert_rule_id)enum_value(&alert_rule_table, f->name),
		.subject = mem_printf("node/%lld", (long long)node->id),
		.name = mem_strdup(node->hostname),
		.reason = mem_strdup(f->reason),
		.cluster_id = node->cluster_id,
		.node_id = node->id,
		.since = now,
		.members = json_incref(f->what)};
}

struct err *hardware_alerts(struct service *svc, const struct node *node, const json_t *report)
{
	struct answers answers = {.node_id = node->id};
	const struct alert_keep stay = {keep, &answers};
	struct alert_plan plan = {
		.wants = mem_zalloc(hardware_findings_n * sizeof(struct alert_want))};

	for (size_t i = 0; i < hardware_findings_n; i++) {
		struct hardware_finding f;
		hardware_find(report, i, &f);
		answers.told[enum_value(&alert_rule_table, f.name)] = f.verdict != HARDWARE_UNTOLD;
		if (f.verdict == HARDWARE_WRONG)
			add_want(&plan, node, clock_utc(svc->clock), &f);
		hardware_finding_done(&f);
	}
	struct err *e = alert_sync(svc, ALERT_OF_HARDWARE, &plan, &stay);
	alert_plan_done(&plan);
	return e;
}
