/* The tables of UPSes, their rules, events and firings. */
#include "model/ups.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

static const char *const status_texts[] = {
	[UPS_UNKNOWN] = "unknown",
	[UPS_ONLINE] = "online",
	[UPS_ON_BATTERY] = "on_battery",
	[UPS_NO_CONTACT] = "no_contact",
	[UPS_NO_CONTACT + 1] = NULL,
};
const struct enum_table ups_status_table = {"ups_status", status_texts};

static const char *const on_fail_texts[] = {
	[UPS_FAIL_ALERT] = "alert",
	[UPS_FAIL_ESCALATE] = "escalate",
	[UPS_FAIL_ESCALATE + 1] = NULL,
};
const struct enum_table ups_on_fail_table = {"ups_on_fail", on_fail_texts};

struct err *ups_check_host(const char *text)
{
	struct err *e = check_ip(text);

	if (e == NULL)
		return NULL;
	err_ignore(e); /* then it must be a name */
	return check_hostname(text);
}

static struct err *check_path(const char *text)
{
	if (*text != '/')
		return err_new(ERR_INVALID, "must be an absolute path");
	return check_line(text);
}

static struct err *check_pin(const char *text)
{
	if (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
		return err_new(ERR_INVALID,
			"must be the SHA-256 of the certificate: 64 digits of 0-9, a-f");
	return NULL;
}

/** One word: upsd has no others. */
static struct err *check_nut_name(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("._-@", *p) == NULL)
			return err_new(ERR_INVALID,
				"may have letters, digits, dots, dashes and underscores");
	return NULL;
}

#define U struct ups_device
static const struct field ups_fields[] = {
	ROW_I64(U, id, FIELD_FIND, .help = "Number of the UPS, never reused."),
	ROW_TEXT(U, name, FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE,
		.min = 1, .max = 63, .check = check_name, .help = "Name."),
	ROW_TEXT(U, description, FIELD_EDIT | FIELD_SEARCH, .max = 4096, .check = check_text,
		.help = "Free text."),
	ROW_TEXT(U, nut_host, FIELD_EDIT | FIELD_FIND | FIELD_SEARCH, .min = 1, .max = 253,
		.check = ups_check_host, .def = "127.0.0.1",
		.help = "Address or name of the machine whose upsd serves it."),
	ROW_I64(U, nut_port, FIELD_EDIT, .min = 1, .max = 65535, .def = "3493",
		.help = "TCP port of upsd."),
	ROW_TEXT(U, nut_name, FIELD_EDIT | FIELD_FIND | FIELD_SEARCH, .min = 1, .max = 63,
		.check = check_nut_name,
		.help = "Its name in upsd; without it the same as its name here."),
	ROW_TEXT(U, nut_username, FIELD_EDIT, .max = 63, .check = check_line,
		.help = "User of upsd; with one, upsd is told that something depends on the UPS (LOGIN)."),
	ROW_TEXT(U, nut_password, FIELD_HIDDEN, .help = "Password of that user, sealed."),
	ROW_TEXT(U, nut_tls_ca, FIELD_EDIT, .max = 500, .check = check_path,
		.help = "File of the CA that signed upsd's certificate: TLS is demanded."),
	ROW_TEXT(U, nut_tls_pin, FIELD_EDIT, .check = check_pin,
		.help = "SHA-256 of upsd's own certificate in hex: TLS is demanded."),
	ROW_BOOL(U, enabled, FIELD_EDIT | FIELD_FIND, .def = "true",
		.help = "Whether it is watched."),
	ROW_ENUM(U, status, FIELD_FIND, .choices = &ups_status_table, .def = "unknown",
		.help = "What its last event says; live values: /api/ups/{id}/status."),
	ROW_TIME(U, status_since, FIELD_FIND, .help = "Since when."),
	ROW_TIME(U, created_at, FIELD_FIND, .help = "When it was added."),
	ROW_TIME(U, updated_at, FIELD_FIND, .help = "When it was last changed."),
};
#undef U
const struct record_type ups_device_type = {
	.name = "ups",
	.table = "ups",
	.size = sizeof(struct ups_device),
	.key = "name",
	.fields = ups_fields,
	.n_fields = ARRAY_LEN(ups_fields),
};

