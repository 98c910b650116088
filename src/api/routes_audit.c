/* Routes of the audit log. */
#include "api/route.h"
#include "base/mem.h"
#include "service/audit.h"

static struct err *list_audit(struct call *call)
{
	return call_list(call, NULL, NULL);
}

static struct err *verify_audit(struct call *call)
{
	struct audit_report report;

	TRY(audit_verify(call->svc, &report));
	bool ok = report.bad_id == I64_NONE;
	return call_json(call,
		json_pack("{sb sI so ss? ss}", "ok", ok, "rows", (json_int_t)report.rows, "bad_id",
			ok ? json_null() : json_integer(report.bad_id), "reason", report.reason,
			"head", report.head));
}

static const struct route routes_audit_rows[] = {
	{"GET", "/api/audit", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_LIST,
		.reply_type = &audit_type, .list_of = &audit_type,
		.summary = "Who did what, oldest first", .handle = list_audit},
	{"GET", "/api/audit/verify", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.summary = "Check the hash chain of the audit log", .handle = verify_audit},
};
ROUTE_LIST(routes_audit, "audit");
