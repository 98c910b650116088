/* The generic commands. What they know of an object is in the noun's table and in the options'
 * keys. */
#include "cli/generic.h"

#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"

#define NEWEST_LIMIT 20

/* A table needs only the fields of its columns; other forms show the whole object. */
static void ask_for_columns(struct cli *cli, const struct cli_column *columns, size_t n,
	struct str *query)
{
	struct str fields = STR_INIT;

	if (cli->output != CLI_TABLE)
		return;
	for (size_t i = 0; i < n; i++)
		if (!columns[i].wide)
			str_addf(&fields, "%s%.*s", fields.len > 0 ? "," : "",
				(int)strcspn(columns[i].field, "."), columns[i].field);
	cli_query_add(query, "fields", str_get(&fields));
	str_done(&fields);
}

static struct err *list(struct cli *cli, const char *order, int64_t limit)
{
	const struct cli_cmd *cmd = cli->cmd;
	const struct cli_column *columns = cmd->columns != NULL ? cmd->columns : cmd->noun->columns;
	size_t n = cmd->columns != NULL ? cmd->n_columns : cmd->noun->n_columns;
	cleanup(str_done) struct str query = STR_INIT;
	json_t *items = NULL;

	if (order != NULL && !cli_opt_given(cli, "sort"))
		cli_query_add(&query, "sort", order);
	ask_for_columns(cli, columns, n, &query);
	cli_opts_to_query(cli, NULL, &query);
	cli_opts_to_query(cli, &cli_list_options, &query);
	TRY(cli_get_list(cli, cmd->noun->collection, str_get(&query),
		cli_opt_number(cli, "limit", limit), &items));
	struct err *e = cli_print_list(cli, columns, n, cmd->noun->key, items);
	json_decref(items);
	return e;
}

struct err *cli_run_list(struct cli *cli)
{
	return list(cli, NULL, 0);
}

struct err *cli_run_list_newest(struct cli *cli)
{
	return list(cli, "-id", NEWEST_LIMIT);
}

struct err *cli_run_show(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path(cli->cmd->noun->collection, cli->args[0], NULL);
	json_t *object = NULL;

	cli_what(cli, "show %s %s", cli->cmd->noun->name, cli->args[0]);
	TRY(cli_get(cli, path, NULL, &object));
	struct err *e = cli_print_object(cli, cli->cmd->noun->key, object);
	json_decref(object);
	return e;
}

/** Say what was done: the name on stdout for people and scripts, the object for machines. */
static struct err *print_done(struct cli *cli, const char *verb, const json_t *object)
{
	const struct cli_noun *noun = cli->cmd->noun;

	if (cli->output_given)
		return cli_print_object(cli, noun->key, object);
	cleanup(mem_freep) char *name = cli_esc(cli_json_text(object, noun->key, "?"));
	if (!cli->quiet)
		(void)fprintf(cli->io->out, "%s %s %s (%s %lld)\n", noun->name, name, verb,
			"number", (long long)cli_json_i64(object, "id", 0));
	return NULL;
}

struct err *cli_add(struct cli *cli, json_t *take_body, json_t **ret_object)
{
	cleanup(mem_freep) char *path = cli_path(cli->cmd->noun->collection, NULL);
	json_t *object = NULL;
	struct err *e = cli_post(cli, path, NULL, take_body, &object);

	json_decref(take_body);
	if (e == NULL && ret_object == NULL)
		e = print_done(cli, "added", object);
	if (e == NULL && ret_object != NULL)
		*ret_object = MOVE(object);
	json_decref(object);
	return e;
}

struct err *cli_run_add(struct cli *cli)
{
	json_t *body = json_object();

	cli_opts_to_json(cli, NULL, body);
	const char *name = cli_json_text(body, cli->cmd->noun->key, NULL);
	if (name != NULL)
		cli_what(cli, "add %s %s", cli->cmd->noun->name, name);
	return cli_add(cli, body, NULL);
}

struct err *cli_edit(struct cli *cli, const char *name, json_t *take_body)
{
	cleanup(mem_freep) char *path = cli_path(cli->cmd->noun->collection, name, NULL);
	cleanup(mem_freep) char *etag = NULL;
	json_t *object = NULL;
	struct err *e = NULL;

	if (json_object_size(take_body) == 0)
		e = err_new(ERR_USAGE, "nothing to change was given");
	/* What another changed in between is not overwritten: 412 instead. */
	if (e == NULL)
		e = cli_get_etag(cli, path, &etag);
	if (e == NULL)
		e = cli_patch(cli, path, etag, take_body, &object);
	json_decref(take_body);
	if (e == NULL)
		e = print_done(cli, "changed", object);
	json_decref(object);
	return e;
}

struct err *cli_run_edit(struct cli *cli)
{
	json_t *body = json_object();

	cli_what(cli, "change %s %s", cli->cmd->noun->name, cli->args[0]);
	cli_opts_to_json(cli, NULL, body);
	return cli_edit(cli, cli->args[0], body);
}

struct err *cli_object_name(struct cli *cli, const char *id_or_name, char **ret_name)
{
	cleanup(mem_freep) char *path = cli_path(cli->cmd->noun->collection, id_or_name, NULL);
	json_t *object = NULL;

	TRY(cli_get(cli, path, NULL, &object));
	*ret_name = mem_strdup(cli_json_text(object, cli->cmd->noun->key, id_or_name));
	json_decref(object);
	return NULL;
}

struct err *cli_run_remove(struct cli *cli)
{
	const struct cli_noun *noun = cli->cmd->noun;
	cleanup(mem_freep) char *path = cli_path(noun->collection, cli->args[0], NULL);
	cleanup(mem_freep) char *name = NULL;
	cleanup(str_done) struct str query = STR_INIT;

	cli_what(cli, "remove %s %s", noun->name, cli->args[0]);
	TRY(cli_object_name(cli, cli->args[0], &name));
	cleanup(mem_freep) char *what = mem_printf("remove %s %s", noun->name, name);
	TRY(cli_confirm(cli, what, name));
	cli_opts_to_query(cli, NULL, &query);
	cleanup(mem_freep) char *where =
		mem_printf("%s%s%s", path, query.len > 0 ? "?" : "", str_get(&query));
	TRY(cli_call(cli, "DELETE", where, NULL, NULL));
	cleanup(mem_freep) char *shown = cli_esc(name);
	if (!cli->quiet && !cli_output_is_document(cli))
		(void)fprintf(cli->io->out, "%s %s removed\n", noun->name, shown);
	return NULL;
}

struct err *cli_run_action(struct cli *cli)
{
	const struct cli_cmd *cmd = cli->cmd;
	cleanup(mem_freep) char *path =
		cli_path(cmd->noun->collection, cli->args[0], cmd->action, NULL);
	json_t *body = json_object();

	cli_what(cli, "%s %s", cmd->doing, cli->args[0]);
	cli_opts_to_json(cli, NULL, body);
	return cli_operate(cli, path, body, NULL);
}
