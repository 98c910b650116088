/* mko ups rules simulate: a recorded or made-up outage through the live rule engine under a virtual
 * clock. Needs no server and no database. */
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/args.h"
#include "cli/output.h"
#include "cli/run.h"
#include "cli/tables.h"
#include "power/simulate.h"

#define FILE_MAX ((size_t)64 << 20)

/** A line of the timeline for people: who, what, why. */
static void print_row(struct cli *cli, const json_t *line)
{
	const char *ups = json_string_value(json_object_get(line, "ups"));
	const char *rule = json_string_value(json_object_get(line, "rule"));
	const char *what =
		json_string_value(json_object_get(line, ups != NULL ? "event" : "state"));
	const char *reason = json_string_value(json_object_get(line, "reason"));
	const json_t *until = json_object_get(line, "until");
	cleanup(mem_freep) char *who = cli_esc(ups != NULL ? ups : rule);

	(void)fprintf(cli->io->out, "%8.0fs  %-12s %s",
		json_number_value(json_object_get(line, "t")), who, what);
	if (until != NULL)
		(void)fprintf(cli->io->out, " until %.0fs", json_number_value(until));
	if (reason != NULL)
		(void)fprintf(cli->io->out, " (%s)", reason);
	if (json_is_true(json_object_get(line, "dry_run")))
		(void)fputs(" [dry run]", cli->io->out);
	(void)fputc('\n', cli->io->out);
}

static void print_line(void *user, const json_t *line)
{
	struct cli *cli = user;

	if (cli->output == CLI_TABLE || cli->output == CLI_WIDE) {
		print_row(cli, line);
		return;
	}
	char *text = json_dumps(line, JSON_COMPACT);
	must(text != NULL);
	(void)fprintf(cli->io->out, "%s\n", text);
	mem_free(text);
}

static struct err *read_limits(struct cli *cli, struct power_config *config)
{
	const json_t *pairs = cli_opt_list(cli, "config");
	void *iter = json_object_iter((json_t *)(uintptr_t)pairs);

	for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)pairs, iter)) {
		const json_t *value = json_object_iter_value(iter);
		cleanup(mem_freep) char *text = json_is_string(value)
			? mem_strdup(json_string_value(value))
			: json_dumps(value, JSON_ENCODE_ANY);
		TRY(power_config_set(config, json_object_iter_key(iter), text));
	}
	return NULL;
}

static struct err *run_simulate(struct cli *cli)
{
	cleanup(mem_freep) char *trace = NULL;
	cleanup(mem_freep) char *rules = NULL;
	struct power_config config = power_config_default();

	TRY(read_limits(cli, &config));
	TRY_WRAP(fs_read(cli_opt_text(cli, "trace"), FILE_MAX, &trace, NULL), "read the trace");
	TRY_WRAP(fs_read(cli_opt_text(cli, "rules"), FILE_MAX, &rules, NULL), "read the rules");
	const struct power_simulation simulation = {.trace = trace,
		.rules = rules,
		.config = &config,
		.line = print_line,
		.user = cli};
	return power_simulate(&simulation);
}

static const struct cli_opt opts[] = {
	{.name = "trace",
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.required = true,
		.help = "what the UPSes say, JSON lines by time"},
	{.name = "rules",
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.required = true,
		.help = "the rules and clusters, JSON"},
	{.name = "config",
		.kind = CLI_OPT_PAIRS,
		.meta = "LIMIT=VALUE",
		.help = "another limit of the engine, such as ob_confirm=0; may be repeated"},
};
const struct cli_cmd cmd_ups_rules_simulate = {
	.path = "ups rules simulate",
	.summary = "Play an outage through rules under a virtual clock and print what would happen",
	.details =
		"The engine is the one that runs in the server; it polls once each whole second. A line of the trace is {\"t\":10,\"ups\":\"A\",\"status\":\"OB DISCHRG\",\"charge\":90,\"runtime\":1800} or {\"t\":31,\"ups\":\"A\",\"miss\":\"DATA-STALE\"} and holds until the next one of that UPS; {\"t\":400,\"end\":true} ends. Rules are {\"clusters\":{\"c1\":{\"feeds\":[\"A\"],\"policy\":\"any\"}},\"rules\":[{\"id\":\"R1\",\"ups\":\"A\",\"cluster\":\"c1\",\"event\":\"power_loss\",\"action\":\"graceful_shutdown\",\"delay\":60}]}. Seconds and percent everywhere. Needs no server and changes nothing.",
	.example =
		"mko ups rules simulate --trace outage.jsonl --rules rules.json\nmko ups rules simulate --trace outage.jsonl --rules rules.json --config ol_confirm=30 -o json",
	.doing = "simulate the rules",
	.noun = &noun_ups,
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.run = run_simulate,
};