#define R struct ups_rule
static const struct field rule_fields[] = {
	ROW_I64(R, id, FIELD_FIND, .help = "Number of the rule, never reused."),
	ROW_TEXT(R, name, FIELD_EDIT | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE, .min = 1,
		.max = 100, .check = check_line,
		.help = "Name; without it made of UPS, event, action and cluster."),
	ROW_TEXT(R, description, FIELD_EDIT | FIELD_SEARCH, .max = 4096, .check = check_text,
		.help = "Free text."),
	ROW_I64(R, ups_id, FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND, .min = 1, .max = INT64_MAX,
		.help = "UPS that it looks at; a name is taken too."),
	ROW_I64(R, cluster_id, FIELD_EDIT | FIELD_FIND, .min = 1, .max = INT64_MAX,
		.help = "Cluster that it acts on; a name is taken too. Only rules that notify do without."),
	ROW_ENUM(R, power_event, FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND,
		.choices = &power_trigger_table, .help = "What it waits for."),
	ROW_ENUM(R, cluster_action, FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND,
		.choices = &power_action_table, .help = "What it does."),
	ROW_BOOL(R, enabled, FIELD_EDIT | FIELD_FIND, .def = "true", .help = "Whether it acts."),
	ROW_I64(R, priority, FIELD_EDIT | FIELD_FIND, .min = 1, .max = 1000, .def = "100",
		.help = "Of actions that are equally strong the one with the lower number goes first."),
	ROW_I64(R, battery_threshold, FIELD_EDIT, .min = 1, .max = 100, .unit = "percent",
		.help = "Charge at or below which low_battery holds."),
	ROW_I64(R, runtime_threshold, FIELD_EDIT, .min = 1, .max = 86400, .unit = "seconds",
		.help = "Seconds of runtime at or below which low_battery or runtime_below holds."),
	ROW_I64(R, action_delay, FIELD_EDIT, .min = 0, .max = 86400, .def = "0", .unit = "seconds",
		.help = "Seconds that the event must last before the action; checked again at their end."),
	ROW_I64(R, action_timeout, FIELD_EDIT, .min = 0, .max = 86400, .def = "0",
		.unit = "seconds", .help = "Most seconds that the action may take; 0: no limit."),
	ROW_I64(R, min_charge, FIELD_EDIT, .min = 0, .max = 100, .unit = "percent",
		.help = "Least charge before a cluster comes back; without it 40 for startup and wake, 0 for others."),
	ROW_I64(R, stable_s, FIELD_EDIT, .min = 0, .max = 86400, .unit = "seconds",
		.help = "Seconds of mains before a cluster comes back; without it 120 for startup and wake, 30 for others."),
	ROW_I64(R, retries, FIELD_EDIT, .min = 1, .max = 10, .def = "3",
		.help = "How often the action is tried in all, 10 seconds apart."),
	ROW_ENUM(R, on_fail, FIELD_EDIT, .choices = &ups_on_fail_table, .def = "alert",
		.help = "What follows when a graceful shutdown failed for good: only say so, or force it."),
	ROW_BOOL(R, auto_reverse, FIELD_EDIT, .def = "false",
		.help = "Whether the opposite is done when mains is back for good."),
	ROW_BOOL(R, cancel_on_restore, FIELD_EDIT, .def = "true",
		.help = "Whether mains that is back cancels what waits for its delay."),
	ROW_BOOL(R, abort_on_restore, FIELD_EDIT, .def = "true",
		.help = "Whether mains that is back ends an action that can still be undone."),
	ROW_BOOL(R, dry_run, FIELD_EDIT, .def = "false",
		.help = "Whether it only writes down what it would do."),
	ROW_BOOL(R, power_off, FIELD_EDIT, .def = "true",
		.help = "Whether a shutdown powers off the machines too."),
	ROW_TEXT(R, workflow, FIELD_EDIT, .max = 63, .check = check_line,
		.help = "Workflow that runs in place of the action's own operation."),
	ROW_TEXT(R, owner, FIELD_FIND | FIELD_SEARCH, .help = "Who changed it last."),
	ROW_ENUM(R, state, FIELD_FIND, .choices = &power_state_table, .def = "armed",
		.help = "Where its newest firing stands."),
	ROW_I64(R, fired, FIELD_SORT, .def = "0", .help = "How often its action was started."),
	ROW_TIME(R, last_fired_at, FIELD_FIND, .help = "When its action was last started."),
	ROW_I64(R, last_operation_id, FIELD_FIND, .help = "Newest operation that it started."),
	ROW_TEXT(R, last_outcome, 0, .help = "What became of its newest firing."),
	ROW_TIME(R, created_at, FIELD_FIND, .help = "When it was added."),
	ROW_TIME(R, updated_at, FIELD_FIND, .help = "When it was last changed."),
	ROW_BOOL(R, just_in_time, FIELD_EDIT, .def = "false",
		.help = "Only with power_loss: whether it waits until the battery lasts just as long as the action takes."),
};
#undef R
const struct record_type ups_rule_type = {
	.name = "rule",
	.table = "ups_cluster_rules",
	.size = sizeof(struct ups_rule),
	.key = "name",
	.fields = rule_fields,
	.n_fields = ARRAY_LEN(rule_fields),
};

