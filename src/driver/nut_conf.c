/* Reading and changing NUT's configuration files. */
#include "driver/nut_conf.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

#define TEXT_MAX ((size_t)1 << 20)
#define WORDS_MAX 32

/* Append the word that starts at p; returns what follows. */
static const char *read_word(const char *p, struct str *word)
{
	bool quoted = false;

	for (; *p != '\0' && *p != '\n' && (quoted || strchr(" \t\r=#", *p) == NULL); p++) {
		if (*p == '"') {
			quoted = !quoted;
			continue;
		}
		if (*p == '\\' && p[1] != '\0' && p[1] != '\n')
			p++;
		str_addc(word, *p);
	}
	return p;
}

/* One line into words; returns the start of the next one. */
static const char *read_line(const char *p, json_t *row)
{
	for (;;) {
		p += strspn(p, " \t\r=");
		if (*p == '\0' || *p == '\n' || *p == '#')
			break;
		struct str word = STR_INIT;
		p = read_word(p, &word);
		json_t *text = json_stringn(str_get(&word), word.len);
		if (text != NULL && json_array_size(row) < WORDS_MAX)
			json_array_append_new(row, text); /* what is no UTF-8 says nothing to us */
		else
			json_decref(text);
		str_done(&word);
	}
	p += strcspn(p, "\n");
	return *p == '\n' ? p + 1 : p;
}

/* The name in "[name]", NULL when the line is none. Owned. */
static char *section_of(const char *word)
{
	size_t n = strlen(word);

	return n > 2 && word[0] == '[' && word[n - 1] == ']' ? mem_strndup(word + 1, n - 2) : NULL;
}

json_t *nut_conf_read(const char *text)
{
	json_t *rows = json_array();
	char *section = mem_strdup("");

	for (const char *p = text; *p != '\0' && (size_t)(p - text) < TEXT_MAX;) {
		json_t *row = json_array();
		p = read_line(p, row);
		const char *first = json_string_value(json_array_get(row, 0));
		char *name = first != NULL ? section_of(first) : NULL;
		if (name != NULL) {
			mem_free(section);
			section = name;
		}
		if (first != NULL && name == NULL) {
			json_array_insert_new(row, 0, json_string(section));
			json_array_append(rows, row);
		}
		json_decref(row);
	}
	mem_free(section);
	return rows;
}

const char *nut_conf_get(const json_t *rows, const char *section, const char *key)
{
	size_t i = 0;
	json_t *row = NULL;

	json_array_foreach(rows, i, row)
		if (strcmp(json_string_value(json_array_get(row, 0)), section) == 0 &&
			strcasecmp(json_string_value(json_array_get(row, 1)), key) == 0)
			return json_string_value(json_array_get(row, 2));
	return NULL;
}

/* ---- changing ---- */

/* A value as NUT reads it back. */
static void add_value(struct str *out, const char *value)
{
	str_addc(out, '"');
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			str_addc(out, '\\');
		if (*p != '\n' && *p != '\r') /* a line stays one */
			str_addc(out, *p);
	}
	str_addc(out, '"');
}

static void add_pair(struct str *out, const char *const pair[2])
{
	str_addf(out, "  %s", pair[0]);
	if (pair[1] != NULL) {
		str_adds(out, " = ");
		add_value(out, pair[1]);
	}
	str_addc(out, '\n');
}

/* An edit of a section on its way through the lines. */
struct edit {
	const char *section;
	const char *const (*pairs)[2];
	size_t n;
	bool done[16]; /* which pairs are written */
	bool inside, seen;
	size_t insert_at; /* after the last line of the section that says something */
	struct str out;
};

static bool replace_line(struct edit *edit, const char *key)
{
	for (size_t i = 0; i < edit->n; i++) {
		if (strcasecmp(edit->pairs[i][0], key) != 0)
			continue;
		if (!edit->done[i])
			add_pair(&edit->out, edit->pairs[i]);
		edit->done[i] = true; /* a second line for the same key goes */
		return true;
	}
	return false;
}

static void edit_line(struct edit *edit, const json_t *row, const char *line, size_t n)
{
	const char *first = json_string_value(json_array_get(row, 0));
	cleanup(mem_freep) char *name = first != NULL ? section_of(first) : NULL;

	if (name != NULL)
		edit->inside = !edit->seen && strcmp(name, edit->section) == 0;
	edit->seen = edit->seen || edit->inside;
	if (name != NULL || first == NULL || !edit->inside || !replace_line(edit, first)) {
		str_add(&edit->out, line, n);
		if (n > 0 && line[n - 1] != '\n')
			str_addc(&edit->out, '\n');
	}
	if (edit->inside && first != NULL)
		edit->insert_at = edit->out.len;
}

static void each_line(const char *text, struct edit *edit)
{
	for (const char *p = text; *p != '\0';) {
		json_t *row = json_array();
		const char *next = read_line(p, row);
		edit_line(edit, row, p, (size_t)(next - p));
		json_decref(row);
		p = next;
	}
}

char *nut_conf_set(const char *text, const char *section, const char *const (*pairs)[2], size_t n)
{
	struct edit edit = {.section = section, .pairs = pairs, .n = n, .out = STR_INIT };
	struct str missing = STR_INIT;
	struct str whole = STR_INIT;

	must(n <= ARRAY_LEN(edit.done));
	each_line(text, &edit);
	if (!edit.seen) {
		str_addf(&missing, "%s[%s]\n", edit.out.len > 0 ? "\n" : "", section);
		edit.insert_at = edit.out.len;
	}
	for (size_t i = 0; i < n; i++)
		if (!edit.done[i])
			add_pair(&missing, pairs[i]);
	str_add(&whole, str_get(&edit.out), edit.insert_at);
	str_add(&whole, str_get(&missing), missing.len);
	str_adds(&whole, str_get(&edit.out) + edit.insert_at);
	str_done(&missing);
	str_done(&edit.out);
	return str_take(&whole);
}

static bool is_wanted(const json_t *row, const char *first, const char *second)
{
	const char *a = json_string_value(json_array_get(row, 0));
	const char *b = json_string_value(json_array_get(row, 1));

	return a != NULL && strcmp(a, first) == 0 &&
		(second == NULL || (b != NULL && strcmp(b, second) == 0));
}

char *nut_conf_put(const char *text, const char *first, const char *second, const char *line)
{
	struct str out = STR_INIT;
	bool done = false;

	for (const char *p = text; *p != '\0';) {
		json_t *row = json_array();
		const char *next = read_line(p, row);
		if (!done && is_wanted(row, first, second)) {
			str_addf(&out, "%s\n", line);
			done = true;
		} else {
			str_add(&out, p, (size_t)(next - p));
		}
		json_decref(row);
		p = next;
	}
	if (!done) {
		if (out.len > 0 && str_get(&out)[out.len - 1] != '\n')
			str_addc(&out, '\n');
		str_addf(&out, "%s\n", line);
	}
	return str_take(&out);
}
