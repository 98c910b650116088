/* mko system install-prerequisites: say what would change, ask, change it, check again. */
#include "base/mem.h"
#include "cli/args.h"
#include "cli/check.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"

static const struct cli_column step_columns[] = {
	{"HOST", "hostname"},
	{"RESULT", "status", CLI_SHOW_STATUS},
	{"STEPS", "data.steps", .shrink = true},
	{"REBOOT", "data.reboot_required", CLI_SHOW_YES},
	{"MESSAGE", "message", .shrink = true},
};

/** Run the preparation on the nodes of a body. @check only look. A node that lacks more than can be
 * mended fails in it; the checks tell about that afterwards. @ret_ran false: nothing ran
 * (--dry-run) */
static struct err *prepare(struct cli *cli, const json_t *nodes, bool check, bool *ret_ran)
{
	cleanup(mem_freep) char *path = cli_path("nodes", "actions", "prepare", NULL);
	json_t *body = json_deep_copy(nodes);
	json_t *final = NULL;

	if (check)
		json_object_set_new(body, "check_mode", json_true());
	struct err *e = cli_operate(cli, path, body, &final);
	*ret_ran = final != NULL;
	if (final != NULL && !cli_output_is_document(cli))
		cli_print_table(cli, check ? "Would be changed" : "Changed", step_columns,
			ARRAY_LEN(step_columns), cli_json_get(final, "hosts"));
	json_decref(final);
	return e;
}

static struct err *confirm(struct cli *cli)
{
	if (cli->yes)
		return NULL;
	if (cli->io->in_tty && cli->io->err_tty &&
		cli_ask_char(cli, "Make these changes (y), or leave the nodes alone (n)? ", "yn",
			'n') == 'y')
		return NULL;
	return err_hint(err_new(ERR_NOT_CONFIRMED, "the nodes were left as they are"),
		"mko %s ... --yes, or --check to only look", cli->cmd->path);
}

/** A failure of single nodes is kept for the end: the checks say what each of them lacks. */
static bool goes_on(const struct err *e)
{
	return e == NULL || err_code(e) == ERR_FAILED || err_code(e) == ERR_PARTIAL;
}

static struct err *install(struct cli *cli, const json_t *nodes)
{
	cleanup(mem_freep) char *path = cli_path("nodes", "actions", "check-prerequisites", NULL);
	bool ran = false;
	struct err *e = prepare(cli, nodes, true, &ran);

	if (!goes_on(e) || !ran || cli_opt_given(cli, "check"))
		return e;
	err_ignore(e); /* told by its progress, and again by the checks */
	TRY(confirm(cli));
	e = prepare(cli, nodes, false, &ran);
	if (!goes_on(e))
		return e;
	struct err *left = cli_check(cli, path, json_deep_copy(nodes));
	if (e == NULL)
		return left;
	err_ignore(left);
	return e;
}

static struct err *run(struct cli *cli)
{
	json_t *nodes = NULL;

	if (cli_opt_given(cli, "explain"))
		return cli_check_explain(cli, cli_opt_text(cli, "explain"));
	if (cli_opt_given(cli, "detach"))
		return err_hint(
			err_new(ERR_USAGE,
				"this goes in steps and asks in between: --detach does not fit"),
			"mko node prepare NODE... --detach");
	TRY(cli_check_nodes(cli, &nodes));
	struct err *e = install(cli, nodes);
	json_decref(nodes);
	return e;
}

static const struct cli_arg nodes_args[] = {
	{.name = "NODE",
		.optional = true,
		.repeat = true,
		.words = CLI_WORDS_NODES,
		.help = "host names or numbers"},
};

const struct cli_cmd cmd_system_install_prerequisites = {
	.path = "system install-prerequisites",
	.summary =
		"Give nodes what MicroK8s needs: shows what would change, asks, changes it, checks again",
	.details =
		"Only what is safe: missing packages (snapd, sudo, openssl), kernel modules and limits, names in /etc/hosts, rules in a ufw that is active "
		"already. It turns no firewall on, reboots nothing, upgrades nothing, leaves SSH and sudo alone. A second run changes nothing. With --check it "
		"ends after the look; --diff shows the changes in files. What it cannot mend is listed at the end (exit code 1).",
	.example =
		"mko system install-prerequisites n1 n2 --check --diff\nmko system install-prerequisites --cluster prod --yes",
	.doing = "prepare the nodes",
	.noun = &noun_system,
	.args = nodes_args,
	.n_args = ARRAY_LEN(nodes_args),
	.sets = {&cli_select_options, &cli_check_options, &cli_op_options},
	.run = run,
};
