/* mko workflow list, show, add, edit, remove, run, approve, reject. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/file.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/tables.h"

const struct cli_cmd cmd_workflow_list = {
	.path = "workflow list",
	.summary = "List the workflows",
	.doing = "list the workflows",
	.example = "mko workflow list",
	.noun = &noun_workflow,
	.sets = {&cli_list_options},
	.run = cli_run_list,
};

static const struct cli_arg one_workflow[] = {
	{.name = "WORKFLOW", .words = CLI_WORDS_WORKFLOWS, .help = "name or number"}};
const struct cli_cmd cmd_workflow_show = {
	.path = "workflow show",
	.summary = "Show a workflow with its steps",
	.example = "mko workflow show careful -o yaml",
	.noun = &noun_workflow,
	.args = one_workflow,
	.n_args = ARRAY_LEN(one_workflow),
	.run = cli_run_show,
};

static const struct cli_opt file_opts[] = {
	{.name = "file",
		.letter = 'f',
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.required = true,
		.help = "YAML file with name, description and steps; - is stdin"},
};

typedef struct err *(*send_fn)(struct cli *cli, json_t *take_body);

/* What the server finds wrong is told by the line of the file. */
static struct err *send_file(struct cli *cli, send_fn send)
{
	struct yaml_file file = {.n = 0};

	TRY(cli_read_yaml(cli, cli_opt_text(cli, "file"), false, &file));
	struct err *e = file.n == 1 ? send(cli, json_deep_copy(file.docs[0].json))
				    : err_new(ERR_INVALID, "must be one document");
	if (e != NULL && err_field_count(e) > 0)
		e = yaml_locate(&file, &file.docs[0], e);
	yaml_done(&file);
	return e;
}

static struct err *send_new(struct cli *cli, json_t *take_body)
{
	return cli_add(cli, take_body, NULL);
}

static struct err *send_change(struct cli *cli, json_t *take_body)
{
	return cli_edit(cli, cli->args[0], take_body);
}

static struct err *run_add(struct cli *cli)
{
	cli_what(cli, "add the workflow of %s", cli_opt_text(cli, "file"));
	return send_file(cli, send_new);
}

static struct err *run_edit(struct cli *cli)
{
	cli_what(cli, "change workflow %s", cli->args[0]);
	return send_file(cli, send_change);
}

const struct cli_cmd cmd_workflow_add = {
	.path = "workflow add",
	.summary = "Add a workflow from a file",
	.details =
		"Each step has a name and either a type (with target, nodes, params, check_mode, timeout_s) or an approval (with timeout_s). "
		"when: success (default), failure or always says under which condition it runs.",
	.example = "mko workflow add -f careful.yaml",
	.noun = &noun_workflow,
	.opts = file_opts,
	.n_opts = ARRAY_LEN(file_opts),
	.run = run_add,
};
const struct cli_cmd cmd_workflow_edit = {
	.path = "workflow edit",
	.summary = "Change a workflow by a file; runs that have started keep their steps",
	.example = "mko workflow edit careful -f careful.yaml",
	.noun = &noun_workflow,
	.args = one_workflow,
	.n_args = ARRAY_LEN(one_workflow),
	.opts = file_opts,
	.n_opts = ARRAY_LEN(file_opts),
	.run = run_edit,
};
const struct cli_cmd cmd_workflow_remove = {
	.path = "workflow remove",
	.summary = "Remove a workflow; its runs stay",
	.example = "mko workflow remove careful --yes",
	.noun = &noun_workflow,
	.args = one_workflow,
	.n_args = ARRAY_LEN(one_workflow),
	.run = cli_run_remove,
};
const struct cli_cmd cmd_workflow_run = {
	.path = "workflow run",
	.summary = "Run a workflow and wait for it",
	.details =
		"It goes on without you when it waits for an approval: use --detach, and mko workflow approve.",
	.example = "mko workflow run careful --detach",
	.doing = "run workflow",
	.noun = &noun_workflow,
	.action = "run",
	.args = one_workflow,
	.n_args = ARRAY_LEN(one_workflow),
	.sets = {&cli_wait_options},
	.run = cli_run_action,
};

static struct err *answer(struct cli *cli, bool yes)
{
	cleanup(mem_freep) char *path = cli_path("operations", cli->args[0], "approve", NULL);
	json_t *body = json_pack("{s:b}", "approve", yes);
	json_t *reply = NULL;

	cli_what(cli, "%s operation %s", yes ? "approve" : "reject", cli->args[0]);
	cli_opts_to_json(cli, NULL, body);
	struct err *e = cli_call(cli, "POST", path, body, &reply);
	json_decref(body);
	TRY(e);
	if (cli_output_is_document(cli))
		e = cli_print_document(cli, json_object_get(reply, "operation"));
	else if (!cli->quiet)
		(void)fprintf(cli->io->out, "operation %s %s\n", cli->args[0],
			yes ? "approved" : "rejected");
	json_decref(reply);
	return e;
}

static struct err *run_approve(struct cli *cli)
{
	return answer(cli, true);
}

static struct err *run_reject(struct cli *cli)
{
	return answer(cli, false);
}

static const struct cli_arg one_run[] = {
	{.name = "OPERATION", .words = CLI_WORDS_OPERATIONS, .help = "number of the run"}};
static const struct cli_opt comment_opts[] = {
	{.name = "comment",
		.kind = CLI_OPT_TEXT,
		.meta = "TEXT",
		.key = "comment",
		.help = "why; kept with the run"},
};
const struct cli_cmd cmd_workflow_approve = {
	.path = "workflow approve",
	.summary = "Let a run go on that waits for an approval",
	.example = "mko workflow approve 12 --comment \"backup is fresh\"",
	.noun = &noun_workflow,
	.args = one_run,
	.n_args = ARRAY_LEN(one_run),
	.opts = comment_opts,
	.n_opts = ARRAY_LEN(comment_opts),
	.run = run_approve,
};
const struct cli_cmd cmd_workflow_reject = {
	.path = "workflow reject",
	.summary = "End a run that waits for an approval",
	.example = "mko workflow reject 12 --comment \"not on Friday\"",
	.noun = &noun_workflow,
	.args = one_run,
	.n_args = ARRAY_LEN(one_run),
	.opts = comment_opts,
	.n_opts = ARRAY_LEN(comment_opts),
	.run = run_reject,
};
