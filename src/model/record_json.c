/* Owns JSON and text of records in both directions. Rules of values are in record_check.c. */
#include "model/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/suggest.h"
#include "model/record_int.h"

static struct err *time_from_text(const char *text, int64_t *ret)
{
	if (clock_parse(text, ret) != 0)
		return err_new(ERR_INVALID,
			"must be a time like 2026-11-23T08:55:59.123Z (RFC 3339)");
	return NULL;
}

static struct err *number_from_json(const struct field *f, void *obj, const json_t *value)
{
	int64_t number = json_integer_value(value);

	if (!json_is_integer(value))
		return err_new(ERR_INVALID, "must be a whole number");
	TRY(value_check_number(f, number));
	field_set_number(f, obj, number);
	return NULL;
}

static struct err *bool_from_json(const struct field *f, void *obj, const json_t *value)
{
	if (!json_is_boolean(value))
		return err_new(ERR_INVALID, "must be true or false");
	field_set_number(f, obj, json_is_true(value));
	return NULL;
}

static struct err *text_of_json(const json_t *value, const char **ret)
{
	if (!json_is_string(value))
		return err_new(ERR_INVALID, "must be a text");
	if (strlen(json_string_value(value)) != json_string_length(value))
		return err_new(ERR_INVALID, "may not contain a NUL character");
	*ret = json_string_value(value);
	return NULL;
}

static struct err *set_text(const struct field *f, void *obj, const char *text)
{
	TRY(value_check_text(f, text));
	field_take(f, obj, mem_strdup(text));
	return NULL;
}

static struct err *set_choice(const struct field *f, void *obj, const char *text)
{
	int64_t value = 0;

	TRY(value_check_choice(f, text, &value));
	field_set_number(f, obj, value);
	return NULL;
}

static struct err *set_time(const struct field *f, void *obj, const char *text)
{
	int64_t value = 0;

	TRY(time_from_text(text, &value));
	field_set_number(f, obj, value);
	return NULL;
}

static struct err *set_i64(const struct field *f, void *obj, const char *text)
{
	int64_t value = 0;

	TRY(parse_i64(text, INT64_MIN, INT64_MAX, &value));
	TRY(value_check_number(f, value));
	field_set_number(f, obj, value);
	return NULL;
}

static struct err *set_bool(const struct field *f, void *obj, const char *text)
{
	bool value = false;

	TRY(parse_bool(text, &value));
	field_set_number(f, obj, value);
	return NULL;
}

static struct err *set_json(const struct field *f, void *obj, const char *text)
{
	json_error_t where;
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &where);

	if (value == NULL)
		return err_new(ERR_INVALID, "is not JSON: %s", where.text);
	struct err *e = value_check_json(f, value);
	if (e == NULL)
		field_take(f, obj, value);
	else
		json_decref(value);
	return e;
}

struct err *field_from_text(const struct field *f, void *obj, const char *text)
{
	static struct err *(*const set[FIELD_KIND_N_])(const struct field *f, void *obj,
		const char *text) = {
		[FIELD_I64] = set_i64,
		[FIELD_BOOL] = set_bool,
		[FIELD_TEXT] = set_text,
		[FIELD_ENUM] = set_choice,
		[FIELD_TIME] = set_time,
		[FIELD_JSON] = set_json,
	};

	return set[f->kind](f, obj, text);
}

static struct err *set_default(const struct field *f, void *obj)
{
	if (f->def != NULL)
		return field_from_text(f, obj, f->def);
	if (f->kind == FIELD_TEXT || f->kind == FIELD_JSON)
		field_take(f, obj, NULL);
	else if (f->kind == FIELD_I64 || f->kind == FIELD_TIME)
		field_set_number(f, obj, I64_NONE);
	else
		field_set_number(f, obj, 0);
	return NULL;
}

struct err *field_from_json(const struct field *f, void *obj, const json_t *value)
{
	const char *text = NULL;

