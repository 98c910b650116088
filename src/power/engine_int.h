/* The state of the engine and what its parts offer each other. */
#pragma once

#include "power/engine.h"

#define GAP_IS_RESTART_MS 10000
#define QUIET_AFTER_RESTART_MS 5000
#define SAMPLE_GAP_MS 5000
#define BLIND_LB_MS 5000
#define NO_CHARGE_STABLE_MS 600000
#define RETRY_MS 10000
#define WORKERS 4

/** The last known line. */
enum line { LINE_NONE, LINE_OL, LINE_OB };
/** The power axis. */
enum mains { MAINS_UNKNOWN, MAINS_ONLINE, MAINS_ONBATT };

/** "Two consecutive samples": how many in a row, and when the first was. */
struct streak {
	int64_t n, first;
};

/** One UPS. */
struct ups {
	char name[POWER_NAME_SIZE], identity[POWER_IDENTITY_SIZE];
	int64_t line, mains;
	bool ever, said_ol, lost, off, fsd, fsd_ours, fsd_critical, blind, open, flapping,
		other_identity;
	bool heard_since_restart;
	int64_t heard_from; /**< silence is counted from here: last sample, first look or restart */
	int64_t last_sample;
	int64_t ob_since, ol_since, loss_since, lost_since, off_since, fsd_since, blind_since,
		said_lost;
	int64_t tokens, charge, runtime; /**< of the last sample */
	int64_t dischrg_charge;          /**< when DISCHRG appeared */
	int64_t episode;
	struct streak crit;
	int64_t openings[POWER_OPENINGS_MAX]; /**< newest first */
	/* Only within a tick. */
	bool fresh, restored_now, lost_power_now, appeared_now;
	int64_t sample_line; /**< of this tick's sample; LINE_NONE: it tells nothing of the line */
};

/** One feed of a rule. */
struct feed {
	char name[POWER_NAME_SIZE];
	int64_t index; /**< in engine.ups */
	struct streak streak;
};

/** One rule. */
struct rule {
	struct power_rule_spec spec;
	int64_t state;  /**< ARMED, PENDING or RUNNING */
	bool wanted;    /**< its event holds (down) or happened (up) in this episode */
	bool spent;     /**< it has fired in this episode */
	bool announced; /**< PENDING was told */
	bool escalated, up_held, stopping;
	int64_t since, deadline, started, retry_at, attempt, phase;
	int64_t episode; /**< of its UPS when it was wanted */
	int64_t level_before, undo_before;
	int64_t n_feeds, need;
	struct feed feeds[POWER_FEEDS_MAX];
};

/** One cluster. [0] counts real rules, [1] dry runs. */
struct cluster {
	struct power_cluster_spec spec;
	bool maintenance;
	int64_t level[2]; /**< strongest that holds: nothing weaker or equal needs to start */
	int64_t undo[2];  /**< what is to be undone */
};

/** All of it. */
struct power_engine {
	struct power_config config;
	int64_t now, last, restarted;
	int64_t n_ups, n_rules, n_clusters;
	struct ups ups[POWER_UPS_MAX];               /**< by name */
	struct rule rules[POWER_RULES_MAX];          /**< by ID */
	struct cluster clusters[POWER_CLUSTERS_MAX]; /**< by name */
};

/** What a rule's feeds say together. */
struct verdict {
	bool satisfied; /**< its event holds */
	bool back;      /**< enough feeds are on mains again, confirmed */
	bool held;      /**< enough feeds may be on mains right now */
	bool known;     /**< each feed was heard since the restart, or is out */
	int64_t since;
};

/* engine_ups.c */
/** Forget what only holds within a tick. */
void ups_begin(struct ups *ups);
/** A new UPS, first looked at now. */
void ups_init(struct ups *ups, const char *name, int64_t now);
/** Take an observation. Returns true when it is a sample (else a miss). */
bool ups_observe(struct power_engine *engine, struct ups *ups, const struct power_observation *o,
	struct power_effects *out);
/** What time alone or the sample has brought: events. */
void ups_advance(struct power_engine *engine, struct ups *ups, struct power_effects *out);
/** The state was just loaded. */
void ups_restarted(struct ups *ups, int64_t now);
/** Not to be counted on: never heard, silent, off, silent on battery. */
bool ups_is_out(const struct ups *ups);
/** On mains, confirmed, nothing open. */
bool ups_is_back(const struct power_engine *engine, const struct ups *ups);
/* engine_feed.c */
/** Count a sample for the rules that look at charge or runtime. */
void feed_count(struct power_engine *engine, const struct ups *ups);
/** What the feeds of a rule that takes down say. */
struct verdict feed_verdict(const struct power_engine *engine, const struct rule *rule);
/** Whether a rule that brings up may start as far as its feeds go. */
bool feed_gates(const struct power_engine *engine, const struct rule *rule);
/** Find the feeds of every rule anew after a change of configuration. */
void feed_resolve(struct power_engine *engine);

/* engine_rule.c */
/** Arm, cancel and abort: pass 3 of a tick. */
void rule_review(struct power_engine *engine, struct power_effects *out);
/** An action has ended. */
void rule_ended(struct power_engine *engine, struct rule *rule, enum power_state state,
	struct power_effects *out);
/** Leave PENDING or RUNNING, and tell. The rule is spent unless it was disabled. */
void rule_leave(struct power_engine *engine, struct rule *rule, enum power_state state,
	enum power_reason reason, struct power_effects *out);
/** Time limits and retries. */
void rule_timers(struct power_engine *engine, struct power_effects *out);
/** Tell where a rule stands. */
void rule_tell(const struct power_engine *engine, const struct rule *rule, int64_t state,
	enum power_reason reason, struct power_effects *out);

/* engine_fire.c */
/** Start what is due: pass 5 of a tick. */
void fire_due(struct power_engine *engine, struct power_effects *out);
/** Start the action of a rule, whatever it replaces. */
void fire_start(struct power_engine *engine, struct rule *rule, struct power_effects *out);

/* engine_table.c */
/** Find by name; NULL when there is none. */
struct ups *engine_ups(struct power_engine *engine, const char *name);
/** Find by ID. */
struct rule *engine_rule(struct power_engine *engine, const char *id);
/** Find by name. */
struct cluster *engine_cluster(struct power_engine *engine, const char *name);
/** Carry out commands that change what is watched. Returns true when it was one of those. */
bool engine_configure(struct power_engine *engine, const struct power_command *command,
	struct power_effects *out);
/** A new effect, zeroed but for times. */
struct power_effect *effect_new(struct power_effects *effects, enum power_effect_kind kind);
/** Copy a name into a fixed array; one that is too long is cut (callers check before). */
void name_set(char *to, size_t size, const char *from);
#define NAME_SET(array, from) name_set((array), sizeof(array), (from))
