/* Owns how a report is written for people. */
#include "hardware/export.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define DEPTH_MAX 24

/* ---- flat ---- */

/* What changes by itself. */
static bool is_passing(const char *key)
{
	static const char *const keys[] = {"usage", "sections", "sensors", "complete",
		"available_bytes", "swap_free_bytes", "used_bytes", "used_percent",
		"inodes_percent", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped",
		"temperature_c", "power_on_hours", "power_cycles", "sync_percent",
		"allocated_bytes", "free_bytes", "mhz", "containers", "used_by", "usage_at"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* What names a member of a list, so that one that is gone does not move the others. Owned. */
static char *name_of(const json_t *member, size_t i)
{
	static const char *const keys[] = {"name", "slot", "mount", "id", "address", "pv_name",
		"vg_name", "lv_name"};

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		const char *name = json_string_value(json_object_get(member, keys[k]));
		if (name != NULL)
			return mem_strdup(name);
	}
	return mem_printf("%zu", i);
}

/* Where values go, and whether those that change by themselves do. */
struct flat {
	json_t *to;
	bool passing;
};

/* All values by their path: "disks.sda.model". */
static void flatten(const json_t *value, const char *path, struct flat *flat, int depth)
{
	const json_t *member = NULL;
	const char *key = NULL;
	size_t i = 0;

	if (depth == 0)
		return;
	if (json_is_array(value)) {
		json_array_foreach(value, i, member) {
			cleanup(mem_freep) char *name = name_of(member, i);
			cleanup(mem_freep) char *inner = mem_printf("%s.%s", path, name);
			flatten(member, inner, flat, depth - 1);
		}
	} else if (json_is_object(value)) {
		json_object_foreach((json_t *)(uintptr_t)value, key, member) {
			if (!flat->passing && is_passing(key))
				continue;
			cleanup(mem_freep) char *inner =
				*path != '\0' ? mem_printf("%s.%s", path, key) : mem_strdup(key);
			flatten(member, inner, flat, depth - 1);
		}
	} else {
		json_object_set(flat->to, path, (json_t *)(uintptr_t)value);
	}
}

json_t *hardware_flatten(const json_t *report, bool passing)
{
	struct flat flat = {json_object(), passing};

	flatten(report, "", &flat, DEPTH_MAX);
	return flat.to;
}

/* A value as text. Owned. */
static char *text_of(const json_t *value)
{
	if (json_is_string(value))
		return mem_strdup(json_string_value(value));
	if (value == NULL || json_is_null(value))
		return mem_strdup("");
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
	return text != NULL ? text : mem_strdup("");
}

/* ---- csv ---- */

static void write_csv(const json_t *shown, struct str *out)
{
	json_t *flat = hardware_flatten(json_object_get(shown, "report"), true);
	const char *path = NULL;
	json_t *value = NULL;

	str_adds(out, "what,value\n");
	json_object_foreach(flat, path, value) {
		cleanup(mem_freep) char *text = text_of(value);
		str_add_csv(out, path);
		str_addc(out, ',');
		str_add_csv(out, text);
		str_addc(out, '\n');
	}
	json_decref(flat);
}

/* ---- html ---- */

static void add_html(struct str *out, const char *text)
{
	static const struct {
		char c;
		const char *entity;
	} rows[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

	for (; *text != '\0'; text++) {
		size_t i = 0;
		while (i < ARRAY_LEN(rows) && rows[i].c != *text)
			i++;
		if (i < ARRAY_LEN(rows))
			str_adds(out, rows[i].entity);
		else
			str_addc(out, *text);
	}
}

static void add_cell(struct str *out, const char *tag, const json_t *value)
{
	cleanup(mem_freep) char *text = text_of(value);

	str_addf(out, "<%s>", tag);
	add_html(out, text);
	str_addf(out, "</%s>", tag);
}

/* The keys of all members of a list, in the order in which they come. Owned. */
static json_t *keys_of(const json_t *list)
{
	json_t *keys = json_object();
	const json_t *member = NULL;
	const char *key = NULL;
	json_t *value = NULL;
	size_t i = 0;

	json_array_foreach(list, i, member)
		json_object_foreach((json_t *)(uintptr_t)member, key, value)
			json_object_set_new(keys, key, json_true());
	return keys;
}

static void add_list(struct str *out, const json_t *list)
{
	json_t *keys = keys_of(list);
	const json_t *member = NULL;
	const char *key = NULL;
	json_t *unused = NULL;
	size_t i = 0;

	str_adds(out, "<table><thead><tr>");
	json_object_foreach(keys, key, unused) {
		str_adds(out, "<th scope=\"col\">");
		add_html(out, key);
		str_adds(out, "</th>");
	}
	str_adds(out, "</tr></thead><tbody>\n");
	json_array_foreach(list, i, member) {
		str_adds(out, "<tr>");
		json_object_foreach(keys, key, unused)
			add_cell(out, "td", json_object_get(member, key));
		str_adds(out, "</tr>\n");
	}
	str_adds(out, "</tbody></table>\n");
	json_decref(keys);
}

static bool is_table(const json_t *value)
{
	return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static void add_pairs(struct str *out, const json_t *object)
{
	const char *key = NULL;
	json_t *value = NULL;

	str_adds(out, "<table><tbody>\n");
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (is_table(value))
			continue;
		str_adds(out, "<tr><th scope=\"row\">");
		add_html(out, key);
		str_adds(out, "</th>");
		add_cell(out, "td", value);
		str_adds(out, "</tr>\n");
	}
	str_adds(out, "</tbody></table>\n");
}

static void add_title(struct str *out, const char *tag, const char *title)
{
	str_addf(out, "<%s>", tag);
	add_html(out, title);
	str_addf(out, "</%s>\n", tag);
}

/* A part of the report: its values, then the lists in it. */
static void add_part(struct str *out, const char *name, const json_t *part)
{
	const char *key = NULL;
	json_t *value = NULL;

	add_title(out, "h2", name);
	if (is_table(part))
		add_list(out, part);
	if (!json_is_object(part))
		return;
	add_pairs(out, part);
	json_object_foreach((json_t *)(uintptr_t)part, key, value)
		if (is_table(value)) {
			add_title(out, "h3", key);
			add_list(out, value);
		}
}

static const char page_head[] =
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}"
	"table{border-collapse:collapse;display:block;overflow-x:auto}th,td{border:1px solid #8888;padding:.3rem .6rem;text-align:left;"
	"vertical-align:top;overflow-wrap:anywhere}</style>\n";

static void write_html(const json_t *shown, struct str *out)
{
	const json_t *report = json_object_get(shown, "report");
	cleanup(mem_freep) char *host = text_of(json_object_get(shown, "hostname"));
	cleanup(mem_freep) char *taken = text_of(json_object_get(shown, "taken_at"));
	const char *key = NULL;
	json_t *value = NULL;

	str_adds(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
	str_adds(out, page_head);
	add_title(out, "title", host);
	str_adds(out, "</head><body>\n");
	add_title(out, "h1", host);
	add_title(out, "p", taken);
	json_object_foreach((json_t *)(uintptr_t)report, key, value)
		if (json_is_object(value) || is_table(value))
			add_part(out, key, value);
	str_adds(out, "</body></html>\n");
}

/* ---- json ---- */

static void write_json(const json_t *shown, struct str *out)
{
	cleanup(mem_freep) char *text = json_dumps(shown, JSON_INDENT(2) | JSON_REAL_PRECISION(6));

	str_addf(out, "%s\n", text != NULL ? text : "{}");
}

struct err *hardware_write(const json_t *shown, const char *format, struct str *out)
{
	static const struct {
		const char *format;
		void (*write)(const json_t *shown, struct str *out);
	} rows[] = {{"json", write_json}, {"csv", write_csv}, {"html", write_html}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].format, format) == 0) {
			rows[i].write(shown, out);
			return NULL;
		}
	return err_field(NULL, "format", "must be json, csv or html");
}
