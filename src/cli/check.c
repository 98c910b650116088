/* Owns how findings look: a table of what is wrong, then what to do about each, once per code. */
#include "cli/check.h"

#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/fix.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "model/check/check.h"

static const struct cli_opt check_rows[] = {
	{.name = "explain",
		.kind = CLI_OPT_TEXT,
		.meta = "CODE",
		.help = "say what a check expects, why, and what to do; asks no node"},
	{.name = "all-results",
		.kind = CLI_OPT_FLAG,
		.help = "also what is well and what does not concern a node"},
	{.name = "strict", .kind = CLI_OPT_FLAG, .help = "exit code 1 for warnings too"},
};
const struct cli_optset cli_check_options = {"Checks", check_rows, ARRAY_LEN(check_rows)};

static const struct cli_opt select_rows[] = {
	{.name = "all", .letter = 'a', .kind = CLI_OPT_FLAG, .help = "all nodes of the inventory"},
	{.name = "cluster",
		.kind = CLI_OPT_TEXT,
		.meta = "CLUSTER",
		.words = CLI_WORDS_CLUSTERS,
		.help = "the nodes of this cluster"},
};
const struct cli_optset cli_select_options = {"Nodes", select_rows, ARRAY_LEN(select_rows)};

static const struct cli_column finding_columns[] = {
	{"CODE", "code"},
	{"SEVERITY", "severity", CLI_SHOW_STATUS},
	{"RESULT", "result", CLI_SHOW_STATUS},
	{"HOST", "host"},
	{"PROBLEM", "title", .shrink = true},
	{"FOUND", "found", .shrink = true},
	{"EXPECTED", "expected", .wide = true, .shrink = true},
	{"FIX", "fix", .wide = true, .shrink = true},
};

/** Counts of what was found. */
struct counts {
	size_t blocking, warnings, unknown, passed;
};

static bool is_problem(const json_t *finding)
{
	const char *result = cli_json_text(finding, "result", "");

	return strcmp(result, "fail") == 0 || strcmp(result, "warn") == 0;
}

static struct counts count(const json_t *items)
{
	struct counts n = {0};
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(items, i, one) {
		const char *result = cli_json_text(one, "result", "");
		const char *severity = cli_json_text(one, "severity", "");
		n.passed += strcmp(result, "pass") == 0;
		n.unknown += strcmp(result, "unknown") == 0;
		n.blocking += is_problem(one) && strcmp(severity, "blocking") == 0;
		n.warnings += is_problem(one) && strcmp(severity, "warning") == 0;
	}
	return n;
}

/** What is shown: problems and what is unknown, or all. Owned. */
static json_t *shown_of(const struct cli *cli, json_t *items)
{
	json_t *shown = json_array();
	json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(items, i, one)
		if (cli_opt_given(cli, "all-results") || is_problem(one) ||
			strcmp(cli_json_text(one, "result", ""), "unknown") == 0)
			json_array_append(shown, one);
	return shown;
}

static void print_line(struct cli *cli, const char *label, const char *text)
{
	cleanup(mem_freep) char *safe = cli_esc(text);

	if (text != NULL && text[0] != '\0')
		(void)fprintf(cli->io->out, "  %-10s%s\n", label, safe);
}

static void print_check(struct cli *cli, const json_t *check)
{
	cleanup(mem_freep) char *code = cli_esc(cli_json_text(check, "code", ""));
	cleanup(mem_freep) char *title = cli_esc(cli_json_text(check, "title", ""));

	(void)fprintf(cli->io->out, "\n%s  %s\n", code, title);
	print_line(cli, "expected", cli_json_text(check, "expected", NULL));
	print_line(cli, "why", cli_json_text(check, "why", NULL));
	print_line(cli, "fix", cli_json_text(check, "fix", NULL));
	print_line(cli, "operation", cli_json_text(check, "operation", NULL));
	print_line(cli, "see", cli_json_text(check, "link", NULL));
}

/** The words of every code that was found, in the order of the table. */
static void print_fixes(struct cli *cli, const json_t *items)
{
	const json_t *one = NULL;
	json_t *seen = json_object();
	size_t i = 0;

	json_array_foreach(items, i, one) {
		const char *code = cli_json_text(one, "code", "");
		if (!is_problem(one) || json_object_get(seen, code) != NULL)
			continue;
		json_object_set_new(seen, code, json_true());
		print_check(cli, one);
	}
	json_decref(seen);
}

static struct err *print_findings(struct cli *cli, json_t *items)
{
	struct counts n = count(items);
	json_t *shown = shown_of(cli, items);
	struct err *e = NULL;

	if (json_array_size(shown) > 0 || cli_output_is_document(cli))
		e = cli_print_list(cli, finding_columns, ARRAY_LEN(finding_columns), "code", shown);
	if (e == NULL && cli->output == CLI_TABLE && !cli->quiet)
		print_fixes(cli, shown);
	cli_note(cli, "%zu blocking, %zu warnings, %zu unknown, %zu well", n.blocking, n.warnings,
		n.unknown, n.passed);
	json_decref(shown);
	if (e != NULL)
		return e;
	if (n.blocking > 0 || (cli_opt_given(cli, "strict") && n.warnings + n.unknown > 0))
		return err_hint(err_new(ERR_FAILED,
					"%zu blocking and %zu other problems were found",
					n.blocking, n.warnings),
			"mko %s --explain CODE", cli->cmd->path);
	return NULL;
}

