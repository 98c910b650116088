/* The reference page of the REST API, from the OpenAPI document: what a person looks up, in the
 * order of the document. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "cli/client.h"
#include "cli/spec.h"

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* A text in a cell: no line break, no bar. */
static void add_cell(struct str *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			str_addc(out, '\\');
		str_addc(out, (char)(*text == '\n' ? ' ' : *text));
	}
}

/* "#/components/schemas/node" -> "[node](#node)" */
static void add_ref(struct str *out, const char *ref)
{
	const char *name = strrchr(ref, '/');

	name = name != NULL ? name + 1 : ref;
	str_addf(out, "[%s](#%s)", name, name);
}

static void add_enum(struct str *out, const json_t *choices)
{
	size_t i;
	const json_t *choice;

	json_array_foreach(choices, i, choice)
		str_addf(out, "%s`%s`", i > 0 ? ", " : "", json_string_value(choice));
}

/* "integer or null" */
static void add_types(struct str *out, const json_t *schema)
{
	const json_t *type = json_object_get(schema, "type");
	size_t i;
	const json_t *item;

	if (json_is_string(type))
		str_adds(out, json_string_value(type));
	json_array_foreach(type, i, item)
		str_addf(out, "%s%s", i > 0 ? " or " : "", json_string_value(item));
	if (type == NULL)
		str_adds(out, "any");
}

static void add_type(struct str *out, const json_t *schema)
{
	const json_t *items = json_object_get(schema, "items");
	const json_t *alternatives = json_object_get(schema, "oneOf");

	if (json_object_get(schema, "$ref") != NULL) {
		add_ref(out, text_at(schema, "$ref"));
	} else if (json_object_get(schema, "enum") != NULL) {
		add_enum(out, json_object_get(schema, "enum"));
	} else if (items != NULL && json_object_get(items, "$ref") != NULL) {
		str_adds(out, "array of ");
		add_ref(out, text_at(items, "$ref"));
	} else if (items != NULL) {
		str_adds(out, "array of ");
		add_types(out, items);
	} else if (alternatives != NULL) {
		str_adds(out, "object or null");
	} else {
		add_types(out, schema);
		if (strcmp(text_at(schema, "format"), "date-time") == 0)
			str_adds(out, " (time)");
	}
}

/* " 1 to 65535, default `22`" */
static void add_limits(struct str *out, const json_t *schema)
{
	const json_t *min = json_object_get(schema, "minimum");
	const json_t *max = json_object_get(schema, "maximum");
	const json_t *def = json_object_get(schema, "default");

	if (min != NULL && max != NULL)
		str_addf(out, ", %lld to %lld", (long long)json_integer_value(min),
			(long long)json_integer_value(max));
	if (def == NULL)
		return;
	cleanup(mem_freep) char *value = json_dumps(def, JSON_ENCODE_ANY | JSON_COMPACT);
	str_adds(out, ", default `");
	add_cell(out, value);
	str_addc(out, '`');
}

static bool is_required(const json_t *schema, const char *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(schema, "required"), i, item)
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	return false;
}

/* The properties of an object as a table. @mark what is said of those that must be there */
static void add_properties(struct str *out, const json_t *schema, const char *mark)
{
	const char *name = NULL;
	json_t *property = NULL;

	if (json_object_size(json_object_get(schema, "properties")) == 0)
		return;
	str_adds(out, "\n| field | type | meaning |\n| --- | --- | --- |\n");
	json_object_foreach(json_object_get(schema, "properties"), name, property) {
		str_addf(out, "| `%s` | ", name);
		add_type(out, property);
		add_limits(out, property);
		if (mark != NULL && is_required(schema, name))
			str_addf(out, ", %s", mark);
		str_adds(out, " | ");
		add_cell(out, text_at(property, "description"));
		str_adds(out, " |\n");
	}
}

static void add_parameters(struct str *out, const json_t *operation)
{
	const json_t *parameters = json_object_get(operation, "parameters");
	size_t i;
	const json_t *p;

	if (json_array_size(parameters) == 0)
		return;
	str_adds(out, "\n| parameter | in | type | meaning |\n| --- | --- | --- | --- |\n");
	json_array_foreach(parameters, i, p) {
		const json_t *schema = json_object_get(p, "schema");
		str_addf(out, "| `%s` | %s | ", text_at(p, "name"), text_at(p, "in"));
		add_type(out, schema);
		add_limits(out, schema);
		str_addf(out, "%s | ",
			json_is_true(json_object_get(p, "required")) ? ", required" : "");
		add_cell(out, text_at(p, "description"));
		str_adds(out, " |\n");
	}
}

static const json_t *media_of(const json_t *holder, const char **ret_type)
{
	void *first = json_object_iter(json_object_get(holder, "content"));

	*ret_type = first != NULL ? json_object_iter_key(first) : NULL;
	return first != NULL ? json_object_iter_value(first) : NULL;
}

