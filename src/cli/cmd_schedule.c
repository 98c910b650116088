/* mko schedule list, show, add, edit, enable, disable, remove, run, preview: mostly tables. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/tables.h"
#include "model/schedule.h"

/** Without a server nothing fires: who only looks at the list must learn that. */
static void note_server(struct cli *cli)
{
	if (cli_is_local(cli))
		cli_note(cli,
			"no server runs here: schedules start operations only while mko web runs");
}

static struct err *run_list(struct cli *cli)
{
	TRY(cli_run_list(cli));
	note_server(cli);
	return NULL;
}

const struct cli_cmd cmd_schedule_list = {
	.path = "schedule list",
	.summary = "List the schedules with their next run",
	.doing = "list the schedules",
	.example = "mko schedule list\nmko schedule list -o wide",
	.noun = &noun_schedule,
	.sets = {&cli_list_options},
	.run = run_list,
};

static const struct cli_arg one_schedule[] = {
	{.name = "SCHEDULE", .words = CLI_WORDS_SCHEDULES, .help = "name or number"}};
const struct cli_cmd cmd_schedule_show = {
	.path = "schedule show",
	.summary = "Show a schedule with its next five runs",
	.example = "mko schedule show nightly-scan",
	.noun = &noun_schedule,
	.args = one_schedule,
	.n_args = ARRAY_LEN(one_schedule),
	.run = cli_run_show,
};

#define TIME_OPTIONS                                                                               \
	{.name = "timezone",                                                                       \
		.kind = CLI_OPT_TEXT,                                                              \
		.meta = "ZONE",                                                                    \
		.key = "timezone",                                                                 \
		.field = "timezone"},                                                              \
	{                                                                                          \
		.name = "window", .kind = CLI_OPT_TEXT, .meta = "[DAYS] HH:MM-HH:MM",              \
		.key = "window", .field = "window"                                                 \
	}

#define SETTINGS                                                                                                      \
	TIME_OPTIONS,                                                                                                 \
		{.name = "missed",                                                                                    \
			.kind = CLI_OPT_CHOICE,                                                                       \
			.choices = &schedule_missed_table,                                                            \
			.key = "missed",                                                                              \
			.field = "missed"},                                                                           \
		{.name = "missed-max",                                                                                \
			.kind = CLI_OPT_NUMBER,                                                                       \
			.meta = "N",                                                                                  \
			.min = 1,                                                                                     \
			.max = 100,                                                                                   \
			.key = "missed_max",                                                                          \
			.field = "missed_max"},                                                                       \
		{.name = "target",                                                                                    \
			.kind = CLI_OPT_TEXT,                                                                         \
			.meta = "NODE|CLUSTER",                                                                       \
			.key = "target",                                                                              \
			.words = CLI_WORDS_CLUSTERS,                                                                  \
			.field = "target"},                                                                           \
		{.name = "node",                                                                                      \
			.kind = CLI_OPT_LIST,                                                                         \
			.meta = "NODE",                                                                               \
			.key = "nodes",                                                                               \
			.words = CLI_WORDS_NODES,                                                                     \
			.help = "one of several nodes; several times or with commas; none and no target: all nodes"}, \
		{.name = "param",                                                                                     \
			.letter = 'p',                                                                                \
			.kind = CLI_OPT_PAIRS,                                                                        \
			.meta = "NAME=VALUE",                                                                         \
			.key = "params",                                                                              \
			.help = "a parameter of the operation; several times"},                                       \
		{.name = "check",                                                                                     \
			.kind = CLI_OPT_FLAG,                                                                         \
			.key = "check_mode",                                                                          \
			.help = "change nothing on the nodes, only say what would change"},                           \
		{.name = "timeout",                                                                                   \
			.kind = CLI_OPT_DURATION,                                                                     \
			.meta = "DURATION",                                                                           \
			.key = "timeout_s",                                                                           \
			.help = "end a run after this time",                                                          \
			.def = "as its type says"},                                                                   \
	{                                                                                                             \
		.name = "description", .letter = 'd', .kind = CLI_OPT_TEXT, .meta = "TEXT",                           \
		.key = "description", .field = "description"                                                          \
	}

static const struct cli_opt add_opts[] = {
	{.name = "name",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "name",
		.field = "name",
		.required = true},
	{.name = "cron",
		.kind = CLI_OPT_TEXT,
		.meta = "EXPRESSION",
		.key = "cron",
		.field = "cron",
		.required = true},
	{.name = "type",
		.kind = CLI_OPT_TEXT,
		.meta = "TYPE",
		.key = "type",
		.field = "type",
		.words = CLI_WORDS_OP_TYPES,
		.required = true},
	SETTINGS,
	{.name = "disabled",
		.kind = CLI_OPT_UNFLAG,
		.key = "enabled",
		.help = "add it without starting it"},
};
static const struct cli_opt edit_opts[] = {
	{.name = "name",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "name",
		.field = "name"},
	{.name = "cron",
		.kind = CLI_OPT_TEXT,
		.meta = "EXPRESSION",
		.key = "cron",
		.field = "cron"},
	{.name = "type",
		.kind = CLI_OPT_TEXT,
		.meta = "TYPE",
		.key = "type",
		.field = "type",
		.words = CLI_WORDS_OP_TYPES},
	SETTINGS,
	{.name = "no-check",
		.kind = CLI_OPT_UNFLAG,
		.key = "check_mode",
		.help = "its runs change the nodes"},
	{.name = "enable", .kind = CLI_OPT_FLAG, .key = "enabled", .help = "let it run"},
	{.name = "disable", .kind = CLI_OPT_UNFLAG, .key = "enabled", .help = "let it rest"},
};