/** The names of a cluster's nodes. @ret_names array, owned */
static struct err *cluster_nodes(struct cli *cli, const char *cluster, json_t **ret_names)
{
	cleanup(str_done) struct str query = STR_INIT;
	json_t *items = NULL;
	json_t *names = json_array();
	const json_t *node = NULL;
	size_t i = 0;

	cli_query_add(&query, "cluster", cluster);
	struct err *e = cli_get_list(cli, "nodes", str_get(&query), 0, &items);
	json_array_foreach(items, i, node)
		json_array_append_new(names, json_string(cli_json_text(node, "hostname", "")));
	json_decref(items);
	if (e == NULL && json_array_size(names) == 0)
		e = err_hint(err_new(ERR_PRECONDITION, "the cluster %s has no nodes", cluster),
			"mko node add --cluster-id %s ...", cluster);
	if (e != NULL)
		json_decref(names);
	else
		*ret_names = names;
	return e;
}

/** Which nodes were asked for. @ret_names NULL: all */
static struct err *wanted(struct cli *cli, json_t **ret_names)
{
	const char *cluster = cli_opt_text(cli, "cluster");
	bool all = cli_opt_given(cli, "all");

	*ret_names = NULL;
	if ((cluster != NULL) + all + (cli->n_args > 0) != 1)
		return err_hint(err_new(ERR_USAGE, "one of: names of nodes, --cluster, --all"),
			"mko %s NODE...", cli->cmd->path);
	if (cluster != NULL)
		return cluster_nodes(cli, cluster, ret_names);
	if (all)
		return NULL;
	*ret_names = json_array();
	for (size_t i = 0; i < cli->n_args; i++)
		json_array_append_new(*ret_names, json_string(cli->args[i]));
	return NULL;
}

struct err *cli_check_nodes(struct cli *cli, json_t **ret_body)
{
	json_t *names = NULL;

	TRY(wanted(cli, &names));
	*ret_body = json_object();
	if (names != NULL)
		json_object_set_new(*ret_body, "nodes", names);
	return NULL;
}

struct err *cli_check_show(struct cli *cli, const char *operation)
{
	cleanup(mem_freep) char *path = cli_path("operations", operation, "findings", NULL);

	return cli_check_get(cli, path);
}

/** Read findings and show them. @ret_items owned, may be NULL */
static struct err *show_at(struct cli *cli, const char *path, json_t **ret_items)
{
	json_t *reply = NULL;

	TRY(cli_get(cli, path, NULL, &reply));
	json_t *items = json_object_get(reply, "items");
	struct err *e = print_findings(cli, items);
	if (ret_items != NULL)
		*ret_items = json_incref(items);
	json_decref(reply);
	return e;
}

struct err *cli_check_get(struct cli *cli, const char *path)
{
	return show_at(cli, path, NULL);
}

/** Run the check and show what it says. @ret_items NULL: nothing was read; owned */
static struct err *look(struct cli *cli, const char *path, json_t *take_body, json_t **ret_items)
{
	json_t *final = NULL;
	struct err *e = cli_operate(cli, path, take_body, &final);

	*ret_items = NULL;
	if (final != NULL) {
		cleanup(mem_freep) char *id =
			mem_printf("%lld", (long long)cli_json_i64(final, "id", 0));
		cleanup(mem_freep) char *at = cli_path("operations", id, "findings", NULL);
		struct err *shown = show_at(cli, at, ret_items);
		if (e == NULL)
			e = shown;
		else
			err_ignore(shown); /* the operation's own failure says more */
	}
	json_decref(final);
	return e;
}

struct err *cli_check(struct cli *cli, const char *path, json_t *take_body)
{
	cleanup(json_decrefp) json_t *body = take_body;
	cleanup(json_decrefp) json_t *items = NULL;
	struct err *e = look(cli, path, json_deep_copy(body), &items);

	if (!cli_opt_given(cli, "fix") || items == NULL)
		return e;
	bool mended = false;
	struct err *failed = cli_fix(cli, items, &mended);
	if (failed != NULL || !mended) {
		if (e == NULL)
			return failed;
		err_ignore(failed != NULL ? e : NULL); /* the newer one is the one to act on */
		return failed != NULL ? failed : e;
	}
	err_ignore(e); /* told above; what is left of it is told below */
	cleanup(json_decrefp) json_t *left = NULL;
	return look(cli, path, json_deep_copy(body), &left);
}

struct err *cli_check_explain(struct cli *cli, const char *code)
{
	const struct check *check = check_find(code);

	if (check == NULL)
		return err_hint(err_new(ERR_NOT_FOUND, "no check \"%s\"", code),
			"docs/reference/checks.md lists them; mko spec checks");
	json_t *json = check_json(check);
	struct err *e = NULL;
	if (cli_output_is_document(cli))
		e = cli_print_document(cli, json);
	else
		print_check(cli, json);
	json_decref(json);
	return e;
}
