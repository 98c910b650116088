/* mko operation list, show, cancel, retry, types, run, prune. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/follow.h"
#include "cli/generic.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"
#include "model/operation.h"

static const struct cli_opt list_opts[] = {
	{.name = "status",
		.kind = CLI_OPT_CHOICE,
		.choices = &op_status_table,
		.key = "status",
		.help = "only operations in this state"},
	{.name = "type",
		.kind = CLI_OPT_TEXT,
		.meta = "TYPE",
		.key = "type",
		.words = CLI_WORDS_OP_TYPES,
		.help = "only operations of this type"},
	{.name = "cluster",
		.kind = CLI_OPT_TEXT,
		.meta = "CLUSTER",
		.key = "cluster",
		.words = CLI_WORDS_CLUSTERS,
		.help = "only operations on this cluster"},
	{.name = "node",
		.kind = CLI_OPT_TEXT,
		.meta = "NODE",
		.key = "node",
		.words = CLI_WORDS_NODES,
		.help = "only operations on this node alone"},
};
const struct cli_cmd cmd_operation_list = {
	.path = "operation list",
	.summary = "List operations, the newest first (20 unless --limit says otherwise)",
	.doing = "list the operations",
	.example =
		"mko operation list --status running\nmko operation list --cluster prod --limit 100",
	.noun = &noun_operation,
	.opts = list_opts,
	.n_opts = ARRAY_LEN(list_opts),
	.sets = {&cli_list_options},
	.run = cli_run_list_newest,
};

static struct err *run_show(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("operations", cli->args[0], NULL);
	json_t *operation = NULL;

	cli_what(cli, "show operation %s", cli->args[0]);
	TRY(cli_get(cli, path, NULL, &operation));
	struct err *e = NULL;
	if (cli->output == CLI_TABLE || cli->output == CLI_WIDE) {
		json_t *rest = json_copy(operation);
		json_object_del(rest, "hosts");
		e = cli_print_object(cli, "id", rest);
		json_decref(rest);
		cli_print_hosts(cli, "hosts", operation);
	} else {
		e = cli_print_object(cli, "id", operation);
	}
	json_decref(operation);
	return e;
}

static const struct cli_arg one_operation[] = {
	{.name = "OPERATION", .words = CLI_WORDS_OPERATIONS, .help = "number"}};
const struct cli_cmd cmd_operation_show = {
	.path = "operation show",
	.summary = "Show an operation with its hosts",
	.example = "mko operation show 12",
	.noun = &noun_operation,
	.args = one_operation,
	.n_args = ARRAY_LEN(one_operation),
	.run = run_show,
};

/** Cancelled is what was wanted here. */
static struct err *wait_for_cancel(struct cli *cli, const json_t *operation)
{
	json_t *final = NULL;
	struct err *e = cli_follow(cli, operation, false, &final);
	const char *status = cli_json_text(final, "status", "");

	if (e != NULL && err_code(e) == ERR_CANCELLED) {
		err_ignore(e); /* as wanted */
		e = NULL;
	} else if (e == NULL && strcmp(status, "succeeded") == 0) {
		e = err_new(ERR_CONFLICT, "it had succeeded before it could be cancelled");
	}
	if (e == NULL)
		e = cli_print_result(cli, final);
	json_decref(final);
	return e;
}

static struct err *run_cancel(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("operations", cli->args[0], "cancel", NULL);
	json_t *reply = NULL;

	cli_what(cli, "cancel operation %s", cli->args[0]);
	TRY(cli_call(cli, "POST", path, NULL, &reply));
	const json_t *operation = json_object_get(reply, "operation");
	struct err *e = operation == NULL ? err_new(ERR_PROTOCOL, "the reply holds no operation")
					  : NULL;
	if (e == NULL)
		e = cli_opt_given(cli, "detach") ? cli_print_result(cli, operation)
						 : wait_for_cancel(cli, operation);
	json_decref(reply);
	return e;
}

static const struct cli_opt cancel_opts[] = {
	{.name = "detach", .kind = CLI_OPT_FLAG, .help = "do not wait until it has stopped"},
};
const struct cli_cmd cmd_operation_cancel = {
	.path = "operation cancel",
	.summary = "Stop an operation: what runs is ended, what was done stays",
	.example = "mko operation cancel 12",
	.noun = &noun_operation,
	.args = one_operation,
	.n_args = ARRAY_LEN(one_operation),
	.opts = cancel_opts,
	.n_opts = ARRAY_LEN(cancel_opts),
	.run = run_cancel,
};