static void add_body(struct str *out, const json_t *operation)
{
	const char *type = NULL;
	const json_t *media = media_of(json_object_get(operation, "requestBody"), &type);

	if (media == NULL)
		return;
	str_addf(out, "\nBody: `%s`", type);
	const json_t *example = json_object_get(media, "example");
	if (json_object_size(example) > 0) {
		cleanup(mem_freep) char *text = json_dumps(example, JSON_COMPACT);
		str_addf(out, ", for example `%s`", text);
	}
	str_addc(out, '\n');
	add_properties(out, json_object_get(media, "schema"), "required");
}

/* "Replies: 200 [node](#node); 304; problems 400, 401" */
static void add_replies(struct str *out, const json_t *operation)
{
	const char *status = NULL;
	json_t *reply = NULL;
	bool problems = false;

	str_adds(out, "\nReplies:");
	json_object_foreach(json_object_get(operation, "responses"), status, reply) {
		const char *type = NULL;
		const json_t *schema = json_object_get(media_of(reply, &type), "schema");
		if (!isdigit((unsigned char)status[0]))
			continue;
		if (json_object_get(reply, "$ref") != NULL) {
			str_addf(out, "%s %s", problems ? "," : "; [problems](#problem):", status);
			problems = true;
			continue;
		}
		str_addf(out, "%s %s", out->data[out->len - 1] == ':' ? "" : ";", status);
		if (type == NULL)
			continue;
		str_addf(out, " `%s`", type);
		const json_t *items =
			json_object_get(json_object_get(json_object_get(schema, "properties"),
						"items"),
				"items");
		const json_t *shown = items != NULL ? items : schema;
		if (json_object_get(shown, "$ref") == NULL)
			continue;
		str_adds(out, items != NULL ? ", a page of " : " ");
		add_ref(out, text_at(shown, "$ref"));
	}
	str_adds(out, ".\n");
}

static void add_operation(struct str *out, const char *method, const char *path,
	const json_t *operation)
{
	const char *role = text_at(operation, "x-role");
	const char *risk = text_at(operation, "x-risk");

	str_adds(out, "\n### ");
	for (; *method != '\0'; method++)
		str_addc(out, (char)toupper((unsigned char)*method));
	str_addf(out, " %s\n\n%s", path, text_at(operation, "summary"));
	if (out->data[out->len - 1] != '.')
		str_addc(out, '.');
	if (strcmp(role, "none") == 0)
		str_adds(out, " Needs no credentials.");
	else
		str_addf(out, " Role: %s.", role);
	if (risk[0] != '\0')
		str_addf(out, " Risk: %s.", risk);
	str_addc(out, '\n');
	add_parameters(out, operation);
	add_body(out, operation);
	add_replies(out, operation);
}

/* All routes of one tag. */
static void add_tag(struct str *out, const json_t *document, const char *tag)
{
	const char *path = NULL;
	json_t *item = NULL;

	str_addf(out, "\n## %s\n", tag);
	json_object_foreach(json_object_get(document, "paths"), path, item) {
		const char *method = NULL;
		json_t *operation = NULL;
		json_object_foreach(item, method, operation) {
			const json_t *first = json_array_get(json_object_get(operation, "tags"), 0);
			if (strcmp(json_string_value(first), tag) == 0)
				add_operation(out, method, path, operation);
		}
	}
}

static void add_schemas(struct str *out, const json_t *document)
{
	const char *name = NULL;
	json_t *schema = NULL;

	str_adds(out, "\n# Objects\n");
	json_object_foreach(json_object_get(json_object_get(document, "components"), "schemas"),
		name, schema) {
		str_addf(out, "\n## %s\n", name);
		add_properties(out, schema, NULL);
	}
}

void cli_spec_api_markdown(const json_t *document, struct str *out)
{
	size_t i;
	const json_t *tag;

	str_adds(out,
		"# REST API\n\nMade by `mko spec api` from the route table; do not edit. The same as a machine reads it: `mko spec openapi`,\n"
		"or `GET /api/openapi.json`.\n\n"
		"- JSON over HTTP/1.1. Credentials: `Authorization: Bearer mko_...` (`mko token create`), or the session cookie of `POST /api/login`.\n"
		"- A list is `{\"items\": [...], \"next_cursor\": null}`; ask again with `cursor` until it is null. A cursor stays right while\n"
		"  rows come and go. `sort` takes up to four fields (`sort=status,-hostname`); a filter `field=null` finds rows without a value.\n"
		"- Every refusal is a problem (RFC 9457): `code` for programs, `detail` and `hint` for people, `errors` with all wrong fields at once.\n"
		"- `ETag` with `If-None-Match` saves a repeated reply (304), with `If-Match` guards a change (412; 428 when a change lacks it).\n"
		"- Actions answer 202 with the operation before any work starts; `?dry_run=true` says what would happen; `Idempotency-Key` makes a\n"
		"  retry safe for 24 hours.\n"
		"- Replies of 1,400 bytes and more are compressed for clients that send `Accept-Encoding: gzip`; streams are not.\n");
	json_array_foreach(json_object_get(document, "tags"), i, tag)
		add_tag(out, document, text_at(tag, "name"));
	add_schemas(out, document);
}
