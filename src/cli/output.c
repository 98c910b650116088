/* Formats. Tables are libsmartcols'; the width is the terminal's only when stdout is one. */
#include "cli/output.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "cli/client.h"
#include "cli/style.h"
#include "cli/yaml.h"

bool cli_output_is_document(const struct cli *cli)
{
	return cli->output == CLI_JSON || cli->output == CLI_YAML;
}

char *cli_json_dump(const json_t *json, size_t indent)
{
	struct str out = STR_INIT;
	size_t flags = JSON_ENCODE_ANY | (indent > 0 ? JSON_INDENT(indent) : 0);
	char *text = json_dumps(json, flags);

	must(text != NULL);
	for (const char *p = text; *p != '\0';) {
		size_t plain = strcspn(p, "\x7f\xc2");
		str_add(&out, p, plain);
		p += plain;
		unsigned char c1 = *p != '\0' ? (unsigned char)p[1] : 0;
		if (*p == '\x7f') {
			str_adds(&out, "\\u007F");
			p++;
		} else if (*p != '\0' && c1 >= 0x80 && c1 < 0xa0) {
			str_addf(&out, "\\u%04X", c1);
			p += 2;
		} else if (*p != '\0') {
			str_addc(&out, *p++);
		}
	}
	free(text);
	return str_take(&out);
}

char *cli_bytes_text(int64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	size_t unit = 0;
	int64_t tenths = bytes > INT64_MAX / 10 ? INT64_MAX : bytes * 10;

	while (tenths >= 10240 && unit + 1 < ARRAY_LEN(units)) {
		tenths = (tenths + 512) / 1024;
		unit++;
	}
	if (unit == 0)
		return mem_printf("%lld B", (long long)bytes);
	if (tenths >= 1000)
		return mem_printf("%lld %s", (long long)((tenths + 5) / 10), units[unit]);
	return mem_printf("%lld.%lld %s", (long long)(tenths / 10), (long long)(tenths % 10),
		units[unit]);
}

static char *ago_text(int64_t at, int64_t now)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format_duration(at <= now ? now - at : at - now, text);
	return at <= now ? mem_printf("%s ago", text) : mem_printf("in %s", text);
}

static char *time_text(int64_t at)
{
	time_t seconds = (time_t)(at / 1000);
	struct tm tm;
	char text[32];

	if (localtime_r(&seconds, &tm) == NULL ||
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return mem_strdup("?");
	return mem_strdup(text);
}

/** A scalar as it is, arrays of scalars joined; the caller frees. */
static char *plain_text(const json_t *value, const char *separator)
{
	struct str out = STR_INIT;
	const json_t *item = NULL;
	size_t i = 0;

	if (json_is_string(value))
		return mem_strdup(json_string_value(value));
	if (!json_is_array(value))
		return cli_json_dump(value, 0);
	json_array_foreach(value, i, item) {
		const char *name = cli_json_text(item, "name", NULL);
		char *text = name != NULL ? mem_strdup(name) : plain_text(item, separator);
		str_addf(&out, "%s%s", i > 0 ? separator : "", text);
		mem_free(text);
	}
	char *joined = str_take(&out);
	return joined != NULL ? joined : mem_strdup("");
}

static char *time_cell(const json_t *value, int64_t now_ms, bool ago)
{
	int64_t at = 0;
	const char *text = json_string_value(value);

	if (text == NULL || clock_parse(text, &at) != 0)
		return plain_text(value, ",");
	return ago ? ago_text(at, now_ms) : time_text(at);
}

static char *number_cell(enum cli_show show, const json_t *value)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0)
		return plain_text(value, ",");
	if (show == CLI_SHOW_BYTES)
		return cli_bytes_text(number);
	clock_format_duration(number, text);
	return mem_strdup(text);
}

char *cli_cell(const struct cli_column *column, const json_t *object, int64_t now_ms)
{
	const json_t *value = cli_json_get(object, column->field);
	char *text = NULL;

	if (value == NULL || json_is_null(value))
		return mem_strdup("-");
	switch (column->show) {
	case CLI_SHOW_AGO:
	case CLI_SHOW_TIME:
		text = time_cell(value, now_ms, column->show == CLI_SHOW_AGO);
		break;
	case CLI_SHOW_BYTES:
	case CLI_SHOW_MS:
		text = number_cell(column->show, value);
		break;
	case CLI_SHOW_YES:
		text = json_is_boolean(value) ? mem_strdup(json_is_true(value) ? "yes" : "no")
					      : plain_text(value, ",");
		break;
	case CLI_SHOW_PROGRESS:
		text = cli_json_i64(value, "total", 0) > 0
			? mem_printf("%lld/%lld", (long long)cli_json_i64(value, "done", 0),
				  (long long)cli_json_i64(value, "total", 0))
			: mem_strdup("-");
		break;
	case CLI_SHOW_PLAIN:
	case CLI_SHOW_STATUS:
	case CLI_SHOW_KIND_N_:
		text = plain_text(value, ",");
		break;
	}
	if (text == NULL || text[0] == '\0') {
		mem_free(text);
		return mem_strdup("-");
	}
	return text;
}

