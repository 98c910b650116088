/* mko cluster upgrade, upgrade check, resume, abort. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"

#define FIRST_WITH_OPEN_BUGS 34

static const struct cli_column finding_columns[] = {
	{"NODE", "hostname"},
	{"SEVERITY", "severity"},
	{"FINDING", "message"},
	{"WHAT HELPS", "fix"},
};

/** What all hosts found, in one list. Owned. */
static json_t *all_findings(const json_t *operation)
{
	json_t *list = json_array();
	const json_t *host = NULL;
	size_t i = 0;

	json_array_foreach(cli_json_get(operation, "hosts"), i, host) {
		size_t k = 0;
		const json_t *found = NULL;
		json_array_foreach(cli_json_get(host, "data.findings"), k, found) {
			json_t *row = json_deep_copy(found);
			json_object_set_new(row, "hostname",
				json_string(cli_json_text(host, "hostname", "?")));
			json_array_append_new(list, row);
		}
	}
	return list;
}

static struct err *run_check(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "upgrade-check", NULL);
	json_t *body = json_object();
	json_t *final = NULL;

	cli_what(cli, "check cluster %s before an upgrade", cli->args[0]);
	cli_opts_to_json(cli, NULL, body);
	struct err *e = cli_operate(cli, path, body, &final);
	if (final != NULL) {
		json_t *found = all_findings(final);
		struct err *shown = cli_print_list(cli, finding_columns, ARRAY_LEN(finding_columns),
			"code", found);
		json_decref(found);
		if (e == NULL)
			e = shown;
		else
			err_ignore(shown); /* the operation's own failure says more */
	}
	json_decref(final);
	return e;
}

static void warn_of_bugs(struct cli *cli)
{
	const char *to = cli_opt_text(cli, "to");

	if (to != NULL && strncmp(to, "1.", 2) == 0 &&
		strtol(to + 2, NULL, 10) >= FIRST_WITH_OPEN_BUGS)
		cli_note(cli,
			"MicroK8s 1.%d and newer have open bugs of their datastore; 1.33 has not",
			FIRST_WITH_OPEN_BUGS);
}

static bool only_looks(const struct cli *cli)
{
	return cli_opt_given(cli, "dry-run") || cli_opt_given(cli, "print-command") ||
		cli_opt_given(cli, "check");
}

static struct err *act(struct cli *cli, json_t *take_body)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], cli->cmd->action, NULL);

	return cli_operate(cli, path, take_body, NULL);
}

static struct err *run_upgrade(struct cli *cli)
{
	cleanup(mem_freep) char *what =
		mem_printf("upgrade cluster %s to %s", cli->args[0], cli_opt_text(cli, "to"));
	json_t *body = NULL;

	cli_what(cli, "%s", what);
	warn_of_bugs(cli);
	if (!only_looks(cli))
		TRY(cli_confirm(cli, what, cli->args[0]));
	body = json_object();
	cli_opts_to_json(cli, NULL, body);
	return act(cli, body);
}

static struct err *run_resume(struct cli *cli)
{
	json_t *body = json_pack("{s:b}", "resume", true);

	cli_what(cli, "resume the upgrade of cluster %s", cli->args[0]);
	cli_opts_to_json(cli, NULL, body);
	return act(cli, body);
}

static struct err *run_abort(struct cli *cli)
{
	cli_what(cli, "give up the upgrade of cluster %s", cli->args[0]);
	return act(cli, json_object());
}

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};
#define OPT_TO                                                                                     \
	{                                                                                          \
		.name = "to", .kind = CLI_OPT_TEXT, .meta = "VERSION", .key = "to",                \
		.required = true,                                                                  \
		.help = "version or channel, 1.33 or 1.33/stable; one minor version at a time"     \
	}
#define OPT_ALLOW                                                                                          \
	{                                                                                                  \
		.name = "allow-quorum-loss", .kind = CLI_OPT_FLAG, .key = "allow_quorum_loss",             \
		.help = "also when the cluster stops while a control plane is upgraded (fewer than three)" \
	}
static const struct cli_opt check_opts[] = {OPT_TO};
static const struct cli_opt upgrade_opts[] = {
	OPT_TO,
	{.name = "worker-batch",
		.kind = CLI_OPT_NUMBER,
		.meta = "N",
		.key = "worker_batch",
		.min = 1,
		.max = 100,
		.help = "how many workers are upgraded at once",
		.def = "1"},
	{.name = "no-drain",
		.kind = CLI_OPT_FLAG,
		.key = "no_drain",
		.help = "do not move the pods away before"},
	{.name = "drain-timeout",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.key = "drain_timeout_s",
		.min = 1,
		.max = 86400,
		.help = "most time for moving the pods of a node",
		.def = "300s"},
	{.name = "ignore-stuck-pods",
		.kind = CLI_OPT_FLAG,
		.key = "ignore_stuck_pods",
		.help = "go on although pods did not leave in time"},
	{.name = "refresh-timeout",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.key = "refresh_timeout_s",
		.min = 1,
		.max = 86400,
		.help = "most time for the refresh of a node; then it is aborted",
		.def = "30m"},
	OPT_ALLOW,
};
static const struct cli_opt resume_opts[] = {OPT_ALLOW};

const struct cli_cmd cmd_cluster_upgrade = {
	.path = "cluster upgrade",
	.summary = "Upgrade a cluster by one minor version",
	.details =
		"Checks first, then upgrades the control planes one by one and the workers in batches. After each node the whole cluster must be "
		"healthy. At the first failure it halts: mko cluster upgrade resume goes on, mko cluster upgrade abort gives up.",
	.example =
		"mko cluster upgrade prod --to 1.33\nmko cluster upgrade prod --to 1.33 --worker-batch 3 --yes",
	.noun = &noun_cluster,
	.action = "upgrade",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = upgrade_opts,
	.n_opts = ARRAY_LEN(upgrade_opts),
	.sets = {&cli_op_options},
	.run = run_upgrade,
};
const struct cli_cmd cmd_cluster_upgrade_check = {
	.path = "cluster upgrade check",
	.summary = "Find what speaks against an upgrade; changes nothing",
	.details = "Exit code 1 when something blocks it.",
	.example = "mko cluster upgrade check prod --to 1.33",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = check_opts,
	.n_opts = ARRAY_LEN(check_opts),
	.sets = {&cli_op_options},
	.run = run_check,
};
const struct cli_cmd cmd_cluster_upgrade_resume = {
	.path = "cluster upgrade resume",
	.summary = "Go on with an upgrade that was halted, with its settings",
	.example = "mko cluster upgrade resume prod",
	.noun = &noun_cluster,
	.action = "upgrade",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = resume_opts,
	.n_opts = ARRAY_LEN(resume_opts),
	.sets = {&cli_op_options},
	.run = run_resume,
};
const struct cli_cmd cmd_cluster_upgrade_abort = {
	.path = "cluster upgrade abort",
	.summary =
		"Give up an upgrade that was halted; every node works on with the version it has",
	.details =
		"Nothing goes back: a control plane that is reverted would bring an old copy of the datastore's log.",
	.example = "mko cluster upgrade abort prod",
	.noun = &noun_cluster,
	.action = "upgrade-abort",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.sets = {&cli_op_options},
	.run = run_abort,
};
