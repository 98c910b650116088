/* The table of schedules. */
#include "model/schedule.h"

#include "base/cron.h"
#include "base/mem.h"
#include "base/zone.h"
#include "model/account.h"

static const char *const missed_texts[] = {
	[SCHEDULE_MISSED_SKIP] = "skip",
	[SCHEDULE_MISSED_ONCE] = "once",
	[SCHEDULE_MISSED_ALL] = "all",
	[SCHEDULE_MISSED_ALL + 1] = NULL,
};
const struct enum_table schedule_missed_table = {"schedule_missed", missed_texts};

#define S struct schedule
static const struct field fields[] = {
	ROW_I64(S, id, FIELD_FIND, .help = "Number of the schedule, never reused."),
	ROW_TEXT(S, name, FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE,
		.min = 1, .max = 63, .check = check_name, .help = "Name."),
	ROW_TEXT(S, description, FIELD_EDIT | FIELD_SEARCH, .max = 4096, .check = check_text,
		.help = "Free text."),
	ROW_BOOL(S, enabled, FIELD_EDIT | FIELD_FIND, .def = "true", .help = "Whether it runs."),
	ROW_TEXT(S, cron, FIELD_EDIT | FIELD_REQUIRED, .min = 1, .max = 200, .check = cron_check,
		.help = "When: MINUTE HOUR DAY MONTH WEEKDAY, or @hourly, @daily, @weekly, @monthly, @yearly."),
	ROW_TEXT(S, timezone, FIELD_EDIT | FIELD_FIND, .max = 64, .check = zone_check,
		.help = "Time zone of cron and window, for example Europe/Berlin; without it that of the server."),
	ROW_TEXT(S, window, FIELD_EDIT, .max = 100, .check = cron_window_check,
		.help = "Maintenance window, [DAYS] HH:MM-HH:MM: what is due outside of it waits until it opens."),
	ROW_ENUM(S, missed, FIELD_EDIT | FIELD_FILTER, .choices = &schedule_missed_table,
		.def = "once",
		.help = "What to do about times that passed while no server ran: nothing, run once, run all of them."),
	ROW_I64(S, missed_max, FIELD_EDIT, .min = 1, .max = 100, .def = "10",
		.help = "Most runs that are made up for with missed=all."),
	ROW_TEXT(S, type, FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH, .min = 1,
		.max = 128, .check = check_line,
		.help = "Operation type, for example cluster.scan."),
	ROW_TEXT(S, target, FIELD_EDIT | FIELD_FIND | FIELD_SEARCH, .max = 253, .check = check_line,
		.help = "Name or number of the node or cluster."),
	ROW_JSON(S, nodes, FIELD_EDIT, .max = 10000, .check_json = check_json_list,
		.help = "Names or numbers of several nodes; without it and without target: all."),
	ROW_JSON(S, params, FIELD_EDIT, .check_json = check_json_object, .def = "{}",
		.help = "Parameters of the operation."),
	ROW_BOOL(S, check_mode, FIELD_EDIT, .def = "false",
		.help = "Whether nothing is changed on the nodes."),
	ROW_I64(S, timeout_s, FIELD_EDIT, .min = 0, .max = 86400, .def = "0",
		.help = "Most seconds that a run may take; 0: as its type says."),
	ROW_TEXT(S, owner, FIELD_FIND | FIELD_SEARCH,
		.help = "Who changed it last; operations run with this person's rights."),
	ROW_I64(S, owner_id, FIELD_HIDDEN, .help = "Account of the owner."),
	ROW_ENUM(S, owner_role, FIELD_HIDDEN, .choices = &role_table, .def = "none",
		.help = "Role of the owner at that time."),
	ROW_TIME(S, planned_at, FIELD_HIDDEN, .help = "When next_run_at was found."),
	ROW_TIME(S, next_run_at, FIELD_FIND, .help = "When it runs next."),
	ROW_TIME(S, last_due_at, FIELD_FIND, .help = "Newest time that was dealt with."),
	ROW_I64(S, last_operation_id, FIELD_FIND, .help = "Newest operation that it started."),
	ROW_TEXT(S, last_outcome, 0,
		.help = "What became of the newest time, when no operation started."),
	ROW_I64(S, runs, FIELD_SORT, .def = "0", .help = "Operations started so far."),
	ROW_I64(S, skipped, FIELD_SORT, .def = "0", .help = "Times that were left out."),
	ROW_TIME(S, created_at, FIELD_FIND, .help = "When it was added."),
	ROW_TIME(S, updated_at, FIELD_FIND, .help = "When it was last changed."),
};

const struct record_type schedule_type = {
	.name = "schedule",
	.table = "schedules",
	.size = sizeof(struct schedule),
	.key = "name",
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
};