/** Add a cell. libsmartcols itself shows every unprintable byte as \xNN. */
static void add_cell(struct cli *cli, struct libscols_line *line, size_t i,
	const struct cli_column *column, const json_t *object)
{
	char *text = cli_cell(column, object, clock_utc(cli->io->clock));

	if (column->show == CLI_SHOW_STATUS)
		(void)scols_cell_set_color(scols_line_get_cell(line, i),
			style_on(true, style_of_status(text)));
	/* libsmartcols frees it */
	(void)scols_line_refer_data(line, i, text);
}

static struct libscols_table *new_table(struct cli *cli)
{
	struct libscols_table *table = scols_new_table();
	bool tty = cli->io->out_tty;

	must(table != NULL);
	(void)scols_table_set_stream(table, cli->io->out);
	(void)scols_table_enable_noheadings(table, cli->no_headers);
	(void)scols_table_enable_colors(table, cli->color_out);
	(void)scols_table_set_column_separator(table, "  ");
	(void)scols_table_set_termforce(table,
		tty && cli->io->width > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (tty && cli->io->width > 0)
		(void)scols_table_set_termwidth(table, (size_t)cli->io->width);
	return table;
}

static void add_line(struct cli *cli, struct libscols_table *table,
	const struct cli_column *columns, size_t n, const json_t *item)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	size_t cell = 0;

	must(line != NULL);
	for (size_t c = 0; c < n; c++)
		if (!columns[c].wide || cli->output == CLI_WIDE)
			add_cell(cli, line, cell++, &columns[c], item);
}

void cli_print_table(struct cli *cli, const char *title, const struct cli_column *columns,
	size_t n_columns, const json_t *items)
{
	struct libscols_table *table = new_table(cli);
	const json_t *item = NULL;
	size_t i = 0;

	for (size_t c = 0; c < n_columns; c++) {
		if (columns[c].wide && cli->output != CLI_WIDE)
			continue;
		int flags = (columns[c].right ? SCOLS_FL_RIGHT : 0) |
			(columns[c].shrink ? SCOLS_FL_TRUNC : 0);
		struct libscols_column *column =
			scols_table_new_column(table, columns[c].title, 0, flags);
		must(column != NULL);
	}
	json_array_foreach(items, i, item)
		add_line(cli, table, columns, n_columns, item);
	if (title != NULL)
		(void)fprintf(cli->io->out, "\n%s%s%s\n", style_on(cli->color_out, STYLE_BOLD),
			title, style_off(cli->color_out));
	(void)scols_print_table(table);
	scols_unref_table(table);
}

struct err *cli_print_document(struct cli *cli, const json_t *document)
{
	cleanup(str_done) struct str yaml = STR_INIT;

	if (cli->output == CLI_YAML) {
		cli_yaml_add(&yaml, document);
		(void)fputs(str_get(&yaml), cli->io->out);
		return NULL;
	}
	cleanup(mem_freep) char *text = cli_json_dump(document, 2);
	if (fprintf(cli->io->out, "%s\n", text) < 0)
		return err_new(ERR_IO, "the output could not be written");
	return NULL;
}

/** Text of a CSV field; on a terminal escaped. The caller frees. */
static char *csv_text(const struct cli *cli, const json_t *value)
{
	if (value == NULL || json_is_null(value))
		return mem_strdup("");
	char *text = plain_text(value, ";");
	if (!cli->io->out_tty)
		return text;
	char *shown = cli_esc(text);
	mem_free(text);
	return shown;
}

static void print_csv(struct cli *cli, const struct cli_column *columns, size_t n,
	const json_t *items)
{
	cleanup(str_done) struct str out = STR_INIT;
	const json_t *item = NULL;
	size_t i = 0;

	for (size_t c = 0; c < n && !cli->no_headers; c++)
		str_addf(&out, "%s%s", c > 0 ? "," : "", columns[c].field);
	str_adds(&out, cli->no_headers ? "" : "\r\n");
	json_array_foreach(items, i, item) {
		for (size_t c = 0; c < n; c++) {
			char *text = csv_text(cli, cli_json_get(item, columns[c].field));
			str_adds(&out, c > 0 ? "," : "");
			str_add_csv(&out, text);
			mem_free(text);
		}
		str_adds(&out, "\r\n");
	}
	(void)fputs(str_get(&out), cli->io->out);
}

static void print_name(struct cli *cli, const char *key, const json_t *item)
{
	const json_t *value = json_object_get(item, key);

	if (value == NULL || json_is_null(value))
		value = json_object_get(item, "id");
	cleanup(mem_freep) char *text = value != NULL ? plain_text(value, ",") : mem_strdup("-");
	cleanup(mem_freep) char *shown = cli_esc(text);
	(void)fprintf(cli->io->out, "%s\n", shown);
}

