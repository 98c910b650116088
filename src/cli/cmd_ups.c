/* mko ups list, status, add, show, edit, remove, events and monitor: mostly tables. */
#include <string.h>

#include "base/mem.h"
#include "base/seal.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/style.h"
#include "cli/tables.h"
#include "model/ups.h"

static const struct cli_opt list_opts[] = {
	{.name = "status",
		.kind = CLI_OPT_CHOICE,
		.choices = &ups_status_table,
		.key = "status",
		.help = "only UPSes in this state"},
};
const struct cli_cmd cmd_ups_list = {
	.path = "ups list",
	.summary = "List the UPSes",
	.doing = "list the UPSes",
	.example = "mko ups list\nmko ups list --status on_battery",
	.noun = &noun_ups,
	.opts = list_opts,
	.n_opts = ARRAY_LEN(list_opts),
	.sets = {&cli_list_options},
	.run = cli_run_list,
};

static const struct cli_arg one_ups[] = {
	{.name = "UPS", .words = CLI_WORDS_UPS, .help = "name or number"}};
const struct cli_cmd cmd_ups_show = {
	.path = "ups show",
	.summary = "Show how a UPS is reached",
	.example = "mko ups show rack",
	.noun = &noun_ups,
	.args = one_ups,
	.n_args = ARRAY_LEN(one_ups),
	.run = cli_run_show,
};

#define TEXT_OPTION(NAME, META, KEY)                                                               \
	{                                                                                          \
		.name = (NAME), .kind = CLI_OPT_TEXT, .meta = (META), .key = (KEY), .field = (KEY) \
	}
#define COMMON_OPTIONS                                                                             \
	TEXT_OPTION("nut-host", "HOST", "nut_host"),                                               \
		{.name = "nut-port",                                                               \
			.kind = CLI_OPT_NUMBER,                                                    \
			.meta = "PORT",                                                            \
			.min = 1,                                                                  \
			.max = 65535,                                                              \
			.key = "nut_port",                                                         \
			.field = "nut_port"},                                                      \
		TEXT_OPTION("nut-name", "NAME", "nut_name"),                                       \
		TEXT_OPTION("nut-username", "USER", "nut_username"),                               \
		{.name = "nut-password-stdin",                                                     \
			.kind = CLI_OPT_FLAG,                                                      \
			.help = "read the password of that user from stdin (kept sealed)"},        \
		{.name = "ask-nut-password",                                                       \
			.kind = CLI_OPT_FLAG,                                                      \
			.help = "ask for the password of that user at the terminal"},              \
		TEXT_OPTION("nut-tls-ca", "FILE", "nut_tls_ca"),                                   \
		TEXT_OPTION("nut-tls-pin", "SHA256", "nut_tls_pin"),                               \
	{                                                                                          \
		.name = "description", .letter = 'd', .kind = CLI_OPT_TEXT, .meta = "TEXT",        \
		.key = "description", .field = "description"                                       \
	}

static const struct cli_opt add_opts[] = {
	{.name = "name",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "name",
		.field = "name",
		.required = true},
	COMMON_OPTIONS,
	{.name = "disabled",
		.kind = CLI_OPT_UNFLAG,
		.key = "enabled",
		.help = "add it without watching it"},
};
static const struct cli_opt edit_opts[] = {
	{.name = "name",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "name",
		.field = "name"},
	COMMON_OPTIONS,
	{.name = "enable", .kind = CLI_OPT_FLAG, .key = "enabled", .help = "watch it"},
	{.name = "disable", .kind = CLI_OPT_UNFLAG, .key = "enabled", .help = "watch it no more"},
};

/** Put the options into the body, the password too when it was asked for. */
static struct err *fill_body(struct cli *cli, json_t *body)
{
	char *password = NULL;