#define E struct ups_event
static const struct field event_fields[] = {
	ROW_I64(E, id, FIELD_FIND, .help = "Number of the event."),
	ROW_TIME(E, at, FIELD_FIND, .help = "When it was told."),
	ROW_I64(E, ups_id, FIELD_FIND, .help = "UPS."),
	ROW_TEXT(E, ups_name, FIELD_FIND | FIELD_SEARCH, .help = "Its name then."),
	ROW_ENUM(E, event, FIELD_FIND, .choices = &power_event_table, .def = "power_loss",
		.help = "What happened."),
	ROW_ENUM(E, reason, FIELD_FILTER, .choices = &power_reason_table, .def = "none",
		.help = "Why."),
	ROW_TIME(E, since, FIELD_FIND, .help = "When that began."),
	ROW_I64(E, episode, FIELD_FIND, .def = "0", .help = "Number of the outage."),
	ROW_TEXT(E, status, 0, .help = "ups.status as it was told."),
	ROW_I64(E, charge, 0, .unit = "percent", .help = "Battery charge."),
	ROW_I64(E, runtime, 0, .unit = "seconds", .help = "Battery runtime."),
};
#undef E
const struct record_type ups_event_type = {
	.name = "ups_event",
	.table = "ups_events",
	.size = sizeof(struct ups_event),
	.fields = event_fields,
	.n_fields = ARRAY_LEN(event_fields),
};

#define F struct ups_firing
static const struct field firing_fields[] = {
	ROW_I64(F, id, FIELD_FIND, .help = "Number of the firing."),
	ROW_I64(F, rule_id, FIELD_FIND, .help = "Rule."),
	ROW_TEXT(F, rule_name, FIELD_FIND | FIELD_SEARCH, .help = "Its name then."),
	ROW_I64(F, ups_id, FIELD_FIND, .help = "UPS."),
	ROW_I64(F, cluster_id, FIELD_FIND, .help = "Cluster."),
	ROW_TEXT(F, engine_id, FIELD_HIDDEN, .help = "Rule as the engine knows it."),
	ROW_I64(F, episode, FIELD_FIND, .def = "0", .help = "Number of the outage."),
	ROW_ENUM(F, action, FIELD_FIND, .choices = &power_action_table, .def = "notify",
		.help = "What it does."),
	ROW_ENUM(F, state, FIELD_FIND, .choices = &power_state_table, .def = "armed",
		.help = "Where it stands."),
	ROW_ENUM(F, reason, FIELD_FILTER, .choices = &power_reason_table, .def = "none",
		.help = "Why it stands there."),
	ROW_I64(F, attempt, 0, .def = "0", .help = "Try of its operation."),
	ROW_I64(F, operation_id, FIELD_FIND, .help = "Operation of the newest try."),
	ROW_TEXT(F, error, 0, .help = "Why the operation could not be asked for."),
	ROW_BOOL(F, dry_run, FIELD_FILTER, .def = "false", .help = "Whether nothing was done."),
	ROW_TIME(F, due_at, FIELD_FIND, .help = "When its delay ends."),
	ROW_TIME(F, started_at, FIELD_FIND, .help = "When its action was started."),
	ROW_TIME(F, finished_at, FIELD_FIND, .help = "When it ended."),
	ROW_TIME(F, created_at, FIELD_FIND, .help = "When its event held first."),
};
#undef F
const struct record_type ups_firing_type = {
	.name = "ups_firing",
	.table = "ups_firings",
	.size = sizeof(struct ups_firing),
	.fields = firing_fields,
	.n_fields = ARRAY_LEN(firing_fields),
};

#define M struct power_memory
static const struct field memory_fields[] = {
	ROW_I64(M, id, 0, .help = "1."),
	ROW_BOOL(M, stopped, 0, .def = "false", .help = "Whether the monitor was stopped."),
	ROW_TEXT(M, boot_id, 0, .help = "Boot of the machine."),
	ROW_TIME(M, at, 0, .help = "When it was written."),
	ROW_JSON(M, engine, 0, .help = "State of the engine."),
};
#undef M
const struct record_type power_memory_type = {
	.name = "power_state",
	.table = "power_state",
	.size = sizeof(struct power_memory),
	.fields = memory_fields,
	.n_fields = ARRAY_LEN(memory_fields),
};
