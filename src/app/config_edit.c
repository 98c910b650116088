/* Owns the edit of one line of YAML. The parser says where things stand, the edit is on lines; who
 * calls reads the result again and compares. */
#include "app/config_edit.h"

#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/str.h"

/* Where the key stands, or where it could. Lines count from 0. */
struct place {
	const char *section, *name;                  /* wanted; section "" at the top level */
	bool found;                                  /* the key is there */
	size_t line;                                 /* of the key */
	size_t value_line, value_end_line, from, to; /* its value; columns in characters */
	bool in_section;
	bool section_found;
	bool section_empty;
	bool flow;        /* the section is written as {...} */
	size_t last_line; /* of the section */
	size_t indent;    /* of the section's keys */
	size_t depth;
};

static void note_value(struct place *p, const yaml_event_t *event)
{
	p->value_line = event->start_mark.line;
	p->value_end_line = event->end_mark.line;
	p->from = event->start_mark.column;
	p->to = event->end_mark.column;
}

/* A pair of key and value at the level where the wanted key can be. */
static void see_pair(struct place *p, const char *name, const yaml_event_t *key,
	const yaml_event_t *value)
{
	p->last_line = value->end_mark.line > key->end_mark.line ? value->end_mark.line
								 : key->end_mark.line;
	p->indent = key->start_mark.column;
	if (strcmp(name, p->name) != 0)
		return;
	p->found = true;
	p->line = key->start_mark.line;
	note_value(p, value);
}

static bool next(yaml_parser_t *parser, yaml_event_t *event)
{
	return yaml_parser_parse(parser, event) != 0;
}

/* Read the pairs of a section. */
static bool read_section(yaml_parser_t *parser, struct place *p, bool wanted)
{
	for (;;) {
		yaml_event_t key, value;
		if (!next(parser, &key))
			return false;
		if (key.type != YAML_SCALAR_EVENT) {
			bool end = key.type == YAML_MAPPING_END_EVENT;
			yaml_event_delete(&key);
			return end;
		}
		bool good = next(parser, &value);
		if (good) {
			good = value.type == YAML_SCALAR_EVENT; /* accepted files have no others */
			if (good && wanted)
				see_pair(p, (const char *)key.data.scalar.value, &key, &value);
			yaml_event_delete(&value);
		}
		yaml_event_delete(&key);
		if (!good)
			return false;
	}
}

/* The value of a key of the top level. */
static bool read_top_value(yaml_parser_t *parser, struct place *p, const yaml_event_t *key,
	const yaml_event_t *value)
{
	const char *name = (const char *)key->data.scalar.value;
	bool wanted = strcmp(name, p->section) == 0;

	if (p->section[0] == '\0' && value->type == YAML_SCALAR_EVENT)
		see_pair(p, name, key, value);
	if (wanted) {
		p->section_found = true;
		p->section_empty = value->type == YAML_SCALAR_EVENT;
		p->last_line = key->end_mark.line;
		p->line = key->start_mark.line;
	}
	if (value->type != YAML_MAPPING_START_EVENT)
		return value->type == YAML_SCALAR_EVENT;
	if (wanted)
		p->flow = value->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	return read_section(parser, p, wanted);
}

static bool read_top(yaml_parser_t *parser, struct place *p)
{
	for (;;) {
		yaml_event_t key, value;
		if (!next(parser, &key))
			return false;
		if (key.type != YAML_SCALAR_EVENT) {
			bool end = key.type == YAML_MAPPING_END_EVENT;
			yaml_event_delete(&key);
			return end;
		}
		bool good = next(parser, &value);
		if (good) {
			good = read_top_value(parser, p, &key, &value);
			yaml_event_delete(&value);
		}
		yaml_event_delete(&key);
		if (!good)
			return false;
	}
}

/* Find the place; false when the text is not as expected. */
static bool find_place(const char *text, size_t len, struct place *p)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool good = true, end = false;

	must(yaml_parser_initialize(&parser) != 0);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (good && !end) {
		good = next(&parser, &event);
		if (!good)
			break;
		end = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_MAPPING_START_EVENT) {
			p->flow = p->section[0] == '\0' &&
				event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
			good = read_top(&parser, p);
		}
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return good;
}

