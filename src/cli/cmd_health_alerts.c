/* mko health alerts, acknowledge, silence. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/tables.h"
#include "model/alert.h"

#define OPEN_MAX 1000

static struct err *add_state(struct cli *cli, enum alert_state state, json_t *to)
{
	cleanup(str_done) struct str query = STR_INIT;
	json_t *items = NULL;

	cli_query_add(&query, "state", enum_text(&alert_state_table, state));
	cli_query_add(&query, "sort", "-severity,-id");
	TRY(cli_get_list(cli, noun_health.collection, str_get(&query), OPEN_MAX, &items));
	json_array_extend(to, items);
	json_decref(items);
	return NULL;
}

/* What goes on: first what nobody has taken. */
static struct err *list_open(struct cli *cli)
{
	json_t *items = json_array();
	struct err *e = add_state(cli, ALERT_FIRING, items);

	if (e == NULL)
		e = add_state(cli, ALERT_ACKNOWLEDGED, items);
	if (e == NULL)
		e = cli_print_list(cli, noun_health.columns, noun_health.n_columns, "id", items);
	json_decref(items);
	return e;
}

static struct err *run_alerts(struct cli *cli)
{
	if (cli_opt_given(cli, "all") || cli_opt_given(cli, "state"))
		return cli_run_list_newest(cli);
	return list_open(cli);
}

static const struct cli_opt alerts_opts[] = {
	{.name = "all", .kind = CLI_OPT_FLAG, .help = "also what is over, the newest first"},
	{.name = "state",
		.kind = CLI_OPT_CHOICE,
		.choices = &alert_state_table,
		.key = "state",
		.help = "only alerts in this state"},
};
const struct cli_cmd cmd_health_alerts = {
	.path = "health alerts",
	.summary = "List the alerts that go on: what is not well and somebody should know",
	.details =
		"What follows from something else is no alert of its own: a silent network is one alert, not one for each machine in it. The column NEXT "
		"(-o wide) says what to type.",
	.example =
		"mko health alerts\nmko health alerts -o wide\nmko health alerts --all --limit 100",
	.doing = "list the alerts",
	.noun = &noun_health,
	.opts = alerts_opts,
	.n_opts = ARRAY_LEN(alerts_opts),
	.sets = {&cli_list_options},
	.run = run_alerts,
};

/* POST what is done to an alert, and say it. */
static struct err *act(struct cli *cli, const char *action, const json_t *body, const char *said)
{
	cleanup(mem_freep) char *path = cli_path("alerts", cli->args[0], action, NULL);
	json_t *alert = NULL;

	cli_what(cli, "%s alert %s", action, cli->args[0]);
	TRY(cli_post(cli, path, NULL, body, &alert));
	struct err *e = NULL;
	if (cli->output_given)
		e = cli_print_object(cli, "id", alert);
	else if (!cli->quiet)
		(void)fprintf(cli->io->out, "alert %s %s\n", cli->args[0], said);
	json_decref(alert);
	return e;
}

static const struct cli_arg one_alert[] = {{.name = "ALERT", .help = "number"}};

static struct err *run_acknowledge(struct cli *cli)
{
	return act(cli, "acknowledge", NULL, "acknowledged");
}
const struct cli_cmd cmd_health_acknowledge = {
	.path = "health acknowledge",
	.summary = "Say that you have taken an alert",
	.example = "mko health acknowledge 12",
	.noun = &noun_health,
	.args = one_alert,
	.n_args = ARRAY_LEN(one_alert),
	.run = run_acknowledge,
};

static struct err *run_silence(struct cli *cli)
{
	json_t *body = json_object();

	cli_opts_to_json(cli, NULL, body);
	bool ends = cli_opt_number(cli, "for", 0) == 0;
	struct err *e = act(cli, "silence", body, ends ? "speaks again" : "silenced");
	json_decref(body);
	return e;
}
static const struct cli_opt silence_opts[] = {
	{.name = "for",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.key = "duration_s",
		.min = 0,
		.max = 31536000,
		.required = true,
		.help = "how long nobody is told of it; 0 = tell again"},
};
const struct cli_cmd cmd_health_silence = {
	.path = "health silence",
	.summary = "Tell nobody of an alert for a time",
	.example = "mko health silence 12 --for 2h\nmko health silence 12 --for 0s",
	.noun = &noun_health,
	.args = one_alert,
	.n_args = ARRAY_LEN(one_alert),
	.opts = silence_opts,
	.n_opts = ARRAY_LEN(silence_opts),
	.run = run_silence,
};
