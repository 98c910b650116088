/* Reading NUT's configuration files. */
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