	cli_opts_to_json(cli, NULL, body);
	if (!cli_opt_given(cli, "nut-password-stdin") && !cli_opt_given(cli, "ask-nut-password"))
		return NULL;
	if (cli_opt_given(cli, "ask-nut-password") && !cli->io->in_tty)
		return err_hint(err_new(ERR_USAGE, "there is no terminal to ask for the password"),
			"--nut-password-stdin");
	TRY(cli_read_secret(cli, "Password of the user of upsd", &password));
	json_object_set_new(body, "nut_password", json_string(password));
	seal_wipe_free(password);
	return NULL;
}

/** Without a server nobody watches: who adds a UPS must learn that. */
static void note_server(struct cli *cli)
{
	if (cli_is_local(cli))
		cli_note(cli, "no server runs here: UPSes are watched only while mko web runs");
}

static struct err *run_add(struct cli *cli)
{
	json_t *body = json_object();

	cli_what(cli, "add UPS %s", cli_opt_text(cli, "name"));
	struct err *e = fill_body(cli, body);
	if (e != NULL) {
		json_decref(body);
		return e;
	}
	TRY(cli_add(cli, body, NULL));
	note_server(cli);
	return NULL;
}

static struct err *run_edit(struct cli *cli)
{
	json_t *body = json_object();

	cli_what(cli, "change UPS %s", cli->args[0]);
	struct err *e = fill_body(cli, body);
	if (e != NULL) {
		json_decref(body);
		return e;
	}
	return cli_edit(cli, cli->args[0], body);
}

const struct cli_cmd cmd_ups_add = {
	.path = "ups add",
	.summary = "Watch a UPS that a upsd serves, here or elsewhere",
	.details =
		"The server polls it once a second. With --nut-username upsd is also told that something depends on the UPS (LOGIN), so that a foreign primary waits for mko.",
	.example =
		"mko ups add --name rack --nut-name ups\n"
		"mko ups add --name rack --nut-host 192.0.2.10 --nut-name ups --nut-username mko --nut-password-stdin < password",
	.noun = &noun_ups,
	.opts = add_opts,
	.n_opts = ARRAY_LEN(add_opts),
	.run = run_add,
};
const struct cli_cmd cmd_ups_edit = {
	.path = "ups edit",
	.summary = "Change how a UPS is reached, or whether it is watched",
	.details = "An empty value takes the old one away: --nut-username \"\".",
	.example = "mko ups edit rack --nut-host 192.0.2.11",
	.noun = &noun_ups,
	.args = one_ups,
	.n_args = ARRAY_LEN(one_ups),
	.opts = edit_opts,
	.n_opts = ARRAY_LEN(edit_opts),
	.run = run_edit,
};

static const struct cli_opt remove_opts[] = {
	{.name = "force", .kind = CLI_OPT_FLAG, .key = "force", .help = "remove its rules with it"},
};
const struct cli_cmd cmd_ups_remove = {
	.path = "ups remove",
	.summary = "Watch a UPS no more and forget it; what happened stays",
	.example = "mko ups remove rack --yes",
	.noun = &noun_ups,
	.args = one_ups,
	.n_args = ARRAY_LEN(one_ups),
	.opts = remove_opts,
	.n_opts = ARRAY_LEN(remove_opts),
	.run = cli_run_remove,
};

/* ---- live ---- */

static void print_pair(struct cli *cli, const char *label, const char *text)
{
	cleanup(mem_freep) char *shown = cli_esc(text);

	if (text != NULL)
		(void)fprintf(cli->io->out, "%-18s %s\n", label, shown);
}

/** A number with its unit; nothing when the UPS does not tell it. */
static void print_number(struct cli *cli, const json_t *status, const char *key, const char *label,
	const char *unit)
{
	const json_t *value = json_object_get(status, key);

	if (json_is_number(value))
		(void)fprintf(cli->io->out, "%-18s %.6g %s\n", label, json_number_value(value),
			unit);
}

static void print_power(struct cli *cli, const json_t *status)
{
	const char *word = cli_json_text(status, "power", "unknown");

	(void)fprintf(cli->io->out, "%-18s %s%s%s%s\n", "power",
		style_on(cli->color_out, style_of_status(word)), word, style_off(cli->color_out),
		json_is_true(json_object_get(status, "outage")) ? ", an outage is open" : "");
}

