/* Owns the JSON schema (2020-12) of records: what OpenAPI, forms and generated types are made from.
 */
#include "model/record.h"

#include <string.h>

#include "base/mem.h"

static void set(json_t *object, const char *key, json_t *take_value)
{
	must(json_object_set_new(object, key, take_value) == 0);
}

static bool is_list(const struct field *f)
{
	return (f->def != NULL && f->def[0] == '[') || f->check_json == check_json_list ||
		f->check_json == check_json_tags;
}

static const char *type_name(const struct field *f)
{
	static const char *const names[FIELD_KIND_N_] = {
		[FIELD_I64] = "integer",
		[FIELD_BOOL] = "boolean",
		[FIELD_TEXT] = "string",
		[FIELD_ENUM] = "string",
		[FIELD_TIME] = "string",
	};

	if (f->kind == FIELD_JSON)
		return is_list(f) ? "array" : "object";
	return names[f->kind];
}

static bool nullable(const struct field *f)
{
	bool always = f->kind == FIELD_BOOL || f->kind == FIELD_ENUM || f->def != NULL;

	return !always && (f->flags & FIELD_REQUIRED) == 0 && strcmp(f->name, "id") != 0;
}

static void add_limits(json_t *schema, const struct field *f)
{
	static const char *const names[FIELD_KIND_N_][2] = {
		[FIELD_I64] = {"minimum", "maximum"},
		[FIELD_TEXT] = {"minLength", "maxLength"},
		[FIELD_JSON] = {"minItems", "maxItems"},
	};

	if (f->check_json == check_json_labels)
		set(schema, "additionalProperties",
			json_pack("{s:[s, s]}", "type", "string", "null"));
	if (f->kind == FIELD_JSON && !is_list(f))
		return;
	if (f->check_json == check_json_tags)
		set(schema, "items", json_pack("{s:s, s:i}", "type", "string", "maxLength", 64));
	if ((f->min == 0 && f->max == 0) || names[f->kind][0] == NULL)
		return;
	set(schema, names[f->kind][0], json_integer(f->min));
	if (f->max != INT64_MAX)
		set(schema, names[f->kind][1], json_integer(f->max));
}

static void add_default(json_t *schema, const struct field *f)
{
	if (f->def == NULL)
		return;
	bool quoted = f->kind == FIELD_TEXT || f->kind == FIELD_ENUM || f->kind == FIELD_TIME;
	json_t *value = quoted ? json_string(f->def) : json_loads(f->def, JSON_DECODE_ANY, NULL);
	must(value != NULL);
	set(schema, "default", value);
}

static json_t *field_schema(const struct field *f)
{
	json_t *schema = json_object();

	if (nullable(f))
		set(schema, "type", json_pack("[s, s]", type_name(f), "null"));
	else
		set(schema, "type", json_string(type_name(f)));
	if (f->kind == FIELD_TIME)
		set(schema, "format", json_string("date-time"));
	if (f->kind == FIELD_ENUM) {
		json_t *choices = json_array();
		for (size_t i = 0; f->choices->texts[i] != NULL; i++)
			must(json_array_append_new(choices, json_string(f->choices->texts[i])) ==
				0);
		set(schema, "enum", choices);
	}
	add_limits(schema, f);
	add_default(schema, f);
	if (f->help != NULL)
		set(schema, "description", json_string(f->help));
	return schema;
}

json_t *record_schema(const struct record_type *type, enum record_mode mode, bool with_readonly)
{
	unsigned wanted = mode == RECORD_CREATE ? FIELD_CREATE : FIELD_UPDATE;
	json_t *properties = json_object();
	json_t *required = json_array();

	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		bool shown = (f->flags & FIELD_HIDDEN) == 0;
		if (with_readonly ? !shown : (f->flags & wanted) == 0)
			continue;
		json_t *schema = field_schema(f);
		if (with_readonly && (f->flags & FIELD_EDIT) == 0)
			set(schema, "readOnly", json_true());
		set(properties, f->name, schema);
		bool needed = with_readonly ||
			(mode == RECORD_CREATE && (f->flags & FIELD_REQUIRED) != 0);
		if (needed)
			must(json_array_append_new(required, json_string(f->name)) == 0);
	}
	json_t *schema = json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties,
		"required", required);
	/* a request must not have more; a reply may, in a later version */
	if (!with_readonly)
		set(schema, "additionalProperties", json_false());
	return schema;
}
