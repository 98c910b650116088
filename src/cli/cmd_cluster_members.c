/* mko cluster join, leave, forget, replace: who belongs to a cluster. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/prompt.h"
#include "cli/tables.h"

static const struct cli_arg cluster_and_nodes[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"},
	{.name = "NODE", .repeat = true, .words = CLI_WORDS_NODES, .help = "host names or numbers"},
};

static json_t *body_with_nodes(const struct cli *cli, size_t first)
{
	json_t *body = json_object();
	json_t *nodes = json_array();

	for (size_t i = first; i < cli->n_args; i++)
		json_array_append_new(nodes, json_string(cli->args[i]));
	json_object_set_new(body, "nodes", nodes);
	cli_opts_to_json(cli, NULL, body);
	return body;
}

static struct err *act(struct cli *cli, json_t *take_body)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], cli->cmd->action, NULL);

	return cli_operate(cli, path, take_body, NULL);
}

/* Whether nothing will be done, so that nothing needs to be confirmed. */
static bool only_looks(const struct cli *cli)
{
	return cli_opt_given(cli, "dry-run") || cli_opt_given(cli, "print-command") ||
		cli_opt_given(cli, "check");
}

static struct err *run_join(struct cli *cli)
{
	cli_what(cli, "join nodes to cluster %s", cli->args[0]);
	return act(cli, body_with_nodes(cli, 1));
}

static struct err *run_leave(struct cli *cli)
{
	cleanup(mem_freep) char *what = cli->n_args == 2
		? mem_printf("remove node %s from cluster %s", cli->args[1], cli->args[0])
		: mem_printf("remove %zu nodes from cluster %s", cli->n_args - 1, cli->args[0]);

	cli_what(cli, "%s", what);
	if (!only_looks(cli))
		TRY(cli_confirm(cli, what, cli->args[1]));
	return act(cli, body_with_nodes(cli, 1));
}

static struct err *run_forget(struct cli *cli)
{
	cleanup(mem_freep) char *what =
		mem_printf("make cluster %s forget %s", cli->args[0], cli->args[1]);

	cli_what(cli, "%s", what);
	if (!only_looks(cli))
		TRY(cli_confirm(cli, what, cli->args[1]));
	return act(cli, json_pack("{s:s}", "member", cli->args[1]));
}

static struct err *run_replace(struct cli *cli)
{
	cleanup(mem_freep) char *what = mem_printf("replace node %s of cluster %s by %s",
		cli->args[1], cli->args[0], cli->args[2]);
	json_t *body = NULL;

	cli_what(cli, "%s", what);
	if (!only_looks(cli))
		TRY(cli_confirm(cli, what, cli->args[1]));
	body = body_with_nodes(cli, 2);
	json_object_set_new(body, "old", json_string(cli->args[1]));
	return act(cli, body);
}

static const struct cli_opt join_opts[] = {
	{.name = "role",
		.kind = CLI_OPT_TEXT,
		.meta = "ROLE",
		.key = "role",
		.help = "control_plane, worker or auto",
		.def = "auto"},
	{.name = "discard-workloads",
		.kind = CLI_OPT_FLAG,
		.key = "discard_workloads",
		.help = "also a node whose own single-node cluster has pods or volumes of users; they are deleted"},
};
const struct cli_cmd cmd_cluster_join = {
	.path = "cluster join",
	.summary = "Add nodes to a running cluster",
	.details =
		"Prepares and installs the nodes, joins them and checks that they are members. Only they and the control planes are touched. "
		"A node that was removed earlier and still believes to be a member is installed anew.",
	.example = "mko cluster join prod n4 n5\nmko cluster join prod n6 --role control_plane",
	.noun = &noun_cluster,
	.action = "join",
	.args = cluster_and_nodes,
	.n_args = ARRAY_LEN(cluster_and_nodes),
	.opts = join_opts,
	.n_opts = ARRAY_LEN(join_opts),
	.sets = {&cli_op_options},
	.run = run_join,
};

#define OPT_LOST                                                                                   \
	{                                                                                          \
		.name = "lost", .kind = CLI_OPT_FLAG, .key = "lost",                               \
		.help = "it is lost for good: do not contact it; refused while it still answers"   \
	}
