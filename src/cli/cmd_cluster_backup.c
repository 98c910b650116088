/* mko cluster backup, backup list, backup drill, restore. */
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
	{"DRILLED", "drilled_at", CLI_SHOW_AGO},
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

/** What the spare machine reported, NULL when it did not; borrowed. */
static const json_t *drill_of(const json_t *operation)
{
	size_t i;
	const json_t *host;

	json_array_foreach(cli_json_get(operation, "hosts"), i, host) {
		const json_t *drill = cli_json_get(host, "data.drill");
		if (drill != NULL)
			return drill;
	}
	return NULL;
}

static struct err *print_drill(struct cli *cli, const json_t *drill)
{
	const char *kind;
	json_t *count;

	if (cli_output_is_document(cli))
		return cli_print_document(cli, drill);
	(void)fprintf(cli->io->out,
		"backup %s/%s can be restored: all %lld keys are there again, and the API reads all of\n",
		cli_json_text(drill, "cluster", "?"), cli_json_text(drill, "backup", "?"),
		(long long)json_integer_value(json_object_get(drill, "keys")));
	json_object_foreach((json_t *)(uintptr_t)cli_json_get(drill, "kinds"), kind, count) {
		cleanup(mem_freep) char *text = cli_esc(kind);
		(void)fprintf(cli->io->out, "%6lld %s\n",
			(long long)json_integer_value(json_object_get(count, "read")), text);
	}
	(void)fprintf(cli->io->out,
		"It took %lld s. Volumes are not part of a backup. The machine is empty again.\n",
		(long long)json_integer_value(json_object_get(drill, "seconds")));
	(void)fflush(cli->io->out);
	return NULL;
}

static struct err *run_drill(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "backup_drill", NULL);
	json_t *final = NULL;

	cli_what(cli, "restore a backup of cluster %s on trial", cli->args[0]);
	json_t *body = json_pack("{s:[s]}", "nodes", cli_opt_text(cli, "on"));
	if (cli_opt_given(cli, "backup"))
		json_object_set_new(body, "backup", json_string(cli_opt_text(cli, "backup")));
	struct err *e = cli_operate(cli, path, body, &final);
	const json_t *drill = drill_of(final);
	if (e == NULL && drill != NULL)
		e = print_drill(cli, drill);
	json_decref(final);
	return e;
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
		.help = "keep the newest N backups of this kind, and what the next two keep; without any of the three, all are kept",
		.def = "0"},
	{.name = "keep-daily",
		.kind = CLI_OPT_NUMBER,
		.meta = "DAYS",
		.key = "keep_daily",
		.min = 0,
		.max = 1000,
		.help = "keep the newest backup of each of the last DAYS days that have one",
		.def = "0"},
	{.name = "keep-weekly",
		.kind = CLI_OPT_NUMBER,
		.meta = "WEEKS",
		.key = "keep_weekly",
		.min = 0,
		.max = 1000,
		.help = "keep the newest backup of each of the last WEEKS weeks that have one",
		.def = "0"},
};

static const struct cli_opt drill_opts[] = {
	{.name = "on",
		.kind = CLI_OPT_TEXT,
		.required = true,
		.meta = "NODE",
		.words = CLI_WORDS_NODES,
		.help = "spare machine: a node of no cluster, without MicroK8s"},
	{.name = "backup",
		.kind = CLI_OPT_TEXT,
		.meta = "NUMBER",
		.help = "restore this backup instead of a fresh one; NUMBER, or CLUSTER/NUMBER"},
};

const struct cli_cmd cmd_cluster_backup_drill = {
	.path = "cluster backup drill",
	.summary = "Prove on a spare machine that a backup can be restored",
	.details =
		"Makes a backup, installs MicroK8s of the same version on the spare machine, restores there, reads every object back through the API, "
		"compares, and removes MicroK8s again. Nothing of the backup runs on the spare machine: the controllers that make pods are switched "
		"off before. The cluster itself is only read.",
	.example =
		"mko cluster backup drill prod --on spare1\nmko cluster backup drill prod --on spare1 --backup 12",
	.doing = "restore a backup on trial",
	.noun = &noun_cluster,
	.action = "backup_drill",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = drill_opts,
	.n_opts = ARRAY_LEN(drill_opts),
	.sets = {&cli_op_options},
	.run = run_drill,
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
