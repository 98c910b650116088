/* Owns which operations the doctor may start, and their order. */
#include "cli/fix.h"

#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/prompt.h"

static const struct cli_opt fix_rows[] = {
	{.name = "fix",
		.kind = CLI_OPT_FLAG,
		.help = "offer the operations that mend what is found, run those that are agreed to (--yes: all), and look again"},
};
const struct cli_optset cli_fix_options = {"Mending", fix_rows, ARRAY_LEN(fix_rows)};

/* What needs no choice of a person (which version, which machine, what may be lost). The order is
 * that in which they are run: first what runs again, then what is installed, then what is set right
 * on what runs. */
static const struct {
	const char *operation, *verb;
	bool of_cluster;
	bool no_drain; /* pods of a node that does not work cannot be moved away */
} mending[] = {
	{"cluster.startup", "startup", true, false},
	{"node.install", "install", false, false},
	{"node.prepare", "prepare", false, false},
	{"cluster.certs_renew", "certs_renew", true, false},
	{"cluster.setup", "setup", true, false},
	{"node.restart", "restart", false, true},
	{"node.reboot", "reboot", false, true},
};

static bool list_has(const json_t *list, const char *text)
{
	size_t i = 0;
	json_t *one = NULL;

	json_array_foreach(list, i, one)
		if (strcmp(json_string_value(one), text) == 0)
			return true;
	return false;
}

/* The clusters or nodes whose findings an operation mends. Owned. */
static json_t *targets_of(const json_t *items, size_t row)
{
	json_t *targets = json_array();
	size_t i = 0;
	json_t *one = NULL;

	json_array_foreach(items, i, one) {
		const char *result = cli_json_text(one, "result", "");
		const char *target =
			cli_json_text(one, mending[row].of_cluster ? "cluster" : "host", NULL);
		if (target != NULL && !list_has(targets, target) &&
			(strcmp(result, "fail") == 0 || strcmp(result, "warn") == 0) &&
			strcmp(cli_json_text(one, "operation", ""), mending[row].operation) == 0)
			json_array_append_new(targets, json_string(target));
	}
	return targets;
}

/* "n1, n2". Owned. */
static char *names_of(const json_t *targets)
{
	struct str text = STR_INIT;
	size_t i = 0;
	json_t *one = NULL;

	json_array_foreach(targets, i, one) {
		str_adds(&text, i > 0 ? ", " : "");
		str_add_printable(&text, json_string_value(one));
	}
	char *names = str_take(&text);
	return names != NULL ? names : mem_strdup("many");
}

/* Whether this one is to run. */
static struct err *agree(struct cli *cli, const char *operation, const char *names, bool *ret_yes)
{
	cli_note(cli, "to mend: %s of %s", operation, names);
	*ret_yes = cli->yes;
	if (cli->yes)
		return NULL;
	if (!cli->io->in_tty || !cli->io->err_tty)
		return err_hint(err_new(ERR_NOT_CONFIRMED, "nothing was mended"),
			"mko %s ... --fix --yes", cli->cmd->path);
	*ret_yes = cli_ask_char(cli, "Run it (y), or not (n)? ", "yn", 'n') == 'y';
	return NULL;
}

static struct err *run_one(struct cli *cli, const char *path, json_t *take_body, bool *ret_mended)
{
	json_t *final = NULL;
	struct err *e = cli_operate(cli, path, take_body, &final);

	*ret_mended = *ret_mended || final != NULL;
	json_decref(final);
	return e;
}

static struct err *mend(struct cli *cli, size_t row, const json_t *targets, bool *ret_mended)
{
	size_t i = 0;
	json_t *one = NULL;

	if (!mending[row].of_cluster) {
		cleanup(mem_freep) char *path =
			cli_path("nodes", "actions", mending[row].verb, NULL);
		json_t *body = json_pack("{s:O}", "nodes", targets);
		if (mending[row].no_drain)
			json_object_set_new(body, "drain", json_false());
		return run_one(cli, path, body, ret_mended);
	}
	json_array_foreach(targets, i, one) {
		cleanup(mem_freep) char *path =
			cli_path("clusters", json_string_value(one), mending[row].verb, NULL);
		TRY(run_one(cli, path, json_object(), ret_mended));
	}
	return NULL;
}

static struct err *offer(struct cli *cli, size_t row, const json_t *targets, bool *ret_mended)
{
	cleanup(mem_freep) char *names = names_of(targets);
	bool yes = false;

	TRY(agree(cli, mending[row].operation, names, &yes));
	return yes ? mend(cli, row, targets, ret_mended) : NULL;
}

struct err *cli_fix(struct cli *cli, const json_t *items, bool *ret_mended)
{
	*ret_mended = false;
	for (size_t row = 0; row < ARRAY_LEN(mending); row++) {
		json_t *targets = targets_of(items, row);
		struct err *e = json_array_size(targets) > 0 ? offer(cli, row, targets, ret_mended)
							     : NULL;
		json_decref(targets);
		TRY(e);
	}
	return NULL;
}
