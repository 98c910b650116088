/* The rule engine of power: what the UPSes say goes in, what is to be done comes out. One pure
 * function, power_step(): no clock, no I/O, no store; the same state and input give the same
 * output. Time is milliseconds of a clock that only runs forward (CLOCK_BOOTTIME). The caller
 * stores the state before it does what the effects say. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "model/power.h"
#include "power/token.h"

#define POWER_NAME_SIZE 64
#define POWER_IDENTITY_SIZE 192
#define POWER_UPS_MAX 64
#define POWER_RULES_MAX 256
#define POWER_CLUSTERS_MAX 64
#define POWER_FEEDS_MAX 8
#define POWER_OPENINGS_MAX 8

/** Limits of the state machines; durations in ms, charges in thousandths of a percent. */
struct power_config {
	int64_t ob_confirm, ol_confirm;
	int64_t flap_count; /**< outages within flap_window that make a UPS flapping */
	int64_t flap_window, flap_ol_confirm;
	int64_t comms_lost, comms_repeat;
	int64_t off_confirm;
	int64_t crit_charge, crit_runtime; /**< crit_runtime 0 = off */
	int64_t cal_floor, dischrg_drop;
	int64_t blind_min, blind_max;
	bool ignore_lb; /**< LB of this make of UPS means nothing */
};

/** What a UPS said in one poll. */
struct power_observation {
	const char *ups;
	bool ok;         /**< false: a miss, nothing was heard */
	int64_t tokens;  /**< enum power_token bits; without OL, OB... it is as good as a miss */
	int64_t charge;  /**< thousandths of a percent, I64_NONE */
	int64_t runtime; /**< ms, I64_NONE */
	const char *identity; /**< make, model, serial; NULL = not told */
};

/** A rule as configured. */
struct power_rule_spec {
	char id[POWER_NAME_SIZE], ups[POWER_NAME_SIZE], cluster[POWER_NAME_SIZE];
	int64_t trigger, action;             /**< enum power_trigger, enum power_action */
	int64_t charge_below, runtime_below; /**< I64_NONE = not looked at */
	int64_t delay, stable, timeout;      /**< ms; stable I64_NONE = the action's default */
	int64_t min_charge;                  /**< I64_NONE = the action's default */
	int64_t priority, retries;
	bool escalate, cancel_on_restore, abort_on_restore, dry_run, enabled;
};

/** A cluster as configured. */
struct power_cluster_spec {
	char name[POWER_NAME_SIZE];
	int64_t policy;    /**< enum power_policy */
	int64_t min_feeds; /**< with POWER_FEEDS_ALL: how many it needs, 1 = each may fail but one
			    */
	int64_t n_feeds, n_depends;
	char feeds[POWER_FEEDS_MAX][POWER_NAME_SIZE];
	char depends[POWER_FEEDS_MAX][POWER_NAME_SIZE]; /**< clusters it needs: it goes down before
							   them */
};

/** What somebody tells the engine. */
enum power_command_kind {
	POWER_SET_CONFIG,     /**< .config */
	POWER_SET_UPS,        /**< .id: watch it (once is enough) */
	POWER_REMOVE_UPS,     /**< .id */
	POWER_SET_CLUSTER,    /**< .cluster */
	POWER_REMOVE_CLUSTER, /**< .id */
	POWER_SET_RULE,       /**< .rule: new or changed */
	POWER_REMOVE_RULE,    /**< .id */
	POWER_CANCEL_RULE,    /**< .id: a person wants it not */
	POWER_REPORT_DONE,    /**< .id: the action of the rule has ended well */
	POWER_REPORT_FAILED,  /**< .id */
	POWER_REPORT_PHASE,   /**< .id, .value: 1, 2 can be undone, 3 powers off */
	POWER_CLUSTER_UP,     /**< .id: it was brought up by other means */
	POWER_MAINTENANCE,    /**< .id: cluster, .value: 1 = leave it alone */
	POWER_FSD_OURS,       /**< .id: UPS; the FSD that comes is ours */
	POWER_NEW_IDENTITY,   /**< .id: UPS; it was replaced on purpose */
	POWER_RESTARTED,      /**< the state was just loaded */
	POWER_COMMAND_N_
};
/** A command; texts and records are borrowed for the call. */
struct power_command {
	enum power_command_kind kind;
	const char *id;
	int64_t value;
	const struct power_config *config;
	const struct power_cluster_spec *cluster;
	const struct power_rule_spec *rule;
};

