/* Owns the way from YAML text to JSON with places. libyaml parses; what it would let through and
 * people do not mean (anchors, tags, the same key twice) is refused. */
#include "model/yaml.h"

#include <limits.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

#define DEPTH_MAX 16
#define PLACES_MAX 20000

/** Where a value stands. */
struct yaml_place {
	char *path;
	size_t line, column;
};

/* A text being read. */
struct reader {
	yaml_parser_t parser;
	const char *name;
	struct yaml_doc *doc;
	struct err *error;
};

static void complain(struct reader *r, const yaml_mark_t *mark, const char *text)
{
	if (r->error != NULL)
		return;
	cleanup(mem_freep) char *where =
		mem_printf("%s:%zu:%zu", r->name, mark->line + 1, mark->column + 1);
	r->error = err_field(NULL, where, "%s", text);
}

/* The next event; false when the syntax is wrong. The caller deletes it. */
static bool next(struct reader *r, yaml_event_t *event)
{
	if (r->error != NULL)
		return false;
	if (yaml_parser_parse(&r->parser, event) != 0)
		return true;
	complain(r, &r->parser.problem_mark,
		r->parser.problem != NULL ? r->parser.problem : "cannot be read as YAML");
	return false;
}

static void note_place(struct reader *r, const char *path, const yaml_mark_t *mark)
{
	struct yaml_doc *doc = r->doc;

	if (doc->n_places >= PLACES_MAX) {
		complain(r, mark, "the file has too many values");
		return;
	}
	doc->places = mem_realloc_array(doc->places, doc->n_places + 1, sizeof(*doc->places));
	doc->places[doc->n_places++] =
		(struct yaml_place){mem_strdup(path), mark->line + 1, mark->column + 1};
}

static json_t *plain_value(const char *text)
{
	static const char *const nothing[] = {"", "~", "null", "Null", "NULL"};
	int64_t number = 0;

	for (size_t i = 0; i < ARRAY_LEN(nothing); i++)
		if (strcmp(text, nothing[i]) == 0)
			return json_null();
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return json_boolean(text[0] == 't');
	const char *digits = text[0] == '-' ? text + 1 : text;
	/* 007 is no number to a person */
	bool number_like = strspn(digits, "0123456789") == strlen(digits) &&
		(digits[0] != '0' || digits[1] == '\0');
	struct err *e = number_like ? parse_i64(text, INT64_MIN, INT64_MAX, &number) : NULL;
	bool good = number_like && e == NULL;
	err_ignore(e); /* too long for a number: a text of digits */
	return good ? json_integer(number) : json_string(text);
}

static json_t *scalar(struct reader *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	if (strlen(text) != event->data.scalar.length) {
		complain(r, &event->start_mark, "contains a NUL character");
		return NULL;
	}
	json_t *value = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_value(text)
									    : json_string(text);
	if (value == NULL)
		complain(r, &event->start_mark, "is no UTF-8");
	return value;
}

static json_t *value_of(struct reader *r, yaml_event_t *event, const char *path, int depth);

static json_t *sequence(struct reader *r, const char *path, int depth)
{
	json_t *array = json_array();
	yaml_event_t event;

	while (next(r, &event)) {
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return array;
		}
		cleanup(mem_freep) char *inner =
			mem_printf("%s[%zu]", path, json_array_size(array));
		note_place(r, inner, &event.start_mark);
		json_t *item = value_of(r, &event, inner, depth + 1);
		yaml_event_delete(&event);
		if (item != NULL)
			json_array_append_new(array, item);
	}
	json_decref(array);
	return NULL;
}

/* The key of a pair; NULL when it is none. Owned. */
static char *key_of(struct reader *r, const yaml_event_t *event, const json_t *object)
{
	if (event->type != YAML_SCALAR_EVENT) {
		complain(r, &event->start_mark, "a key must be a word");
		return NULL;
	}
	const char *text = (const char *)event->data.scalar.value;
	if (text[0] == '\0' || strlen(text) != event->data.scalar.length ||
		strpbrk(text, "[]") != NULL) {
		complain(r, &event->start_mark, "a key must be a word without brackets");
		return NULL;
	}
	if (json_object_get(object, text) != NULL) {
		complain(r, &event->start_mark, "this key was given before");
		return NULL;
	}
	return mem_strdup(text);
}

static bool pair(struct reader *r, const yaml_event_t *key_event, json_t *object, const char *path,
	int depth)
{
	cleanup(mem_freep) char *key = key_of(r, key_event, object);
	yaml_event_t event;

	if (key == NULL)
		return false;
	cleanup(mem_freep) char *inner =
		mem_printf("%s%s%s", path, path[0] != '\0' ? "." : "", key);
	note_place(r, inner, &key_event->start_mark);
	if (!next(r, &event))
		return false;
	json_t *value = value_of(r, &event, inner, depth + 1);
	yaml_event_delete(&event);
	return value != NULL && json_object_set_new(object, key, value) == 0;
}

static json_t *mapping(struct reader *r, const char *path, int depth)
{
	json_t *object = json_object();
	yaml_event_t event;

	while (next(r, &event)) {
		bool end = event.type == YAML_MAPPING_END_EVENT;
		bool good = end || pair(r, &event, object, path, depth);
		yaml_event_delete(&event);
		if (end)
			return object;
		if (!good)
			break;
	}
	json_decref(object);
	return NULL;
}

