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

static json_t *shape_ref(json_t *schemas, const struct shape *shape)
{
	if (json_object_get(schemas, shape->name) == NULL)
		set(schemas, shape->name, shape_schema(shape));
	return ref(shape->name);
}

/* The schema of a route's object, or of the items of its list. */
static json_t *object_ref(json_t *schemas, const struct route *route)
{
	if (route->shape != NULL)
		return shape_ref(schemas, route->shape);
	if (route->reply_type != NULL)
		return record_ref(schemas, route->reply_type);
	return json_pack("{s:s}", "type", "object");
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
	const char *media = route_media(route->reply);

	if (media == NULL)
		return NULL;
	switch (route->reply) {
	case ROUTE_REPLY_OBJECT:
		return content(media, object_ref(schemas, route));
	case ROUTE_REPLY_LIST:
		return content(media, list_schema(object_ref(schemas, route)));
	case ROUTE_REPLY_OPERATION:
		return content(media, ref("operation_reply"));
	case ROUTE_REPLY_FILE:
		return content(media,
			json_pack("{s:s, s:s}", "type", "string", "format", "binary"));
	case ROUTE_REPLY_NONE:
	case ROUTE_REPLY_TEXT:
	case ROUTE_REPLY_LINES:
	case ROUTE_REPLY_EVENTS:
		break;
	}
	return content(media, json_pack("{s:s}", "type", "string"));
}

static json_t *header(const char *help)
{
	return json_pack("{s:s, s:{s:s}}", "description", help, "schema", "type", "string");
}

static json_t *good_headers(const struct route *route)
{
	json_t *headers = json_object();

	set(headers, "X-Request-Id", header("Names this request in log and audit"));
	if (route->status == 201 || route->status == 202)
		set(headers, "Location", header("Path of what was made"));
	if (strcmp(route->method, "GET") == 0 &&
		(route->reply == ROUTE_REPLY_OBJECT || route->reply == ROUTE_REPLY_LIST))
		set(headers, "ETag", header("Of this state; for If-None-Match and If-Match"));
	return headers;
}

/* When a route can answer with a problem of this status. */
static bool may_refuse(const struct route_walk *w, int status)
{
	const struct route *route = w->route;
	bool change = strcmp(route->method, "GET") != 0;
	bool body = route->body_type != NULL || (route->flags & ROUTE_BODY_FREE) != 0;
	bool query = route->query != NULL || route->list_of != NULL;

	switch (status) {
	case 401:
	case 403:
		return route_walk_role(w) > ROLE_NONE || (route->flags & ROUTE_AUDIT_ERRORS) != 0;
	case 404:
		return strchr(w->path, '{') != NULL || query || body;
	case 406:
		return route->reply != ROUTE_REPLY_NONE;
	case 409:
	case 412:
		return change || (route->flags & ROUTE_NO_STORE) != 0; /* a secret may be gone */
	case 413:
	case 415:
		return body;
	case 422:
		return change || query || route->reply == ROUTE_REPLY_EVENTS;
	case 428:
		return (route->flags & ROUTE_NEED_MATCH) != 0;
	case 429:
		return (route->flags & ROUTE_AUDIT_ERRORS) != 0;
	default:
		return true;
	}
}

static void add_problems(json_t *responses, const struct route_walk *w)
{
	static const int statuses[] = {400, 401, 403, 404, 406, 409, 412, 413, 415, 422, 428, 429,
		503};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		char status[8];
		snprintf(status, sizeof(status), "%d", statuses[i]);
		if (may_refuse(w, statuses[i]))
			set(responses, status,
				json_pack("{s:s}", "$ref", "#/components/responses/problem"));
	}
	set(responses, "default", json_pack("{s:s}", "$ref", "#/components/responses/problem"));
}

