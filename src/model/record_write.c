/* Owns writing records as JSON text without building a tree of values first: lists of a hundred
 * rows are mostly this. */
#include "model/record_write.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/record_int.h"

bool record_write_wants(const struct record_writer *w, const char *name)
{
	if (w->only == NULL)
		return true;
	for (size_t i = 0; i < w->n_only; i++)
		if (strcmp(w->only[i], name) == 0)
			return true;
	return false;
}

/* The key with what stands before it. */
static void write_key(struct record_writer *w, const char *name)
{
	str_adds(w->out, w->any ? ",\"" : "\"");
	str_adds(w->out, name);
	str_add(w->out, "\":", 2);
	w->any = true;
}

static int add_to_str(const char *data, size_t len, void *user)
{
	str_add(user, data, len);
	return 0;
}

static void write_json(struct str *out, const json_t *value)
{
	must(json_dump_callback(value, add_to_str, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0);
}

static void write_number(struct str *out, int64_t number)
{
	char digits[24];
	char *at = digits + sizeof(digits);
	/* the least number has no positive twin */
	uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do {
		*--at = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0)
		*--at = '-';
	str_add(out, at, (size_t)(digits + sizeof(digits) - at));
}

static void write_time(struct str *out, int64_t utc_ms)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(utc_ms, text);
	str_addc(out, '"');
	str_adds(out, text);
	str_addc(out, '"');
}

static void write_value(struct str *out, const struct field *f, const void *obj)
{
	int64_t number = 0;
	const char *text = NULL;

	if (field_is_none(f, obj)) {
		str_adds(out, "null");
		return;
	}
	if (f->kind == FIELD_TEXT) {
		str_add_json(out, field_text(f, obj));
		return;
	}
	if (f->kind == FIELD_JSON) {
		write_json(out, field_json(f, obj));
		return;
	}
	number = field_number(f, obj);
	if (f->kind == FIELD_TIME) {
		write_time(out, number);
	} else if (f->kind == FIELD_ENUM) {
		text = enum_text(f->choices, number);
		if (text != NULL)
			str_add_json(out, text);
		else
			str_adds(out, "null");
	} else if (f->kind == FIELD_BOOL) {
		str_adds(out, number != 0 ? "true" : "false");
	} else {
		write_number(out, number);
	}
}

/* One more key of an object in memory. @take_value owned */
static void set(struct record_writer *w, const char *name, json_t *take_value)
{
	must(json_object_set_new(w->object, name, take_value) == 0);
}

void record_write_begin(struct record_writer *w)
{
	if (w->items != NULL) {
		w->object = json_object();
		json_array_append_new(w->items, w->object);
		return;
	}
	str_addc(w->out, '{');
	w->any = false;
}

void record_write_fields(struct record_writer *w, const struct record_type *type, const void *obj)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		if ((f->flags & FIELD_HIDDEN) != 0 || !record_write_wants(w, f->name))
			continue;
		if (w->items != NULL) {
			set(w, f->name, field_to_json(f, obj));
		} else {
			write_key(w, f->name);
			write_value(w->out, f, obj);
		}
	}
}

void record_write_text(struct record_writer *w, const char *name, const char *text)
{
	if (!record_write_wants(w, name))
		return;
	if (w->items != NULL) {
		set(w, name, value_text_json(text));
		return;
	}
	write_key(w, name);
	if (text != NULL)
		str_add_json(w->out, text);
	else
		str_adds(w->out, "null");
}

void record_write_bool(struct record_writer *w, const char *name, bool value)
{
	if (!record_write_wants(w, name))
		return;
	if (w->items != NULL) {
		set(w, name, json_boolean(value));
		return;
	}
	write_key(w, name);
	str_adds(w->out, value ? "true" : "false");
}

static void write_member(struct record_writer *w, const char *key, const json_t *value)
{
	if (w->any)
		str_addc(w->out, ',');
	w->any = true;
	str_add_json(w->out, key);
	str_addc(w->out, ':');
	write_json(w->out, value);
}

void record_write_object(struct record_writer *w, const json_t *object)
{
	const char *key;
	json_t *value;
	/* the library wants to change what it only walks over */
	json_t *walk = (json_t *)(uintptr_t)object;

	json_object_foreach(walk, key, value) {
		if (!record_write_wants(w, key))
			continue;
		if (w->items != NULL)
			set(w, key, json_deep_copy(value));
		else
			write_member(w, key, value);
	}
}

void record_write_end(struct record_writer *w)
{
	if (w->items == NULL)
		str_addc(w->out, '}');
}
