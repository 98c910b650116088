/* The common way of commands that start an operation. */
#include "cli/operate.h"

#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "cli/preview.h"
#include "cli/tables.h"

#define START_WAIT_MS 10000
#define START_POLL_MS 50

static const struct cli_column host_columns[] = {
	{"HOST", "hostname"},
	{"STATUS", "status", CLI_SHOW_STATUS},
	{"OK", "ok", .right = true},
	{"CHANGED", "changed", .right = true},
	{"FAILED", "failed", .right = true},
	{"SKIPPED", "skipped", .right = true},
	{"TASK", "task", .wide = true, .shrink = true},
	{"MESSAGE", "message", .shrink = true},
};

void cli_print_hosts(struct cli *cli, const char *title, const json_t *operation)
{
	const json_t *hosts = cli_json_get(operation, "hosts");

	if (json_array_size(hosts) > 0)
		cli_print_table(cli, title, host_columns, ARRAY_LEN(host_columns), hosts);
}

struct err *cli_print_result(struct cli *cli, const json_t *operation)
{
	const json_t *hosts = cli_json_get(operation, "hosts");

	if (cli_output_is_document(cli))
		return cli_print_document(cli, operation);
	if (cli->output == CLI_NAME) {
		(void)fprintf(cli->io->out, "%lld\n", (long long)cli_json_i64(operation, "id", 0));
		return NULL;
	}
	if (cli->quiet && !cli->output_given)
		return NULL;
	return json_array_size(hosts) > 0
		? cli_print_list(cli, host_columns, ARRAY_LEN(host_columns), "hostname", hosts)
		: NULL;
}

/** Print a command so that it can be pasted. */
static struct err *print_command(struct cli *cli, const json_t *preview)
{
	cleanup(str_done) struct str line = STR_INIT;
	const json_t *command = cli_json_get(preview, "command");
	const json_t *word = NULL;
	size_t i = 0;

	if (!json_is_array(command))
		return err_new(ERR_NOT_FOUND, "this operation runs no command");
	json_array_foreach(command, i, word) {
		str_adds(&line, i > 0 ? " " : "");
		str_add_shell(&line,
			json_string_value(word) != NULL ? json_string_value(word) : "");
	}
	cleanup(mem_freep) char *shown = cli_esc(str_get(&line));
	(void)fprintf(cli->io->out, "%s\n", shown);
	return NULL;
}

static struct err *preview(struct cli *cli, const char *path, const json_t *body)
{
	cleanup(mem_freep) char *dry = mem_printf("%s?dry_run=true", path);
	json_t *json = NULL;

	TRY(cli_call(cli, "POST", dry, body, &json));
	struct err *e = cli_opt_given(cli, "print-command") ? print_command(cli, json)
							    : cli_print_preview(cli, json);
	json_decref(json);
	return e;
}

/** In this process nothing starts by itself: pump until the runner has it, or it waits for another.
 */
static struct err *let_start(struct cli *cli, int64_t id, json_t **operation)
{
	cleanup(mem_freep) char *number = mem_printf("%lld", (long long)id);
	cleanup(mem_freep) char *path = cli_path("operations", number, NULL);
	int64_t start = clock_mono(cli->io->clock);

	while (clock_mono(cli->io->clock) - start < START_WAIT_MS) {
		json_t *now = NULL;
		TRY(cli_idle(cli, START_POLL_MS));
		TRY(cli_get(cli, path, NULL, &now));
		json_decref(*operation);
		*operation = now;
		if (strcmp(cli_json_text(now, "status", ""), "queued") != 0)
			return NULL;
		if (cli_json_text(now, "waiting_for", NULL) != NULL) {
			cli_note(cli,
				"it waits for %s; the next mko command or a server (mko web) starts it",
				cli_json_text(now, "waiting_for", ""));
			return NULL;
		}
	}
	return NULL;
}

static struct err *detach(struct cli *cli, json_t **operation)
{
	int64_t id = cli_json_i64(*operation, "id", 0);
	long long n = (long long)id;

	if (cli_is_local(cli))
		TRY(let_start(cli, id, operation));
	if (cli_output_is_document(cli))
		return cli_print_document(cli, *operation);
	(void)fprintf(cli->io->out, "%lld\n", n);
	cli_note(cli, "follow it: mko operation logs -f %lld", n);
	return NULL;
}

struct err *cli_operation_started(struct cli *cli, const json_t *reply, json_t **ret_final)
{
	json_t *operation = json_incref(json_object_get(reply, "operation"));
	struct err *e = NULL;

	*ret_final = NULL;
	if (operation == NULL)
		return err_new(ERR_PROTOCOL, "the reply holds no operation");
	if (cli_opt_given(cli, "detach"))
		e = detach(cli, &operation);
	else
		e = cli_follow(cli, operation, cli_opt_given(cli, "diff"), ret_final);
	json_decref(operation);
	return e;
}

/** Start it and wait. */
static struct err *start(struct cli *cli, const char *path, const json_t *body, json_t **ret_final)
{
	json_t *reply = NULL;

	TRY(cli_post(cli, path, NULL, body, &reply));
	struct err *e = cli_operation_started(cli, reply, ret_final);
	json_decref(reply);
	return e;
}

/** The shared options; what is a parameter of the type goes to the parameters where these have a
 * place of their own. */
static void add_options(const struct cli *cli, json_t *body)
{
	json_t *params = json_object_get(body, "params");
	json_t *keep = NULL;

	cli_opts_to_json(cli, &cli_op_options, body);
	cli_opts_to_json(cli, &cli_guard_options, body);
	keep = json_object_get(body, "keep");
	if (json_is_object(params) && keep != NULL) {
		json_object_set(params, "keep", keep);
		json_object_del(body, "keep");
	}
}

struct err *cli_operate(struct cli *cli, const char *path, json_t *take_body, json_t **ret_final)
{
	json_t *final = NULL;
	struct err *e = NULL;

	add_options(cli, take_body);
	if (cli_opt_given(cli, "dry-run") || cli_opt_given(cli, "print-command"))
		e = preview(cli, path, take_body);
	else
		e = start(cli, path, take_body, &final);
	json_decref(take_body);
	if (ret_final != NULL) {
		*ret_final = final;
		return e;
	}
	if (final != NULL) {
		struct err *print = cli_print_result(cli, final);
		if (e == NULL)
			e = print;
		else
			err_ignore(print); /* the operation's own failure says more */
	}
	json_decref(final);
	return e;
}