static struct err *run_retry(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("operations", cli->args[0], "retry", NULL);
	json_t *reply = NULL;
	json_t *final = NULL;

	cli_what(cli, "retry operation %s", cli->args[0]);
	TRY(cli_post(cli, path, NULL, NULL, &reply));
	struct err *e = cli_operation_started(cli, reply, &final);
	json_decref(reply);
	if (final != NULL && e == NULL)
		e = cli_print_result(cli, final);
	json_decref(final);
	return e;
}

const struct cli_cmd cmd_operation_retry = {
	.path = "operation retry",
	.summary = "Run an operation again for the hosts that did not succeed",
	.example = "mko operation retry 12",
	.noun = &noun_operation,
	.args = one_operation,
	.n_args = ARRAY_LEN(one_operation),
	.opts = cancel_opts,
	.n_opts = ARRAY_LEN(cancel_opts),
	.run = run_retry,
};

static const struct cli_column type_columns[] = {
	{"TYPE", "name"},
	{"TARGET", "target"},
	{"ROLE", "role"},
	{"RISK", "risk"},
	{"SUMMARY", "summary", .shrink = true},
	{"PARAMETERS", "params", .wide = true},
};

static struct err *run_types(struct cli *cli)
{
	json_t *reply = NULL;

	TRY(cli_get(cli, "/api/operation-types", NULL, &reply));
	const json_t *items = json_object_get(reply, "items");
	struct err *e = cli_print_list(cli, type_columns, ARRAY_LEN(type_columns), "name", items);
	json_decref(reply);
	return e;
}

const struct cli_cmd cmd_operation_types = {
	.path = "operation types",
	.summary = "List what mko operation run can run, with its parameters (-o wide)",
	.doing = "list the types of operations",
	.example = "mko operation types -o wide",
	.noun = &noun_operation,
	.run = run_types,
};

static struct err *run_run(struct cli *cli)
{
	json_t *body = json_object();

	cli_what(cli, "run %s", cli->args[0]);
	json_object_set_new(body, "type", json_string(cli->args[0]));
	if (cli->n_args == 2)
		json_object_set_new(body, "target", json_string(cli->args[1]));
	if (cli->n_args > 2) {
		json_t *nodes = json_array();
		for (size_t i = 1; i < cli->n_args; i++)
			json_array_append_new(nodes, json_string(cli->args[i]));
		json_object_set_new(body, "nodes", nodes);
	}
	json_object_set_new(body, "params",
		cli_opt_given(cli, "param") ? json_copy(cli_opt_list(cli, "param"))
					    : json_object());
	return cli_operate(cli, "/api/operations", body, NULL);
}

static const struct cli_arg run_args[] = {
	{.name = "TYPE",
		.words = CLI_WORDS_OP_TYPES,
		.help = "type of operation, see mko operation types"},
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
		.help = "a parameter of the type; several times"},
};
const struct cli_cmd cmd_operation_run = {
	.path = "operation run",
	.summary = "Run an operation of any type",
	.example = "mko operation run node.install n1 --param channel=1.32/stable",
	.noun = &noun_operation,
	.args = run_args,
	.n_args = ARRAY_LEN(run_args),
	.opts = run_opts,
	.n_opts = ARRAY_LEN(run_opts),
	.sets = {&cli_op_options},
	.run = run_run,
};

static struct err *run_prune(struct cli *cli)
{
	int64_t days = cli_opt_number(cli, "keep-days", 0);
	cleanup(mem_freep) char *what = mem_printf(
		"delete operations that ended more than %lld days ago, with their output",
		(long long)days);
	json_t *body = json_pack("{s:I}", "keep_days", (json_int_t)days);
	json_t *reply = NULL;

	struct err *e = cli_confirm(cli, what, "prune");
	if (e == NULL)
		e = cli_call(cli, "POST", "/api/operations/prune", body, &reply);
	if (e == NULL && cli_output_is_document(cli))
		e = cli_print_document(cli, reply);
	else if (e == NULL)
		(void)fprintf(cli->io->out, "%lld operations removed\n",
			(long long)cli_json_i64(reply, "removed", 0));
	json_decref(body);
	json_decref(reply);
	return e;
}

static const struct cli_opt prune_opts[] = {
	{.name = "keep-days",
		.kind = CLI_OPT_NUMBER,
		.meta = "N",
		.min = 0,
		.max = 36500,
		.required = true,
		.help = "keep what ended within this many days"},
};
const struct cli_cmd cmd_operation_prune = {
	.path = "operation prune",
	.summary = "Delete old operations that have ended, with their output",
	.doing = "prune operations",
	.example = "mko operation prune --keep-days 90 --yes",
	.noun = &noun_operation,
	.opts = prune_opts,
	.n_opts = ARRAY_LEN(prune_opts),
	.run = run_prune,
};
