/* mko ups rules create, list, show, edit, delete, enable, disable, firings: mostly tables. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/tables.h"
#include "model/ups.h"

static const struct cli_opt list_opts[] = {
	{.name = "status",
		.kind = CLI_OPT_CHOICE,
		.choices = &power_state_table,
		.key = "state",
		.help = "only rules whose newest firing stands there"},
	{.name = "event",
		.kind = CLI_OPT_CHOICE,
		.choices = &power_trigger_table,
		.key = "power_event",
		.help = "only rules that wait for this"},
};
const struct cli_cmd cmd_ups_rules_list = {
	.path = "ups rules list",
	.summary = "List the rules of power",
	.doing = "list the rules",
	.example = "mko ups rules list\nmko ups rules list -o wide",
	.noun = &noun_ups_rule,
	.opts = list_opts,
	.n_opts = ARRAY_LEN(list_opts),
	.sets = {&cli_list_options},
	.run = cli_run_list,
};

static const struct cli_arg one_rule[] = {{.name = "RULE", .help = "name or number"}};
const struct cli_cmd cmd_ups_rules_show = {
	.path = "ups rules show",
	.summary = "Show a rule",
	.example = "mko ups rules show \"Emergency Shutdown\"",
	.noun = &noun_ups_rule,
	.args = one_rule,
	.n_args = ARRAY_LEN(one_rule),
	.run = cli_run_show,
};

#define NUMBER_OPTION(NAME, META, KEY, MIN, MAX)                                                   \
	{                                                                                          \
		.name = (NAME), .kind = CLI_OPT_NUMBER, .meta = (META), .min = (MIN),              \
		.max = (MAX), .key = (KEY), .field = (KEY)                                         \
	}
#define TIME_OPTION(NAME, KEY)                                                                     \
	{                                                                                          \
		.name = (NAME), .kind = CLI_OPT_DURATION, .meta = "SECONDS", .key = (KEY),         \
		.field = (KEY)                                                                     \
	}

#define SETTINGS                                                                                   \
	{.name = "name",                                                                           \
		.letter = 'n',                                                                     \
		.kind = CLI_OPT_TEXT,                                                              \
		.meta = "NAME",                                                                    \
		.key = "name",                                                                     \
		.field = "name"},                                                                  \
		{.name = "description",                                                            \
			.letter = 'd',                                                             \
			.kind = CLI_OPT_TEXT,                                                      \
			.meta = "TEXT",                                                            \
			.key = "description",                                                      \
			.field = "description"},                                                   \
		NUMBER_OPTION("battery-threshold", "PERCENT", "battery_threshold", 1, 100),        \
		TIME_OPTION("runtime-threshold", "runtime_threshold"),                             \
		TIME_OPTION("action-delay", "action_delay"),                                       \
		TIME_OPTION("action-timeout", "action_timeout"),                                   \
		NUMBER_OPTION("priority", "N", "priority", 1, 1000),                               \
		NUMBER_OPTION("min-charge", "PERCENT", "min_charge", 0, 100),                      \
		TIME_OPTION("stable", "stable_s"),                                                 \
		NUMBER_OPTION("retries", "N", "retries", 1, 10),                                   \
		{.name = "on-fail",                                                                \
			.kind = CLI_OPT_CHOICE,                                                    \
			.choices = &ups_on_fail_table,                                             \
			.key = "on_fail",                                                          \
			.field = "on_fail"},                                                       \
		{.name = "workflow",                                                               \
			.kind = CLI_OPT_TEXT,                                                      \
			.meta = "WORKFLOW",                                                        \
			.key = "workflow",                                                         \
			.field = "workflow",                                                       \
			.words = CLI_WORDS_WORKFLOWS},                                             \
		{.name = "auto-reverse",                                                           \
			.kind = CLI_OPT_FLAG,                                                      \
			.key = "auto_reverse",                                                     \
			.help = "do the opposite when mains is back for good"},                    \
		{.name = "no-power-off",                                                           \
			.kind = CLI_OPT_UNFLAG,                                                    \
			.key = "power_off",                                                        \
			.help = "a shutdown leaves the machines on"},                              \
		{.name = "no-cancel-on-restore",                                                   \
			.kind = CLI_OPT_UNFLAG,                                                    \
			.key = "cancel_on_restore",                                                \
			.help = "act after the delay although mains is back"},                     \
		{.name = "no-abort-on-restore",                                                    \
			.kind = CLI_OPT_UNFLAG,                                                    \
			.key = "abort_on_restore",                                                 \
			.help = "finish what began although mains is back"},                       \
		{.name = "just-in-time",                                                           \
			.kind = CLI_OPT_FLAG,                                                      \
			.key = "just_in_time",                                                     \
			.help = "wait until the battery lasts just as long as the action takes"},  \
	{                                                                                          \
		.name = "dry-run", .kind = CLI_OPT_FLAG, .key = "dry_run",                         \
		.help = "write down what it would do, and do nothing"                              \
	}

static const struct cli_opt create_opts[] = {
	SETTINGS,
	{.name = "disable",
		.kind = CLI_OPT_UNFLAG,
		.key = "enabled",
		.help = "add it without letting it act"},
};
static const struct cli_opt edit_opts[] = {
	SETTINGS,
	{.name = "event",
		.kind = CLI_OPT_CHOICE,
		.choices = &power_trigger_table,
		.key = "power_event",
		.field = "power_event"},
	{.name = "action",
		.kind = CLI_OPT_CHOICE,
		.choices = &power_action_table,
		.key = "cluster_action",
		.field = "cluster_action"},
	{.name = "no-auto-reverse",
		.kind = CLI_OPT_UNFLAG,
		.key = "auto_reverse",
		.help = "leave down what it took down"},
	{.name = "power-off",
		.kind = CLI_OPT_FLAG,
		.key = "power_off",
		.help = "a shutdown powers off the machines too"},
	{.name = "at-once",
		.kind = CLI_OPT_UNFLAG,
		.key = "just_in_time",
		.help = "act when the event is there, after the delay"},
	{.name = "live", .kind = CLI_OPT_UNFLAG, .key = "dry_run", .help = "no dry run any more"},
};

static const char *const event_words[] = {"power_loss", "low_battery", "critical_battery",
	"power_restored", "ups_shutdown", "ups_startup", "runtime_below", "comms_lost", NULL};
static const char *const action_words[] = {"graceful_shutdown", "force_shutdown", "startup",
	"scale_down", "scale_up", "pause", "resume", "wake", "notify", NULL};
static const struct cli_arg create_args[] = {
	{.name = "UPS", .words = CLI_WORDS_UPS, .help = "name or number"},
	{.name = "CLUSTER",
		.words = CLI_WORDS_CLUSTERS,
		.help = "name or number; - for none (only to notify)"},
	{.name = "EVENT", .choices = event_words, .help = "what it waits for"},
	{.name = "ACTION", .choices = action_words, .help = "what it does"},
};

/** Without a server nobody watches: who adds a rule must learn that. */
static void note_server(struct cli *cli)
{
	if (cli_is_local(cli))
		cli_note(cli, "no server runs here: rules act only while mko web runs");
}

