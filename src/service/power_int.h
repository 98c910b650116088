/* Inside of the monitor of power. */
#pragma once

#include "model/health_track.h"
#include "power/engine.h"
#include "service/power.h"
#include "service/ups.h"

#define POWER_ID_SIZE 24
#define POWER_REVERSE 'r' /**< behind the number of a rule: what brings back what it took down */

/** The last word of one UPS. */
struct power_word {
	int64_t ups_id;
	bool ever;
	int64_t at; /**< when it was heard, engine time */
	struct power_reading reading;
	int64_t status;           /**< enum ups_status */
	int64_t stored;           /**< the status that its row has, -1: not known */
	int64_t alarms;           /**< power_alarms() of it */
	int64_t told;             /**< the alarms that are alerts, -1: not known */
	struct health_track plan; /**< HEALTH_DEGRADED: a rule needs more time than there is */
	char *miss;               /**< why the newest poll gave nothing, NULL: it did; owned */
};

/** The monitor. */
struct power_monitor {
	struct power_engine *engine;
	bool stopped;
	bool fresh; /**< no step was made yet */
	char *boot_id;
	int64_t versions[3]; /**< of the tables that the engine was told last */
	struct power_config config;
	struct power_links links;
	struct power_word *words;
	size_t n_words;
	struct power_effects owed; /**< what is not stored and done yet */
	bool unsaved;              /**< the state must be stored though nothing is owed */
	bool calm;
	int64_t saved_at;   /**< engine time */
	int64_t sampled_at; /**< when figures were kept, engine time */
	int64_t planned_at; /**< when it was judged whether there is time, engine time */
};

/** Commands of one step, with what they point to. Zero-initialise; power_orders_done() frees. */
struct power_orders {
	struct power_command *items;
	size_t n, cap;
	char (*ids)[POWER_ID_SIZE];
	struct power_rule_spec *rules;
	struct power_cluster_spec *clusters;
	size_t n_ids, n_rules;
};
/** Free. */
void power_orders_done(struct power_orders *orders);
/** Add a command. @id a text of POWER_ID_SIZE at most, copied; NULL = none */
struct power_command *power_order(struct power_orders *orders, enum power_command_kind kind,
	const char *id);

/** Add what changed in the store since the last step: UPSes, rules, clusters, limits.
 * Errors: of the store. */
struct err *power_follow_store(struct service *svc, struct power_orders *orders) ERR_RESULT;
/** Add how the operations of running firings ended, and clusters that are up by other means.
 * Errors: of the store. */
struct err *power_follow_operations(struct service *svc, struct power_orders *orders) ERR_RESULT;
/** Store and do what is owed, and the state, in one transaction. Errors: of the store; all is still
 * owed then. */
struct err *power_settle(struct service *svc) ERR_RESULT;
/** Write the state. In a transaction. */
struct err *power_save(struct service *svc) ERR_RESULT;
/** Carry out a firing that moved: its row, its rule, its operation. In a transaction. */
struct err *power_carry_out(struct service *svc, const struct power_effect *effect) ERR_RESULT;
/** Stop the operation of a firing. In a transaction. */
struct err *power_stop_further(struct service *svc, const struct power_effect *effect) ERR_RESULT;
/** What an alert is to be about, a bit each; -1: nothing can be said yet. Status and reading of the
 * word are those of now, its alarms those of before. */
int64_t power_alarms(const struct power_monitor *m, const struct power_word *word);
/** Make the alerts of a UPS what its alarms are. In a transaction. */
struct err *power_alert_ups(struct service *svc, const struct power_word *word,
	const struct ups_device *ups) ERR_RESULT;
/** A firing moved: it has failed, has ended well, or is to be told. In a transaction. */
struct err *power_alert_rule(struct service *svc, const struct ups_firing *firing,
	const struct ups_rule *rule) ERR_RESULT;
/** What rules of a UPS have told is over. In a transaction. */
struct err *power_forget_notices(struct service *svc, int64_t ups_id) ERR_RESULT;
/** The last word of a UPS, NULL when it is not watched. */
struct power_word *power_word_of(const struct power_monitor *m, int64_t ups_id);
/** Operation type of an action, NULL: it has none. */
const char *power_operation_of(int64_t action);
/** The least runtime in seconds at which a rule that waits must begin: its delay, the longest time
 * of the newest runs of its action and a quarter, and 30 s. Errors: of the store. */
struct err *power_lead_s(struct service *svc, const struct ups_rule *rule,
	int64_t *ret_s) ERR_RESULT;
/** What the rules of a UPS need and have: [{rule, cluster, action, needs_s, runs, has_s, fits,
 * starts_at_runtime_s}], null = not known. @ret_plan owned. Errors: of the store. */
struct err *power_plan_json(struct service *svc, int64_t ups_id, json_t **ret_plan) ERR_RESULT;
/** Take into word->plan whether there is time now. Errors: of the store. */
struct err *power_plan_judge(struct service *svc, struct power_word *word) ERR_RESULT;
/** "7" for 7. */
void power_id(char text[static POWER_ID_SIZE], int64_t id);
/** UTC of a time of the engine; I64_NONE stays. */
int64_t power_utc(const struct service *svc, int64_t engine_ms);