/** What kind of thing an effect is. */
enum power_effect_kind {
	POWER_TELL_UPS,  /**< something happened to a UPS */
	POWER_TELL_RULE, /**< a firing moved; RUNNING means: start the action; SUPERSEDED, ABORTED,
			    CANCELLED, TIMEOUT of one that ran mean: stop it */
	POWER_STOP_FURTHER, /**< the action shall command no more nodes and end */
	POWER_HOLD_WAKES,   /**< the action shall wait with more nodes (until .until is 0) */
};
/** One effect, in the order in which they happened. */
struct power_effect {
	enum power_effect_kind kind;
	char ups[POWER_NAME_SIZE];                            /**< of TELL_UPS */
	char rule[POWER_NAME_SIZE], cluster[POWER_NAME_SIZE]; /**< of the others */
	int64_t event, state, reason, action;
	int64_t until;   /**< ms, I64_NONE */
	int64_t since;   /**< ms, I64_NONE */
	int64_t episode; /**< with the rule's ID names the firing */
	int64_t attempt; /**< 1 = first */
	bool was_running, dry_run;
};
/** A list of effects; zero-initialise, power_effects_done() frees. */
struct power_effects {
	struct power_effect *items;
	size_t n, cap;
};
/** Free. */
void power_effects_done(struct power_effects *effects);

/** The whole state; opaque. */
struct power_engine;

/** An empty engine with the default limits; power_engine_free() frees. */
struct power_engine *power_engine_new(void);
/** Free; NULL is fine. */
void power_engine_free(struct power_engine *engine);
/** Free and clear for `cleanup(power_engine_freep)`. */
void power_engine_freep(struct power_engine **engine);

/** What goes into one step. */
struct power_input {
	int64_t now; /**< ms, never less than in the step before */
	const struct power_observation *observations;
	size_t n_observations;
	const struct power_command *commands;
	size_t n_commands;
};
/** One tick. Changes the state and appends to ret_effects what is to be done, in order. A gap of
 * more than 10 s since the last step is handled as a restart. Commands that name what is not there
 * are left out. Any thread that owns the engine. */
void power_step(struct power_engine *engine, const struct power_input *input,
	struct power_effects *ret_effects);

/** The state as JSON, owned. power_engine_load() of it goes on exactly as this one would. */
json_t *power_engine_save(const struct power_engine *engine);
/** Read a state. Errors: ERR_INVALID when it is none of ours. */
struct err *power_engine_load(const json_t *json, struct power_engine **ret_engine) ERR_RESULT;
/** Move all times of a state: after a boot the clock begins anew. @by_ms is added to each */
void power_engine_shift(struct power_engine *engine, int64_t by_ms);
/** Time of the last step, I64_NONE when there was none. */
int64_t power_engine_last(const struct power_engine *engine);

/** What the engine thinks of a UPS; times as in power_step(), I64_NONE = never. */
struct power_ups_view {
	enum { POWER_LINE_UNKNOWN, POWER_LINE_ONLINE, POWER_LINE_ONBATT } line; /**< confirmed */
	bool lost, off, fsd, blind, flapping;
	bool outage;          /**< an outage is open: mains is not back for good yet */
	int64_t last_sample;  /**< when it was last heard */
	int64_t battery_from; /**< first sample on battery of what is going on */
	int64_t mains_from;   /**< since when it says mains without a break */
	int64_t episode;
};
/** What the engine thinks of a UPS. Returns false when it does not know it. */
bool power_engine_ups(const struct power_engine *engine, const char *name,
	struct power_ups_view *ret);
/** Where a rule stands. */
struct power_rule_view {
	int64_t state;    /**< ARMED, PENDING, RUNNING */
	int64_t since;    /**< when its event began, I64_NONE */
	int64_t deadline; /**< of PENDING, I64_NONE */
	bool held;    /**< past its deadline, and waits: mains may be back, gates, a free place */
	bool retries; /**< its action failed and is tried again soon */
};
/** Where a rule stands. Returns false when the engine does not know it. */
bool power_engine_rule(const struct power_engine *engine, const char *id,
	struct power_rule_view *ret);
/** How strong a cluster was taken down by real rules: 0 = it was not; 1 to 4 as
 * power_action_strength(). */
int64_t power_engine_level(const struct power_engine *engine, const char *cluster);
/** True when no UPS is on battery or may be, and no rule waits or runs: nothing is lost when the
 * state is not stored. */
bool power_engine_is_calm(const struct power_engine *engine);
/** Lists that power_engine_id() goes through. */
enum power_list { POWER_LIST_UPS, POWER_LIST_RULES, POWER_LIST_CLUSTERS };
/** The i-th name of a list, borrowed until the next step; NULL behind the end. */
const char *power_engine_id(const struct power_engine *engine, enum power_list list, int64_t i);

/** The default limits. */
struct power_config power_config_default(void);
/** Change one limit by its name in facts/nut.md ("ob_confirm", "crit_charge"): seconds, percent or
 * counts as text. Errors: ERR_INVALID; an unknown name is told with the nearest. */
struct err *power_config_set(struct power_config *config, const char *key,
	const char *value) ERR_RESULT;
/** An empty rule with every default (enabled, cancelled and aborted on restore, priority 100). */
struct power_rule_spec power_rule_spec_default(void);
