/* mko health history: figures of a node, a cluster or a UPS over time. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/tables.h"

#define GRAPH_WIDTH 40

static const struct cli_column columns[] = {
	{"FIGURE", "name"},
	{"UNIT", "unit"},
	{"LEAST", "least", .right = true},
	{"AVERAGE", "average", .right = true},
	{"MOST", "most", .right = true},
	{"LAST", "last", .right = true},
	{"COURSE", "course"},
	{"WHAT", "help", .wide = true},
};

/* Least, most and average of values; those that are not known are left out. */
struct extent {
	double least, most, sum, last;
	size_t n;
};

static struct extent extent_of(const json_t *values, size_t begin, size_t end)
{
	struct extent x = {.n = 0};

	for (size_t i = begin; i < end; i++) {
		const json_t *value = json_array_get(values, i);
		double number = json_number_value(value);
		if (!json_is_number(value))
			continue;
		x.least = x.n == 0 || number < x.least ? number : x.least;
		x.most = x.n == 0 || number > x.most ? number : x.most;
		x.sum += number;
		x.last = number;
		x.n++;
	}
	return x;
}

/* A line of blocks, the higher the more; a blank where nothing is known. Owned. */
static char *course_of(const json_t *values, const struct extent *all)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	size_t n = json_array_size(values);
	size_t width = n < GRAPH_WIDTH ? n : GRAPH_WIDTH;
	double span = all->most - all->least;
	const size_t top = ARRAY_LEN(blocks) - 1;
	struct str line = STR_INIT;

	for (size_t i = 0; i < width; i++) {
		const struct extent x = extent_of(values, i * n / width, (i + 1) * n / width);
		double part = x.n > 0 && span > 0 ? (x.sum / (double)x.n - all->least) / span : 0.5;
		size_t level = (size_t)(part * (double)top + 0.5);
		str_adds(&line, x.n > 0 ? blocks[level] : " ");
	}
	return str_take(&line);
}

static void set_figure(json_t *row, const char *key, double value)
{
	json_object_set_new(row, key, json_sprintf("%.4g", value));
}

static json_t *row_of(const json_t *series)
{
	const json_t *values = cli_json_get(series, "values");
	const struct extent x = extent_of(values, 0, json_array_size(values));
	json_t *row = json_copy((json_t *)(uintptr_t)series);

	json_object_del(row, "values");
	if (x.n == 0)
		return row;
	cleanup(mem_freep) char *course = course_of(values, &x);
	set_figure(row, "least", x.least);
	set_figure(row, "average", x.sum / (double)x.n);
	set_figure(row, "most", x.most);
	set_figure(row, "last", x.last);
	json_object_set_new(row, "course", json_string(course));
	return row;
}

static struct err *print_history(struct cli *cli, const json_t *history)
{
	const json_t *energy = cli_json_get(history, "energy_wh");
	const json_t *series = NULL;
	json_t *rows = json_array();
	size_t i = 0;

	if (cli_output_is_document(cli)) {
		json_decref(rows);
		return cli_print_document(cli, history);
	}
	json_array_foreach(cli_json_get(history, "series"), i, series)
		json_array_append_new(rows, row_of(series));
	struct err *e = cli_print_list(cli, columns, ARRAY_LEN(columns), "name", rows);
	if (json_array_size(rows) == 0)
		cli_note(cli,
			"nothing was measured in that time; the server measures while it runs");
	if (json_is_number(energy) && !cli->quiet)
		cli_note(cli, "energy of the load: %.3f kWh", json_number_value(energy) / 1000);
	json_decref(rows);
	return e;
}

/* What it may be of: an argument or an option names it. */
static const struct {
	const char *option, *collection;
} kinds[] = {{"cluster", "clusters"}, {"ups", "ups"}};

/* The path of the figures. @ret owned */
static struct err *path_of(struct cli *cli, char **ret)
{
	size_t n = cli->n_args;

	if (n == 1)
		*ret = cli_path("nodes", cli->args[0], "samples", NULL);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!cli_opt_given(cli, kinds[i].option))
			continue;
		mem_free(*ret);
		*ret = cli_path(kinds[i].collection, cli_opt_text(cli, kinds[i].option), "samples",
			NULL);
		n++;
	}
	if (n == 1)
		return NULL;
	return err_hint(err_new(ERR_INVALID, "name one node, cluster or UPS"),
		"mko health history n1, or --cluster prod, or --ups rack");
}

static struct err *run_history(struct cli *cli)
{
	cleanup(mem_freep) char *path = NULL;
	cleanup(str_done) struct str query = STR_INIT;
	json_t *history = NULL;

	TRY(path_of(cli, &path));
	if (cli_opt_given(cli, "since"))
		cli_query_add(&query, "since", cli_opt_text(cli, "since"));
	TRY(cli_get(cli, path, query.len > 0 ? str_get(&query) : NULL, &history));
	struct err *e = print_history(cli, history);
	json_decref(history);
	return e;
}

static const struct cli_arg args[] = {
	{.name = "NODE", .optional = true, .words = CLI_WORDS_NODES, .help = "host name or number"},
};
static const struct cli_opt opts[] = {
	{.name = "cluster",
		.kind = CLI_OPT_TEXT,
		.meta = "CLUSTER",
		.words = CLI_WORDS_CLUSTERS,
		.help = "a cluster in place of a node"},
	{.name = "ups",
		.kind = CLI_OPT_TEXT,
		.meta = "UPS",
		.words = CLI_WORDS_UPS,
		.help = "a UPS in place of a node"},
	{.name = "since",
		.kind = CLI_OPT_TEXT,
		.meta = "DURATION",
		.help = "how far back: 1h (default) to 366d; the further, the coarser"},
};
const struct cli_cmd cmd_health_history = {
	.path = "health history",
	.summary = "Show figures of a node, a cluster or a UPS over time",
	.details =
		"The server keeps them each 10 s for an hour, each minute for a day, each 10 minutes for a week, each hour for a month, each 8 hours for a "
		"year. They are written each ten minutes, so a crash loses at most that.",
	.example =
		"mko health history n1\nmko health history --cluster prod --since 7d\nmko health history --ups rack --since 30d -o json",
	.doing = "show the history",
	.noun = &noun_health,
	.args = args,
	.n_args = ARRAY_LEN(args),
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.run = run_history,
};