static bool plain_node(struct reader *r, const yaml_event_t *event, int depth)
{
	const char *wrong = NULL;
	const yaml_char_t *anchor = NULL;
	const yaml_char_t *tag = NULL;

	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	}
	if (depth > DEPTH_MAX)
		wrong = "is nested too deep";
	else if (anchor != NULL || event->type == YAML_ALIAS_EVENT)
		wrong = "anchors and aliases are not taken";
	else if (tag != NULL)
		wrong = "tags are not taken";
	if (wrong != NULL)
		complain(r, &event->start_mark, wrong);
	return wrong == NULL;
}

static json_t *value_of(struct reader *r, yaml_event_t *event, const char *path, int depth)
{
	if (!plain_node(r, event, depth))
		return NULL;
	if (event->type == YAML_SCALAR_EVENT)
		return scalar(r, event);
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return sequence(r, path, depth);
	if (event->type == YAML_MAPPING_START_EVENT)
		return mapping(r, path, depth);
	complain(r, &event->start_mark, "a value is missing");
	return NULL;
}

static void read_doc(struct reader *r, const yaml_mark_t *mark, struct yaml_file *file)
{
	yaml_event_t event;

	if (file->n >= YAML_DOCS_MAX) {
		complain(r, mark, "the file has too many documents");
		return;
	}
	file->docs = mem_realloc_array(file->docs, file->n + 1, sizeof(*file->docs));
	r->doc = &file->docs[file->n++];
	*r->doc = (struct yaml_doc){.json = NULL};
	if (!next(r, &event))
		return;
	note_place(r, "", &event.start_mark);
	r->doc->json = value_of(r, &event, "", 0);
	yaml_event_delete(&event);
}

static void read_docs(struct reader *r, struct yaml_file *file)
{
	yaml_event_t event;
	bool end = false;

	while (!end && next(r, &event)) {
		end = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT)
			read_doc(r, &event.start_mark, file);
		yaml_event_delete(&event);
	}
}

struct err *yaml_read(const char *name, const char *text, size_t len, struct yaml_file *ret_file)
{
	struct reader r = {.name = name};
	struct yaml_file file = {.name = mem_strdup(name)};

	if (len > YAML_BYTES_MAX) {
		yaml_done(&file);
		return err_new(ERR_TOO_LARGE, "%s is larger than %zu bytes", name, YAML_BYTES_MAX);
	}
	must(yaml_parser_initialize(&r.parser) != 0);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	read_docs(&r, &file);
	yaml_parser_delete(&r.parser);
	if (r.error == NULL && file.n == 0)
		r.error = err_new(ERR_INVALID, "%s is empty", name);
	if (r.error != NULL) {
		yaml_done(&file);
		return r.error;
	}
	*ret_file = file;
	return NULL;
}

void yaml_done(struct yaml_file *file)
{
	for (size_t i = 0; i < file->n; i++) {
		for (size_t k = 0; k < file->docs[i].n_places; k++)
			mem_free(file->docs[i].places[k].path);
		mem_free(file->docs[i].places);
		json_decref(file->docs[i].json);
	}
	mem_free(file->docs);
	mem_free(file->name);
	*file = (struct yaml_file){0};
}

/* ---- places ---- */

/* The place of a path, else of what it would stand in. */
static const struct yaml_place *place_of(const struct yaml_doc *doc, const char *path)
{
	cleanup(mem_freep) char *at = mem_strdup(path);

	for (;;) {
		for (size_t i = 0; i < doc->n_places; i++)
			if (strcmp(doc->places[i].path, at) == 0)
				return &doc->places[i];
		if (at[0] == '\0')
			return NULL;
		char *dot = strrchr(at, '.');
		char *bracket = strrchr(at, '[');
		char *cut = dot > bracket ? dot : bracket;
		*(cut != NULL ? cut : at) = '\0';
	}
}

struct err *yaml_locate(const struct yaml_file *file, const struct yaml_doc *doc,
	struct err *take_err)
{
	struct err *all = NULL;

	if (take_err == NULL || err_field_count(take_err) == 0)
		return err_wrap(take_err, "%s", file->name);
	for (size_t i = 0; i < err_field_count(take_err); i++) {
		const char *message = NULL;
		const char *field = err_field_at(take_err, i, &message);
		const struct yaml_place *at = place_of(doc, field);
		cleanup(mem_freep) char *where = mem_printf("%s:%zu:%zu", file->name,
			at != NULL ? at->line : 1, at != NULL ? at->column : 1);
		all = err_field(all, where, "%s%s%s", field, field[0] != '\0' ? ": " : "", message);
	}
	const char *hint = err_hint_text(take_err);
	all = err_recode(all, err_code(take_err));
	if (hint != NULL)
		all = err_hint(all, "%s", hint);
	err_free(take_err);
	return all;
}

struct err *yaml_join(struct err *take_all, const char *prefix, struct err *take_err)
{
	size_t n = take_err != NULL ? err_field_count(take_err) : 0;

	if (take_err != NULL && n == 0) {
		size_t len = strlen(prefix);
		cleanup(mem_freep) char *field =
			mem_strndup(prefix, len > 0 && prefix[len - 1] == '.' ? len - 1 : len);
		take_all = err_field(take_all, field, "%s", err_message(take_err));
	}
	for (size_t i = 0; i < n; i++) {
		const char *message = NULL;
		const char *field = err_field_at(take_err, i, &message);
		cleanup(mem_freep) char *path = mem_printf("%s%s", prefix, field);
		take_all = err_field(take_all, path, "%s", message);
	}
	const char *hint = take_err != NULL ? err_hint_text(take_err) : NULL;
	if (hint != NULL)
		take_all = err_hint(take_all, "%s", hint);
	err_free(take_err);
	return take_all;
}