/* Byte at which a line begins; the end of the text when there are fewer. */
static size_t line_at(const char *text, size_t len, size_t line)
{
	size_t at = 0;

	for (; line > 0 && at < len; at++)
		if (text[at] == '\n')
			line--;
	return at;
}

/* Byte of a column in characters of a line that begins at `at`. */
static size_t column_at(const char *text, size_t at, size_t column)
{
	for (; column > 0; column--) {
		at++;
		while (((unsigned char)text[at] & 0xc0U) == 0x80U)
			at++;
	}
	return at;
}

static void splice(struct str *out, const char *text, size_t from, size_t to, const char *between)
{
	str_add(out, text, from);
	str_adds(out, between);
	str_adds(out, text + to);
}

static struct err *refuse(const char *name, size_t line, const char *why)
{
	return err_hint(err_new(ERR_CONFLICT, "%s:%zu: %s: it cannot be changed safely", name,
				line + 1, why),
		"edit the file by hand, then: mko system config check");
}

static struct err *replace(const char *name, const char *text, const struct place *p,
	const char *value, struct str *out)
{
	if (p->value_line != p->line || p->value_end_line != p->line)
		return refuse(name, p->line, "the value does not stand on the line of its key");
	size_t len = strlen(text);
	size_t line = line_at(text, len, p->line);
	if (value == NULL) {
		splice(out, text, line, line_at(text, len, p->line + 1), "");
		return NULL;
	}
	size_t from = column_at(text, line, p->from);
	cleanup(mem_freep) char *spaced =
		mem_printf("%s%s", from > 0 && text[from - 1] == ':' ? " " : "", value);
	splice(out, text, from, column_at(text, line, p->to), spaced);
	return NULL;
}

static void insert(const char *text, const struct place *p, const char *value, struct str *out)
{
	bool top = p->section[0] == '\0';
	size_t len = strlen(text);
	size_t at = p->section_found ? line_at(text, len, p->last_line + 1) : len;
	const char *newline = at > 0 && text[at - 1] != '\n' ? "\n" : "";
	size_t indent = p->section_found && !p->section_empty ? p->indent : 2;
	cleanup(mem_freep) char *line = top ? mem_printf("%s%s: %s\n", newline, p->name, value)
		: p->section_found
		? mem_printf("%s%*s%s: %s\n", newline, (int)indent, "", p->name, value)
		: mem_printf("%s%s%s:\n  %s: %s\n", newline, at > 0 ? "\n" : "", p->section,
			  p->name, value);

	splice(out, text, at, at, line);
}

/* The parser knows more ends of lines than we do, and a mark before the first line. */
static bool has_plain_lines(const char *text, size_t len)
{
	static const char *const others[] = {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9",
		"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"};

	for (size_t i = 0; i < len; i++)
		if (text[i] == '\r' && (i + 1 == len || text[i + 1] != '\n'))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (memmem(text, len, others[i], strlen(others[i])) != NULL)
			return false;
	return true;
}

struct err *config_edit(const char *name, const char *text, const char *key, const char *value,
	char **ret_text)
{
	size_t len = strlen(text);
	const char *dot = strchr(key, '.');
	cleanup(mem_freep) char *section = mem_strndup(key, dot != NULL ? (size_t)(dot - key) : 0);
	struct place p = {.section = section, .name = dot != NULL ? dot + 1 : key};
	struct str out = STR_INIT;
	struct err *e = NULL;

	if (!has_plain_lines(text, len))
		return refuse(name, 0, "the file has ends of lines or marks of other systems");
	if (!find_place(text, len, &p))
		return refuse(name, 0, "the file is not as expected");
	if (p.flow)
		return refuse(name, p.line, "the section is written in braces");
	if (p.found)
		e = replace(name, text, &p, value, &out);
	else if (value != NULL)
		insert(text, &p, value, &out);
	else
		str_add(&out, text, len);
	if (e != NULL) {
		str_done(&out);
		return e;
	}
	*ret_text = out.len > 0 ? str_take(&out) : mem_strdup("");
	str_done(&out);
	return NULL;
}
