/* Owns pieces of text and how they become harmless JSON. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "hardware/report_int.h"

#define TEXT_MAX 512
#define LIST_MAX 4096 /* members of a list; a machine has less of anything */

bool piece_line(struct piece *text, struct piece *ret_line)
{
	if (text->len == 0)
		return false;
	const char *end = memchr(text->at, '\n', text->len);
	size_t n = end != NULL ? (size_t)(end - text->at) : text->len;
	*ret_line = (struct piece){text->at, n};
	n += end != NULL;
	text->at += n;
	text->len -= n;
	return true;
}

bool piece_cut(struct piece *text, char at, struct piece *ret_before)
{
	const char *found = text->len > 0 ? memchr(text->at, at, text->len) : NULL;

	if (found == NULL)
		return false;
	size_t n = (size_t)(found - text->at);
	*ret_before = (struct piece){text->at, n};
	text->at += n + 1;
	text->len -= n + 1;
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct piece piece_trim(struct piece text)
{
	while (text.len > 0 && is_space(text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len > 0 && is_space(text.at[text.len - 1]))
		text.len--;
	return text;
}

bool piece_word(struct piece *text, struct piece *ret_word)
{
	*text = piece_trim(*text);
	if (text->len == 0)
		return false;
	size_t n = 0;
	while (n < text->len && !is_space(text->at[n]))
		n++;
	*ret_word = (struct piece){text->at, n};
	text->at += n;
	text->len -= n;
	return true;
}

bool piece_is(struct piece text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

bool piece_begins(struct piece text, const char *word)
{
	return text.len >= strlen(word) && memcmp(text.at, word, strlen(word)) == 0;
}

/* Bytes of the UTF-8 character at p that are right; 0 = wrong. */
static size_t character(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (n == 1)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static bool is_plain(struct piece text)
{
	bool plain = true;

	for (size_t i = 0; i < text.len; i++)
		plain &= text.at[i] >= 0x20 && text.at[i] < 0x7f;
	return plain;
}

json_t *piece_json(struct piece text)
{
	char out[TEXT_MAX + 4];
	size_t n = 0;

	text = piece_trim(text);
	if (text.len > 0 && text.len <= TEXT_MAX && is_plain(text)) /* nearly all there is */
		return json_stringn_nocheck(text.at, text.len);
	for (size_t i = 0; i < text.len && n < TEXT_MAX;) {
		size_t len = character((const unsigned char *)text.at + i, text.len - i);
		if (len == 0)
			out[n++] = '?';
		for (size_t k = 0; k < len; k++)
			out[n++] = text.at[i + k];
		i += len > 0 ? len : 1;
	}
	json_t *json = n > 0 ? json_stringn(out, n) : NULL; /* NULL: a surrogate or the like */
	return json != NULL ? json : json_null();
}

int64_t piece_number(struct piece text)
{
	char copy[24];
	size_t n = 0;
	int64_t number = 0;

	text = piece_trim(text);
	if (text.len > 0 && text.at[0] == '-')
		n = 1;
	while (n < text.len && text.at[n] >= '0' && text.at[n] <= '9')
		n++;
	if (n == 0 || n >= sizeof(copy))
		return INT64_MIN;
	memcpy(copy, text.at, n);
	copy[n] = '\0';
	struct err *e = parse_i64(copy, INT64_MIN + 1, INT64_MAX, &number);
	if (e == NULL)
		return number;
	err_free(e);
	return INT64_MIN;
}

void set_piece(json_t *object, const char *key, struct piece text)
{
	if (piece_trim(text).len > 0)
		json_object_set_new_nocheck(object, key, piece_json(text));
}

void set_number(json_t *object, const char *key, int64_t number)
{
	if (number != INT64_MIN)
		json_object_set_new_nocheck(object, key, json_integer(number));
}

void set_told(json_t *object, const char *key, const json_t *value)
{
	if (json_is_string(value))
		set_piece(object, key,
			(struct piece){json_string_value(value), json_string_length(value)});
}

void set_told_number(json_t *object, const char *key, const json_t *value)
{
	if (json_is_integer(value))
		json_object_set_new(object, key, json_integer(json_integer_value(value)));
	else if (json_is_string(value))
		set_number(object, key,
			piece_number((struct piece){json_string_value(value),
				json_string_length(value)}));
}

json_t *piece_load(struct piece text)
{
	return json_loadb(text.at, text.len, JSON_DISABLE_EOF_CHECK, NULL);
}

json_t *report_list(json_t *report, const char *name)
{
	json_t *list = json_object_get(report, name);

	if (list == NULL) {
		list = json_array();
		json_object_set_new(report, name, list);
	}
	if (json_array_size(list) >= LIST_MAX)
		json_array_remove(list, LIST_MAX - 1);
	return list;
}

bool report_full(const json_t *report, const char *name)
{
	return json_array_size(json_object_get(report, name)) >= LIST_MAX;
}

json_t *report_object(json_t *report, const char *name)
{
	json_t *object = json_object_get(report, name);

	if (object == NULL) {
		object = json_object();
		json_object_set_new(report, name, object);
	}
	return object;
}

/* The last part of a path; what is before it stays. */
static struct piece last_part(struct piece *path)
{
	size_t n = 0;

	while (n < path->len && path->at[path->len - 1 - n] != '/')
		n++;
	struct piece part = {path->at + path->len - n, n};
	path->len -= n;
	if (path->len > 0)
		path->len--;
	return part;
}

bool piece_sysfs(struct piece line, size_t back, struct piece *ret_owner, struct piece *ret_file,
	struct piece *ret_value)
{
	struct piece path;

	if (!piece_cut(&line, '|', &path))
		return false;
	*ret_value = piece_trim(line);
	*ret_file = last_part(&path);
	for (size_t i = 0; i < back; i++)
		*ret_owner = last_part(&path);
	return ret_file->len > 0 && ret_value->len > 0;
}
