/* Routes of the server itself: health, version, configuration, inventory, the API's own
 * description, live events. */
#include <string.h>

#include "api/reply.h"
#include "api/route.h"
#include "base/mem.h"
#include "gen/version.h"
#include "model/event.h"
#include "service/event.h"
#include "service/node.h"
#include "service/query.h"
#include "service/scope.h"
#include "service/settings.h"

#define EVENTS_PAGE 500

struct events_query {
	int64_t id;
	char *topics;
	int64_t after;
};
static const struct field events_fields[] = {
	ROW_TEXT(struct events_query, topics, FIELD_CREATE, .max = 200,
		.help = "Comma-separated: nodes, clusters, operations, ups, alerts; absent: all"),
	ROW_I64(struct events_query, after, FIELD_CREATE, .min = 0, .max = INT64_MAX,
		.help = "Sequence number of the last event known; absent: from now on"),
};
static const struct record_type events_query_type = {
	.name = "events_query",
	.table = "events_query",
	.size = sizeof(struct events_query),
	.fields = events_fields,
	.n_fields = ARRAY_LEN(events_fields),
};

static struct err *get_health(struct call *call)
{
	bool ready = false;

	TRY(account_ready(call->svc, &ready));
	return call_json(call,
		json_pack("{ss ss sb}", "status", "ok", "version", MKO_VERSION, "setup_required",
			!ready));
}

static struct err *get_version(struct call *call)
{
	return call_json(call,
		json_pack("{ss ss si}", "name", "mko", "version", MKO_VERSION, "schema_version",
			store_schema_version(call->svc->store)));
}

static json_t *setting_json(const struct field *f, const struct config *config)
{
	return json_pack("{ss so ss? ss? sb ss?}", "key", f->name, "value",
		field_to_json(f, config), "default", f->def, "unit", f->unit, "reloadable",
		(f->flags & FIELD_RELOAD) != 0, "help", f->help);
}

static struct err *get_config(struct call *call)
{
	json_t *items = json_array();

	for (size_t i = 0; i < config_type.n_fields; i++)
		if ((config_type.fields[i].flags & FIELD_HIDDEN) == 0)
			json_array_append_new(items,
				setting_json(&config_type.fields[i], call->svc->config));
	return call_json(call, json_pack("{so sn}", "items", items, "next_cursor"));
}

static struct err *change_config(struct call *call)
{
	struct settings_diff diff;

	TRY(settings_change(call->svc, &call->actor, call->body, &diff));
	struct err *e = call_json(call,
		json_pack("{ss sO sO}", "file", call->svc->config->file, "applied", diff.applied,
			"restart_required", diff.restart));
	settings_diff_done(&diff);
	return e;
}

static struct err *get_inventory(struct call *call)
{
	json_t *json = NULL;

	TRY(node_inventory(call->svc, &json));
	return call_json(call, json);
}

static struct err *get_openapi(struct call *call)
{
	return call_json(call, api_openapi());
}

/* ",nodes,operations," for a search with strstr; NULL for all. */
static struct err *topics_of(const char *text, char **ret)
{
	*ret = NULL;
	if (text == NULL || text[0] == '\0')
		return NULL;
	if (text[strspn(text, "abcdefghijklmnopqrstuvwxyz_,")] != '\0')
		return err_field(NULL, "topics", "is a list of words such as nodes,operations");
	*ret = mem_printf(",%s,", text);
	return NULL;
}

static bool wants(const char *topics, const char *topic)
{
	cleanup(mem_freep) char *word = mem_printf(",%s,", topic);

	return topics == NULL || strstr(topics, word) != NULL;
}

/* The first page: what the client missed. Leaves in *after where the stream goes on. */
static struct err *missed_events(struct call *call, const char *topics, int64_t *after)
{
	struct store_rows rows;
	int64_t oldest = 0, newest = 0;

	TRY(event_range(call->svc, &oldest, &newest));
	if (*after < 0)
		*after = newest;
	if (*after > newest || (*after > 0 && *after + 1 < oldest)) {
		/* Events between were removed (or the store is another one): the client must read
		 * everything anew. */
		str_addf(&call->reply->body, "id: %lld\nevent: reset\ndata: {}\n\n",
			(long long)newest);
		*after = newest;
	}
	TRY(event_list(call->svc, *after, EVENTS_PAGE, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct event *event = query_row(&rows, i);
		*after = event->id;
		if (wants(topics, event->topic) && scope_sees(call->svc, &event_type, event))
			api_event_text(event, &call->reply->body);
	}
	query_rows_done(&rows);
	return NULL;
}

static struct err *events_after(const struct call *call, struct events_query *query)
{
	struct err *e = call_query(call, query);
	const char *last = call->req->last_event_id;

	/* The header is newer than the address: browsers repeat the address when they reconnect. */
	if (e == NULL && last != NULL && last[0] != '\0') {
		e = parse_i64(last, 0, INT64_MAX, &query->after);
		if (e != NULL) {
			err_free(e);
			e = err_field(NULL, "Last-Event-ID", "is not a sequence number");
		}
	}
	if (e == NULL && query->after == I64_NONE)
		query->after = -1;
	return e;
}

static struct err *get_events(struct call *call)
{
	struct events_query query;
	char *topics = NULL;

	record_init(&events_query_type, &query);
	struct err *e = events_after(call, &query);
	if (e == NULL)
		e = topics_of(query.topics, &topics);
	if (e == NULL) {
		str_adds(&call->reply->body, "retry: 2000\n\n");
		e = missed_events(call, topics, &query.after);
	}
	call->reply->stream = true;
	call->reply->streaming = (struct api_stream){.kind = API_STREAM_EVENTS,
		.topics = topics,
		.after = query.after};
	call->reply->content_type = "text/event-stream";
	record_done(&events_query_type, &query);
	return e;
}

void api_event_text(const struct event *event, struct str *out)
{
	json_t *json = record_to_json(&event_type, event);
	char *text = json_dumps(json, JSON_COMPACT);

	str_addf(out, "id: %lld\ndata: %s\n\n", (long long)event->id, text);
	mem_free(text);
	json_decref(json);
}

static const struct route routes_system_rows[] = {
	{"GET", "/api/health", ROLE_NONE, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.shape = &shape_health,
		.summary = "Whether the server answers and whether it was set up",
		.handle = get_health},
	{"GET", "/api/version", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_version,
		.summary = "Version of program and store", .handle = get_version},
	{"GET", "/api/config", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_LIST,
		.shape = &shape_settings,
		.summary = "Every setting with its value, default and purpose",
		.handle = get_config},
	{"PATCH", "/api/config", ROLE_ADMIN, ROUTE_BODY_FREE | ROUTE_NEED_MATCH, 200,
		ROUTE_REPLY_OBJECT, .shape = &shape_settings_change, .body_type = &config_type,
		.body_mode = RECORD_UPDATE,
		.summary = "Change settings in the configuration file; null: back to the default",
		.example = "{\"web.session_hours\":8}", .handle = change_config},
	{"GET", "/api/inventory", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_inventory,
		.summary = "Ansible's dynamic inventory of all nodes", .handle = get_inventory},
	{"GET", "/api/openapi.json", ROLE_NONE, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.shape = &shape_openapi, .summary = "This description", .handle = get_openapi},
	{"GET", "/api/events", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_EVENTS, .query = &events_query_type,
		.summary = "Live events (Server-Sent Events); Last-Event-ID resumes",
		.handle = get_events},
};
ROUTE_LIST(routes_system, "system");
