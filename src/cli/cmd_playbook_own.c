/* mko playbook add, run, remove: a user's own playbooks. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/file.h"
#include "cli/generic.h"
#include "cli/operate.h"
#include "cli/tables.h"

/* "x/trim.yml" -> "trim" */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	return mem_strndup(name, strcspn(name, "."));
}

/* "x/trim.yml" -> "x/trim.meta.yml" */
static char *meta_of(const char *path)
{
	size_t len = strlen(path);
	size_t end = len > 4 && strcmp(path + len - 4, ".yml") == 0 ? 4
		: len > 5 && strcmp(path + len - 5, ".yaml") == 0   ? 5
								    : 0;

	return mem_printf("%.*s.meta%s", (int)(len - end), path,
		end > 0 ? path + len - end : ".yml");
}

static struct err *run_add(struct cli *cli)
{
	cleanup(mem_freep) char *name = cli_opt_given(cli, "name")
		? mem_strdup(cli_opt_text(cli, "name"))
		: name_of(cli->args[0]);
	cleanup(mem_freep) char *meta_path = cli_opt_given(cli, "meta")
		? mem_strdup(cli_opt_text(cli, "meta"))
		: meta_of(cli->args[0]);
	cleanup(mem_freep) char *playbook = NULL;
	cleanup(mem_freep) char *meta = NULL;

	cli_what(cli, "add playbook %s", name);
	TRY(cli_read_file(cli, cli->args[0], &playbook, NULL));
	TRY(cli_read_file(cli, meta_path, &meta, NULL));
	json_t *body =
		json_pack("{s:s, s:s, s:s}", "name", name, "playbook", playbook, "metadata", meta);
	if (body == NULL)
		return err_new(ERR_INVALID, "the files must be UTF-8");
	json_t *object = NULL;
	TRY(cli_add(cli, body, &object));
	json_decref(object);
	if (!cli->quiet)
		(void)fprintf(cli->io->out, "playbook custom.%s added\n", name);
	return NULL;
}

static const struct cli_arg one_file[] = {
	{.name = "FILE", .words = CLI_WORDS_FILES, .help = "the playbook, NAME.yml"}};
static const struct cli_opt add_opts[] = {
	{.name = "meta",
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.help = "its metadata",
		.def = "NAME.meta.yml beside it"},
	{.name = "name",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.help = "its name",
		.def = "that of the file"},
};
const struct cli_cmd cmd_playbook_add = {
	.path = "playbook add",
	.summary = "Make a playbook of your own an operation type",
	.details =
		"The metadata says title, target (node or cluster), risk, timeout, variables and hooks; see docs/guide/playbooks.md. Files can "
		"as well be put into the folder by hand (playbooks.dir).",
	.example = "mko playbook add trim.yml\nmko playbook run custom.trim n1 -p level=high",
	.noun = &noun_playbook,
	.args = one_file,
	.n_args = ARRAY_LEN(one_file),
	.opts = add_opts,
	.n_opts = ARRAY_LEN(add_opts),
	.run = run_add,
};

/* The operation type that runs a playbook. @ret_type owned */
static struct err *type_of(struct cli *cli, const char *name, char **ret_type)
{
	cleanup(mem_freep) char *path = cli_path("playbooks", name, NULL);
	json_t *playbook = NULL;

	TRY(cli_get(cli, path, NULL, &playbook));
	const char *type =
		json_string_value(json_array_get(json_object_get(playbook, "operation_types"), 0));
	const char *problem =
		json_string_value(json_array_get(json_object_get(playbook, "problems"), 0));
	struct err *e = type == NULL
		? err_new(ERR_INVALID, "%s", problem != NULL ? problem : "no operation runs it")
		: NULL;
	if (e == NULL)
		*ret_type = mem_strdup(type);
	json_decref(playbook);
	return e;
}

static struct err *run_run(struct cli *cli)
{
	cleanup(mem_freep) char *type = NULL;
	json_t *nodes = NULL;

	cli_what(cli, "run playbook %s", cli->args[0]);
	TRY(type_of(cli, cli->args[0], &type));
	json_t *body = json_pack("{s:s}", "type", type);
	if (cli->n_args == 2)
		json_object_set_new(body, "target", json_string(cli->args[1]));
	for (size_t i = 1; cli->n_args > 2 && i < cli->n_args; i++) {
		nodes = nodes != NULL ? nodes : json_array();
		json_array_append_new(nodes, json_string(cli->args[i]));
	}
	if (nodes != NULL)
		json_object_set_new(body, "nodes", nodes);
	json_object_set_new(body, "params",
		cli_opt_given(cli, "param") ? json_copy(cli_opt_list(cli, "param"))
					    : json_object());
	return cli_operate(cli, "/api/operations", body, NULL);
}

static const struct cli_arg run_args[] = {
	{.name = "PLAYBOOK", .words = CLI_WORDS_PLAYBOOKS, .help = "name"},
	{.name = "TARGET",
		.optional = true,
		.repeat = true,
		.words = CLI_WORDS_NODES,
		.help = "the node or cluster, or several nodes; none: all nodes"},
};
static const struct cli_opt run_opts[] = {
	{.name = "param",
		.letter = 'p',
		.kind = CLI_OPT_PAIRS,
		.meta = "NAME=VALUE",
		.help = "a variable; several times"},
};
const struct cli_cmd cmd_playbook_run = {
	.path = "playbook run",
	.summary = "Run a playbook as an operation",
	.example = "mko playbook run custom.trim n1 -p level=high --check",
	.noun = &noun_playbook,
	.args = run_args,
	.n_args = ARRAY_LEN(run_args),
	.opts = run_opts,
	.n_opts = ARRAY_LEN(run_opts),
	.sets = {&cli_op_options},
	.run = run_run,
};

static const struct cli_arg one_playbook[] = {
	{.name = "PLAYBOOK", .words = CLI_WORDS_PLAYBOOKS, .help = "name"}};
const struct cli_cmd cmd_playbook_remove = {
	.path = "playbook remove",
	.summary = "Remove a playbook of your own with its metadata",
	.example = "mko playbook remove custom.trim --yes",
	.noun = &noun_playbook,
	.args = one_playbook,
	.n_args = ARRAY_LEN(one_playbook),
	.run = cli_run_remove,
};
