/* Words of power management that the store, the API, the CLI and the rule engine share: what a rule
 * waits for, what it does, where a firing stands. */
#pragma once

#include "model/record.h"

/** What a rule waits for (column power_event). */
enum power_trigger {
	POWER_ON_LOSS,     /**< on battery, confirmed */
	POWER_ON_LOW,      /**< charge or runtime under the rule's threshold, or LB, on battery */
	POWER_ON_CRITICAL, /**< nearly empty, a forced shutdown, or silent on battery for too long
			    */
	POWER_ON_RESTORED, /**< on mains again, confirmed */
	POWER_ON_UPS_SHUTDOWN, /**< the UPS is told to shut down (FSD) */
	POWER_ON_UPS_STARTUP,  /**< the UPS is heard on mains for the first time, or again */
	POWER_ON_RUNTIME,      /**< runtime under the rule's threshold, on battery */
	POWER_ON_COMMS_LOST,   /**< silent; tells only, never shuts down */
	POWER_ON_N_
};
/** Names of enum power_trigger. */
extern const struct enum_table power_trigger_table;
/** True when the trigger means that power went away; false: it came back. */
bool power_trigger_is_down(int64_t trigger);

/** What a rule does (column cluster_action). */
enum power_action {
	POWER_DO_GRACEFUL_SHUTDOWN,
	POWER_DO_FORCE_SHUTDOWN,
	POWER_DO_STARTUP,
	POWER_DO_SCALE_DOWN,
	POWER_DO_SCALE_UP,
	POWER_DO_PAUSE,
	POWER_DO_RESUME,
	POWER_DO_WAKE,
	POWER_DO_NOTIFY,
	POWER_DO_N_
};
/** Names of enum power_action. */
extern const struct enum_table power_action_table;
/** How strong an action takes a cluster down: 1 scale_down, 2 pause, 3 graceful, 4 force; 0 for
 * the others. */
int power_action_strength(int64_t action);
/** True for actions that bring a cluster up. */
bool power_action_is_up(int64_t action);
/** Whether an action fits a trigger. Errors: ERR_INVALID, whose message says why not. Any thread.
 */
struct err *power_action_check(int64_t trigger, int64_t action) ERR_RESULT;

/** Where a rule's firing stands. */
enum power_state {
	POWER_ARMED, /**< waits for its event */
	POWER_PENDING,
	POWER_RUNNING,
	POWER_DONE,
	POWER_FAILED,
	POWER_TIMEOUT,
	POWER_CANCELLED,
	POWER_SUPERSEDED,
	POWER_SKIPPED,
	POWER_ABORTED,
	POWER_STATE_N_
};
/** Names of enum power_state. */
extern const struct enum_table power_state_table;

/** What happened to a UPS. */
enum power_event {
	POWER_EVENT_LOSS,
	POWER_EVENT_RESTORED,
	POWER_EVENT_LOW,
	POWER_EVENT_CRITICAL,
	POWER_EVENT_COMMS_LOST,
	POWER_EVENT_COMMS_OK,
	POWER_EVENT_FLAPPING,
	POWER_EVENT_UPS_OFF,
	POWER_EVENT_FSD_LATCHED,
	POWER_EVENT_IDENTITY_CHANGED,
	POWER_EVENT_N_
};
/** Names of enum power_event. */
extern const struct enum_table power_event_table;

/** Why something happened. */
enum power_reason {
	POWER_NO_REASON,
	POWER_WHY_RESTORED,
	POWER_WHY_OUTAGE,
	POWER_WHY_DISABLED,
	POWER_WHY_DELETED,
	POWER_WHY_MANUAL,
	POWER_WHY_UPS_REMOVED,
	POWER_WHY_COVERED,
	POWER_WHY_NOTHING_TO_UNDO,
	POWER_WHY_MAINTENANCE,
	POWER_WHY_GATES,
	POWER_WHY_BLIND,
	POWER_WHY_FSD,
	POWER_WHY_N_
};
/** Names of enum power_reason. */
extern const struct enum_table power_reason_table;

/** How many feeds a cluster needs (column feed_policy). */
enum power_policy {
	POWER_FEEDS_ANY, /**< each UPS feeds a part: a rule looks at its own UPS only */
	POWER_FEEDS_ALL, /**< redundant: down when every feed is out */
	POWER_FEEDS_N_
};
/** Names of enum power_policy. */
extern const struct enum_table power_policy_table;
