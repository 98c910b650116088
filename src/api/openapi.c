/* Owns the OpenAPI 3.1 document: a walk over the route table. Nothing is written by hand here that
 * a row could say. */
#include <ctype.h>
#include <string.h>

#include "api/route.h"
#include "base/mem.h"
#include "gen/version.h"

static void set(json_t *object, const char *key, json_t *take_value)
{
	must(json_object_set_new(object, key, take_value) == 0);
}

static json_t *ref(const char *schema)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", schema));
}

/* "audit entry" -> "audit_entry" */
static void schema_name(const char *name, char out[static 64])
{
	size_t i = 0;

	for (; i < 63 && name[i] != '\0'; i++)
		out[i] = isalnum((unsigned char)name[i]) ? name[i] : '_';
	out[i] = '\0';
}

static json_t *record_ref(json_t *schemas, const struct record_type *type)
{
	char name[64];

	schema_name(type->name, name);
	if (json_object_get(schemas, name) == NULL)
		set(schemas, name, record_schema(type, RECORD_CREATE, true));
	return ref(name);
}

static json_t *content(const char *type, json_t *take_schema)
{
	return json_pack("{s:{s:o}}", type, "schema", take_schema);
}

static json_t *list_schema(json_t *take_items)
{
	return json_pack("{s:s, s:[s,s], s:{s:{s:s, s:o}, s:{s:[s,s]}}}", "type", "object",
		"required", "items", "next_cursor", "properties", "items", "type", "array", "items",
		take_items, "next_cursor", "type", "string", "null");
}

static json_t *reply_content(json_t *schemas, const struct route *route)
{
	json_t *type = route->reply_type != NULL ? record_ref(schemas, route->reply_type)
						 : json_pack("{s:s}", "type", "object");

	switch (route->reply) {
	case ROUTE_REPLY_OBJECT:
		return content("application/json", type);
	case ROUTE_REPLY_LIST:
		return content("application/json", list_schema(type));
	case ROUTE_REPLY_OPERATION:
		json_decref(type);
		return content("application/json", ref("operation_reply"));
	case ROUTE_REPLY_TEXT:
		json_decref(type);
		return content("text/plain", json_pack("{s:s}", "type", "string"));
	case ROUTE_REPLY_LINES:
		json_decref(type);
		return content("application/jsonl", json_pack("{s:s}", "type", "string"));
	case ROUTE_REPLY_EVENTS:
		json_decref(type);
		return content("text/event-stream", json_pack("{s:s}", "type", "string"));
	case ROUTE_REPLY_NONE:
		break;
	}
	json_decref(type);
	return NULL;
}

static json_t *responses(json_t *schemas, const struct route *route)
{
	char status[8];
	json_t *good = json_pack("{s:s}", "description", route->summary);
	json_t *body = reply_content(schemas, route);

	if (body != NULL)
		set(good, "content", body);
	snprintf(status, sizeof(status), "%d", route->status);
	json_t *all = json_object();
	set(all, status, good);
	if (route->reply == ROUTE_REPLY_OPERATION)
		set(all, "200",
			json_pack("{s:s, s:o}", "description", "With dry_run: what would happen",
				"content",
				content("application/json", json_pack("{s:s}", "type", "object"))));
	set(all, "default",
		json_pack("{s:s, s:o}", "description", "Problem (RFC 9457)", "content",
			content("application/problem+json", ref("problem"))));
	return all;
}

/* A field as the schema of a parameter: taken from the schema of its record. */
static void add_query(json_t *parameters, const struct record_type *type, unsigned flag)
{
	json_t *schema = record_schema(type, RECORD_CREATE, true);
	json_t *properties = json_object_get(schema, "properties");

	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		json_t *property = json_object_get(properties, f->name);
		if ((f->flags & flag) == 0 || (f->flags & FIELD_HIDDEN) != 0 || property == NULL)
			continue;
		json_t *copy = json_deep_copy(property);
		json_object_del(copy, "readOnly");
		json_array_append_new(parameters,
			json_pack("{s:s, s:s, s:b, s:o}", "name", f->name, "in", "query",
				"required",
				flag == FIELD_CREATE && (f->flags & FIELD_REQUIRED) != 0, "schema",
				copy));
	}
	json_decref(schema);
}

