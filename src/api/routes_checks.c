/* The list of checks: what can be found on nodes and clusters. */
#include "api/route.h"
#include "base/mem.h"
#include "model/check/check.h"
#include "service/doctor.h"

static struct err *list_checks(struct call *call)
{
	json_t *items = json_array();

	for (size_t i = 0; i < checks_n; i++)
		json_array_append_new(items, check_json(checks[i]));
	return call_json(call, json_pack("{so sn}", "items", items, "next_cursor"));
}

static struct err *run_doctor(struct call *call)
{
	json_t *input = NULL;
	json_t *findings = NULL;

	TRY(doctor_input(call->svc, &input));
	TRY(call_task(call, doctor_run, input, &findings));
	return findings != NULL ? call_json(call, findings) : NULL;
}

static const struct route routes_checks_rows[] = {
	{"GET", "/api/checks", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_LIST, .shape = &shape_check,
		.summary =
			"Every check of nodes and clusters, with what it expects, why, and what to do",
		.handle = list_checks},
	{"GET", "/api/doctor", ROLE_OPERATOR, .status = 200, .reply = ROUTE_REPLY_LIST,
		.shape = &shape_finding,
		.summary = "Check the server's own machine; takes seconds, changes nothing",
		.handle = run_doctor},
};
ROUTE_LIST(routes_checks, "checks");
