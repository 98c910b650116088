/* Matching, and the way of a request, on a route table of our own. */
#include "testing.h"
#include "testing_err.h"

#include "api/route.h"
#include "api_testing.h"

static struct err *echo(struct call *call)
{
	return call_json(call,
		json_pack("{s:s, s:s?, s:s}", "path", call->route->path, "param", call->params[0],
			"actor", call->actor.name));
}

/* Writes, then fails: nothing of it may stay. */
static struct err *half(struct call *call)
{
	struct node node;
	json_t *body = json_pack("{s:s, s:s}", "hostname", "ghost", "ip_address", "10.9.9.9");
	struct err *e = node_create(call->svc, &call->actor, body, &node);

	json_decref(body);
	assert_null(e);
	record_done(&node_type, &node);
	return err_new(ERR_CONFLICT, "changed my mind");
}

static const struct route fake_rows[] = {
	{"GET", "/api/things", ROLE_NONE, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.summary = "x", .handle = echo},
	{"POST", "/api/things", ROLE_OPERATOR, ROUTE_BODY_FREE, 201, ROUTE_REPLY_OBJECT,
		.summary = "x", .handle = echo},
	{"GET", "/api/things/best", ROLE_NONE, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.summary = "x", .handle = echo},
	{"GET", "/api/things/{id}", ROLE_NONE, .status = 200, .reply = ROUTE_REPLY_OBJECT,
		.summary = "x", .handle = echo},
	{"DELETE", "/api/things/{id}", ROLE_ADMIN, .status = 204, .summary = "x", .handle = half},
	{"POST", "/api/nodes/{id}/{action}", ROLE_VIEWER,
		ROUTE_ACTION_NODE | ROUTE_BODY_FREE | ROUTE_BODY_OPTIONAL, 202,
		ROUTE_REPLY_OPERATION, .summary = "x", .handle = echo},
};
static const struct route_list fake = {"fake", fake_rows, ARRAY_LEN(fake_rows)};
static const struct route_list *const table[] = {&fake, NULL};

static const char *found(const char *method, const char *text, const char **ret_param,
	char **ret_allow)
{
	struct decode_path path;

	assert_ok(decode_path_parse(text, &path));
	struct route_found f = route_find(table, method, &path);
	*ret_allow = f.allow;
	if (ret_param != NULL)
		*ret_param = f.params[0] != NULL ? "yes" : NULL;
	decode_path_done(&path);
	return f.route != NULL ? f.route->path : NULL;
}

static void literal_parts_win(void **state)
{
	const char *param = NULL;
	char *allow = NULL;

	(void)state;
	assert_string_equal(found("GET", "/api/things/best", &param, &allow), "/api/things/best");
	assert_null(param);
	assert_string_equal(found("GET", "/api/things/7", &param, &allow), "/api/things/{id}");
	assert_non_null(param);
	assert_string_equal(found("HEAD", "/api/things", NULL, &allow), "/api/things");
}

static void wrong_method_gives_allow_and_unknown_path_none(void **state)
{
	char *allow = NULL;

	(void)state;
	assert_null(found("PUT", "/api/things/7", NULL, &allow));
	assert_string_equal(allow, "GET, HEAD, DELETE, OPTIONS");
	mem_free(allow);
	assert_null(found("GET", "/api/thing", NULL, &allow));
	assert_null(allow);
	assert_null(found("GET", "/api", NULL, &allow));
	assert_null(found("GET", "/api/things/7/more", NULL, &allow));
	assert_null(allow);
}

static void actions_exist_as_operation_types_do(void **state)
{
	char *allow = NULL;

	(void)state;
	assert_non_null(found("POST", "/api/nodes/n1/status", NULL, &allow));
	assert_null(found("POST", "/api/nodes/n1/explode", NULL, &allow));
	assert_null(found("POST", "/api/nodes/n1/setup", NULL,
		&allow)); /* cluster.setup is no action of nodes */
	assert_null(allow);
}

static struct api_reply serve(struct test_domain *d, struct api_request req)
{
	struct api_reply reply = {0};

	req.request_id = "r1";
	req.body_len = req.body != NULL ? strlen(req.body) : 0;
	ok(store_begin(d->svc.store));
	route_serve(table, &d->svc, &req, &reply);
	ok(store_commit(d->svc.store));
	return reply;
}

static void refusals_by_form(void **state)
{
	static const struct {
		const char *method, *path, *query, *body, *type;
		int status;
	} rows[] = {
		{"GET", "/api/things", NULL, NULL, NULL, 200},
		{"GET", "/api/things", "x=1", NULL, NULL, 422},
		{"GET", "/api/things", "x=%", NULL, NULL, 400},
		{"GET", "/api/things", NULL, "{}", "application/json", 400},
		{"POST", "/api/things", NULL, "{}", "application/json", 201},
		{"POST", "/api/things", NULL, "{}", "Application/JSON; charset=utf-8", 201},
		{"POST", "/api/things", NULL, "{}", "application/jsonx", 415},
		{"POST", "/api/things", NULL, "{}", NULL, 415},
		{"POST", "/api/things", NULL, NULL, NULL, 400},
		{"POST", "/api/things", NULL, "{", "application/json", 400},
		{"PUT", "/api/things", NULL, NULL, NULL, 405},
		{"BREW", "/api/things", NULL, NULL, NULL, 405},
		{"OPTIONS", "/api/things", NULL, NULL, NULL, 204},
		{"OPTIONS", "/api/other", NULL, NULL, NULL, 404},
		{"GET", "/api/things/%2e%2e", NULL, NULL, NULL, 400},
		{"GET", "/", NULL, NULL, NULL, 404},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct api_reply reply = serve(*state,
			(struct api_request){.door = API_DOOR_LOCAL,
				.method = rows[i].method,
				.path = rows[i].path,
				.query = rows[i].query,
				.body = rows[i].body,
				.content_type = rows[i].type});
		if (reply.status != rows[i].status)
			print_error("row %zu: %s\n", i, str_get(&reply.body));
		assert_int_equal(reply.status, rows[i].status);
		api_reply_done(&reply);
	}
}

static void a_failed_request_leaves_nothing(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	struct api_reply reply = serve(d,
		(struct api_request){.door = API_DOOR_LOCAL,
			.method = "DELETE",
			.path = "/api/things/1"});

	assert_int_equal(reply.status, 409);
	api_reply_done(&reply);
	TX_FAILS(d, node_find(&d->svc, "ghost", &node), ERR_NOT_FOUND);
}

TEST_MAIN(cmocka_unit_test(literal_parts_win),
	cmocka_unit_test(wrong_method_gives_allow_and_unknown_path_none),
	cmocka_unit_test(actions_exist_as_operation_types_do), API_TEST(refusals_by_form),
	API_TEST(a_failed_request_leaves_nothing))
