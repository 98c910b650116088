/* Routes of playbooks. They are few and in memory, so the page is cut here. */
#include <string.h>

#include "api/route.h"
#include "base/mem.h"
#include "service/op/op_custom.h"
#include "service/playbook.h"

struct playbook_query {
	int64_t id;
	int64_t limit;
	char *cursor, *sort, *q, *fields, *target, *risk;
};
static const struct field playbook_query_fields[] = {
	ROW_I64(struct playbook_query, limit, FIELD_CREATE, .min = 1, .max = 1000, .def = "100",
		.help = "Most items of a page"),
	ROW_TEXT(struct playbook_query, cursor, FIELD_CREATE, .max = 200,
		.help = "next_cursor of the page before"),
	ROW_TEXT(struct playbook_query, sort, FIELD_CREATE, .max = 8, .def = "name",
		.help = "name, or -name downwards"),
	ROW_TEXT(struct playbook_query, q, FIELD_CREATE, .max = 200, .help = "Text to look for"),
	ROW_TEXT(struct playbook_query, fields, FIELD_CREATE, .max = 1000,
		.help = "Keys of the items to give, separated by commas; all when absent"),
	ROW_TEXT(struct playbook_query, target, FIELD_CREATE, .max = 16,
		.help = "Only playbooks that act on this: node, cluster"),
	ROW_TEXT(struct playbook_query, risk, FIELD_CREATE, .max = 16,
		.help = "Only playbooks of this risk: read, change, disrupt, destroy"),
};
static const struct record_type playbook_query_type = {
	.name = "playbook_list_query",
	.table = "playbook_list_query",
	.size = sizeof(struct playbook_query),
	.fields = playbook_query_fields,
	.n_fields = ARRAY_LEN(playbook_query_fields),
};

static const char *text_at(const json_t *item, const char *key)
{
	const char *text = json_string_value(json_object_get(item, key));

	return text != NULL ? text : "";
}

static bool matches(const json_t *item, const struct playbook_query *query)
{
	static const char *const searched[] = {"name", "title", "summary"};
	bool found = query->q == NULL;

	if (query->target != NULL && strcmp(text_at(item, "target"), query->target) != 0)
		return false;
	if (query->risk != NULL && strcmp(text_at(item, "risk"), query->risk) != 0)
		return false;
	for (size_t i = 0; !found && i < ARRAY_LEN(searched); i++)
		found = strcasestr(text_at(item, searched[i]), query->q) != NULL;
	return found;
}

static struct err *check_query(const struct playbook_query *query)
{
	struct err *all = NULL;

	if (strcmp(query->sort, "name") != 0 && strcmp(query->sort, "-name") != 0)
		all = err_field(all, "sort", "playbooks are sorted by name or -name");
	if (query->target != NULL && enum_value(&op_target_table, query->target) < 0)
		all = err_field(all, "target", "not one of the values of %s", op_target_table.name);
	if (query->risk != NULL && enum_value(&op_risk_table, query->risk) < 0)
		all = err_field(all, "risk", "not one of the values of %s", op_risk_table.name);
	return all;
}

/* The page after the cursor, which is a name. */
static json_t *page_of(const json_t *items, const struct playbook_query *query)
{
	bool down = query->sort[0] == '-';
	json_t *page = json_array();
	json_t *next = json_null();
	size_t n = json_array_size(items);

	for (size_t i = 0; i < n; i++) {
		json_t *item = json_array_get(items, down ? n - 1 - i : i);
		int order = query->cursor != NULL ? strcmp(text_at(item, "name"), query->cursor)
						  : 0;
		if (query->cursor != NULL && (down ? order >= 0 : order <= 0))
			continue;
		if (!matches(item, query))
			continue;
		if (json_array_size(page) == (size_t)query->limit) {
			next = json_string(text_at(json_array_get(page, (size_t)query->limit - 1),
				"name"));
			break;
		}
		json_array_append(page, item);
	}
	return json_pack("{so so}", "items", page, "next_cursor", next);
}