static json_t *responses(json_t *schemas, const struct route_walk *w)
{
	const struct route *route = w->route;
	char status[8];
	json_t *headers = good_headers(route);
	bool tagged = json_object_get(headers, "ETag") != NULL;
	json_t *good = json_pack("{s:s, s:o}", "description", route->summary, "headers", headers);
	json_t *body = reply_content(schemas, route);

	if (body != NULL)
		set(good, "content", body);
	snprintf(status, sizeof(status), "%d", route->status);
	json_t *all = json_object();
	set(all, status, good);
	if (tagged)
		set(all, "304", json_pack("{s:s}", "description", "If-None-Match: as it was"));
	if (route->reply == ROUTE_REPLY_OPERATION && route->query != NULL)
		set(all, "200",
			json_pack("{s:s, s:o}", "description", "With dry_run: what would happen",
				"content", content("application/json", ref("preview"))));
	add_problems(all, w);
	return all;
}

static void add_parameter(json_t *parameters, const char *name, const char *in, const char *help,
	json_t *take_schema)
{
	json_array_append_new(parameters,
		json_pack("{s:s, s:s, s:s, s:o}", "name", name, "in", in, "description", help,
			"schema", take_schema));
}

static json_t *text_schema(void)
{
	return json_pack("{s:s}", "type", "string");
}

/* The schema of a field as that of a parameter: a text in the address is never null, and what it
 * says about itself is said by the parameter. */
static json_t *query_schema(const json_t *property, bool is_filter)
{
	json_t *schema = json_deep_copy(property);
	const json_t *type = json_object_get(schema, "type");

	if (json_is_array(type))
		json_object_set_new(schema, "type", json_copy(json_array_get(type, 0)));
	json_object_del(schema, "description");
	json_object_del(schema, "readOnly");
	if (is_filter) /* absent means any, not the default of a new object */
		json_object_del(schema, "default");
	return schema;
}

/* A field as a parameter. */
static void add_query(json_t *parameters, const struct record_type *type, unsigned flag)
{
	json_t *schema = record_schema(type, RECORD_CREATE, true);
	json_t *properties = json_object_get(schema, "properties");

	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		json_t *property = json_object_get(properties, f->name);
		if ((f->flags & flag) == 0 || property == NULL)
			continue;
		cleanup(mem_freep) char *only = mem_printf("Only those with this value. %s",
			f->help != NULL ? f->help : "");
		bool is_filter = flag == FIELD_FILTER;
		add_parameter(parameters, f->name, "query",
			is_filter || f->help == NULL ? only : f->help,
			query_schema(property, is_filter));
		if (!is_filter && (f->flags & FIELD_REQUIRED) != 0)
			set(json_array_get(parameters, json_array_size(parameters) - 1), "required",
				json_true());
	}
	json_decref(schema);
}

/* "^-?(id|hostname)(,-?(id|hostname)){0,3}$" */
static json_t *sort_schema(const struct record_type *type)
{
	struct str words = STR_INIT;

	for (size_t i = 0; i < type->n_fields; i++)
		if (type->fields[i].flags & FIELD_SORT)
			str_addf(&words, "%s%s", words.len > 0 ? "|" : "", type->fields[i].name);
	json_t *schema = json_pack("{s:s, s:o}", "type", "string", "pattern",
		json_sprintf("^-?(%s)(,-?(%s)){0,%d}$", str_get(&words), str_get(&words),
			STORE_SORTS_MAX - 1));
	str_done(&words);
	return schema;
}

static void add_list_query(json_t *parameters, const struct record_type *type)
{
	add_parameter(parameters, "limit", "query", "Most items of a page",
		json_pack("{s:s, s:i, s:i, s:i}", "type", "integer", "minimum", 1, "maximum", 1000,
			"default", 100));
	add_parameter(parameters, "cursor", "query", "next_cursor of the page before",
		text_schema());
	add_parameter(parameters, "sort", "query",
		"Fields to sort by, with - before one downwards; rows without a value come first",
		sort_schema(type));
	add_parameter(parameters, "q", "query", "Text to look for", text_schema());
	add_parameter(parameters, "fields", "query",
		"Keys of the items to give, separated by commas; all when absent", text_schema());
	add_query(parameters, type, FIELD_FILTER);
}

