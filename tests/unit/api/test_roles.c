/* Made from the route table: every route refuses anonymous callers and each role below its own, and
 * answers its own. A new row is tested without a new line here. */
#include "testing.h"
#include "testing_err.h"

#include "api/route.h"
#include "api_testing.h"

/* "/api/nodes/{id}" -> "/api/nodes/999" */
static char *fill_path(const char *pattern)
{
	struct str s = STR_INIT;

	for (const char *at = pattern; *at != '\0'; at++) {
		if (*at == '{') {
			str_adds(&s, "999");
			at = strchr(at, '}');
		} else {
			str_addc(&s, *at);
		}
	}
	return str_take(&s);
}

static int status_as(struct test_domain *d, const struct route_walk *w, const char *authorization)
{
	cleanup(mem_freep) char *path = fill_path(w->path);
	bool body = w->route->body_type != NULL;
	struct answer a = ask(d,
		(struct api_request){.door = API_DOOR_HTTP,
			.method = w->route->method,
			.path = path,
			.body = body ? "{}" : NULL,
			.authorization = authorization,
			.if_match = "*",
			.address = "10.0.0.1"});
	int status = a.reply.status;

	answer_done(&a);
	return status;
}

static void check_role(struct test_domain *d, const struct route_walk *w, enum role role,
	const char *authorization)
{
	enum role needed = route_walk_role(w);
	int status = status_as(d, w, authorization);
	int expected = needed == ROLE_NONE || role >= needed ? 0 : role == ROLE_NONE ? 401 : 403;
	bool good = expected != 0 ? status == expected
				  : status != 403 && (status != 401 || needed == ROLE_NONE);

	if (!good)
		print_error("%s %s as %s: %d\n", w->route->method, w->path,
			enum_text(&role_table, role), status);
	assert_true(good);
}

static void every_route_refuses_weaker_roles(void **state)
{
	struct test_domain *d = *state;
	struct route_walk w = {.list = 0};
	char *tokens[] = {NULL, make_token(d, "v", "viewer"), make_token(d, "o", "operator"),
		make_token(d, "a", "admin")};
	size_t n = 0;

	while (route_walk_next(route_lists, &w)) {
		for (enum role role = ROLE_NONE; role <= ROLE_ADMIN; role++)
			check_role(d, &w, role, tokens[role]);
		assert_int_equal(status_as(d, &w,
					 route_walk_role(&w) > ROLE_NONE ? "Bearer mko_wrong"
									 : NULL) == 401 ||
				route_walk_role(&w) == ROLE_NONE,
			1);
		n++;
	}
	assert_true(n > 50);
	for (size_t i = 1; i < ARRAY_LEN(tokens); i++)
		mem_free(tokens[i]);
}

static void only_known_routes_answer_without_credentials(void **state)
{
	static const char *const open[] = {"/api/health", "/api/openapi.json", "/api/login",
		"/api/setup"};
	struct route_walk w = {.list = 0};

	(void)state;
	while (route_walk_next(route_lists, &w)) {
		bool listed = false;
		for (size_t i = 0; i < ARRAY_LEN(open); i++)
			listed |= strcmp(open[i], w.path) == 0;
		assert_int_equal(listed, w.route->role == ROLE_NONE);
	}
}

static void every_row_is_whole(void **state)
{
	struct route_walk w = {.list = 0};

	(void)state;
	while (route_walk_next(route_lists, &w)) {
		const struct route *r = w.route;
		assert_non_null(r->summary);
		assert_non_null(r->handle);
		assert_true(r->status >= 200 && r->status < 300);
		assert_int_equal(r->status == 204, r->reply == ROUTE_REPLY_NONE);
		if (strcmp(r->method, "PATCH") == 0)
			assert_true(r->flags & ROUTE_NEED_MATCH);
		/* what clients get is described, so that types and the contract test know it */
		if (r->reply == ROUTE_REPLY_OBJECT || r->reply == ROUTE_REPLY_LIST)
			assert_true(r->shape != NULL || r->reply_type != NULL);
		if (r->example != NULL) {
			json_t *json = json_loads(r->example, 0, NULL);
			assert_non_null(json);
			json_decref(json);
		}
		if (r->body_type != NULL && (r->flags & ROUTE_BODY_OPTIONAL) == 0)
			assert_non_null(r->example);
	}
}

static void openapi_has_every_route_once(void **state)
{
	struct route_walk w = {.list = 0};
	json_t *doc = api_openapi();
	json_t *ids = json_object();

	(void)state;
	assert_string_equal(json_string_value(json_object_get(doc, "openapi")), "3.1.0");
	while (route_walk_next(route_lists, &w)) {
		json_t *item = json_object_get(json_object_get(doc, "paths"), w.path);
		const char *key = NULL;
		json_t *op = NULL;
		json_object_foreach(item, key, op)
			if (strcasecmp(key, w.route->method) == 0)
				break;
		assert_non_null(op);
		const char *id = json_string_value(json_object_get(op, "operationId"));
		assert_null(json_object_get(ids, id));
		json_object_set_new(ids, id, json_true());
		assert_string_equal(json_string_value(json_object_get(op, "x-role")),
			enum_text(&role_table, route_walk_role(&w)));
	}
	json_decref(ids);
	json_decref(doc);
}

TEST_MAIN(API_TEST(every_route_refuses_weaker_roles),
	cmocka_unit_test(only_known_routes_answer_without_credentials),
	cmocka_unit_test(every_row_is_whole), cmocka_unit_test(openapi_has_every_route_once))
