/* What a dry run says, for people. */
#include "cli/preview.h"

#include "base/mem.h"
#include "cli/client.h"
#include "cli/output.h"

static const struct cli_column host_columns[] = {
	{"HOST", "hostname"},
	{"ROLE", "role"},
};
static const struct cli_column lock_columns[] = {
	{"LOCK", "resource"},
	{"ALONE", "exclusive", CLI_SHOW_YES},
	{"HELD BY", "held_by.name", .shrink = true},
};
static const struct cli_column node_columns[] = {
	{"NODE", "hostname"},
	{"VOTER", "voter", CLI_SHOW_YES},
	{"PODS", "pods", .right = true},
	{"CANNOT MOVE", "stay_count", .right = true},
	{"VOLUMES LEFT BEHIND", "volume_count", .right = true},
	{"LOSE SCRATCH DATA", "emptydir", .right = true},
	{"SEEN", "seen_at", CLI_SHOW_AGO},
};
static const struct cli_column stay_columns[] = {
	{"NODE", "node"},
	{"POD", "pod"},
	{"WHY", "why", .shrink = true},
};
static const struct cli_column volume_columns[] = {
	{"NODE", "node"},
	{"VOLUME", "volume"},
};

static void print_line(struct cli *cli, const char *label, const char *text)
{
	cleanup(mem_freep) char *shown = cli_esc(text);

	(void)fprintf(cli->io->out, "%-18s %s\n", label, shown);
}

/** A member as a cell of a table would show it. */
static void print_cell(struct cli *cli, const char *label, const json_t *object, const char *field,
	enum cli_show show)
{
	const struct cli_column column = {"", field, show};
	cleanup(mem_freep) char *text = cli_cell(&column, object, clock_utc(cli->io->clock));

	print_line(cli, label, text);
}

static void print_expected(struct cli *cli, const json_t *preview)
{
	const struct cli_column column = {"", "expected_duration_ms", CLI_SHOW_MS};
	int64_t runs = cli_json_i64(preview, "expected_from_runs", 0);
	cleanup(mem_freep) char *took = cli_cell(&column, preview, 0);
	cleanup(mem_freep) char *text = runs > 0 ? mem_printf("%s, as in the last %lld run%s", took,
							   (long long)runs, runs == 1 ? "" : "s")
						 : mem_strdup("not known: it was never done");

	print_line(cli, "expected time", text);
}

/** A list that each node has in the preview, shown as one table. */
struct node_list {
	const char *title;
	const char *field; /**< of the node: the list */
	const char *count; /**< of the node: how long it is uncut */
	const char *item;  /**< name for an item that is no object */
	const struct cli_column *columns;
	size_t n_columns;
};
static const struct node_list node_lists[] = {
	{"pods that cannot move", "stay", "stay_count", "pod", stay_columns,
		ARRAY_LEN(stay_columns)},
	{"volumes left behind", "volumes", "volume_count", "volume", volume_columns,
		ARRAY_LEN(volume_columns)},
};

/** The rows of a list of all nodes, each with the name of its node. Owned. */
static json_t *rows_of(const json_t *nodes, const struct node_list *list)
{
	json_t *rows = json_array();
	size_t i, k;
	const json_t *node;
	json_t *item;

	json_array_foreach(nodes, i, node)
		json_array_foreach(cli_json_get(node, list->field), k, item) {
			json_t *row = json_is_object(item) ? json_copy(item)
							   : json_pack("{s:O}", list->item, item);
			json_object_set_new(row, "node",
				json_string(cli_json_text(node, "hostname", "")));
			json_array_append_new(rows, row);
		}
	return rows;
}

static void print_voters(struct cli *cli, const json_t *impact)
{
	const json_t *voters = cli_json_get(impact, "voters");
	cleanup(mem_freep) char *text = json_is_object(voters)
		? mem_printf("%lld of %lld alive, %lld left, %lld needed",
			  (long long)cli_json_i64(voters, "alive", 0),
			  (long long)cli_json_i64(voters, "configured", 0),
			  (long long)cli_json_i64(voters, "left", 0),
			  (long long)cli_json_i64(voters, "needed", 0))
		: mem_strdup("not known: the cluster was never scanned");

	print_line(cli, "voters", text);
}

static int64_t sum_of(const json_t *nodes, const char *field)
{
	int64_t sum = 0;
	size_t i;
	const json_t *node;

	json_array_foreach(nodes, i, node)
		sum += cli_json_i64(node, field, 0);
	return sum;
}

/** A list that the scan cut says so. */
static void print_list(struct cli *cli, const json_t *nodes, const struct node_list *list)
{
	json_t *rows = rows_of(nodes, list);
	int64_t shown = (int64_t)json_array_size(rows);
	int64_t count = sum_of(nodes, list->count);

	if (shown > 0)
		cli_print_table(cli, list->title, list->columns, list->n_columns, rows);
	if (count > shown)
		(void)fprintf(cli->io->out, "and %lld more\n", (long long)(count - shown));
	json_decref(rows);
}

static void print_impact(struct cli *cli, const json_t *impact)
{
	const json_t *nodes = cli_json_get(impact, "nodes");

	(void)fputc('\n', cli->io->out);
	print_line(cli, "cluster", cli_json_text(impact, "cluster", "?"));
	print_voters(cli, impact);
	print_cell(cli, "last scan", impact, "scanned_at", CLI_SHOW_AGO);
	cli_print_table(cli, "goes down", node_columns, ARRAY_LEN(node_columns), nodes);
	for (size_t i = 0; i < ARRAY_LEN(node_lists); i++)
		print_list(cli, nodes, &node_lists[i]);
}

static void print_people(struct cli *cli, const json_t *preview)
{
	const json_t *hosts = cli_json_get(preview, "hosts");
	const json_t *locks = cli_json_get(preview, "locks");
	size_t i;
	const json_t *impact;

	print_line(cli, "would", cli_json_text(preview, "name", "?"));
	print_cell(cli, "risk", preview, "risk", CLI_SHOW_PLAIN);
	print_line(cli, "refused", cli_json_text(preview, "refused", "no"));
	print_expected(cli, preview);
	if (json_array_size(hosts) > 0)
		cli_print_table(cli, "hosts", host_columns, ARRAY_LEN(host_columns), hosts);
	if (json_array_size(locks) > 0)
		cli_print_table(cli, "locks", lock_columns, ARRAY_LEN(lock_columns), locks);
	json_array_foreach(cli_json_get(preview, "impact"), i, impact)
		print_impact(cli, impact);
}

struct err *cli_print_preview(struct cli *cli, const json_t *preview)
{
	if (cli->output != CLI_TABLE && cli->output != CLI_WIDE)
		return cli_print_object(cli, "name", preview);
	print_people(cli, preview);
	return NULL;
}
