/* mko cluster plan, apply, export: clusters as files. */
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/desired.h"
#include "cli/file.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"
#include "cli/yaml.h"

#define EXIT_CHANGES 2
#define IN_BODY "desired"

static struct err *read_file(struct cli *cli, struct yaml_file *ret_file)
{
	return cli_read_yaml(cli, cli_opt_text(cli, "file"), cli_opt_given(cli, "env"), ret_file);
}

/* What the server finds wrong in the document is told by the line of the file. */
static struct err *locate(const struct yaml_file *file, const struct yaml_doc *doc,
	struct err *take_err)
{
	struct err *own = NULL;

	if (take_err == NULL || err_field_count(take_err) == 0)
		return take_err;
	for (size_t i = 0; i < err_field_count(take_err); i++) {
		const char *message = NULL;
		const char *path = err_field_at(take_err, i, &message);
		size_t n = strlen(IN_BODY);
		if (strncmp(path, IN_BODY, n) == 0)
			path += path[n] == '.' ? n + 1 : n;
		own = err_field(own, path, "%s", message);
	}
	const char *hint = err_hint_text(take_err);
	own = err_recode(own, err_code(take_err));
	if (hint != NULL)
		own = err_hint(own, "%s", hint);
	err_free(take_err);
	return yaml_locate(file, doc, own);
}

static json_t *body_of(const struct cli *cli, const struct yaml_doc *doc)
{
	json_t *body = json_pack("{s:O}", IN_BODY, doc->json);

	cli_opts_to_json(cli, NULL, body);
	cli_opts_to_json(cli, &cli_guard_options, body);
	return body;
}

static struct err *get_plan(struct cli *cli, const struct yaml_file *file, size_t i,
	json_t **ret_plan)
{
	json_t *body = body_of(cli, &file->docs[i]);
	struct err *e = cli_call(cli, "POST", "/api/clusters/plan", body, ret_plan);

	json_decref(body);
	return locate(file, &file->docs[i], e);
}

/* The plans of all documents of a file. @ret_plans array, owned */
static struct err *get_plans(struct cli *cli, const struct yaml_file *file, json_t **ret_plans)
{
	json_t *plans = json_array();

	for (size_t i = 0; i < file->n; i++) {
		json_t *plan = NULL;
		struct err *e = get_plan(cli, file, i, &plan);
		if (e != NULL) {
			json_decref(plans);
			return e;
		}
		json_array_append_new(plans, plan);
	}
	*ret_plans = plans;
	return NULL;
}

static size_t count_changes(const json_t *plans, const char *action)
{
	size_t n = 0;
	size_t i;
	const json_t *plan;
	size_t k;
	const json_t *change;

	json_array_foreach(plans, i, plan)
		json_array_foreach(cli_json_get(plan, "changes"), k, change)
			n += action == NULL ||
				strcmp(cli_json_text(change, "action", ""), action) == 0;
	return n;
}

static struct err *print_plans(struct cli *cli, const json_t *plans)
{
	size_t i;
	const json_t *plan;

	if (cli_output_is_document(cli)) {
		if (json_array_size(plans) == 1)
			return cli_print_document(cli, json_array_get(plans, 0));
		json_t *list = json_pack("{s:O}", "items", plans);
		struct err *e = cli_print_document(cli, list);
		json_decref(list);
		return e;
	}
	json_array_foreach(plans, i, plan)
		cli_print_difference(cli, cli_json_text(plan, "cluster", "?"), plan);
	return NULL;
}

/* ---- plan ---- */

static struct err *plan_file(struct cli *cli)
{
	struct yaml_file file = {.n = 0};
	json_t *plans = NULL;

	TRY(read_file(cli, &file));
	struct err *e = get_plans(cli, &file, &plans);
	yaml_done(&file);
	if (e == NULL)
		e = print_plans(cli, plans);
	if (cli_opt_given(cli, "detailed-exitcode") && count_changes(plans, NULL) > 0)
		cli->exit_code = EXIT_CHANGES;
	json_decref(plans);
	return e;
}

static struct err *run_plan(struct cli *cli)
{
	cli_what(cli, "plan %s", cli_opt_text(cli, "file"));
	struct err *e = plan_file(cli);
	/* 2 means changes: every failure is 1 */
	return e != NULL && cli_opt_given(cli, "detailed-exitcode") ? err_recode(e, ERR_FAILED) : e;
}

/* ---- apply ---- */

static struct err *apply_doc(struct cli *cli, const struct yaml_file *file, size_t i)
{
	json_t *body = body_of(cli, &file->docs[i]);
	json_t *reply = NULL;
	json_t *final = NULL;

	struct err *e = cli_post(cli, "/api/clusters/apply", NULL, body, &reply);
	json_decref(body);
	if (e != NULL)
		return locate(file, &file->docs[i], e);
	e = cli_operation_started(cli, reply, &final);
	json_decref(reply);
	if (e == NULL && final != NULL)
		e = cli_print_result(cli, final);
	json_decref(final);
	return e;
}

/* Nodes that leave are lost to the cluster with what is on them: somebody has to say so. */
static struct err *confirm(struct cli *cli, const json_t *plans)
{
	size_t i;
	const json_t *plan;