static void print_quantities(struct cli *cli, const json_t *status)
{
	static const struct {
		const char *key, *label, *unit;
	} rows[] = {
		{"charge_pct", "charge", "%"},
		{"runtime_s", "runtime", "s"},
		{"load_pct", "load", "%"},
		{"realpower_w", "power drawn", "W"},
		{"input_voltage_v", "input", "V"},
		{"output_voltage_v", "output", "V"},
		{"battery_voltage_v", "battery", "V"},
		{"temperature_c", "temperature", "degrees C"},
		{"age_s", "heard before", "s"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		print_number(cli, status, rows[i].key, rows[i].label, rows[i].unit);
}

static const struct cli_column firing_columns[] = {
	{"RULE", "rule_name", .shrink = true},
	{"ACTION", "action"},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"HELD", "held", CLI_SHOW_YES},
	{"DUE", "due_at", CLI_SHOW_TIME},
	{"OPERATION", "operation_id", .right = true},
};

static const struct cli_column plan_columns[] = {
	{"RULE", "rule", .shrink = true},
	{"CLUSTER", "cluster"},
	{"ACTION", "action"},
	{"NEEDS S", "needs_s", .right = true},
	{"HAS S", "has_s", .right = true},
	{"FITS", "fits", CLI_SHOW_YES},
	{"BEGINS AT S", "starts_at_runtime_s", .right = true, .wide = true},
	{"RUNS SEEN", "runs", .right = true},
};

static void print_status(struct cli *cli, const json_t *status)
{
	const json_t *plan = json_object_get(status, "plan");
	const json_t *firings = json_object_get(status, "firings");

	print_pair(cli, "ups", cli_json_text(status, "name", "?"));
	if (!json_is_true(json_object_get(status, "watched")))
		print_pair(cli, "watched", "no: mko web must run, and the monitor with it");
	print_power(cli, status);
	print_pair(cli, "says", cli_json_text(status, "ups_status", NULL));
	print_pair(cli, "but", cli_json_text(status, "doubt", NULL));
	print_pair(cli, "problem", cli_json_text(status, "problem", NULL));
	print_quantities(cli, status);
	print_pair(cli, "model", cli_json_text(status, "model", NULL));
	print_pair(cli, "serial", cli_json_text(status, "serial", NULL));
	print_pair(cli, "alarm", cli_json_text(status, "alarm", NULL));
	if (json_array_size(plan) > 0)
		cli_print_table(cli, "Time that rules need and have", plan_columns,
			ARRAY_LEN(plan_columns), plan);
	if (json_array_size(firings) > 0)
		cli_print_table(cli, "Rules at work", firing_columns, ARRAY_LEN(firing_columns),
			firings);
}

static struct err *run_status(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("ups", cli->args[0], "status", NULL);
	json_t *status = NULL;
	struct err *e = NULL;

	cli_what(cli, "read UPS %s", cli->args[0]);
	TRY(cli_get(cli, path, NULL, &status));
	if (cli_output_is_document(cli))
		e = cli_print_document(cli, status);
	else
		print_status(cli, status);
	if (json_is_true(json_object_get(status, "watched")) &&
		!json_is_true(json_object_get(status, "contact")))
		cli->exit_code = 6;
	json_decref(status);
	return e;
}

const struct cli_cmd cmd_ups_status = {
	.path = "ups status",
	.summary = "Show what a UPS says right now and which rules are at work",
	.details = "Ends with 6 when the UPS is watched and does not answer.",
	.example = "mko ups status rack\nmko ups status rack -o json",
	.noun = &noun_ups,
	.args = one_ups,
	.n_args = ARRAY_LEN(one_ups),
	.run = run_status,
};

#define FRESH_S 5.0

/** What the newest poll gave: the server asks each second. */
static struct err *judge(struct cli *cli, const json_t *status)
{
	const char *name = cli_json_text(status, "name", "?");
	const char *says = cli_json_text(status, "ups_status", NULL);
	const char *doubt = cli_json_text(status, "doubt", NULL);
	const char *problem = cli_json_text(status, "problem", NULL);
	double age = json_number_value(json_object_get(status, "age_s"));

	if (!json_is_true(json_object_get(status, "watched")))
		return err_hint(err_new(ERR_UNREACHABLE, "UPS %s is not watched now", name),
			"mko web, mko ups monitor start, or mko ups edit %s --enable", name);
	if (says == NULL || problem != NULL || age > FRESH_S)
		return err_hint(err_new(ERR_UNREACHABLE, "UPS %s does not answer: %s", name,
					problem != NULL ? problem : "nothing was heard yet"),
			"mko ups show %s", name);
	cleanup(mem_freep) char *shown = cli_esc(says);
	(void)fprintf(cli->io->out, "ups %s answers: %s%s%s\n", name, shown,
		doubt != NULL ? ", but " : "", doubt != NULL ? doubt : "");
	cli->exit_code = doubt != NULL ? 1 : 0;
	return NULL;
}

static struct err *run_test(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("ups", cli->args[0], "status", NULL);
	json_t *status = NULL;

	cli_what(cli, "test UPS %s", cli->args[0]);
	TRY(cli_get(cli, path, NULL, &status));
	struct err *e = cli_output_is_document(cli) ? cli_print_document(cli, status) : NULL;
	if (e == NULL && cli_output_is_document(cli))
		cli->exit_code = json_is_true(json_object_get(status, "contact")) ? 0 : 6;
	else if (e == NULL)
		e = judge(cli, status);
	json_decref(status);
	return e;
}

const struct cli_cmd cmd_ups_test = {
	.path = "ups test",
	.summary = "Say whether the server reaches a UPS; ends with 6 when not",
	.details =
		"The server asks each UPS once a second over the connection that power depends on; this is what came last. Ends with 1 when the UPS answers something that tells nothing of the mains.",
	.example = "mko ups test rack",
	.noun = &noun_ups,
	.args = one_ups,
	.n_args = ARRAY_LEN(one_ups),
	.run = run_test,
};

static const struct cli_column event_columns[] = {
	{"ID", "id", .right = true},
	{"WHEN", "at", CLI_SHOW_TIME},
	{"UPS", "ups_name"},
	{"EVENT", "event"},
	{"REASON", "reason"},
	{"STATUS", "status"},
	{"CHARGE %", "charge", .right = true},
	{"RUNTIME S", "runtime", .right = true},
	{"OUTAGE", "episode", .wide = true, .right = true},
	{"SINCE", "since", CLI_SHOW_TIME, .wide = true},
};
static const struct cli_noun noun_event = {
	.name = "event",
	.collection = "ups/events",
	.key = "id",
	.type = &ups_event_type,
	.columns = event_columns,
	.n_columns = ARRAY_LEN(event_columns),
};
static const struct cli_opt event_opts[] = {
	{.name = "ups",
		.kind = CLI_OPT_TEXT,
		.meta = "UPS",
		.key = "ups_name",
		.words = CLI_WORDS_UPS,
		.help = "only this UPS, by name"},
	{.name = "event",
		.kind = CLI_OPT_CHOICE,
		.choices = &power_event_table,
		.key = "event",
		.help = "only events of this kind"},
};
const struct cli_cmd cmd_ups_events = {
	.path = "ups events",
	.summary = "List what happened to UPSes, the newest first",
	.doing = "list the events",
	.example = "mko ups events --ups rack\nmko ups events --event power_loss --limit 5",
	.noun = &noun_event,
	.opts = event_opts,
	.n_opts = ARRAY_LEN(event_opts),
	.sets = {&cli_list_options},
	.run = cli_run_list_newest,
};

/* ---- outages ---- */

static const struct cli_column outage_columns[] = {
	{"BEGAN", "began", CLI_SHOW_TIME},
	{"ENDED", "ended", CLI_SHOW_TIME},
	{"SECONDS", "length_s", .right = true},
	{"CHARGE BEFORE %", "charge_begin", .right = true},
	{"AFTER %", "charge_end", .right = true},
	{"DEPTH %", "depth_percent", .right = true},
	{"CRITICAL", "critical", CLI_SHOW_YES},
	{"NUMBER", "number", .wide = true, .right = true},
};

static struct err *run_outages(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("ups", cli->args[0], "outages", NULL);
	json_t *reply = NULL;

	cli_what(cli, "list the outages of UPS %s", cli->args[0]);
	TRY(cli_get(cli, path, NULL, &reply));
	struct err *e = cli_print_list(cli, outage_columns, ARRAY_LEN(outage_columns), "number",
		cli_json_get(reply, "items"));
	json_decref(reply);
	return e;
}

const struct cli_cmd cmd_ups_outages = {
	.path = "ups outages",
	.summary = "List the outages of a UPS, the newest first: when, how long, how deep",
	.details =
		"From the events that are kept. What goes on has no end; the depth is what it took of the battery's charge.",
	.example = "mko ups outages rack\nmko ups outages rack -o csv",
	.noun = &noun_ups,
	.args = one_ups,
	.n_args = ARRAY_LEN(one_ups),
	.run = run_outages,
};

/* ---- the monitor ---- */

static struct err *show_monitor(struct cli *cli, json_t *take_monitor)
{
	const json_t *firings = json_object_get(take_monitor, "firings");
	bool running = json_is_true(json_object_get(take_monitor, "running"));
	bool wanted = json_is_true(json_object_get(take_monitor, "wanted"));
	struct err *e = NULL;

	if (cli_output_is_document(cli)) {
		e = cli_print_document(cli, take_monitor);
	} else {
		print_pair(cli, "monitor",
			running          ? "running"
				: wanted ? "not running: no server runs here (mko web)"
					 : "stopped (mko ups monitor start)");
		(void)fprintf(cli->io->out, "%-18s %lld\n", "UPSes watched",
			(long long)cli_json_i64(take_monitor, "ups_count", 0));
		if (json_array_size(firings) > 0)
			cli_print_table(cli, "Rules at work", firing_columns,
				ARRAY_LEN(firing_columns), firings);
	}
	json_decref(take_monitor);
	return e;
}

static struct err *run_monitor_status(struct cli *cli)
{
	json_t *monitor = NULL;

	TRY(cli_get(cli, "/api/ups/monitor/status", NULL, &monitor));
	if (!json_is_true(json_object_get(monitor, "running")))
		cli->exit_code = 1;
	return show_monitor(cli, monitor);
}

static struct err *set_monitor(struct cli *cli, const char *path)
{
	json_t *monitor = NULL;

	TRY(cli_post(cli, path, NULL, NULL, &monitor));
	return show_monitor(cli, monitor);
}

static struct err *run_monitor_start(struct cli *cli)
{
	return set_monitor(cli, "/api/ups/monitor/start");
}

static struct err *run_monitor_stop(struct cli *cli)
{
	return set_monitor(cli, "/api/ups/monitor/stop");
}

const struct cli_cmd cmd_ups_monitor_start = {
	.path = "ups monitor start",
	.summary = "Watch power (it is watched from the start of the server on)",
	.details = "This outlives restarts of the server.",
	.doing = "start the monitor",
	.example = "mko ups monitor start",
	.noun = &noun_ups,
	.run = run_monitor_start,
};
const struct cli_cmd cmd_ups_monitor_stop = {
	.path = "ups monitor stop",
	.summary = "Watch power no more: no rule acts until it is started again",
	.details = "This outlives restarts of the server. Operations that run go on.",
	.doing = "stop the monitor",
	.example = "mko ups monitor stop",
	.noun = &noun_ups,
	.run = run_monitor_stop,
};
const struct cli_cmd cmd_ups_monitor_status = {
	.path = "ups monitor status",
	.summary = "Say whether power is watched; ends with 1 when it is not",
	.doing = "ask the monitor",
	.example = "mko ups monitor status",
	.noun = &noun_ups,
	.run = run_monitor_status,
};
