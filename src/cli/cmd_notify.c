/* mko notify list, show, add, edit, remove, test, log, again: mostly tables. */
#include <string.h>

#include "base/mem.h"
#include "base/seal.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"
#include "model/notifier.h"

const struct cli_cmd cmd_notify_list = {
	.path = "notify list",
	.summary = "List the notifiers: where alerts are sent to",
	.doing = "list the notifiers",
	.example = "mko notify list\nmko notify list -o wide",
	.noun = &noun_notify,
	.sets = {&cli_list_options},
	.run = cli_run_list,
};

static const struct cli_arg one_notifier[] = {
	{.name = "NOTIFIER", .words = CLI_WORDS_NOTIFIERS, .help = "name or number"}};
const struct cli_cmd cmd_notify_show = {
	.path = "notify show",
	.summary = "Show a notifier",
	.example = "mko notify show phone",
	.noun = &noun_notify,
	.args = one_notifier,
	.n_args = ARRAY_LEN(one_notifier),
	.run = cli_run_show,
};

#define TEXT_OPTION(NAME, META, KEY)                                                               \
	{                                                                                          \
		.name = (NAME), .kind = CLI_OPT_TEXT, .meta = (META), .key = (KEY), .field = (KEY) \
	}
#define COMMON_OPTIONS                                                                             \
	TEXT_OPTION("url", "URL", "url"), TEXT_OPTION("to", "WHOM", "recipient"),                  \
		TEXT_OPTION("from", "ADDRESS", "sender"),                                          \
		TEXT_OPTION("username", "USER", "username"),                                       \
		{.name = "secret-stdin",                                                           \
			.kind = CLI_OPT_FLAG,                                                      \
			.help = "read the password, token or key of the signature from stdin "     \
				"(kept sealed)"},                                                  \
		{.name = "ask-secret",                                                             \
			.kind = CLI_OPT_FLAG,                                                      \
			.help = "ask for it at the terminal"},                                     \
		TEXT_OPTION("ca-file", "FILE", "ca_file"),                                         \
		{.name = "min-severity",                                                           \
			.kind = CLI_OPT_CHOICE,                                                    \
			.choices = &alert_severity_table,                                          \
			.key = "min_severity",                                                     \
			.field = "min_severity"},                                                  \
		{.name = "cluster",                                                                \
			.kind = CLI_OPT_TEXT,                                                      \
			.meta = "CLUSTER",                                                         \
			.key = "cluster_id",                                                       \
			.words = CLI_WORDS_CLUSTERS,                                               \
			.help = "only alerts of this cluster"},                                    \
		{.name = "no-recovered",                                                           \
			.kind = CLI_OPT_UNFLAG,                                                    \
			.key = "recovered",                                                        \
			.help = "do not tell when an alert is over"},                              \
		TEXT_OPTION("quiet-hours", "[DAYS] HH:MM-HH:MM", "quiet"),                         \
		TEXT_OPTION("timezone", "ZONE", "timezone"),                                       \
		TEXT_OPTION("text", "TEMPLATE", "text")

static const struct cli_opt add_opts[] = {
	{.name = "name",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "name",
		.field = "name",
		.required = true},
	{.name = "kind",
		.letter = 'k',
		.kind = CLI_OPT_CHOICE,
		.choices = &notifier_kind_table,
		.key = "kind",
		.field = "kind",
		.required = true},
	COMMON_OPTIONS,
	{.name = "disabled",
		.kind = CLI_OPT_UNFLAG,
		.key = "enabled",
		.help = "add it without telling it anything"},
};
static const struct cli_opt edit_opts[] = {
	TEXT_OPTION("name", "NAME", "name"),
	COMMON_OPTIONS,
	{.name = "recovered",
		.kind = CLI_OPT_FLAG,
		.key = "recovered",
		.help = "tell when an alert is over"},
	{.name = "enable", .kind = CLI_OPT_FLAG, .key = "enabled", .help = "tell it alerts"},
	{.name = "disable", .kind = CLI_OPT_UNFLAG, .key = "enabled", .help = "tell it nothing"},
};

/** Put the options into the body, the secret too when it was asked for. */
static struct err *fill_body(struct cli *cli, json_t *body)
{
	char *secret = NULL;

	cli_opts_to_json(cli, NULL, body);
	if (!cli_opt_given(cli, "secret-stdin") && !cli_opt_given(cli, "ask-secret"))
		return NULL;
	if (cli_opt_given(cli, "ask-secret") && !cli->io->in_tty)
		return err_hint(err_new(ERR_USAGE, "there is no terminal to ask for the secret"),
			"--secret-stdin");
	TRY(cli_read_secret(cli, "Secret of the notifier", &secret));
	json_object_set_new(body, "secret", json_string(secret));
	seal_wipe_free(secret);
	return NULL;
}

static struct err *run_add(struct cli *cli)
{
	json_t *body = json_object();

	cli_what(cli, "add notifier %s", cli_opt_text(cli, "name"));
	struct err *e = fill_body(cli, body);
	if (e != NULL) {
		json_decref(body);
		return e;
	}
	TRY(cli_add(cli, body, NULL));
	if (cli_is_local(cli))
		cli_note(cli, "no server runs here: alerts are sent only while mko web runs");
	return NULL;
}

static struct err *run_edit(struct cli *cli)
{
	json_t *body = json_object();

	cli_what(cli, "change notifier %s", cli->args[0]);
	struct err *e = fill_body(cli, body);
	if (e != NULL) {
		json_decref(body);
		return e;
	}
	return cli_edit(cli, cli->args[0], body);
}

