/* Editing any configuration file: the first line is KEY=VALUE, the rest is the file. What the
 * program accepts as a file says the same after the edit, but for the key; at most one old line is
 * lost; an edit that cannot do so is refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "app/config_edit.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t newlines(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* What differs lies between a common beginning and a common end. */
static void at_most_one_line_is_lost(const char *old, const char *new)
{
	size_t old_len = strlen(old), new_len = strlen(new), from = 0, to = 0;

	while (from < old_len && from < new_len && old[from] == new[from])
		from++;
	while (to < old_len - from && to < new_len - from &&
		old[old_len - to - 1] == new[new_len - to - 1])
		to++;
	if (newlines(old + from, old_len - from - to) > 1)
		abort();
}

/* The value as settings.c writes it without quotes; others only have to do no harm. */
static bool is_plain(const char *value)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";

	return value[0] != '\0' && value[0] != '-' && value[strspn(value, plain)] == '\0' &&
		strcmp(value, "null") != 0;
}

/* What the file said, with the change. NULL: the change itself is refused. */
static json_t *wanted(struct config *before, const char *key, const char *value)
{
	const struct field *f = record_field(&config_type, key);
	json_t *none = json_null();
	struct err *e = value != NULL ? field_from_text(f, before, value)
				      : field_from_json(f, before, none);

	json_decref(none);
	if (e == NULL)
		return record_to_json(&config_type, before);
	err_free(e);
	return NULL;
}

static void says_what_is_wanted(const char *old, const char *new, const char *key,
	const char *value)
{
	struct config before, after;

	record_init(&config_type, &before);
	record_init(&config_type, &after);
	struct err *e = config_parse("fuzz", old, strlen(old), &before);
	json_t *want = e == NULL ? wanted(&before, key, value) : NULL;
	err_free(e);
	if (want != NULL) {
		e = config_parse("fuzz", new, strlen(new), &after);
		json_t *got = e == NULL ? record_to_json(&config_type, &after) : NULL;
		/* two keys that need each other may refuse a change that is right by itself */
		if (e == NULL && !json_equal(want, got))
			abort();
		json_decref(got);
		err_free(e);
	}
	json_decref(want);
	config_done(&before);
	config_done(&after);
}

static void edit(const char *file, const char *key, const char *value)
{
	char *edited = NULL;
	struct err *e = config_edit("fuzz", file, key, value, &edited);

	if (e == NULL) {
		at_most_one_line_is_lost(file, edited);
		if (value == NULL || is_plain(value))
			says_what_is_wanted(file, edited, key, value);
	}
	err_free(e);
	mem_free(edited);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(mem_freep) char *text = mem_strndup((const char *)data, size);
	char *newline = strchr(text, '\n');
	char *equals = newline != NULL ? memchr(text, '=', (size_t)(newline - text)) : NULL;

	if (equals == NULL)
		return 0;
	*newline = '\0';
	*equals = '\0';
	if (record_field(&config_type, text) != NULL)
		edit(newline + 1, text, equals[1] != '\0' ? equals + 1 : NULL);
	return 0;
}