static void add_list_query(json_t *parameters, const struct record_type *type)
{
	static const struct {
		const char *name, *type, *help;
	} words[] = {
		{"limit", "integer", "Most items of a page, 1 to 1000; 100 when absent"},
		{"cursor", "string", "next_cursor of the page before"},
		{"sort", "string",
			"Field to sort by, with - before it downwards; up to four, separated by commas"},
		{"q", "string", "Text to look for"},
		{"fields", "string",
			"Keys of the items to give, separated by commas; all when absent"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		json_array_append_new(parameters,
			json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", words[i].name, "in", "query",
				"description", words[i].help, "schema", "type", words[i].type));
	add_query(parameters, type, FIELD_FILTER);
}

static void add_headers(json_t *parameters, const struct route *route)
{
	static const struct {
		unsigned flag;
		const char *name, *help;
	} headers[] = {
		{ROUTE_IDEMPOTENT, "Idempotency-Key",
			"A retry with the same key and body gets the first answer for 24 hours"},
		{ROUTE_NEED_MATCH, "If-Match",
			"ETag of the object that the change is meant for, or *"},
	};

	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (route->flags & headers[i].flag)
			json_array_append_new(parameters,
				json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name", headers[i].name,
					"in", "header", "required",
					headers[i].flag == ROUTE_NEED_MATCH, "description",
					headers[i].help, "schema", "type", "string"));
}

static json_t *parameters_of(const struct route_walk *w)
{
	json_t *parameters = json_array();

	for (const char *at = strchr(w->path, '{'); at != NULL; at = strchr(at + 1, '{'))
		json_array_append_new(parameters,
			json_pack("{s:o, s:s, s:b, s:s, s:{s:s}}", "name",
				json_stringn(at + 1, strcspn(at + 1, "}")), "in", "path",
				"required", 1, "description", "Id or name", "schema", "type",
				"string"));
	if (w->route->query != NULL)
		add_query(parameters, w->route->query, FIELD_CREATE);
	if (w->route->list_of != NULL)
		add_list_query(parameters, w->route->list_of);
	add_headers(parameters, w->route);
	return parameters;
}

static json_t *param_schema(const struct op_param *p)
{
	static const char *const kinds[FIELD_KIND_N_] = {
		[FIELD_I64] = "integer",
		[FIELD_BOOL] = "boolean",
		[FIELD_TEXT] = "string",
		[FIELD_ENUM] = "string",
		[FIELD_TIME] = "string",
	};
	json_t *schema = json_object();

	if (kinds[p->kind] != NULL)
		set(schema, "type", json_string(kinds[p->kind]));
	if (p->help != NULL)
		set(schema, "description", json_string(p->help));
	if (p->kind == FIELD_I64 && (p->min != 0 || p->max != 0)) {
		set(schema, "minimum", json_integer(p->min));
		set(schema, "maximum", json_integer(p->max));
	}
	return schema;
}

/* The body of an action: its common keys and the parameters of its type. */
static void add_action_params(json_t *schema, const struct op_type *type)
{
	json_t *properties = json_object_get(schema, "properties");
	json_t *required = json_array();

	for (size_t i = 0; i < type->n_params; i++) {
		set(properties, type->params[i].name, param_schema(&type->params[i]));
		if (type->params[i].required)
			json_array_append_new(required, json_string(type->params[i].name));
	}
	if (json_array_size(required) > 0)
		set(schema, "required", required);
	else
		json_decref(required);
}

