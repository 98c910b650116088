/* UPSes, the rules that link them to clusters, and what happened: events of a UPS, firings of a
 * rule. What a UPS says right now is not stored: service/power.h keeps it. */
#pragma once

#include "model/power.h"
#include "model/record.h"

/** What is known of a UPS. */
enum ups_status {
	UPS_UNKNOWN, /**< nothing was ever heard */
	UPS_ONLINE,
	UPS_ON_BATTERY,
	UPS_NO_CONTACT /**< silent for too long */
};
extern const struct enum_table ups_status_table;

/** What happens when the action of a rule has failed for good. */
enum ups_on_fail { UPS_FAIL_ALERT, UPS_FAIL_ESCALATE };
extern const struct enum_table ups_on_fail_table;

/** A row of `ups`: a UPS that a upsd serves. */
struct ups_device {
	int64_t id;
	char *name;
	char *description;
	char *nut_host;
	int64_t nut_port;
	char *nut_name; /**< its name there */
	char *nut_username;
	char *nut_password; /**< sealed, hidden */
	char *nut_tls_ca;   /**< file of a CA: TLS, verified by it */
	char *nut_tls_pin;  /**< SHA-256 of the certificate in hex: TLS, pinned */
	bool enabled;
	int64_t status;
	int64_t status_since;
	int64_t created_at;
	int64_t updated_at;
};
extern const struct record_type ups_device_type;
/** A text that names the machine of a upsd: address or host name. Errors: ERR_INVALID. */
struct err *ups_check_host(const char *text) ERR_RESULT;

/** A row of `ups_cluster_rules`. */
struct ups_rule {
	int64_t id;
	char *name;
	char *description;
	int64_t ups_id;
	int64_t cluster_id; /**< I64_NONE: only of rules that notify */
	int64_t power_event;
	int64_t cluster_action;
	bool enabled;
	int64_t priority;
	int64_t battery_threshold; /**< percent, I64_NONE */
	int64_t runtime_threshold; /**< seconds, I64_NONE */
	int64_t action_delay;      /**< seconds */
	int64_t action_timeout;    /**< seconds, 0 = none */
	int64_t min_charge;        /**< percent, I64_NONE = the action's default */
	int64_t stable_s;          /**< I64_NONE = the action's default */
	int64_t retries;
	int64_t on_fail;
	bool auto_reverse, cancel_on_restore, abort_on_restore, dry_run, power_off;
	char *workflow; /**< runs instead of the action's own operation */
	char *owner;    /**< who changed it last */
	int64_t state;  /**< enum power_state of its newest firing; ARMED: none is open */
	int64_t fired;  /**< times that its action was started */
	int64_t last_fired_at;
	int64_t last_operation_id;
	char *last_outcome;
	int64_t created_at;
	int64_t updated_at;
	bool just_in_time; /**< begins when the battery lasts just long enough, not at once */
};
extern const struct record_type ups_rule_type;

/** A row of `ups_events`. */
struct ups_event {
	int64_t id;
	int64_t at;
	int64_t ups_id;
	char *ups_name;
	int64_t event;   /**< enum power_event */
	int64_t reason;  /**< enum power_reason */
	int64_t since;   /**< when the condition began, I64_NONE */
	int64_t episode; /**< number of the outage */
	char *status;    /**< as the UPS told it */
	int64_t charge;  /**< percent, I64_NONE */
	int64_t runtime; /**< seconds, I64_NONE */
};
extern const struct record_type ups_event_type;

/** A row of `ups_firings`: one firing of one rule, from pending to its end. */
struct ups_firing {
	int64_t id;
	int64_t rule_id;
	char *rule_name;
	int64_t ups_id;
	int64_t cluster_id;
	char *engine_id; /**< the rule as the engine knows it: its number, or "7r", its reverse */
	int64_t episode; /**< number of the outage */
	int64_t action;  /**< enum power_action */
	int64_t state;   /**< enum power_state */
	int64_t reason;  /**< enum power_reason */
	int64_t attempt; /**< of its operation, 1 = first */
	int64_t operation_id;
	char *error; /**< why its operation could not be asked for */
	bool dry_run;
	int64_t due_at; /**< when its delay ends */
	int64_t started_at;
	int64_t finished_at;
	int64_t created_at;
};
extern const struct record_type ups_firing_type;

/** The one row of `power_state`: what the rule engine remembers. */
struct power_memory {
	int64_t id;
	bool stopped;   /**< the monitor was stopped by a person */
	char *boot_id;  /**< of the machine when it was written */
	int64_t at;     /**< UTC when it was written */
	json_t *engine; /**< power_engine_save() */
};
extern const struct record_type power_memory_type;
