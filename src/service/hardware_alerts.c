/* Owns which alerts follow from a hardware report. */
#include "base/mem.h"
#include "hardware/findings.h"
#include "service/alert.h"
#include "service/hardware.h"

struct err *hardware_alerts(struct service *svc, const struct node *node, const json_t *report)
{
	cleanup(mem_freep) char *subject = mem_printf("node/%lld", (long long)node->id);
	const struct alert_subject of = {subject, node->hostname, node->cluster_id, node->id};
	struct hardware_finding *found = mem_zalloc(hardware_findings_n * sizeof(*found));
	struct alert_answer *answers = mem_zalloc(hardware_findings_n * sizeof(*answers));

	for (size_t i = 0; i < hardware_findings_n; i++) {
		hardware_find(report, i, &found[i]);
		answers[i] =
			(struct alert_answer){.rule = (enum alert_rule_id)
						      enum_value(&alert_rule_table, found[i].name),
				.told = found[i].verdict != HARDWARE_UNTOLD,
				.wrong = found[i].verdict == HARDWARE_WRONG,
				.reason = found[i].reason,
				.members = found[i].what};
	}
	struct err *e = alert_report(svc, ALERT_OF_HARDWARE, &of, answers, hardware_findings_n);
	for (size_t i = 0; i < hardware_findings_n; i++)
		hardware_finding_done(&found[i]);
	mem_free(found);
	mem_free(answers);
	return e;
}
