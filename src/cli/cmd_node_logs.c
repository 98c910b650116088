/* mko node logs: the journal of MicroK8s of nodes. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/tables.h"

static const struct cli_column line_columns[] = {
	{"HOSTNAME", "hostname"},
	{"LINE", "line"},
};

/** Add {hostname, line} for each line of a journal. */
static void add_lines(json_t *items, const char *hostname, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		json_array_append_new(items,
			json_pack("{s:s, s:s%}", "hostname", hostname, "line", text, len));
		text += len + (text[len] == '\n' ? 1 : 0);
	}
}

static struct err *get_journal(struct cli *cli, const json_t *operation, const json_t *host,
	json_t *items)
{
	const char *hostname = cli_json_text(host, "hostname", "?");
	cleanup(mem_freep) char *id =
		mem_printf("%lld", (long long)cli_json_i64(operation, "id", 0));
	cleanup(mem_freep) char *path = cli_path("operations", id, "journal", hostname, NULL);
	cleanup(mem_freep) char *text = NULL;

	if (cli_json_get(host, "data.lines") == NULL)
		return NULL; /* this host failed, which is told already */
	TRY(cli_get_text(cli, path, NULL, &text, NULL));
	if (json_is_true(cli_json_get(host, "data.cut")))
		cli_note(cli, "%s: older lines were left out; ask for fewer --lines", hostname);
	if (*text == '\0')
		cli_note(cli, "%s: no lines", hostname);
	add_lines(items, hostname, text);
	return NULL;
}

/** Lines for people: with the name of the host when there are several. */
static void print_lines(struct cli *cli, const json_t *items, bool many)
{
	size_t i;
	const json_t *item;

	json_array_foreach(items, i, item) {
		cleanup(mem_freep) char *line = cli_esc(cli_json_text(item, "line", ""));
		if (many)
			(void)fprintf(cli->io->out, "%s: ", cli_json_text(item, "hostname", "?"));
		(void)fprintf(cli->io->out, "%s\n", line);
	}
}

static struct err *print_journals(struct cli *cli, const json_t *operation)
{
	const json_t *hosts = cli_json_get(operation, "hosts");
	const json_t *host = NULL;
	size_t i = 0;
	json_t *items = json_array();
	struct err *e = NULL;

	json_array_foreach(hosts, i, host) {
		e = get_journal(cli, operation, host, items);
		if (e != NULL)
			break;
	}
	if (e == NULL && (cli->output == CLI_TABLE || cli->output == CLI_WIDE))
		print_lines(cli, items, json_array_size(hosts) > 1);
	else if (e == NULL)
		e = cli_print_list(cli, line_columns, ARRAY_LEN(line_columns), "line", items);
	json_decref(items);
	return e;
}

static struct err *run_logs(struct cli *cli)
{
	return cli_operate_and_print(cli, print_journals);
}

static const struct cli_arg nodes[] = {
	{.name = "NODE",
		.optional = true,
		.repeat = true,
		.words = CLI_WORDS_NODES,
		.help = "host names or numbers"},
};
static const struct cli_opt opts[] = {
	{.name = "all", .letter = 'a', .kind = CLI_OPT_FLAG, .help = "all nodes of the inventory"},
	{.name = "unit",
		.letter = 'u',
		.kind = CLI_OPT_TEXT,
		.meta = "SERVICE",
		.key = "unit",
		.help = "kubelite, k8s-dqlite, containerd, cluster-agent, apiserver-kicker, apiserver-proxy",
		.def = "all"},
	{.name = "since",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.key = "since_s",
		.min = 0,
		.max = 31536000,
		.help = "only what is not older",
		.def = "0: all that the journal has"},
	{.name = "lines",
		.letter = 'n',
		.kind = CLI_OPT_NUMBER,
		.meta = "N",
		.key = "lines",
		.min = 1,
		.max = 10000,
		.help = "the newest N lines of each node",
		.def = "200"},
};
const struct cli_cmd cmd_node_logs = {
	.path = "node logs",
	.summary = "Show the journal of the MicroK8s services of nodes",
	.details =
		"At most 1 MiB a node. The lines stay with the operation until it is pruned. Control characters are shown as \\xNN.",
	.example = "mko node logs n1 --unit kubelite --lines 50\nmko node logs n1 n2 --since 10m",
	.doing = "read the journal of",
	.action = "logs",
	.noun = &noun_node,
	.args = nodes,
	.n_args = ARRAY_LEN(nodes),
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.sets = {&cli_op_options},
	.run = run_logs,
};
