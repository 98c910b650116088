/* mko cluster addon list, enable, disable. */
#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"

static const struct cli_column addon_columns[] = {
	{"NAME", "name"},
	{"STATUS", "status", CLI_SHOW_STATUS},
	{"REPOSITORY", "repository"},
	{"VERSION", "version"},
};

static struct err *scan_first(struct cli *cli, bool *ret_stop)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "scan", NULL);
	json_t *final = NULL;
	struct err *e = cli_operate(cli, path, json_object(), &final);

	*ret_stop = final == NULL;
	json_decref(final);
	return e;
}

static struct err *run_list(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "status", NULL);
	json_t *status = NULL;
	bool stop = false;

	cli_what(cli, "list the addons of cluster %s", cli->args[0]);
	if (cli_opt_given(cli, "scan"))
		TRY(scan_first(cli, &stop));
	if (stop)
		return NULL;
	TRY(cli_get(cli, path, NULL, &status));
	struct err *e = json_is_array(cli_json_get(status, "addons"))
		? cli_print_list(cli, addon_columns, ARRAY_LEN(addon_columns), "name",
			  cli_json_get(status, "addons"))
		: err_hint(err_new(ERR_NOT_FOUND, "the cluster was not scanned yet"),
			  "mko cluster addon list %s --scan", cli->args[0]);
	json_decref(status);
	return e;
}

static struct err *switch_addons(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], cli->cmd->action, NULL);
	json_t *addons = json_array();
	json_t *body = json_object();

	cli_what(cli, "%s cluster %s", cli->cmd->doing, cli->args[0]);
	for (size_t i = 1; i < cli->n_args; i++)
		json_array_append_new(addons, json_string(cli->args[i]));
	json_object_set_new(body, "addons", addons);
	cli_opts_to_json(cli, NULL, body);
	return cli_operate(cli, path, body, NULL);
}

static struct err *run_disable(struct cli *cli)
{
	cleanup(mem_freep) char *what =
		mem_printf("disable addon %s of cluster %s", cli->args[1], cli->args[0]);

	cli_what(cli, "%s", what);
	if (!cli_opt_given(cli, "dry-run") && !cli_opt_given(cli, "print-command") &&
		!cli_opt_given(cli, "check"))
		TRY(cli_confirm(cli, what, cli->args[1]));
	return switch_addons(cli);
}

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};
static const struct cli_arg cluster_and_addons[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"},
	{.name = "ADDON", .repeat = true, .help = "NAME, REPOSITORY/NAME or NAME:ARGUMENT"},
};
static const struct cli_opt list_opts[] = {
	{.name = "scan", .kind = CLI_OPT_FLAG, .help = "ask the cluster first"},
};
static const struct cli_opt switch_opts[] = {
	{.name = "addon-timeout",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.key = "addon_timeout_s",
		.min = 1,
		.max = 86400,
		.help = "most time for one addon",
		.def = "microk8s.addon_timeout_s"},
};

const struct cli_cmd cmd_cluster_addon_list = {
	.path = "cluster addon list",
	.summary = "List the addons of a cluster, as the last scan saw them",
	.example = "mko cluster addon list prod --scan",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = list_opts,
	.n_opts = ARRAY_LEN(list_opts),
	.run = run_list,
};
const struct cli_cmd cmd_cluster_addon_enable = {
	.path = "cluster addon enable",
	.summary = "Enable addons of a cluster",
	.details =
		"One after another, in the order in which they build on each other, each with a time limit. What is enabled stays so with the next set-up.",
	.example =
		"mko cluster addon enable prod dns hostpath-storage\nmko cluster addon enable prod metallb:10.0.0.240-10.0.0.250",
	.doing = "enable addons of",
	.noun = &noun_cluster,
	.action = "addon-enable",
	.args = cluster_and_addons,
	.n_args = ARRAY_LEN(cluster_and_addons),
	.opts = switch_opts,
	.n_opts = ARRAY_LEN(switch_opts),
	.sets = {&cli_op_options},
	.run = switch_addons,
};
const struct cli_cmd cmd_cluster_addon_disable = {
	.path = "cluster addon disable",
	.summary = "Disable addons of a cluster",
	.details =
		"hostpath-storage asks what to do with its volumes: give it the argument destroy-storage when they may go.",
	.example =
		"mko cluster addon disable prod metallb --yes\nmko cluster addon disable prod hostpath-storage:destroy-storage",
	.doing = "disable addons of",
	.noun = &noun_cluster,
	.action = "addon-disable",
	.args = cluster_and_addons,
	.n_args = ARRAY_LEN(cluster_and_addons),
	.opts = switch_opts,
	.n_opts = ARRAY_LEN(switch_opts),
	.sets = {&cli_op_options},
	.run = run_disable,
};
