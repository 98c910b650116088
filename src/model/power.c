/* The tables of words of power management. */
#include "model/power.h"

#include "base/mem.h"

static const char *const trigger_texts[] = {
	[POWER_ON_LOSS] = "power_loss",
	[POWER_ON_LOW] = "low_battery",
	[POWER_ON_CRITICAL] = "critical_battery",
	[POWER_ON_RESTORED] = "power_restored",
	[POWER_ON_UPS_SHUTDOWN] = "ups_shutdown",
	[POWER_ON_UPS_STARTUP] = "ups_startup",
	[POWER_ON_RUNTIME] = "runtime_below",
	[POWER_ON_COMMS_LOST] = "comms_lost",
	[POWER_ON_N_] = NULL,
};
const struct enum_table power_trigger_table = {"power_event", trigger_texts};

static const char *const action_texts[] = {
	[POWER_DO_GRACEFUL_SHUTDOWN] = "graceful_shutdown",
	[POWER_DO_FORCE_SHUTDOWN] = "force_shutdown",
	[POWER_DO_STARTUP] = "startup",
	[POWER_DO_SCALE_DOWN] = "scale_down",
	[POWER_DO_SCALE_UP] = "scale_up",
	[POWER_DO_PAUSE] = "pause",
	[POWER_DO_RESUME] = "resume",
	[POWER_DO_WAKE] = "wake",
	[POWER_DO_NOTIFY] = "notify",
	[POWER_DO_N_] = NULL,
};
const struct enum_table power_action_table = {"cluster_action", action_texts};

static const char *const state_texts[] = {
	[POWER_ARMED] = "armed",
	[POWER_PENDING] = "pending",
	[POWER_RUNNING] = "running",
	[POWER_DONE] = "done",
	[POWER_FAILED] = "failed",
	[POWER_TIMEOUT] = "timeout",
	[POWER_CANCELLED] = "cancelled",
	[POWER_SUPERSEDED] = "superseded",
	[POWER_SKIPPED] = "skipped",
	[POWER_ABORTED] = "aborted",
	[POWER_STATE_N_] = NULL,
};
const struct enum_table power_state_table = {"power_state", state_texts};

static const char *const event_texts[] = {
	[POWER_EVENT_LOSS] = "power_loss",
	[POWER_EVENT_RESTORED] = "power_restored",
	[POWER_EVENT_LOW] = "low_battery",
	[POWER_EVENT_CRITICAL] = "critical_battery",
	[POWER_EVENT_COMMS_LOST] = "comms_lost",
	[POWER_EVENT_COMMS_OK] = "comms_ok",
	[POWER_EVENT_FLAPPING] = "flapping",
	[POWER_EVENT_UPS_OFF] = "ups_off",
	[POWER_EVENT_FSD_LATCHED] = "fsd_latched",
	[POWER_EVENT_IDENTITY_CHANGED] = "identity_changed",
	[POWER_EVENT_N_] = NULL,
};
const struct enum_table power_event_table = {"ups_event", event_texts};

static const char *const reason_texts[] = {
	[POWER_NO_REASON] = "none",
	[POWER_WHY_RESTORED] = "restored",
	[POWER_WHY_OUTAGE] = "outage",
	[POWER_WHY_DISABLED] = "disabled",
	[POWER_WHY_DELETED] = "deleted",
	[POWER_WHY_MANUAL] = "manual",
	[POWER_WHY_UPS_REMOVED] = "ups_removed",
	[POWER_WHY_COVERED] = "covered",
	[POWER_WHY_NOTHING_TO_UNDO] = "nothing_to_undo",
	[POWER_WHY_MAINTENANCE] = "maintenance",
	[POWER_WHY_GATES] = "gates",
	[POWER_WHY_BLIND] = "blind",
	[POWER_WHY_FSD] = "fsd",
	[POWER_WHY_N_] = NULL,
};
const struct enum_table power_reason_table = {"power_reason", reason_texts};

static const char *const policy_texts[] = {"any", "all", NULL};
const struct enum_table power_policy_table = {"feed_policy", policy_texts};

/* Strength of an action that takes a cluster down, -1 for one that brings it up. */
static const int strengths[POWER_DO_N_] = {
	[POWER_DO_SCALE_DOWN] = 1,
	[POWER_DO_PAUSE] = 2,
	[POWER_DO_GRACEFUL_SHUTDOWN] = 3,
	[POWER_DO_FORCE_SHUTDOWN] = 4,
	[POWER_DO_STARTUP] = -1,
	[POWER_DO_SCALE_UP] = -1,
	[POWER_DO_RESUME] = -1,
	[POWER_DO_WAKE] = -1,
};

bool power_trigger_is_down(int64_t trigger)
{
	return trigger != POWER_ON_RESTORED && trigger != POWER_ON_UPS_STARTUP;
}

int power_action_strength(int64_t action)
{
	must(action >= 0 && action < POWER_DO_N_);
	return strengths[action] > 0 ? strengths[action] : 0;
}

bool power_action_is_up(int64_t action)
{
	must(action >= 0 && action < POWER_DO_N_);
	return strengths[action] < 0;
}

struct err *power_action_check(int64_t trigger, int64_t action)
{
	const char *event = enum_text(&power_trigger_table, trigger);
	const char *what = enum_text(&power_action_table, action);

	if (action == POWER_DO_NOTIFY)
		return NULL;
	if (trigger == POWER_ON_COMMS_LOST)
		return err_new(ERR_INVALID,
			"a silent UPS on mains is told, never acted on: %s takes only notify",
			event);
	if (power_trigger_is_down(trigger) == power_action_is_up(action))
		return err_new(ERR_INVALID, "%s does not fit the event %s", what, event);
	return NULL;
}