/* Keeps the keys that were asked for. */
static void keep_fields(json_t *items, const char *fields)
{
	cleanup(mem_freep) char *list = fields != NULL ? mem_printf(",%s,", fields) : NULL;

	for (size_t i = 0; list != NULL && i < json_array_size(items); i++) {
		json_t *picked = json_object();
		const char *key = NULL;
		json_t *value = NULL;
		json_object_foreach(json_array_get(items, i), key, value) {
			cleanup(mem_freep) char *word = mem_printf(",%s,", key);
			if (strstr(list, word) != NULL)
				json_object_set(picked, key, value);
		}
		json_array_set_new(items, i, picked);
	}
}

static struct err *list_playbooks(struct call *call)
{
	struct playbook_query query;
	json_t *items = NULL;

	record_init(&playbook_query_type, &query);
	struct err *e = call_query(call, &query);
	if (e == NULL)
		e = check_query(&query);
	if (e == NULL)
		e = playbook_list(call->svc, &items);
	if (e == NULL) {
		json_t *page = page_of(items, &query);
		keep_fields(json_object_get(page, "items"), query.fields);
		e = call_json(call, page);
	}
	json_decref(items);
	record_done(&playbook_query_type, &query);
	return e;
}

static struct err *get_playbook(struct call *call)
{
	json_t *json = NULL;

	TRY(playbook_get(call->svc, call->params[0], &json));
	return call_json(call, json);
}

struct playbook_body {
	int64_t id;
	char *name, *playbook, *metadata;
};
static const struct field playbook_body_fields[] = {
	ROW_TEXT(struct playbook_body, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 41,
		.help = "Name: a-z, 0-9, _ and -; the operation type is custom.NAME"),
	ROW_TEXT(struct playbook_body, playbook, FIELD_CREATE | FIELD_REQUIRED, .min = 1,
		.max = 1 << 20, .help = "Text of the playbook"),
	ROW_TEXT(struct playbook_body, metadata, FIELD_CREATE | FIELD_REQUIRED, .min = 1,
		.max = 1 << 16, .help = "Text of its metadata (YAML)"),
};
static const struct record_type playbook_body_type = {
	.name = "playbook_new",
	.table = "playbook_new",
	.size = sizeof(struct playbook_body),
	.fields = playbook_body_fields,
	.n_fields = ARRAY_LEN(playbook_body_fields),
};

static struct err *create_playbook(struct call *call)
{
	struct playbook_body body;
	json_t *json = NULL;

	record_init(&playbook_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL)
		e = op_custom_add(call->svc, &call->actor, body.name, body.playbook, body.metadata);
	if (e == NULL)
		e = playbook_get(call->svc, body.name, &json);
	if (e == NULL)
		call->reply->location = mem_printf("/api/playbooks/custom.%s", body.name);
	record_done(&playbook_body_type, &body);
	return e != NULL ? e : call_json(call, json);
}

static struct err *remove_playbook(struct call *call)
{
	const char *name = call->params[0];
	size_t len = strlen(OP_CUSTOM_PREFIX);

	return op_custom_remove(call->svc, &call->actor,
		strncmp(name, OP_CUSTOM_PREFIX, len) == 0 ? name + len : name);
}

static const struct route routes_playbooks_rows[] = {
	{"POST", "/api/playbooks", ROLE_ADMIN, .flags = ROUTE_IDEMPOTENT, .status = 201,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_playbook_text,
		.body_type = &playbook_body_type,
		.summary =
			"Add a playbook of your own with its metadata: it becomes an operation type",
		.example =
			"{\"name\":\"uptime\",\"playbook\":\"- hosts: mko_targets\\n  tasks: [{command: uptime}]\\n\","
			"\"metadata\":\"title: Ask how long it is up\\ntarget: node\\nrisk: read\\n\"}",
		.handle = create_playbook},
	{"DELETE", "/api/playbooks/{id}", ROLE_ADMIN, .status = 204,
		.summary = "Remove a playbook of your own", .handle = remove_playbook},
	{"GET", "/api/playbooks", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .shape = &shape_playbook, .query = &playbook_query_type,
		.summary = "List playbooks with their variables, target and risk",
		.handle = list_playbooks},
	{"GET", "/api/playbooks/{id}", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_playbook_text,
		.summary = "Show a playbook with its text", .handle = get_playbook},
};
ROUTE_LIST(routes_playbooks, "playbooks");
