/* mko cluster backup, backup list, restore. */
#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"

static const struct cli_column backup_columns[] = {
	{"NUMBER", "id"},
	{"MADE", "created_at", CLI_SHOW_AGO},
	{"KIND", "kind"},
	{"NODE", "node"},
	{"VERSION", "version"},
	{"KEYS", "keys", .right = true},
	{"SIZE", "size_bytes", CLI_SHOW_BYTES, .right = true},
	{"VERIFIED", "verified", CLI_SHOW_YES},
	{"FOLDER", "folder", .wide = true},
};

static struct err *run_list(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "backups", NULL);
	json_t *reply = NULL;

	cli_what(cli, "list the backups of cluster %s", cli->args[0]);
	TRY(cli_get(cli, path, NULL, &reply));
	struct err *e = cli_print_list(cli, backup_columns, ARRAY_LEN(backup_columns), "id",
		cli_json_get(reply, "items"));
	json_decref(reply);
	return e;
}

static struct err *run_backup(struct cli *cli)
{
	bool physical = cli_opt_given(cli, "physical");
	cleanup(mem_freep) char *path =
		cli_path("clusters", cli->args[0], physical ? "backup_physical" : "backup", NULL);
	json_t *body = json_object();

	cli_what(cli, "back up cluster %s", cli->args[0]);
	cli_opts_to_json(cli, NULL, body);
	if (physical && cli_opt_given(cli, "allow-quorum-loss"))
		json_object_set_new(body, "allow_quorum_loss", json_true());
	return cli_operate(cli, path, body, NULL);
}

static struct err *run_restore(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "restore", NULL);
	cleanup(mem_freep) char *what =
		mem_printf("restore backup %s onto cluster %s", cli->args[1], cli->args[0]);

	cli_what(cli, "%s", what);
	if (!cli_opt_given(cli, "dry-run") && !cli_opt_given(cli, "print-command") &&
		!cli_opt_given(cli, "check"))
		TRY(cli_confirm(cli, what, cli->args[0]));
	return cli_operate(cli, path, json_pack("{s:s}", "backup", cli->args[1]), NULL);
}

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};
static const struct cli_arg restore_args[] = {
	{.name = "CLUSTER",
		.words = CLI_WORDS_CLUSTERS,
		.help = "cluster of one fresh node, name or number"},
	{.name = "BACKUP", .help = "number of a backup, or CLUSTER/NUMBER"},
};
static const struct cli_opt backup_opts[] = {
	{.name = "physical",
		.kind = CLI_OPT_FLAG,
		.help = "copy the folder of the datastore, certificates and settings; MicroK8s stops meanwhile on one control plane"},
	{.name = "allow-quorum-loss",
		.kind = CLI_OPT_FLAG,
		.help = "with --physical: also when the cluster stops meanwhile"},
	{.name = "keep-backups",
		.kind = CLI_OPT_NUMBER,
		.meta = "N",
		.key = "keep_backups",
		.min = 0,
		.max = 10000,
		.help = "keep only the newest N backups of this cluster; 0 keeps all",
		.def = "0"},
};

const struct cli_cmd cmd_cluster_backup = {
	.path = "cluster backup",
	.summary = "Save the datastore of a cluster to this machine, and prove the archive",
	.details =
		"The archive is opened and its keys are counted on the node and here; an empty or cut one is a failure. It lies 0600 in the data "
		"directory and holds secrets of the cluster. Volumes are not part of it.",
	.example = "mko cluster backup prod --keep-backups 14\nmko cluster backup prod --physical",
	.doing = "back up cluster",
	.noun = &noun_cluster,
	.action = "backup",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = backup_opts,
	.n_opts = ARRAY_LEN(backup_opts),
	.sets = {&cli_op_options},
	.run = run_backup,
};
const struct cli_cmd cmd_cluster_backup_list = {
	.path = "cluster backup list",
	.summary = "List the whole backups of a cluster, the newest first",
	.example = "mko cluster backup list prod -o wide",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.run = run_list,
};
const struct cli_cmd cmd_cluster_restore = {
	.path = "cluster restore",
	.summary = "Put a backup onto a cluster of one fresh node",
	.details =
		"The node must run the same minor version. The archive is checked before anything is changed, and what is there afterwards is "
		"compared with it. Then join the other nodes. Keys that are newer than the backup stay, so restore onto a fresh node only.",
	.example = "mko cluster restore fresh prod/12 --yes",
	.noun = &noun_cluster,
	.action = "restore",
	.args = restore_args,
	.n_args = ARRAY_LEN(restore_args),
	.sets = {&cli_op_options},
	.run = run_restore,
};