const struct cli_cmd cmd_notify_add = {
	.path = "notify add",
	.summary = "Send alerts to a mail address, a webhook, ntfy, Slack, Discord or Telegram",
	.details =
		"webhook: --url, a secret signs each message; mail: --url smtp://HOST:PORT or smtps://HOST:PORT, --from, --to, with --username the secret is "
		"its password; ntfy: --url with the topic, the secret is a token; slack and discord (or what is compatible): --url; telegram: --to CHAT, "
		"the secret is the token of the bot. Try it: mko notify test NAME.",
	.example =
		"mko notify add --name phone --kind ntfy --url https://ntfy.sh/my-topic --quiet-hours 22:00-07:00\n"
		"mko notify add --name ops --kind mail --url smtp://mail.example.net:587 --from mko@example.net --to ops@example.net "
		"--username mko --secret-stdin < password",
	.noun = &noun_notify,
	.opts = add_opts,
	.n_opts = ARRAY_LEN(add_opts),
	.run = run_add,
};
const struct cli_cmd cmd_notify_edit = {
	.path = "notify edit",
	.summary = "Change a notifier, or whether it is told anything",
	.details = "An empty value takes the old one away: --quiet-hours \"\".",
	.example = "mko notify edit phone --min-severity critical",
	.noun = &noun_notify,
	.args = one_notifier,
	.n_args = ARRAY_LEN(one_notifier),
	.opts = edit_opts,
	.n_opts = ARRAY_LEN(edit_opts),
	.run = run_edit,
};
const struct cli_cmd cmd_notify_remove = {
	.path = "notify remove",
	.summary = "Send nothing there any more; what waits is given up, the log stays",
	.example = "mko notify remove phone --yes",
	.noun = &noun_notify,
	.args = one_notifier,
	.n_args = ARRAY_LEN(one_notifier),
	.run = cli_run_remove,
};

static struct err *run_test(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("notifiers", cli->args[0], "test", NULL);
	json_t *result = NULL;

	cli_what(cli, "test notifier %s", cli->args[0]);
	TRY(cli_post(cli, path, NULL, NULL, &result));
	struct err *e = NULL;
	if (!json_is_true(json_object_get(result, "sent")))
		e = err_new(ERR_FAILED, "%s", cli_json_text(result, "error", "it failed"));
	else if (cli->output_given)
		e = cli_print_object(cli, NULL, result);
	else if (!cli->quiet)
		(void)fprintf(cli->io->out, "a test message was sent to %s\n", cli->args[0]);
	json_decref(result);
	return e;
}
const struct cli_cmd cmd_notify_test = {
	.path = "notify test",
	.summary = "Send a test message now and say what became of it",
	.example = "mko notify test phone",
	.noun = &noun_notify,
	.args = one_notifier,
	.n_args = ARRAY_LEN(one_notifier),
	.run = run_test,
};

/* ---- the log ---- */

static const struct cli_opt log_opts[] = {
	{.name = "state",
		.kind = CLI_OPT_CHOICE,
		.choices = &delivery_state_table,
		.key = "state",
		.help = "only deliveries in this state"},
	{.name = "notifier",
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "notifier",
		.words = CLI_WORDS_NOTIFIERS,
		.help = "only of this notifier"},
};
static const struct cli_column log_columns[] = {
	{"ID", "id", .right = true},
	{"NOTIFIER", "notifier"},
	{"EVENT", "event"},
	{"ALERT", "alert_id", .right = true},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"ATTEMPTS", "attempts", .right = true},
	{"ASKED", "created_at", CLI_SHOW_AGO},
	{"NEXT", "next_at", CLI_SHOW_TIME, .wide = true},
	{"ERROR", "error", .shrink = true},
};
static const struct cli_noun noun_delivery = {
	.name = "notify",
	.collection = "deliveries",
	.key = "id",
	.summary = "what notifiers were told",
	.type = &delivery_type,
	.columns = log_columns,
	.n_columns = ARRAY_LEN(log_columns),
};
const struct cli_cmd cmd_notify_log = {
	.path = "notify log",
	.summary = "List what notifiers were told, the newest first, and what waits",
	.doing = "list the deliveries",
	.example = "mko notify log\nmko notify log --state failed",
	.noun = &noun_delivery,
	.opts = log_opts,
	.n_opts = ARRAY_LEN(log_opts),
	.sets = {&cli_list_options},
	.run = cli_run_list_newest,
};

static struct err *run_again(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("deliveries", cli->args[0], "again", NULL);
	json_t *delivery = NULL;

	cli_what(cli, "send delivery %s again", cli->args[0]);
	TRY(cli_post(cli, path, NULL, NULL, &delivery));
	struct err *e = NULL;
	if (cli->output_given)
		e = cli_print_object(cli, "id", delivery);
	else if (!cli->quiet)
		(void)fprintf(cli->io->out, "delivery %s is sent again\n", cli->args[0]);
	json_decref(delivery);
	return e;
}
static const struct cli_arg one_delivery[] = {{.name = "DELIVERY", .help = "number"}};
const struct cli_cmd cmd_notify_again = {
	.path = "notify again",
	.summary = "Send a delivery that has ended once more",
	.example = "mko notify again 12",
	.noun = &noun_notify,
	.args = one_delivery,
	.n_args = ARRAY_LEN(one_delivery),
	.run = run_again,
};