	json_array_foreach(plans, i, plan) {
		const char *name = cli_json_text(plan, "cluster", "?");
		json_t *one = json_pack("[O]", plan);
		size_t n = count_changes(one, "remove");
		json_decref(one);
		cleanup(mem_freep) char *what = mem_printf("remove %zu object%s from cluster %s", n,
			n == 1 ? "" : "s", name);
		if (n > 0)
			TRY(cli_confirm(cli, what, name));
	}
	return NULL;
}

static struct err *apply_file(struct cli *cli, const struct yaml_file *file)
{
	json_t *plans = NULL;
	bool dry = cli_opt_given(cli, "dry-run");

	TRY(get_plans(cli, file, &plans));
	struct err *e = NULL;
	if (dry || (!cli->quiet && !cli_output_is_document(cli)))
		e = print_plans(cli, plans);
	(void)fflush(cli->io->out);
	if (e == NULL && !dry)
		e = confirm(cli, plans);
	json_decref(plans);
	for (size_t i = 0; e == NULL && !dry && i < file->n; i++)
		e = apply_doc(cli, file, i);
	return e;
}

static struct err *run_apply(struct cli *cli)
{
	struct yaml_file file = {.n = 0};

	cli_what(cli, "apply %s", cli_opt_text(cli, "file"));
	TRY(read_file(cli, &file));
	struct err *e = apply_file(cli, &file);
	yaml_done(&file);
	return e;
}

/* ---- export ---- */

static struct err *run_export(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "export", NULL);
	cleanup(str_done) struct str text = STR_INIT;
	const char *file = cli_opt_text(cli, "file");
	json_t *doc = NULL;

	cli_what(cli, "export cluster %s", cli->args[0]);
	TRY(cli_get(cli, path, NULL, &doc));
	cli_yaml_add(&text, doc);
	struct err *e = NULL;
	if (file != NULL)
		e = fs_write_atomic(file, str_get(&text), text.len, 0644);
	else if (cli_output_is_document(cli))
		e = cli_print_document(cli, doc);
	else
		(void)fputs(str_get(&text), cli->io->out);
	json_decref(doc);
	if (e == NULL && file != NULL) {
		cleanup(mem_freep) char *shown = cli_esc(file);
		cli_note(cli, "written to %s; compare it later: mko cluster plan -f %s", shown,
			shown);
	}
	return e;
}

/* ---- tables ---- */

#define FILE_OPTIONS                                                                                 \
	{.name = "file",                                                                             \
		.letter = 'f',                                                                       \
		.kind = CLI_OPT_TEXT,                                                                \
		.meta = "FILE",                                                                      \
		.words = CLI_WORDS_FILES,                                                            \
		.required = true,                                                                    \
		.help = "cluster file (YAML); - is stdin"},                                          \
		{.name = "env",                                                                      \
			.kind = CLI_OPT_FLAG,                                                        \
			.help = "put variables of the environment in place of ${NAME} in the file"}, \
	{                                                                                            \
		.name = "prune", .kind = CLI_OPT_FLAG, .key = "prune",                               \
		.help = "nodes that are not in the file leave the cluster"                           \
	}

static const struct cli_opt plan_opts[] = {
	FILE_OPTIONS,
	{.name = "detailed-exitcode",
		.kind = CLI_OPT_FLAG,
		.help = "exit with 0 for no changes, 1 for an error, 2 for changes"},
};
const struct cli_cmd cmd_cluster_plan = {
	.path = "cluster plan",
	.summary = "Show what it takes to bring a cluster to what a file says",
	.details =
		"Compares the file with the inventory and the last scan, and changes nothing. Lines begin with + (added), ~ (changed), - (removed) "
		"or ! (differs and is left alone). mko spec cluster-file prints the JSON Schema of the file.",
	.example =
		"mko cluster plan -f home.yaml\nmko cluster plan -f home.yaml --prune --detailed-exitcode",
	.noun = &noun_cluster,
	.opts = plan_opts,
	.n_opts = ARRAY_LEN(plan_opts),
	.sets = {&cli_guard_options},
	.run = run_plan,
};

static const struct cli_opt apply_opts[] = {
	FILE_OPTIONS,
	{.name = "dry-run", .kind = CLI_OPT_FLAG, .help = "start nothing: show the plan"},
};
const struct cli_cmd cmd_cluster_apply = {
	.path = "cluster apply",
	.summary = "Bring a cluster to what a file says",
	.details =
		"Shows the plan and does its steps one after another, each an operation of its own. It halts at the first step that fails; "
		"the same command again goes on with what is left. A node is never removed without --prune.",
	.example = "mko cluster apply -f home.yaml\nmko cluster apply -f home.yaml --prune --yes",
	.noun = &noun_cluster,
	.opts = apply_opts,
	.n_opts = ARRAY_LEN(apply_opts),
	.sets = {&cli_wait_options, &cli_guard_options},
	.run = run_apply,
};

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};
static const struct cli_opt export_opts[] = {
	{.name = "file",
		.letter = 'f',
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.help = "write it there instead of to stdout"},
};
const struct cli_cmd cmd_cluster_export = {
	.path = "cluster export",
	.summary = "Print a cluster as a file for mko cluster plan and apply",
	.details =
		"What the inventory and the last scan say of it, as YAML (or -o json). The plan of it is empty.",
	.example = "mko cluster export prod >prod.yaml\nmko cluster export prod -f prod.yaml",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = export_opts,
	.n_opts = ARRAY_LEN(export_opts),
	.run = run_export,
};