static void add_headers(json_t *parameters, const struct route *route)
{
	bool tagged = strcmp(route->method, "GET") == 0 &&
		(route->reply == ROUTE_REPLY_OBJECT || route->reply == ROUTE_REPLY_LIST);

	if (route->flags & ROUTE_IDEMPOTENT)
		add_parameter(parameters, "Idempotency-Key", "header",
			"A retry with the same key and body gets the first answer for 24 hours",
			json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength",
				200));
	if (tagged)
		add_parameter(parameters, "If-None-Match", "header",
			"ETag that the client has: 304 when it is still so", text_schema());
	if (route->reply == ROUTE_REPLY_EVENTS)
		add_parameter(parameters, "Last-Event-ID", "header",
			"Sequence number of the last event seen: the stream goes on after it",
			json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]+$"));
	if (strcmp(route->method, "DELETE") != 0 && (route->flags & ROUTE_NEED_MATCH) == 0)
		return;
	add_parameter(parameters, "If-Match", "header",
		"ETag of the object that the change is meant for, or *", text_schema());
	json_object_set_new(json_array_get(parameters, json_array_size(parameters) - 1), "required",
		json_boolean((route->flags & ROUTE_NEED_MATCH) != 0));
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
	if (p->kind == FIELD_TEXT && p->def != NULL)
		set(schema, "default", json_string(p->def));
	else if (p->def != NULL && (p->kind == FIELD_I64 || p->kind == FIELD_BOOL))
		set(schema, "default", json_loads(p->def, JSON_DECODE_ANY, NULL));
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

static json_t *example_of(const struct route_walk *w)
{
	json_t *example = json_loads(w->route->example, 0, NULL);

	for (size_t i = 0; w->op != NULL && i < w->op->n_params; i++) {
		const struct op_param *param = &w->op->params[i];
		if (param->example != NULL)
			set(example, param->name,
				json_loads(param->example, JSON_DECODE_ANY, NULL));
	}
	return example;
}

static json_t *body_of(const struct route_walk *w)
{
	const struct route *route = w->route;

	if (route->body_type == NULL) /* an empty object */
		return json_pack("{s:b, s:{s:{s:{s:s}, s:{}}}}", "required", 0, "content",
			"application/json", "schema", "type", "object", "example");
	json_t *schema = record_schema(route->body_type, route->body_mode, false);

	if (w->op != NULL)
		add_action_params(schema, w->op);
	if (route->body_more != NULL) {
		json_t *more = json_loads(route->body_more, 0, NULL);
		must(json_object_update(json_object_get(schema, "properties"), more) == 0);
		json_decref(more);
	}
	json_t *media = json_pack("{s:o}", "schema", schema);
	if (route->example != NULL)
		set(media, "example", example_of(w));
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
	if (route->body_type != NULL || (route->flags & ROUTE_BODY_FREE) != 0)
		set(op, "requestBody", body_of(w));
	set(op, "responses", responses(schemas, w));
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
	for (size_t i = 0; shapes_shared[i] != NULL; i++)
		json_decref(shape_ref(schemas, shapes_shared[i]));
	return schemas;
}

/* What every refusal looks like. */
static json_t *problem_response(void)
{
	return json_pack("{s:s, s:{s:o, s:o}, s:o}", "description", "Problem (RFC 9457)", "headers",
		"X-Request-Id", header("Names this request in log and audit"), "Retry-After",
		header("Seconds to wait, with 429 and 503"), "content",
		content("application/problem+json", ref("problem")));
}

static json_t *tags(void)
{
	json_t *list = json_array();

	for (size_t i = 0; route_lists[i] != NULL; i++)
		json_array_append_new(list, json_pack("{s:s}", "name", route_lists[i]->name));
	return list;
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
	json_t *components = json_pack("{s:o, s:o, s:{s:o}}", "schemas", schemas, "securitySchemes",
		security, "responses", "problem", problem_response());
	return json_pack(
		"{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:[{s:[]}, {s:[]}], s:o, s:o, s:o}",
		"openapi", "3.1.0", "info", "title", "mko", "version", MKO_VERSION, "description",
		"MicroK8s Cluster Orchestrator", "license", "name", "MIT", "identifier", "MIT",
		"servers", "url", "/", "security", "token", "session", "tags", tags(), "paths",
		paths, "components", components);
}
