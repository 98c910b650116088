/* mko system check-prerequisites, system doctor, doctor, node troubleshoot, cluster troubleshoot,
 * operation findings. */
#include "base/mem.h"
#include "cli/args.h"
#include "cli/check.h"
#include "cli/client.h"
#include "cli/fix.h"
#include "cli/tables.h"

static struct err *run(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("nodes", "actions", cli->cmd->action, NULL);
	json_t *body = NULL;

	if (cli_opt_given(cli, "explain"))
		return cli_check_explain(cli, cli_opt_text(cli, "explain"));
	TRY(cli_check_nodes(cli, &body));
	return cli_check(cli, path, body);
}

static const struct cli_arg nodes[] = {
	{.name = "NODE",
		.optional = true,
		.repeat = true,
		.words = CLI_WORDS_NODES,
		.help = "host names or numbers"},
};
#define DOCTOR_DETAILS                                                                                                                   \
	"Reads every node in one run, also when the API is down or nodes are gone, and names the known problems: causes before "         \
	"consequences, each with its evidence and what to do. Exit code 1 when something blocking is found; 0 and nothing on a healthy " \
	"cluster."

static const struct cli_arg one_cluster[] = {{.name = "CLUSTER",
	.optional = true,
	.words = CLI_WORDS_CLUSTERS,
	.help = "name or number"}};

static struct err *run_cluster(struct cli *cli)
{
	if (cli_opt_given(cli, "explain"))
		return cli_check_explain(cli, cli_opt_text(cli, "explain"));
	if (cli->n_args == 0)
		return err_hint(err_new(ERR_USAGE, "CLUSTER is missing"), "mko cluster list");
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], cli->cmd->action, NULL);
	return cli_check(cli, path, json_object());
}

const struct cli_cmd cmd_node_troubleshoot = {
	.path = "node troubleshoot",
	.summary = "Find out what is wrong with nodes and what to do",
	.details = DOCTOR_DETAILS,
	.example = "mko node troubleshoot n3\nmko node troubleshoot --all --all-results",
	.doing = "troubleshoot the nodes",
	.noun = &noun_node,
	.action = "troubleshoot",
	.args = nodes,
	.n_args = ARRAY_LEN(nodes),
	.sets = {&cli_select_options, &cli_check_options, &cli_fix_options, &cli_op_options},
	.run = run,
};

const struct cli_cmd cmd_doctor = {
	.path = "doctor",
	.summary = "Find out what is wrong with nodes and clusters and what to do",
	.details = DOCTOR_DETAILS,
	.example =
		"mko doctor --cluster prod\nmko doctor --all -o json\nmko doctor --cluster prod --fix\nmko doctor --explain MKO-DOC-001",
	.doing = "troubleshoot the nodes",
	.action = "troubleshoot",
	.args = nodes,
	.n_args = ARRAY_LEN(nodes),
	.sets = {&cli_select_options, &cli_check_options, &cli_fix_options, &cli_op_options},
	.run = run,
};

const struct cli_cmd cmd_cluster_troubleshoot = {
	.path = "cluster troubleshoot",
	.summary = "Find out what is wrong with a cluster and what to do",
	.details = DOCTOR_DETAILS,
	.example = "mko cluster troubleshoot prod",
	.doing = "troubleshoot the cluster",
	.noun = &noun_cluster,
	.action = "troubleshoot",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.sets = {&cli_check_options, &cli_fix_options, &cli_op_options},
	.run = run_cluster,
};

static struct err *run_findings(struct cli *cli)
{
	if (cli_opt_given(cli, "explain"))
		return cli_check_explain(cli, cli_opt_text(cli, "explain"));
	if (cli->n_args == 0)
		return err_hint(err_new(ERR_USAGE, "OPERATION is missing"), "mko operation list");
	return cli_check_show(cli, cli->args[0]);
}

static const struct cli_arg one_operation[] = {
	{.name = "OPERATION", .optional = true, .help = "number of a check or of troubleshooting"}};

const struct cli_cmd cmd_operation_findings = {
	.path = "operation findings",
	.summary = "Show again what the checks say about an operation that has read nodes",
	.example = "mko operation findings 12 --all-results",
	.doing = "show the findings",
	.noun = &noun_operation,
	.args = one_operation,
	.n_args = ARRAY_LEN(one_operation),
	.sets = {&cli_check_options},
	.run = run_findings,
};

const struct cli_cmd cmd_system_check_prerequisites = {
	.path = "system check-prerequisites",
	.summary = "Check whether nodes can run MicroK8s; all checks, nothing is changed",
	.details =
		"Reads all nodes in one run, tries the ports from each node to each other one, and compares the nodes with each other. Exit code 1 when "
		"something blocking is found.",
	.example =
		"mko system check-prerequisites n1 n2 n3\nmko system check-prerequisites --cluster prod -o json\nmko system check-prerequisites --explain "
		"MKO-PRE-011",
	.doing = "check the prerequisites of the nodes",
	.noun = &noun_system,
	.action = "check-prerequisites",
	.args = nodes,
	.n_args = ARRAY_LEN(nodes),
	.sets = {&cli_select_options, &cli_check_options, &cli_op_options},
	.run = run,
};

static struct err *run_server(struct cli *cli)
{
	if (cli_opt_given(cli, "explain"))
		return cli_check_explain(cli, cli_opt_text(cli, "explain"));
	return cli_check_get(cli, "/api/doctor");
}

const struct cli_cmd cmd_system_doctor = {
	.path = "system doctor",
	.summary = "Find out whether the server's own machine is in order",
	.details =
		"Ansible, SSH, the playbooks, the data directory and the database, disk, memory, clock, who watches power, and NUT where a UPS of that "
		"machine is watched. Changes nothing. Exit code 1 when something blocking is found. Nodes and clusters: mko doctor.",
	.example =
		"mko system doctor\nmko system doctor --all-results\nmko system doctor --explain MKO-SYS-004",
	.doing = "check the server",
	.noun = &noun_system,
	.sets = {&cli_check_options},
	.run = run_server,
};
