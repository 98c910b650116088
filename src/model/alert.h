/* Alerts: what is not well and somebody should know, from the moment it is certain until it is
 * over. CONTRACT.md section 4. */
#pragma once

#include "model/record.h"

/** Life of an alert. */
enum alert_state {
	ALERT_FIRING,
	ALERT_ACKNOWLEDGED, /**< somebody has taken it */
	ALERT_RESOLVED
};
extern const struct enum_table alert_state_table;
/** How much it matters. The worse, the higher. */
enum alert_severity { ALERT_INFO, ALERT_WARNING, ALERT_CRITICAL };
extern const struct enum_table alert_severity_table;

/** What an alert is about; the rows of the table in alert.c. */
enum alert_rule_id {
	ALERT_NETWORK_DOWN,
	ALERT_CLUSTER_DOWN,
	ALERT_CLUSTER_AT_RISK,
	ALERT_NODE_DOWN,
	ALERT_NODE_DEGRADED,
	ALERT_DISK_FAILING,
	ALERT_RAID_DEGRADED,
	ALERT_FILESYSTEM_FULL,
	ALERT_UNDERVOLTAGE,
	ALERT_DOCTOR_FINDINGS,
	ALERT_NODE_FLAPPING,
	ALERT_CERTIFICATE_ENDS,
	ALERT_UPS_ON_BATTERY,
	ALERT_UPS_BATTERY_LOW,
	ALERT_UPS_NO_CONTACT,
	ALERT_UPS_REPLACE_BATTERY,
	ALERT_POWER_RULE_FAILED,
	ALERT_POWER_NOTICE,
	ALERT_POWER_PLAN_SHORT,
	ALERT_RULE_N_
};
/** Who judges whether an alert goes on. */
enum alert_source {
	ALERT_OF_HEALTH,   /**< each round of health checks */
	ALERT_OF_HARDWARE, /**< each hardware report */
	ALERT_OF_DOCTOR,   /**< each look of the doctor at a cluster */
	ALERT_OF_POWER     /**< each word of a UPS, and each end of a power rule */
};
/** A rule as data. */
struct alert_rule {
	const char *name; /**< "node_down" */
	enum alert_severity severity;
	const char *title; /**< "Node %s is down": %s is the subject's name */
	const char *next;  /**< what to type next; %s is the subject's name */
	const char *help;  /**< when it fires, for people */
	enum alert_source source;
};
extern const struct alert_rule alert_rules[ALERT_RULE_N_];
extern const struct enum_table alert_rule_table;

/** A row of `alerts`. */
struct alert {
	int64_t id;
	int64_t rule; /**< enum alert_rule_id */
	int64_t severity;
	int64_t state;
	char *subject; /**< "node/3", "cluster/1", "network/10.0.0.0/24" */
	char *name;    /**< of the subject, for people */
	int64_t cluster_id;
	int64_t node_id;
	char *title;
	char *reason;
	json_t *members; /**< names of what it speaks for, array of texts */
	int64_t since;   /**< when the condition began */
	int64_t fired_at;
	char *acknowledged_by;
	int64_t acknowledged_at;
	int64_t silenced_until; /**< I64_NONE: not silenced */
	char *silenced_by;
	int64_t resolved_at;
	int64_t updated_at;
};
extern const struct record_type alert_type;
