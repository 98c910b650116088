/* Owns which alerts follow from what UPSes say and how power rules end. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "service/alert.h"
#include "service/power_int.h"

#define SUBJECT_SIZE 64

/* ---- UPSes ---- */

/* What a UPS can be in; a bit each in power_word.alarms. */
static const struct {
	enum alert_rule_id rule;
	bool heard_only; /* a UPS that is not heard says nothing of it */
} conditions[] = {
	{ALERT_UPS_ON_BATTERY, true},
	{ALERT_UPS_BATTERY_LOW, true},
	{ALERT_UPS_REPLACE_BATTERY, true},
	{ALERT_UPS_NO_CONTACT, false},
	{ALERT_POWER_PLAN_SHORT, true},
};
#define N_CONDITIONS ARRAY_LEN(conditions)
#define BIT_ON_BATTERY 1
#define BIT_LOW 2
#define BIT_REPLACE 4
#define BIT_NO_CONTACT 8
#define BIT_PLAN 16

static bool below(int64_t value, int64_t limit)
{
	return value != I64_NONE && value <= limit;
}

static bool is_low(const struct power_config *limits, const struct power_reading *reading)
{
	bool says = (reading->tokens & POWER_LB) != 0 && !limits->ignore_lb;

	return says || (reading->tokens & POWER_FSD) != 0 ||
		below(reading->values[POWER_CHARGE], limits->crit_charge) ||
		below(reading->values[POWER_RUNTIME], limits->crit_runtime);
}

/* Silent for too long, on mains or on battery. */
static bool is_silent(const struct power_monitor *m, const struct power_word *word)
{
	struct power_ups_view view = {.lost = false};
	char id[POWER_ID_SIZE];

	power_id(id, word->ups_id);
	return power_engine_ups(m->engine, id, &view) && (view.lost || view.blind);
}

int64_t power_alarms(const struct power_monitor *m, const struct power_word *word)
{
	int64_t alarms = 0;

	if (is_silent(m, word))
		return BIT_NO_CONTACT;
	if (word->status == UPS_UNKNOWN || !word->ever)
		return -1;
	if ((word->reading.tokens & POWER_RB) != 0)
		alarms |= BIT_REPLACE;
	if (word->plan.known && word->plan.state == HEALTH_DEGRADED)
		alarms |= BIT_PLAN;
	if (word->status != UPS_ON_BATTERY)
		return alarms;
	/* A battery that was nearly empty is so until mains is back, wherever a number wavers. */
	bool was_low = word->alarms > 0 && (word->alarms & BIT_LOW) != 0;
	if (was_low || is_low(&m->config, &word->reading))
		alarms |= BIT_LOW;
	return alarms | BIT_ON_BATTERY;
}

/* What it says, in a line. Owned. */
static char *words_of(const struct power_word *word)
{
	struct str text = STR_INIT;

	if (word->miss != NULL) {
		str_addf(&text, "Nothing is heard of it: %s.", word->miss);
		return str_take(&text);
	}
	str_addf(&text, "It says %s", word->reading.status);
	if (word->reading.values[POWER_CHARGE] != I64_NONE)
		str_addf(&text, ", charge %lld %%",
			(long long)(word->reading.values[POWER_CHARGE] / 1000));
	if (word->reading.values[POWER_RUNTIME] != I64_NONE)
		str_addf(&text, ", runtime %lld s",
			(long long)(word->reading.values[POWER_RUNTIME] / 1000));
	str_adds(&text, ".");
	return str_take(&text);
}

struct err *power_alert_ups(struct service *svc, const struct power_word *word,
	const struct ups_device *ups)
{
	cleanup(mem_freep) char *reason = words_of(word);
	cleanup(mem_freep) char *subject = mem_printf("ups/%lld", (long long)ups->id);
	const struct alert_subject of = {subject, ups->name, I64_NONE, I64_NONE};
	struct alert_answer answers[N_CONDITIONS];
	json_t *nobody = json_array();

	for (size_t i = 0; i < N_CONDITIONS; i++)
		answers[i] = (struct alert_answer){.rule = conditions[i].rule,
			.told = word->alarms >= 0 &&
				!(conditions[i].heard_only && (word->alarms & BIT_NO_CONTACT) != 0),
			.wrong = word->alarms >= 0 && (word->alarms >> i & 1) != 0,
			.reason = reason,
			.members = nobody};
	struct err *e = alert_report(svc, ALERT_OF_POWER, &of, answers, N_CONDITIONS);
	json_decref(nobody);
	return e;
}

/* ---- rules ---- */

static struct err *report_rule(struct service *svc, const struct ups_firing *firing,
	const char *subject, const struct alert_answer *answer)
{
	const struct alert_subject of = {subject, firing->rule_name, firing->cluster_id, I64_NONE};
	struct alert_answer full = *answer;

	full.told = true;
	full.members = json_array();
	struct err *e = alert_report(svc, ALERT_OF_POWER, &of, &full, 1);
	json_decref(full.members);
	return e;
}

static struct err *alert_outcome(struct service *svc, const struct ups_firing *firing)
{
	char subject[SUBJECT_SIZE];
	cleanup(mem_freep) char *reason = mem_printf("Its action %s: %s.%s%s",
		enum_text(&power_action_table, firing->action),
		enum_text(&power_state_table, firing->state), firing->error != NULL ? " " : "",
		firing->error != NULL ? firing->error : "");

	(void)snprintf(subject, sizeof(subject), "rule/%lld", (long long)firing->rule_id);
	return report_rule(svc, firing, subject,
		&(struct alert_answer){.rule = ALERT_POWER_RULE_FAILED,
			.wrong = firing->state != POWER_DONE,
			.reason = reason});
}

static struct err *alert_notice(struct service *svc, const struct ups_firing *firing,
	const struct ups_rule *rule)
{
	char subject[SUBJECT_SIZE];
	const char *event = enum_text(&power_trigger_table, rule->power_event);
	const struct power_word *word = power_word_of(svc->power, firing->ups_id);
	cleanup(mem_freep) char *says = word != NULL && word->ever ? words_of(word) : NULL;
	cleanup(mem_freep) char *reason =
		mem_printf("Its event is %s. %s", event, says != NULL ? says : "");

	(void)snprintf(subject, sizeof(subject), "ups/%lld:rule/%lld", (long long)firing->ups_id,
		(long long)firing->rule_id);
	return report_rule(svc, firing, subject,
		&(struct alert_answer){.rule = ALERT_POWER_NOTICE,
			.wrong = true,
			.reason = reason});
}

struct err *power_alert_rule(struct service *svc, const struct ups_firing *firing,
	const struct ups_rule *rule)
{
	bool ended = firing->state == POWER_DONE || firing->state == POWER_FAILED ||
		firing->state == POWER_TIMEOUT;

	if (firing->dry_run)
		return NULL;
	if (firing->state == POWER_RUNNING && firing->action == POWER_DO_NOTIFY)
		return alert_notice(svc, firing, rule);
	return ended ? alert_outcome(svc, firing) : NULL;
}

struct err *power_forget_notices(struct service *svc, int64_t ups_id)
{
	char prefix[SUBJECT_SIZE];

	(void)snprintf(prefix, sizeof(prefix), "ups/%lld:", (long long)ups_id);
	return alert_forget(svc, prefix);
}
