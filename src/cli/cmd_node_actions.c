/* mko node test, prepare, install, status: one operation on one node, several, or --all. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/tables.h"

/** Several nodes: {"nodes":[...]}; with --all the key is absent. */
static char *target_path(struct cli *cli, json_t *body)
{
	if (cli->n_args == 1 && !cli_opt_given(cli, "all"))
		return cli_path("nodes", cli->args[0], cli->cmd->action, NULL);
	if (!cli_opt_given(cli, "all")) {
		json_t *nodes = json_array();
		for (size_t i = 0; i < cli->n_args; i++)
			json_array_append_new(nodes, json_string(cli->args[i]));
		json_object_set_new(body, "nodes", nodes);
	}
	return cli_path("nodes", "actions", cli->cmd->action, NULL);
}

static struct err *check_targets(struct cli *cli)
{
	bool all = cli_opt_given(cli, "all");

	if (all && cli->n_args > 0)
		return err_new(ERR_USAGE, "either --all or names of nodes");
	if (!all && cli->n_args == 0)
		return err_hint(err_new(ERR_USAGE, "NODE is missing"), "mko %s NODE, or --all",
			cli->cmd->path);
	return NULL;
}

struct err *cli_operate_nodes(struct cli *cli, json_t **ret_final)
{
	json_t *body = json_object();
	struct err *e = check_targets(cli);

	if (e != NULL) {
		json_decref(body);
		return e;
	}
	if (cli->n_args == 1)
		cli_what(cli, "%s %s", cli->cmd->doing, cli->args[0]);
	else
		cli_what(cli, "%s the nodes", cli->cmd->doing);
	cli_opts_to_json(cli, NULL, body);
	cleanup(mem_freep) char *path = target_path(cli, body);
	return cli_operate(cli, path, body, ret_final);
}

struct err *cli_run_on_nodes(struct cli *cli)
{
	return cli_operate_nodes(cli, NULL);
}

struct err *cli_operate_and_print(struct cli *cli,
	struct err *(*print)(struct cli *cli, const json_t *operation))
{
	json_t *final = NULL;
	struct err *e = cli_operate_nodes(cli, &final);

	if (final != NULL) {
		struct err *shown = print(cli, final);
		if (e == NULL)
			e = shown;
		else
			err_ignore(shown);
	}
	json_decref(final);
	return e;
}

static const struct cli_column status_columns[] = {
	{"HOSTNAME", "hostname"},
	{"RESULT", "result", CLI_SHOW_STATUS},
	{"STATUS", "status", CLI_SHOW_STATUS},
	{"MICROK8S", "microk8s_status", CLI_SHOW_STATUS},
	{"VERSION", "microk8s_version", .shrink = true},
	{"ROLE", "role"},
	{"CLUSTER", "cluster_name", .shrink = true},
	{"SEEN", "last_seen", CLI_SHOW_AGO},
	{"REASON", "status_reason", .shrink = true},
};

/** The nodes that were looked at, as they are now. */
static struct err *print_nodes(struct cli *cli, const json_t *operation)
{
	const json_t *host = NULL;
	size_t i = 0;
	json_t *items = json_array();
	struct err *e = NULL;

	json_array_foreach(cli_json_get(operation, "hosts"), i, host) {
		cleanup(mem_freep) char *path =
			cli_path("nodes", cli_json_text(host, "hostname", "?"), NULL);
		json_t *node = NULL;
		e = cli_get(cli, path, NULL, &node);
		if (e != NULL)
			break;
		json_object_set_new(node, "result",
			json_string(cli_json_text(host, "status", "unknown")));
		json_array_append_new(items, node);
	}
	if (e == NULL)
		e = cli_print_list(cli, status_columns, ARRAY_LEN(status_columns), "hostname",
			items);
	json_decref(items);
	return e;
}

static struct err *run_status(struct cli *cli)
{
	return cli_operate_and_print(cli, print_nodes);
}

/** What `test` found on each host, beside its result. */
static const struct cli_column test_columns[] = {
	{"HOST", "hostname"},
	{"RESULT", "status", CLI_SHOW_STATUS},
	{"SUDO", "data.sudo", CLI_SHOW_YES},
	{"OS", "data.os.name"},
	{"ARCH", "data.architecture"},
	{"CPU", "data.cpu_cores", .right = true},
	{"MEMORY", "data.memory_bytes", CLI_SHOW_BYTES, .right = true},
	{"DISK", "data.disk_bytes", CLI_SHOW_BYTES, .right = true},
	{"SKEW", "data.clock_skew_ms", CLI_SHOW_MS, .right = true},
	{"MESSAGE", "message", .shrink = true},
};

static struct err *print_tests(struct cli *cli, const json_t *operation)
{
	if (cli_output_is_document(cli))
		return cli_print_document(cli, operation);
	return cli_print_list(cli, test_columns, ARRAY_LEN(test_columns), "hostname",
		cli_json_get(operation, "hosts"));
}

static struct err *run_test(struct cli *cli)
{
	return cli_operate_and_print(cli, print_tests);
}

static const struct cli_arg nodes[] = {
	{.name = "NODE",
		.optional = true,
		.repeat = true,
		.words = CLI_WORDS_NODES,
		.help = "host names or numbers"},
};
#define OPT_ALL                                                                                    \
	{                                                                                          \
		.name = "all", .letter = 'a', .kind = CLI_OPT_FLAG,                                \
		.help = "all nodes of the inventory"                                               \
	}
static const struct cli_opt plain_opts[] = {OPT_ALL};
static const struct cli_opt test_opts[] = {
	OPT_ALL,
	{.name = "accept-host-key",
		.kind = CLI_OPT_FLAG,
		.key = "accept_host_key",
		.help = "trust the host key that the node shows now, also when it is another one than before"},
};
static const struct cli_opt install_opts[] = {
	OPT_ALL,
	{.name = "channel",
		.kind = CLI_OPT_TEXT,
		.meta = "CHANNEL",
		.key = "channel",
		.help = "snap channel, for example 1.32/stable",
		.def = "of the cluster, else of the configuration"},
};

#define NODE_ACTION(VERB, SUMMARY, DOING, OPTS, RUN, EXAMPLE)                                      \
	{                                                                                          \
		.path = "node " VERB, .summary = (SUMMARY), .doing = (DOING), .action = (VERB),    \
		.example = (EXAMPLE), .noun = &noun_node, .args = nodes,                           \
		.n_args = ARRAY_LEN(nodes), .opts = (OPTS), .n_opts = ARRAY_LEN(OPTS),             \
		.sets = {&cli_op_options}, .run = (RUN),                                           \
	}

const struct cli_cmd cmd_node_test = NODE_ACTION("test",
	"Check that nodes can be reached and used: SSH, sudo, system, clock", "test", test_opts,
	run_test,
	"mko node test n1 n2\nmko node test n1 --accept-host-key    (after it was installed anew)");
const struct cli_cmd cmd_node_prepare = NODE_ACTION("prepare",
	"Give nodes what MicroK8s needs: snapd, kernel settings, names of the other nodes",
	"prepare", plain_opts, cli_run_on_nodes, "mko node prepare n1 --check --diff");
const struct cli_cmd cmd_node_install = NODE_ACTION("install", "Install MicroK8s on nodes",
	"install MicroK8s on", install_opts, cli_run_on_nodes,
	"mko node install n1 n2 n3 --channel 1.32/stable\nmko node install 1 --detach");
const struct cli_cmd cmd_node_status = NODE_ACTION("status",
	"Ask nodes for their state and show it", "get the status of", plain_opts, run_status,
	"mko node status n1\nmko node status --all -o json");
