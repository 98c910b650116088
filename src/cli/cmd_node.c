/* mko node list, show, edit, remove: nothing but tables. */
#include "base/mem.h"
#include "cli/generic.h"
#include "cli/tables.h"
#include "model/node.h"

static const struct cli_opt list_opts[] = {
	{.name = "status",
		.kind = CLI_OPT_CHOICE,
		.choices = &node_status_table,
		.key = "status",
		.help = "only nodes in this state"},
	{.name = "cluster",
		.kind = CLI_OPT_TEXT,
		.meta = "CLUSTER",
		.key = "cluster",
		.words = CLI_WORDS_CLUSTERS,
		.help = "only nodes of this cluster"},
};
const struct cli_cmd cmd_node_list = {
	.path = "node list",
	.summary = "List the nodes",
	.doing = "list the nodes",
	.example =
		"mko node list --status online --sort -memory_bytes\nmko node list -o name | xargs mko node status",
	.noun = &noun_node,
	.opts = list_opts,
	.n_opts = ARRAY_LEN(list_opts),
	.sets = {&cli_list_options},
	.run = cli_run_list,
};

static const struct cli_arg one_node[] = {
	{.name = "NODE", .words = CLI_WORDS_NODES, .help = "host name or number"}};
const struct cli_cmd cmd_node_show = {
	.path = "node show",
	.summary = "Show all that is known of a node",
	.example = "mko node show n1",
	.noun = &noun_node,
	.args = one_node,
	.n_args = ARRAY_LEN(one_node),
	.run = cli_run_show,
};

static const struct cli_opt remove_opts[] = {
	{.name = "force",
		.letter = 'f',
		.kind = CLI_OPT_FLAG,
		.key = "force",
		.help = "also when it is a member of an active cluster"},
};
const struct cli_cmd cmd_node_remove = {
	.path = "node remove",
	.summary = "Forget a node; the machine is not touched",
	.example = "mko node remove n4 --yes",
	.noun = &noun_node,
	.args = one_node,
	.n_args = ARRAY_LEN(one_node),
	.opts = remove_opts,
	.n_opts = ARRAY_LEN(remove_opts),
	.run = cli_run_remove,
};