#define OPTS_DRAIN                                                                                 \
	{.name = "no-drain",                                                                       \
		.kind = CLI_OPT_FLAG,                                                              \
		.key = "no_drain",                                                                 \
		.help = "do not move the pods away before"},                                       \
		{.name = "drain-timeout",                                                          \
			.kind = CLI_OPT_DURATION,                                                  \
			.meta = "DURATION",                                                        \
			.key = "drain_timeout_s",                                                  \
			.min = 1,                                                                  \
			.max = 86400,                                                              \
			.help = "most time for moving the pods of a node",                         \
			.def = "300s"},                                                            \
		{.name = "ignore-stuck-pods",                                                      \
			.kind = CLI_OPT_FLAG,                                                      \
			.key = "ignore_stuck_pods",                                                \
			.help = "go on although pods did not leave in time; they are killed"},     \
		{.name = "discard-volumes",                                                        \
			.kind = CLI_OPT_FLAG,                                                      \
			.key = "discard_volumes",                                                  \
			.help = "delete volumes of users that lie on the node"},                   \
	{                                                                                          \
		.name = "allow-quorum-loss", .kind = CLI_OPT_FLAG, .key = "allow_quorum_loss",     \
		.help = "also when too few control planes or voters would be left"                 \
	}

static const struct cli_opt leave_opts[] = {
	OPT_LOST,
	{.name = "keep-microk8s",
		.kind = CLI_OPT_FLAG,
		.key = "keep_microk8s",
		.help = "leave MicroK8s installed on workers; control planes are always purged"},
	OPTS_DRAIN,
};
const struct cli_cmd cmd_cluster_leave = {
	.path = "cluster leave",
	.summary = "Remove nodes from a running cluster",
	.details =
		"Drains each node, lets it leave, makes the cluster forget it, and removes MicroK8s there with its data. One node after another. "
		"A node that is lost for good: --lost. It must not come back before MicroK8s is purged there; mko cluster join does that.",
	.example =
		"mko cluster leave prod n5\nmko cluster leave prod n3 --lost --yes\nmko cluster leave prod n5 --check",
	.noun = &noun_cluster,
	.action = "leave",
	.args = cluster_and_nodes,
	.n_args = ARRAY_LEN(cluster_and_nodes),
	.opts = leave_opts,
	.n_opts = ARRAY_LEN(leave_opts),
	.sets = {&cli_op_options},
	.run = run_leave,
};

static const struct cli_arg forget_args[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"},
	{.name = "MEMBER", .help = "name in Kubernetes, or address in the datastore"},
};
const struct cli_cmd cmd_cluster_forget = {
	.path = "cluster forget",
	.summary =
		"Remove a dead member that is in no inventory, such as a stale entry of the datastore",
	.example = "mko cluster forget prod 192.0.2.13\nmko cluster forget prod old-pi",
	.noun = &noun_cluster,
	.action = "forget",
	.args = forget_args,
	.n_args = ARRAY_LEN(forget_args),
	.sets = {&cli_op_options},
	.run = run_forget,
};

static const struct cli_arg replace_args[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"},
	{.name = "OLD", .words = CLI_WORDS_NODES, .help = "node that goes"},
	{.name = "NEW", .words = CLI_WORDS_NODES, .help = "node that takes its place and role"},
};
static const struct cli_opt replace_opts[] = {OPT_LOST, OPTS_DRAIN};
const struct cli_cmd cmd_cluster_replace = {
	.path = "cluster replace",
	.summary = "Replace a node of a cluster by another one in the same role",
	.details =
		"The new node joins first, then the old one leaves, so that there are never fewer voters than before.",
	.example = "mko cluster replace prod n3 n6\nmko cluster replace prod n3 n6 --lost",
	.noun = &noun_cluster,
	.action = "replace",
	.args = replace_args,
	.n_args = ARRAY_LEN(replace_args),
	.opts = replace_opts,
	.n_opts = ARRAY_LEN(replace_opts),
	.sets = {&cli_op_options},
	.run = run_replace,
};
