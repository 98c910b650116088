/* The list of checks: what can be found on nodes and clusters. */
#include "api/route.h"
#include "base/mem.h"
#include "model/check/check.h"

static struct err *list_checks(struct call *call)
{
	json_t *items = json_array();

	for (size_t i = 0; i < checks_n; i++)
		json_array_append_new(items, check_json(checks[i]));
	return call_json(call, json_pack("{so sn}", "items", items, "next_cursor"));
}

static const struct route routes_checks_rows[] = {
	{"GET", "/api/checks", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .shape = &shape_check,
		.summary =
			"Every check of nodes and clusters, with what it expects, why, and what to do",
		.handle = list_checks},
};
ROUTE_LIST(routes_checks, "checks");
