/* mko node facts, diff: what a node is, what it was, and what changed. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/tables.h"

static const struct cli_column fact_columns[] = {
	{"FACT", "fact"},
	{"VALUE", "value", .shrink = true},
};
static const struct cli_column history_columns[] = {
	{"NUMBER", "id", .right = true},
	{"TAKEN", "taken_at", CLI_SHOW_TIME},
	{"OPERATION", "operation_id", .right = true},
	{"KERNEL", "facts.kernel_version"},
	{"MICROK8S", "facts.microk8s_version"},
	{"REVISION", "facts.revision"},
	{"OS", "facts.os_version", .shrink = true},
};
static const struct cli_column change_columns[] = {
	{"FACT", "fact"},
	{"BEFORE", "before", .shrink = true},
	{"AFTER", "after", .shrink = true},
};

/** Rows {fact, value} of an object and the objects in it. @group NULL at the top */
static void add_rows(json_t *rows, const char *group, const json_t *facts)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)facts, key, value) {
		if (group == NULL && json_is_object(value)) {
			add_rows(rows, key, value);
			continue;
		}
		cleanup(mem_freep) char *name = group != NULL ? mem_printf("%s.%s", group, key)
							      : mem_strdup(key);
		json_array_append_new(rows, json_pack("{s:s, s:O}", "fact", name, "value", value));
	}
}

static struct err *print_snapshot(struct cli *cli, const json_t *snapshot)
{
	if (cli_output_is_document(cli))
		return cli_print_document(cli, snapshot);
	json_t *rows = json_array();
	add_rows(rows, NULL, cli_json_get(snapshot, "facts"));
	struct err *e = cli_print_list(cli, fact_columns, ARRAY_LEN(fact_columns), "fact", rows);
	json_decref(rows);
	return e;
}

static struct err *print_facts(struct cli *cli, const json_t *items)
{
	if (cli_opt_given(cli, "history"))
		return cli_print_list(cli, history_columns, ARRAY_LEN(history_columns), "id",
			items);
	if (json_array_size(items) == 0)
		return err_hint(err_new(ERR_NOT_FOUND, "nothing was read of node %s yet",
					cli->args[0]),
			"mko node facts %s --refresh", cli->args[0]);
	return print_snapshot(cli, json_array_get(items, 0));
}

/** Ask the node first. @ret_done false when nothing was waited for (--detach, --dry-run) */
static struct err *refresh(struct cli *cli, bool *ret_done)
{
	cleanup(mem_freep) char *path = cli_path("nodes", cli->args[0], "facts", NULL);
	json_t *final = NULL;
	struct err *e = cli_operate(cli, path, json_object(), &final);

	*ret_done = final != NULL;
	json_decref(final);
	return e;
}

static struct err *run_facts(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("nodes", cli->args[0], "facts", NULL);
	cleanup(str_done) struct str query = STR_INIT;
	json_t *reply = NULL;
	bool done = true;
	char limit[24];

	cli_what(cli, "show the facts of node %s", cli->args[0]);
	if (cli_opt_given(cli, "refresh"))
		TRY(refresh(cli, &done));
	if (!done || cli->exit_code != 0)
		return NULL;
	(void)snprintf(limit, sizeof(limit), "%lld",
		(long long)(cli_opt_given(cli, "history") ? cli_opt_number(cli, "limit", 20) : 1));
	cli_query_add(&query, "limit", limit);
	TRY(cli_get(cli, path, str_get(&query), &reply));
	struct err *e = print_facts(cli, cli_json_get(reply, "items"));
	json_decref(reply);
	return e;
}

static struct err *print_diff(struct cli *cli, const json_t *diff)
{
	static const struct cli_column at = {"", "taken_at", CLI_SHOW_TIME};
	const json_t *changes = cli_json_get(diff, "changes");

	if (cli_output_is_document(cli))
		return cli_print_document(cli, diff);
	cleanup(mem_freep) char *from = cli_cell(&at, cli_json_get(diff, "from"), 0);
	cleanup(mem_freep) char *to = cli_cell(&at, cli_json_get(diff, "to"), 0);
	cli_note(cli, "from %s to %s: %s", from, to,
		json_array_size(changes) > 0 ? "these facts changed" : "nothing changed");
	if (json_array_size(changes) == 0)
		return NULL;
	return cli_print_list(cli, change_columns, ARRAY_LEN(change_columns), "fact", changes);
}

static struct err *run_diff(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("nodes", cli->args[0], "facts", "diff", NULL);
	cleanup(str_done) struct str query = STR_INIT;
	json_t *diff = NULL;

	cli_what(cli, "compare the facts of node %s", cli->args[0]);
	cli_opts_to_query(cli, NULL, &query);
	TRY(cli_get(cli, path, str_get(&query), &diff));
	struct err *e = print_diff(cli, diff);
	json_decref(diff);
	return e;
}

static const struct cli_arg one_node[] = {
	{.name = "NODE", .words = CLI_WORDS_NODES, .help = "host name or number"}};
static const struct cli_opt facts_opts[] = {
	{.name = "refresh",
		.kind = CLI_OPT_FLAG,
		.help = "ask the node first; without it: what was read last"},
	{.name = "history",
		.kind = CLI_OPT_FLAG,
		.help = "list the snapshots, the newest first; there is one for each time that something had changed"},
	{.name = "limit",
		.kind = CLI_OPT_NUMBER,
		.meta = "N",
		.min = 1,
		.max = 100,
		.help = "most snapshots with --history",
		.def = "20"},
};
const struct cli_cmd cmd_node_facts = {
	.path = "node facts",
	.summary = "Show what a node is: system, hardware, packages, MicroK8s, certificates",
	.details =
		"A snapshot is kept whenever something changed, also when another operation (test, status, install) read it; 100 a node.",
	.example = "mko node facts n1 --refresh\nmko node facts n1 --history",
	.noun = &noun_node,
	.args = one_node,
	.n_args = ARRAY_LEN(one_node),
	.opts = facts_opts,
	.n_opts = ARRAY_LEN(facts_opts),
	.sets = {&cli_op_options},
	.run = run_facts,
};

static const struct cli_opt diff_opts[] = {
	{.name = "since",
		.kind = CLI_OPT_TEXT,
		.meta = "TIME",
		.key = "since",
		.help = "a time (2026-01-31T12:00:00Z) or a duration back from now (7d)",
		.def = "the snapshot before the newest"},
};
const struct cli_cmd cmd_node_diff = {
	.path = "node diff",
	.summary = "Show which facts of a node changed",
	.example = "mko node diff n1\nmko node diff n1 --since 7d -o json",
	.noun = &noun_node,
	.args = one_node,
	.n_args = ARRAY_LEN(one_node),
	.opts = diff_opts,
	.n_opts = ARRAY_LEN(diff_opts),
	.run = run_diff,
};