struct err *cli_print_list(struct cli *cli, const struct cli_column *columns, size_t n_columns,
	const char *key, const json_t *items)
{
	const json_t *item = NULL;
	size_t i = 0;
	struct err *e = NULL;

	if (cli_output_is_document(cli)) {
		json_t *list = json_object();
		json_object_set(list, "items", (json_t *)(uintptr_t)items);
		e = cli_print_document(cli, list);
		json_decref(list);
	} else if (cli->output == CLI_CSV) {
		print_csv(cli, columns, n_columns, items);
	} else if (cli->output == CLI_NAME) {
		json_array_foreach(items, i, item)
			print_name(cli, key, item);
	} else if (json_array_size(items) == 0) {
		cli_note(cli, "none");
	} else {
		cli_print_table(cli, NULL, columns, n_columns, items);
	}
	return e;
}

/** How a member is shown, by its name. */
static enum cli_show show_of_member(const char *name)
{
	static const struct {
		const char *end;
		enum cli_show show;
	} rows[] = {
		{"status", CLI_SHOW_STATUS},
		{"_bytes", CLI_SHOW_BYTES},
		{"_at", CLI_SHOW_AGO},
		{"last_seen", CLI_SHOW_AGO},
		{"_ms", CLI_SHOW_MS},
		{"progress", CLI_SHOW_PROGRESS},
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].end);
		if (len >= n && strcmp(name + len - n, rows[i].end) == 0)
			return rows[i].show;
	}
	return CLI_SHOW_PLAIN;
}

/** Add {"name","value","status"} rows for the scalar members of an object; nested objects by their
 * path. */
static void add_member_rows(struct cli *cli, json_t *rows, const json_t *object, const char *prefix)
{
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		cleanup(mem_freep) char *name = mem_printf("%s%s", prefix, key);
		struct cli_column column = {.title = "", .field = key, .show = show_of_member(key)};
		if (json_is_object(value) && column.show != CLI_SHOW_PROGRESS) {
			cleanup(mem_freep) char *deeper = mem_printf("%s.", name);
			add_member_rows(cli, rows, value, deeper);
			continue;
		}
		if (json_is_object(json_array_get(value, 0)) &&
			json_object_get(json_array_get(value, 0), "args") == NULL)
			continue; /* becomes a table of its own */
		if (json_is_boolean(value))
			column.show = CLI_SHOW_YES;
		cleanup(mem_freep) char *text =
			cli_cell(&column, object, clock_utc(cli->io->clock));
		for (char *p = strchr(name, '_'); p != NULL; p = strchr(p, '_'))
			*p = ' ';
		json_array_append_new(rows,
			json_pack("{s:s, s:s, s:b}", "name", name, "value", text, "is_status",
				column.show == CLI_SHOW_STATUS));
	}
}

/** A table of an array of objects: its columns are the scalar members of the first. */
static void print_inner_table(struct cli *cli, const char *title, const json_t *items)
{
	struct cli_column columns[16];
	size_t n = 0;
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach(json_array_get(items, 0), key, value) {
		if (json_is_object(value) || json_is_object(json_array_get(value, 0)) ||
			n == ARRAY_LEN(columns))
			continue;
		columns[n++] = (struct cli_column){.title = key,
			.field = key,
			.show = show_of_member(key),
			.right = json_is_number(value),
			.shrink = strcmp(key, "message") == 0 || strcmp(key, "task") == 0};
		if (json_is_boolean(value))
			columns[n - 1].show = CLI_SHOW_YES;
	}
	cli_print_table(cli, title, columns, n, items);
}

static void print_members(struct cli *cli, const json_t *object)
{
	json_t *rows = json_array();
	const json_t *row = NULL;
	size_t i = 0;
	int widest = 0;

	add_member_rows(cli, rows, object, "");
	json_array_foreach(rows, i, row) {
		int width = (int)json_string_length(json_object_get(row, "name"));
		widest = width > widest && width < 40 ? width : widest;
	}
	json_array_foreach(rows, i, row) {
		const char *text = cli_json_text(row, "value", "");
		cleanup(mem_freep) char *name = cli_esc(cli_json_text(row, "name", ""));
		cleanup(mem_freep) char *shown = cli_esc(text);
		bool color = cli->color_out && json_is_true(json_object_get(row, "is_status"));
		(void)fprintf(cli->io->out, "%-*s  %s%s%s\n", widest, name,
			style_on(color, style_of_status(text)), shown, style_off(color));
	}
	json_decref(rows);
}

struct err *cli_print_object(struct cli *cli, const char *key, const json_t *object)
{
	const char *name = NULL;
	json_t *value = NULL;

	if (cli_output_is_document(cli) || cli->output == CLI_CSV)
		return cli_print_document(cli, object);
	if (cli->output == CLI_NAME) {
		print_name(cli, key, object);
		return NULL;
	}
	print_members(cli, object);
	json_object_foreach((json_t *)(uintptr_t)object, name, value) {
		const json_t *first = json_array_get(value, 0);
		if (json_is_object(first) && json_object_get(first, "args") == NULL)
			print_inner_table(cli, name, value);
	}
	return NULL;
}
