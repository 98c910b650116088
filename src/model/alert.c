/* Owns the table of alerts and the table of what they are about. */
#include "model/alert.h"

#include "base/mem.h"

static const char *const state_texts[] = {"firing", "acknowledged", "resolved", NULL};
const struct enum_table alert_state_table = {"alert_state", state_texts};
static const char *const severity_texts[] = {"info", "warning", "critical", NULL};
const struct enum_table alert_severity_table = {"alert_severity", severity_texts};

const struct alert_rule alert_rules[ALERT_RULE_N_] = {
	[ALERT_NETWORK_DOWN] = {"network_down", ALERT_CRITICAL, "Network %s is silent",
		"look at its switch, its cable and its power",
		"Three or more machines of one network, and at least half of those that are known there, do not answer: one alert for all of them."},
	[ALERT_CLUSTER_DOWN] = {"cluster_down", ALERT_CRITICAL, "Cluster %s is down",
		"mko doctor --cluster %s",
		"No API of a control plane is ready: it is off, or its datastore has lost its quorum."},
	[ALERT_CLUSTER_AT_RISK] = {"cluster_at_risk", ALERT_WARNING,
		"Cluster %s can lose no voter more", "mko cluster status %s",
		"It works, and the loss of one more voter stops it."},
	[ALERT_NODE_DOWN] = {"node_down", ALERT_CRITICAL, "Node %s is down", "mko node test %s",
		"It answers neither SSH nor MicroK8s."},
	[ALERT_NODE_DEGRADED] = {"node_degraded", ALERT_WARNING, "Node %s is not well",
		"mko doctor --node %s",
		"It answers, but something on it does not work as it should."},
	[ALERT_DISK_FAILING] = {"disk_failing", ALERT_CRITICAL, "A disk of node %s is failing",
		"mko hardware show %s    (then: back up, and replace it)",
		"A disk says of itself that it fails, has sectors that it cannot read, or is worn out.",
		ALERT_OF_HARDWARE},
	[ALERT_RAID_DEGRADED] = {"raid_degraded", ALERT_CRITICAL, "A RAID of node %s is degraded",
		"mko hardware show %s    (which member is missing)",
		"An array works without one of its members: the next loss takes the data.",
		ALERT_OF_HARDWARE},
	[ALERT_FILESYSTEM_FULL] = {"filesystem_full", ALERT_WARNING,
		"A file system of node %s is nearly full", "mko doctor --node %s",
		"More than 85 % of a file system is used: soon Kubernetes evicts pods.",
		ALERT_OF_HARDWARE},
	[ALERT_UNDERVOLTAGE] = {"undervoltage", ALERT_WARNING, "Node %s gets too little voltage",
		"give it a power supply and a cable of its own, as its maker says",
		"A Raspberry Pi saw too little voltage since it was booted: it becomes slow, and SD cards break.",
		ALERT_OF_HARDWARE},
	[ALERT_DOCTOR_FINDINGS] = {"doctor_findings", ALERT_WARNING,
		"The doctor has found something in cluster %s", "mko cluster troubleshoot %s",
		"The last look of the doctor at a cluster has findings that are more than hints: certificates that end, a disk that fills, a clock, a refresh that is not held, members that are lost.",
		ALERT_OF_DOCTOR},
};
static const char *const rule_texts[] = {"network_down", "cluster_down", "cluster_at_risk",
	"node_down", "node_degraded", "disk_failing", "raid_degraded", "filesystem_full",
	"undervoltage", "doctor_findings", NULL};
const struct enum_table alert_rule_table = {"alert_rule", rule_texts};

#define S struct alert
static const struct field fields[] = {
	ROW_I64(S, id, FIELD_FIND, .help = "Number of the alert, never reused."),
	ROW_ENUM(S, rule, FIELD_FIND, .choices = &alert_rule_table, .def = "node_down",
		.help = "What it is about."),
	ROW_ENUM(S, severity, FIELD_FIND, .choices = &alert_severity_table, .def = "warning",
		.help = "How much it matters."),
	ROW_ENUM(S, state, FIELD_FIND, .choices = &alert_state_table, .def = "firing",
		.help = "Whether it goes on."),
	ROW_TEXT(S, subject, FIELD_FIND, .max = 300,
		.help = "Of what: node/ID, cluster/ID or network/ADDRESS."),
	ROW_TEXT(S, name, FIELD_FIND | FIELD_SEARCH, .max = 253, .help = "Its name."),
	ROW_I64(S, cluster_id, FIELD_FIND, .help = "Number of the cluster that it concerns."),
	ROW_I64(S, node_id, FIELD_FIND, .help = "Number of the node that it concerns."),
	ROW_TEXT(S, title, FIELD_SEARCH, .max = 400, .help = "What it is, in a line."),
	ROW_TEXT(S, reason, FIELD_SEARCH, .max = 4096, .help = "How it shows itself."),
	ROW_JSON(S, members, 0, .check_json = check_json_list, .def = "[]", .max = 100000,
		.help = "Names of the nodes that it speaks for."),
	ROW_TIME(S, since, FIELD_FIND, .help = "When it began."),
	ROW_TIME(S, fired_at, FIELD_FIND, .help = "When it was certain."),
	ROW_TEXT(S, acknowledged_by, FIELD_FIND, .help = "Who has taken it."),
	ROW_TIME(S, acknowledged_at, FIELD_FIND, .help = "When it was taken."),
	ROW_TIME(S, silenced_until, FIELD_FIND, .help = "Until when nobody is told of it."),
	ROW_TEXT(S, silenced_by, FIELD_FIND, .help = "Who silenced it."),
	ROW_TIME(S, resolved_at, FIELD_FIND, .help = "When it was over."),
	ROW_TIME(S, updated_at, FIELD_FIND, .help = "When it last changed."),
};

const struct record_type alert_type = {
	.name = "alert",
	.table = "alerts",
	.size = sizeof(struct alert),
	.key = NULL,
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
	.scope = "cluster_id",
};
