/* Owns the life of records and access to their fields: defaults, copies, numbers, texts. Knows
 * nothing of any one record type. */
#include "model/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

int64_t enum_count(const struct enum_table *table)
{
	int64_t n = 0;

	while (table->texts[n] != NULL)
		n++;
	return n;
}

const char *enum_text(const struct enum_table *table, int64_t value)
{
	if (value < 0 || value >= enum_count(table))
		return NULL;
	return table->texts[value];
}

int enum_value(const struct enum_table *table, const char *text)
{
	for (int i = 0; table->texts[i] != NULL; i++)
		if (strcmp(table->texts[i], text) == 0)
			return i;
	return -1;
}

static void *member(const struct field *f, void *obj)
{
	return (char *)obj + f->offset;
}

static const void *const_member(const struct field *f, const void *obj)
{
	return (const char *)obj + f->offset;
}

int64_t field_number(const struct field *f, const void *obj)
{
	must(f->kind != FIELD_TEXT && f->kind != FIELD_JSON);
	if (f->kind == FIELD_BOOL)
		return *(const bool *)const_member(f, obj);
	return *(const int64_t *)const_member(f, obj);
}

void field_set_number(const struct field *f, void *obj, int64_t value)
{
	must(f->kind != FIELD_TEXT && f->kind != FIELD_JSON);
	if (f->kind == FIELD_BOOL)
		*(bool *)member(f, obj) = value != 0;
	else
		*(int64_t *)member(f, obj) = value;
}

const char *field_text(const struct field *f, const void *obj)
{
	must(f->kind == FIELD_TEXT);
	return *(char *const *)const_member(f, obj);
}

json_t *field_json(const struct field *f, const void *obj)
{
	must(f->kind == FIELD_JSON);
	return *(json_t *const *)const_member(f, obj);
}

void field_take(const struct field *f, void *obj, void *take_value)
{
	must(f->kind == FIELD_TEXT || f->kind == FIELD_JSON);
	if (f->kind == FIELD_TEXT) {
		char **slot = member(f, obj);
		mem_free(*slot);
		*slot = take_value;
		return;
	}
	json_t **slot = member(f, obj);
	json_decref(*slot);
	*slot = take_value;
}

void field_set_text(char **field, const char *text)
{
	char *copy = mem_strdup(text); /* first: text may point into *field */

	mem_free(*field);
	*field = copy;
}

bool field_is_none(const struct field *f, const void *obj)
{
	switch (f->kind) {
	case FIELD_TEXT:
		return field_text(f, obj) == NULL;
	case FIELD_JSON:
		return field_json(f, obj) == NULL;
	case FIELD_I64:
	case FIELD_TIME:
		return field_number(f, obj) == I64_NONE;
	case FIELD_BOOL:
	case FIELD_ENUM:
	case FIELD_KIND_N_:
		break;
	}
	return false;
}

/* A field of uninitialised memory gets the value that owns nothing. */
static void field_clear(const struct field *f, void *obj)
{
	static const int64_t none[FIELD_KIND_N_] =
		{[FIELD_I64] = I64_NONE, [FIELD_TIME] = I64_NONE};

	if (f->kind == FIELD_TEXT)
		*(char **)member(f, obj) = NULL;
	else if (f->kind == FIELD_JSON)
		*(json_t **)member(f, obj) = NULL;
	else
		field_set_number(f, obj, none[f->kind]);
}

void record_init(const struct record_type *type, void *obj)
{
	memset(obj, 0, type->size);
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		field_clear(f, obj);
		if (f->def == NULL)
			continue;
		struct err *e = field_from_text(f, obj, f->def);
		must(e ==
			NULL); /* a wrong default is a bug of the table; a test runs every table */
	}
}

void record_done(const struct record_type *type, void *obj)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		if (f->kind == FIELD_TEXT || f->kind == FIELD_JSON)
			field_take(f, obj, NULL);
	}
}

void record_copy(const struct record_type *type, void *obj, const void *from)
{
	memcpy(obj, from, type->size);
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		if (f->kind == FIELD_TEXT)
			*(char **)member(f, obj) = mem_strdup(field_text(f, from));
		else if (f->kind == FIELD_JSON)
			*(json_t **)member(f, obj) = json_deep_copy(field_json(f, from));
	}
}

const struct field *record_field(const struct record_type *type, const char *name)
{
	for (size_t i = 0; i < type->n_fields; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return &type->fields[i];
	return NULL;
}
