/* Owns the rules of one value: kind, range, length, choices, checks of a field. Pure; every way in
 * (JSON, text, files) ends here. */
#include "model/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record_int.h"

/* Longest text and JSON text of a field that says nothing of its own. */
#define TEXT_MAX (64 * 1024)
/* Most labels of a node that are given at once. */
#define LABELS_MAX 64

struct err *value_check_number(const struct field *f, int64_t value)
{
	bool limited = f->min != 0 || f->max != 0;

	if (f->kind == FIELD_I64 && limited && (value < f->min || value > f->max))
		return err_new(ERR_INVALID, "must be between %lld and %lld", (long long)f->min,
			(long long)f->max);
	if (f->kind == FIELD_I64 && value == I64_NONE)
		return err_new(ERR_INVALID, "is too small");
	if (f->kind == FIELD_ENUM && enum_text(f->choices, value) == NULL)
		return err_new(ERR_INVALID, "has no value number %lld", (long long)value);
	return NULL;
}

struct err *value_check_text(const struct field *f, const char *text)
{
	size_t len = strlen(text);
	size_t max = f->max > 0 ? (size_t)f->max : TEXT_MAX;

	if (f->min > 0 && len < (size_t)f->min)
		return err_new(ERR_INVALID, "must have at least %lld characters",
			(long long)f->min);
	if (len > max)
		return err_new(ERR_INVALID, "must have at most %zu characters", max);
	return f->check != NULL ? f->check(text) : NULL;
}

struct err *value_check_json(const struct field *f, const json_t *value)
{
	if (!json_is_array(value) && !json_is_object(value))
		return err_new(ERR_INVALID, "must be an array or an object");
	/* The default shows which of the two it is. */
	if (f->def != NULL && json_is_array(value) != (f->def[0] == '['))
		return err_new(ERR_INVALID, "must be an %s", f->def[0] == '[' ? "array" : "object");
	size_t n = json_is_array(value) ? json_array_size(value) : json_object_size(value);
	if ((f->min > 0 && n < (size_t)f->min) || (f->max > 0 && n > (size_t)f->max))
		return err_new(ERR_INVALID, "must have %lld to %lld elements", (long long)f->min,
			(long long)f->max);
	if (json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) > TEXT_MAX)
		return err_new(ERR_INVALID, "must have at most %d bytes", TEXT_MAX);
	return f->check_json != NULL ? f->check_json(value) : NULL;
}

struct err *value_check_choice(const struct field *f, const char *text, int64_t *ret)
{
	int value = enum_value(f->choices, text);

	if (value >= 0) {
		*ret = value;
		return NULL;
	}
	struct str all = STR_INIT;
	for (size_t i = 0; f->choices->texts[i] != NULL; i++)
		str_addf(&all, "%s%s", i > 0 ? ", " : "", f->choices->texts[i]);
	struct err *e = err_new(ERR_INVALID, "must be one of: %s", str_get(&all));
	str_done(&all);
	return e;
}

struct err *check_json_tags(const json_t *value)
{
	size_t i;
	const json_t *tag;

	if (!json_is_array(value))
		return err_new(ERR_INVALID, "must be an array of texts");
	json_array_foreach(value, i, tag) {
		const char *text = json_string_value(tag);
		if (text == NULL || *text == '\0' || strlen(text) > 64)
			return err_new(ERR_INVALID, "element %zu must be a text of 1 to 64 bytes",
				i);
		TRY_WRAP(check_line(text), "element %zu", i);
	}
	return NULL;
}

struct err *check_json_labels(const json_t *value)
{
	const char *key;
	json_t *text;

	if (!json_is_object(value) || json_object_size(value) > LABELS_MAX)
		return err_new(ERR_INVALID, "must be an object of at most %d labels", LABELS_MAX);
	json_object_foreach((json_t *)(uintptr_t)value, key, text) {
		if (!json_is_string(text) && !json_is_null(text))
			return err_new(ERR_INVALID,
				"%s: must be a text (quote numbers and true), or null", key);
		TRY(check_label_key(key));
		if (json_is_string(text))
			TRY_WRAP(check_label_value(json_string_value(text)), "%s", key);
	}
	return NULL;
}

struct err *check_json_list(const json_t *value)
{
	return json_is_array(value) ? NULL : err_new(ERR_INVALID, "must be an array");
}

struct err *check_json_object(const json_t *value)
{
	return json_is_object(value) ? NULL : err_new(ERR_INVALID, "must be an object");
}

/* The check of one field of a whole record; the message completes "field: ". */
static struct err *check_member(const struct field *f, const void *obj)
{
	if (field_is_none(f, obj))
		return (f->flags & FIELD_REQUIRED) != 0 ? err_new(ERR_INVALID, "is required")
							: NULL;
	if (f->kind == FIELD_TEXT)
		return value_check_text(f, field_text(f, obj));
	if (f->kind == FIELD_JSON)
		return value_check_json(f, field_json(f, obj));
	return value_check_number(f, field_number(f, obj));
}

struct err *record_check(const struct record_type *type, const void *obj)
{
	struct err *all = NULL;

	for (size_t i = 0; i < type->n_fields; i++)
		all = err_take_field(all, type->fields[i].name,
			check_member(&type->fields[i], obj));
	return all;
}

struct err *err_take_field(struct err *take_all, const char *name, struct err *take_err)
{
	if (take_err == NULL)
		return take_all;
	take_all = err_field(take_all, name, "%s", err_message(take_err));
	err_free(take_err);
	return take_all;
}
