/* The list of checks (what can be found on nodes and clusters), the server's own doctor, support
 * bundles. */
#include "api/route.h"
#include "base/mem.h"
#include "model/check/check.h"
#include "service/bundle.h"
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

struct bundle_query {
	int64_t id;
	char *cluster, *recipient;
	int64_t inspection;
};
static const struct field bundle_query_fields[] = {
	ROW_TEXT(struct bundle_query, cluster, FIELD_CREATE, .max = 63,
		.help = "Name or number: only this cluster; all when absent"),
	ROW_TEXT(struct bundle_query, recipient, FIELD_CREATE, .max = 1000,
		.help = "Public key to encrypt to: age1..., or a line ssh-ed25519 or ssh-rsa"),
	ROW_I64(struct bundle_query, inspection, FIELD_CREATE, .min = 1, .max = INT64_MAX,
		.help = "Number of an operation cluster.inspect, whose reports go in too"),
};
static const struct record_type bundle_query_type = {
	.name = "support_bundle_query",
	.table = "support_bundle_query",
	.size = sizeof(struct bundle_query),
	.fields = bundle_query_fields,
	.n_fields = ARRAY_LEN(bundle_query_fields),
};

static struct err *get_bundle(struct call *call)
{
	struct bundle_query query;
	json_t *input = NULL;
	json_t *output = NULL;

	record_init(&bundle_query_type, &query);
	struct err *e = call_query(call, &query);
	if (e == NULL) {
		const struct bundle_request request = {.cluster = query.cluster,
			.recipient = query.recipient,
			.inspection = query.inspection};
		e = bundle_input(call->svc, &request, &input);
	}
	record_done(&bundle_query_type, &query);
	if (e != NULL)
		return e;
	TRY(call_task(call, bundle_run, input, &output));
	if (output == NULL)
		return NULL;
	bundle_bytes(output, &call->reply->body);
	json_decref(output);
	call->reply->content_type = route_media(ROUTE_REPLY_FILE);
	return NULL;
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
	{"GET", "/api/support-bundle", ROLE_ADMIN, .status = 200, .reply = ROUTE_REPLY_FILE,
		.query = &bundle_query_type,
		.summary =
			"An archive (tar, gzip) for somebody who helps: secrets and addresses masked, with a manifest of what was",
		.handle = get_bundle},
};
ROUTE_LIST(routes_checks, "checks");