static struct err *run_create(struct cli *cli)
{
	json_t *body = json_pack("{s:s, s:s, s:s}", "ups_id", cli->args[0], "power_event",
		cli->args[2], "cluster_action", cli->args[3]);

	cli_what(cli, "add a rule of power");
	if (strcmp(cli->args[1], "-") != 0)
		json_object_set_new(body, "cluster_id", json_string(cli->args[1]));
	cli_opts_to_json(cli, NULL, body);
	TRY(cli_add(cli, body, NULL));
	note_server(cli);
	return NULL;
}

const struct cli_cmd cmd_ups_rules_create = {
	.path = "ups rules create",
	.alias = "ups rules add",
	.summary = "Say what happens to a cluster when a UPS loses power",
	.details =
		"A rule acts from its creation; --disable or --dry-run make it harmless, and mko ups rules simulate plays an outage through rules. The action is an operation like any other.",
	.example =
		"mko ups rules create rack prod power_loss graceful_shutdown --name \"Emergency Shutdown\" --action-delay 60 --auto-reverse\n"
		"mko ups rules create rack prod low_battery force_shutdown --battery-threshold 20\n"
		"mko ups rules create rack prod power_restored startup --priority 50",
	.noun = &noun_ups_rule,
	.args = create_args,
	.n_args = ARRAY_LEN(create_args),
	.opts = create_opts,
	.n_opts = ARRAY_LEN(create_opts),
	.run = run_create,
};
const struct cli_cmd cmd_ups_rules_edit = {
	.path = "ups rules edit",
	.summary = "Change a rule; what waits follows at once",
	.details =
		"A changed delay counts from the same start of the event. An empty value takes the old one away: --workflow \"\".",
	.example = "mko ups rules edit \"Emergency Shutdown\" --action-delay 120",
	.noun = &noun_ups_rule,
	.args = one_rule,
	.n_args = ARRAY_LEN(one_rule),
	.opts = edit_opts,
	.n_opts = ARRAY_LEN(edit_opts),
	.run = cli_run_edit,
};
const struct cli_cmd cmd_ups_rules_delete = {
	.path = "ups rules delete",
	.alias = "ups rules remove",
	.summary = "Remove a rule; what waits is cancelled",
	.example = "mko ups rules delete \"Emergency Shutdown\" --yes",
	.noun = &noun_ups_rule,
	.args = one_rule,
	.n_args = ARRAY_LEN(one_rule),
	.run = cli_run_remove,
};