static struct err *run_add(struct cli *cli)
{
	TRY(cli_run_add(cli));
	note_server(cli);
	return NULL;
}

const struct cli_cmd cmd_schedule_add = {
	.path = "schedule add",
	.summary = "Run an operation again and again",
	.details =
		"The operation runs with your rights, as far as you still have them then. A run is left out while the one before is not over. "
		"When clocks go forward, a time that does not exist counts as the moment of the change; when they go back, a fixed hour "
		"runs once.",
	.example =
		"mko schedule add --name nightly-scan --cron \"0 3 * * *\" --timezone Europe/Berlin --type cluster.scan --target prod\n"
		"mko schedule add --name health --cron \"*/10 * * * *\" --missed skip --type node.status\n"
		"mko schedule add --name install --cron @daily --window \"sat,sun 01:00-05:00\" --type node.install --target n1 -p channel=1.32/stable",
	.noun = &noun_schedule,
	.opts = add_opts,
	.n_opts = ARRAY_LEN(add_opts),
	.run = run_add,
};
const struct cli_cmd cmd_schedule_edit = {
	.path = "schedule edit",
	.summary = "Change a schedule; from then on it runs with your rights",
	.details = "An empty value takes the old one away: --window \"\".",
	.example = "mko schedule edit nightly-scan --cron \"30 2 * * *\"",
	.noun = &noun_schedule,
	.args = one_schedule,
	.n_args = ARRAY_LEN(one_schedule),
	.opts = edit_opts,
	.n_opts = ARRAY_LEN(edit_opts),
	.run = cli_run_edit,
};

static struct err *set_enabled(struct cli *cli, bool enabled)
{
	cli_what(cli, "%s schedule %s", enabled ? "enable" : "disable", cli->args[0]);
	return cli_edit(cli, cli->args[0], json_pack("{s:b}", "enabled", enabled));
}

static struct err *run_enable(struct cli *cli)
{
	return set_enabled(cli, true);
}

static struct err *run_disable(struct cli *cli)
{
	return set_enabled(cli, false);
}

const struct cli_cmd cmd_schedule_enable = {
	.path = "schedule enable",
	.summary = "Let a schedule run; from then on it runs with your rights",
	.example = "mko schedule enable nightly-scan",
	.noun = &noun_schedule,
	.args = one_schedule,
	.n_args = ARRAY_LEN(one_schedule),
	.run = run_enable,
};
const struct cli_cmd cmd_schedule_disable = {
	.path = "schedule disable",
	.summary = "Let a schedule rest; what passes meanwhile is not made up for",
	.example = "mko schedule disable nightly-scan",
	.noun = &noun_schedule,
	.args = one_schedule,
	.n_args = ARRAY_LEN(one_schedule),
	.run = run_disable,
};
const struct cli_cmd cmd_schedule_remove = {
	.path = "schedule remove",
	.summary = "Remove a schedule; operations that it started stay",
	.example = "mko schedule remove nightly-scan --yes",
	.noun = &noun_schedule,
	.args = one_schedule,
	.n_args = ARRAY_LEN(one_schedule),
	.run = cli_run_remove,
};
const struct cli_cmd cmd_schedule_run = {
	.path = "schedule run",
	.summary = "Run a schedule's operation now and wait for it",
	.example = "mko schedule run nightly-scan",
	.doing = "run schedule",
	.noun = &noun_schedule,
	.action = "run",
	.args = one_schedule,
	.n_args = ARRAY_LEN(one_schedule),
	.sets = {&cli_wait_options},
	.run = cli_run_action,
};

static struct err *run_preview(struct cli *cli)
{
	json_t *body = json_pack("{s:s}", "cron", cli->args[0]);
	json_t *reply = NULL;
	const json_t *text = NULL;
	size_t i = 0;

	cli_opts_to_json(cli, NULL, body);
	struct err *e = cli_call(cli, "POST", "/api/schedules/preview", body, &reply);
	json_decref(body);
	TRY(e);
	if (cli_output_is_document(cli))
		e = cli_print_document(cli, reply);
	else
		json_array_foreach(json_object_get(reply, "next_runs"), i, text)
			(void)fprintf(cli->io->out, "%s\n", json_string_value(text));
	json_decref(reply);
	return e;
}

static const struct cli_arg one_expression[] = {
	{.name = "EXPRESSION", .help = "MINUTE HOUR DAY MONTH WEEKDAY, quoted"}};
static const struct cli_opt preview_opts[] = {
	TIME_OPTIONS,
	{.name = "count",
		.kind = CLI_OPT_NUMBER,
		.meta = "N",
		.min = 1,
		.max = 100,
		.key = "count",
		.help = "how many times",
		.def = "5"},
};
const struct cli_cmd cmd_schedule_preview = {
	.path = "schedule preview",
	.summary = "Say when a cron expression comes next",
	.doing = "read the cron expression",
	.example = "mko schedule preview \"0 3 * * mon-fri\" --timezone Europe/Berlin",
	.noun = &noun_schedule,
	.args = one_expression,
	.n_args = ARRAY_LEN(one_expression),
	.opts = preview_opts,
	.n_opts = ARRAY_LEN(preview_opts),
	.run = run_preview,
};
