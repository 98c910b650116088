/* Routes of the audit log. */
#include "api/route.h"
#include "base/mem.h"
#include "service/audit.h"
#include "service/query.h"

static struct err *list_audit(struct call *call)
{
	return call_list(call, NULL, NULL);
}

struct audit_export_query {
	int64_t id;
	int64_t after, limit;
};
static const struct field audit_export_fields[] = {
	ROW_I64(struct audit_export_query, after, FIELD_CREATE, .min = 0, .max = INT64_MAX,
		.def = "0", .help = "Number of the last entry known"),
	ROW_I64(struct audit_export_query, limit, FIELD_CREATE, .min = 1, .max = 10000,
		.def = "1000", .help = "Most entries in one reply"),
};
static const struct record_type audit_export_query_type = {
	.name = "audit_export_query",
	.table = "audit_export_query",
	.size = sizeof(struct audit_export_query),
	.fields = audit_export_fields,
	.n_fields = ARRAY_LEN(audit_export_fields),
};

static struct err *export_audit(struct call *call)
{
	struct audit_export_query query;
	struct store_query q = {.n_filters = 0};
	struct store_rows rows;
	char *cursor = NULL;

	record_init(&audit_export_query_type, &query);
	TRY(call_query(call, &query));
	q.limit = query.limit;
	store_where_number(&q, "id", STORE_GT, query.after);
	TRY(query_page(call->svc, &audit_type, &q, &rows, &cursor));
	for (size_t i = 0; i < rows.n; i++) {
		json_t *json = record_to_json(&audit_type, query_row(&rows, i));
		cleanup(mem_freep) char *line = json_dumps(json, JSON_COMPACT);
		str_addf(&call->reply->body, "%s\n", line);
		json_decref(json);
	}
	query_rows_done(&rows);
	mem_free(cursor);
	call->reply->content_type = "application/jsonl";
	return NULL;
}

static struct err *verify_audit(struct call *call)
{
	struct audit_report report;

	TRY(audit_verify(call->svc, &report));
	bool ok = report.bad_id == I64_NONE;
	return call_json(call,
		json_pack("{sb sI sI sI so ss? ss}", "ok", ok, "unproven",
			(json_int_t)report.unproven, "pruned", (json_int_t)report.pruned, "rows",
			(json_int_t)report.rows, "bad_id",
			ok ? json_null() : json_integer(report.bad_id), "reason", report.reason,
			"head", report.head));
}

static const struct route routes_audit_rows[] = {
	{"GET", "/api/audit", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &audit_type, .list_of = &audit_type,
		.summary = "Who did what, oldest first", .handle = list_audit},
	{"GET", "/api/audit/export", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_LINES,
		.query = &audit_export_query_type,
		.summary =
			"The audit log as JSON lines, oldest first; repeat with after= until empty",
		.handle = export_audit},
	{"GET", "/api/audit/verify", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.shape = &shape_audit_report, .summary = "Check the hash chain of the audit log",
		.handle = verify_audit},
};
ROUTE_LIST(routes_audit, "audit");