	if (value == NULL || json_is_null(value)) {
		if ((f->flags & FIELD_REQUIRED) != 0)
			return err_new(ERR_INVALID, "is required");
		return set_default(f, obj);
	}
	if (f->kind == FIELD_I64)
		return number_from_json(f, obj, value);
	if (f->kind == FIELD_BOOL)
		return bool_from_json(f, obj, value);
	if (f->kind == FIELD_JSON) {
		TRY(value_check_json(f, value));
		field_take(f, obj, json_deep_copy(value));
		return NULL;
	}
	TRY(text_of_json(value, &text));
	return field_from_text(f, obj, text);
}

static unsigned mode_flag(enum record_mode mode)
{
	return mode == RECORD_CREATE ? FIELD_CREATE : FIELD_UPDATE;
}

/* A key that is no field that clients see. */
static struct err *unknown_key(const struct record_type *type, const char *key,
	enum record_mode mode)
{
	struct suggest near = suggest_start(key);

	for (size_t i = 0; i < type->n_fields; i++)
		if ((type->fields[i].flags & mode_flag(mode)) != 0)
			suggest_try(&near, type->fields[i].name);
	if (near.best != NULL)
		return err_new(ERR_INVALID, "unknown field, did you mean \"%s\"?", near.best);
	return err_new(ERR_INVALID, "unknown field");
}

static struct err *take_key(const struct record_type *type, void *obj, const char *key,
	const json_t *value, enum record_mode mode)
{
	const struct field *f = record_field(type, key);
	bool editable = f != NULL && (f->flags & FIELD_EDIT) != 0;

	if (f == NULL || (!editable && (f->flags & FIELD_HIDDEN) != 0))
		return unknown_key(type, key, mode);
	if (!editable)
		return err_new(ERR_INVALID, "is read-only");
	if ((f->flags & mode_flag(mode)) == 0)
		return err_new(ERR_INVALID, "%s",
			mode == RECORD_CREATE ? "cannot be given on creation"
					      : "cannot be changed");
	return field_from_json(f, obj, value);
}

struct err *record_from_json(const struct record_type *type, void *obj, const json_t *json,
	enum record_mode mode)
{
	struct err *all = NULL;
	const char *key;
	const json_t *value;

	if (!json_is_object(json))
		return err_new(ERR_INVALID, "must be a JSON object");
	/* the library wants to change what it only walks over */
	json_t *walk = (json_t *)(uintptr_t)json;
	json_object_foreach(walk, key, value) {
		if (all != NULL && err_field_count(all) >= ERR_FIELDS_MAX)
			break;
		all = err_take_field(all, key, take_key(type, obj, key, value, mode));
	}
	for (size_t i = 0; mode == RECORD_CREATE && i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		if ((f->flags & FIELD_REQUIRED) != 0 && json_object_get(json, f->name) == NULL)
			all = err_field(all, f->name, "is required");
	}
	return all;
}

json_t *value_text_json(const char *text)
{
	json_t *value = text != NULL ? json_string(text) : json_null();

	if (value != NULL)
		return value;
	struct str quoted = STR_INIT;
	str_add_json(&quoted, text);
	value = json_loads(str_get(&quoted), JSON_DECODE_ANY, NULL);
	str_done(&quoted);
	must(value != NULL);
	return value;
}

static json_t *json_of_number(const struct field *f, int64_t number)
{
	char text[CLOCK_TEXT_SIZE];

	if (f->kind == FIELD_BOOL)
		return json_boolean(number != 0);
	if (f->kind == FIELD_I64)
		return json_integer(number);
	if (f->kind == FIELD_ENUM) {
		const char *name = enum_text(f->choices, number);
		return name != NULL ? json_string(name) : json_null();
	}
	clock_format(number, text);
	return json_string(text);
}

json_t *field_to_json(const struct field *f, const void *obj)
{
	if (field_is_none(f, obj))
		return json_null();
	if (f->kind == FIELD_TEXT)
		return value_text_json(field_text(f, obj));
	if (f->kind == FIELD_JSON)
		return json_deep_copy(field_json(f, obj));
	return json_of_number(f, field_number(f, obj));
}

json_t *record_to_json(const struct record_type *type, const void *obj)
{
	json_t *json = json_object();

	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		if ((f->flags & FIELD_HIDDEN) == 0)
			must(json_object_set_new(json, f->name, field_to_json(f, obj)) == 0);
	}
	return json;
}