static json_t *body_of(const struct route_walk *w)
{
	const struct route *route = w->route;
	json_t *schema = record_schema(route->body_type, route->body_mode, false);

	if (w->op != NULL)
		add_action_params(schema, w->op);
	json_t *media = json_pack("{s:o}", "schema", schema);
	if (route->example != NULL)
		set(media, "example", json_loads(route->example, 0, NULL));
	return json_pack("{s:b, s:{s:o}}", "required", (route->flags & ROUTE_BODY_OPTIONAL) == 0,
		"content", "application/json", media);
}

/* "POST /api/nodes/{id}/status" -> "post_nodes_id_status" */
static json_t *operation_id(const struct route_walk *w)
{
	struct str s = STR_INIT;

	for (const char *at = w->route->method; *at != '\0'; at++)
		str_addc(&s, (char)tolower((unsigned char)*at));
	for (const char *at = w->path + strlen("/api"); *at != '\0'; at++) {
		if (isalnum((unsigned char)*at) || *at == '_')
			str_addc(&s, *at);
		else if (*at != '{' && *at != '}')
			str_addc(&s, '_');
	}
	json_t *id = json_string(str_get(&s));
	str_done(&s);
	return id;
}

static json_t *operation_of(json_t *schemas, const struct route_walk *w)
{
	const struct route *route = w->route;
	enum role role = route_walk_role(w);
	json_t *op = json_object();

	set(op, "operationId", operation_id(w));
	set(op, "summary",
		json_string(w->op != NULL && w->op->summary != NULL ? w->op->summary
								    : route->summary));
	set(op, "tags", json_pack("[s]", w->group->name));
	set(op, "x-role", json_string(enum_text(&role_table, role)));
	if (w->op != NULL)
		set(op, "x-risk", json_string(enum_text(&op_risk_table, w->op->risk)));
	if (role == ROLE_NONE)
		set(op, "security", json_array());
	set(op, "parameters", parameters_of(w));
	if (route->body_type != NULL)
		set(op, "requestBody", body_of(w));
	set(op, "responses", responses(schemas, route));
	return op;
}

static void add_route(json_t *paths, json_t *schemas, const struct route_walk *w)
{
	char method[8] = "";

	for (size_t i = 0; i < sizeof(method) - 1 && w->route->method[i] != '\0'; i++)
		method[i] = (char)tolower((unsigned char)w->route->method[i]);
	json_t *item = json_object_get(paths, w->path);
	if (item == NULL) {
		item = json_object();
		set(paths, w->path, item);
	}
	set(item, method, operation_of(schemas, w));
}

static json_t *fixed_schemas(void)
{
	static const char text[] =
		"{\"problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\",\"code\",\"request_id\",\"errors\"],"
		"\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
		"\"detail\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"},\"hint\":{\"type\":\"string\"},"
		"\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"field\":{\"type\":\"string\"},"
		"\"message\":{\"type\":\"string\"}}}}}},"
		"\"operation_reply\":{\"type\":\"object\",\"required\":[\"operation\"],\"properties\":{\"operation\":"
		"{\"$ref\":\"#/components/schemas/operation\"}}}}";
	json_t *schemas = json_loads(text, 0, NULL);

	must(schemas != NULL);
	json_decref(record_ref(schemas, &operation_type));
	return schemas;
}

json_t *api_openapi(void)
{
	struct route_walk w = {.list = 0};
	json_t *paths = json_object();
	json_t *schemas = fixed_schemas();

	while (route_walk_next(route_lists, &w))
		add_route(paths, schemas, &w);
	json_t *security = json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:s}}", "token", "type", "http",
		"scheme", "bearer", "session", "type", "apiKey", "in", "cookie", "name",
		"mko_session");
	return json_pack(
		"{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:[{s:[]}, {s:[]}], s:o, s:{s:o, s:o}}",
		"openapi", "3.1.0", "info", "title", "mko", "version", MKO_VERSION, "description",
		"MicroK8s Cluster Orchestrator", "license", "name", "MIT", "identifier", "MIT",
		"servers", "url", "/", "security", "token", "session", "paths", paths, "components",
		"schemas", schemas, "securitySchemes", security);
}
