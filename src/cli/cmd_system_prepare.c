/* mko system install-prerequisites: say what would change, ask, change it, check again. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/check.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"

#define CGROUP_CODE "MKO-PRE-011"

static const struct cli_column step_columns[] = {
	{"HOST", "hostname"},
	{"RESULT", "status", CLI_SHOW_STATUS},
	{"STEPS", "data.steps", .shrink = true},
	{"REBOOT", "data.reboot_required", CLI_SHOW_YES},
	{"MESSAGE", "message", .shrink = true},
};

/** What a run of the preparation is. */
enum how { HOW_LOOK, HOW_CHANGE, HOW_REBOOT };

/* The nodes whose memory cgroup is off: only a reboot mends that. Owned array of host names. */
static json_t *need_reboot(const json_t *final)
{
	json_t *names = json_array();
	const json_t *host = NULL;
	const json_t *finding = NULL;
	size_t i = 0;
	size_t k = 0;

	json_array_foreach(cli_json_get(final, "hosts"), i, host)
		json_array_foreach(cli_json_get(host, "data.findings"), k, finding)
			if (strcmp(cli_json_text(finding, "code", ""), CGROUP_CODE) == 0)
				json_array_append_new(names,
					json_string(cli_json_text(host, "hostname", "")));
	return names;
}

/** Run the preparation on the nodes of a body. A node that lacks more than can be mended fails in
 * it; the checks tell about that afterwards. @ret_ran false: nothing ran (--dry-run)   @ret_names
 * nodes that need a reboot, owned, NULL = not wanted */
static struct err *prepare(struct cli *cli, const json_t *nodes, enum how how, bool *ret_ran,
	json_t **ret_names)
{
	bool check = how == HOW_LOOK;
	cleanup(mem_freep) char *path = cli_path("nodes", "actions",
		how == HOW_REBOOT ? "prepare_reboot" : "prepare", NULL);
	json_t *body = json_deep_copy(nodes);
	json_t *final = NULL;

	if (check)
		json_object_set_new(body, "check_mode", json_true());
	struct err *e = cli_operate(cli, path, body, &final);
	*ret_ran = final != NULL;
	if (ret_names != NULL)
		*ret_names = need_reboot(final);
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

/* Those whose memory cgroup is off: asked about by themselves, for machines go down. */
static struct err *reboot(struct cli *cli, json_t *take_names)
{
	cleanup(mem_freep) char *text = json_dumps(take_names, JSON_COMPACT);
	json_t *nodes = json_pack("{s:o}", "nodes", take_names);
	bool asked = cli_opt_given(cli, "reboot");
	bool ran = false;
	struct err *e = NULL;

	if (!asked && !cli->yes && cli->io->in_tty && cli->io->err_tty) {
		cli_note(cli,
			"The memory cgroup is off on %s: that takes a line in the boot configuration and a reboot.",
			text);
		asked = cli_ask_char(cli, "Do that now (y), or not (n)? ", "yn", 'n') == 'y';
	} else if (!asked) {
		cli_note(cli,
			"The memory cgroup is off on %s: --reboot switches it on and reboots them.",
			text);
	}
	if (asked)
		e = prepare(cli, nodes, HOW_REBOOT, &ran, NULL);
	json_decref(nodes);
	return e;
}

static struct err *install(struct cli *cli, const json_t *nodes)
{
	cleanup(mem_freep) char *path = cli_path("nodes", "actions", "check-prerequisites", NULL);
	bool ran = false;
	json_t *names = NULL;
	struct err *e = prepare(cli, nodes, HOW_LOOK, &ran, NULL);

	if (!goes_on(e) || !ran || cli_opt_given(cli, "check"))
		return e;
	err_ignore(e); /* told by its progress, and again by the checks */
	TRY(confirm(cli));
	e = prepare(cli, nodes, HOW_CHANGE, &ran, &names);
	if (goes_on(e) && json_array_size(names) > 0) {
		err_ignore(e);
		e = reboot(cli, json_incref(names));
	}
	json_decref(names);
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

static const struct cli_opt opts[] = {
	{.name = "reboot",
		.kind = CLI_OPT_FLAG,
		.help = "also switch on the memory cgroup of a Raspberry Pi, and reboot it for that, one node after the other under the quorum guard"},
};
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
		"already. It turns no firewall on, reboots only what is agreed to, upgrades nothing, leaves SSH and sudo alone. A second run changes nothing. With --check it "
		"ends after the look; --diff shows the changes in files. What it cannot mend is listed at the end (exit code 1).",
	.example =
		"mko system install-prerequisites n1 n2 --check --diff\nmko system install-prerequisites --cluster prod --yes",
	.doing = "prepare the nodes",
	.noun = &noun_system,
	.args = nodes_args,
	.n_args = ARRAY_LEN(nodes_args),
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.sets = {&cli_select_options, &cli_check_options, &cli_op_options},
	.run = run,
};