static struct err *set_enabled(struct cli *cli, bool enabled)
{
	cli_what(cli, "%s rule %s", enabled ? "enable" : "disable", cli->args[0]);
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

const struct cli_cmd cmd_ups_rules_enable = {
	.path = "ups rules enable",
	.summary = "Let a rule act; an outage that goes on counts from its start",
	.example = "mko ups rules enable \"Emergency Shutdown\"",
	.noun = &noun_ups_rule,
	.args = one_rule,
	.n_args = ARRAY_LEN(one_rule),
	.run = run_enable,
};
const struct cli_cmd cmd_ups_rules_disable = {
	.path = "ups rules disable",
	.summary = "Let a rule rest; what waits is cancelled",
	.example = "mko ups rules disable \"Emergency Shutdown\"",
	.noun = &noun_ups_rule,
	.args = one_rule,
	.n_args = ARRAY_LEN(one_rule),
	.run = run_disable,
};

static const struct cli_column firing_columns[] = {
	{"ID", "id", .right = true},
	{"WHEN", "created_at", CLI_SHOW_TIME},
	{"RULE", "rule_name", .shrink = true},
	{"ACTION", "action"},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"REASON", "reason"},
	{"OPERATION", "operation_id", .right = true},
	{"ERROR", "error", .shrink = true},
	{"OUTAGE", "episode", .wide = true, .right = true},
	{"STARTED", "started_at", CLI_SHOW_TIME, .wide = true},
	{"ENDED", "finished_at", CLI_SHOW_TIME, .wide = true},
	{"DRY RUN", "dry_run", CLI_SHOW_YES, .wide = true},
};
static const struct cli_noun noun_firing = {
	.name = "firing",
	.collection = "ups/firings",
	.key = "id",
	.type = &ups_firing_type,
	.columns = firing_columns,
	.n_columns = ARRAY_LEN(firing_columns),
};
static const struct cli_opt firing_opts[] = {
	{.name = "status",
		.kind = CLI_OPT_CHOICE,
		.choices = &power_state_table,
		.key = "state",
		.help = "only firings that stand there"},
};
const struct cli_cmd cmd_ups_rules_firings = {
	.path = "ups rules firings",
	.summary = "List what rules did, the newest first",
	.doing = "list the firings",
	.example = "mko ups rules firings\nmko ups rules firings --status failed",
	.noun = &noun_firing,
	.opts = firing_opts,
	.n_opts = ARRAY_LEN(firing_opts),
	.sets = {&cli_list_options},
	.run = cli_run_list_newest,
};
