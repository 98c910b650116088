/* Accounts limited to clusters: no route shows them an object of another cluster, tells of its
 * name, or acts on it. Made from the route table, so that a new row is tested too. */
#include "testing.h"
#include "testing_err.h"

#include "api/route.h"
#include "api_testing.h"
#include "service/scope.h"

/* Texts that stand only in objects of the other cluster. */
static const char *const secrets[] = {"notyours", "10.99.", "lonely"};

/* What each test has: cluster 1 "mine" with n1, cluster 2 "notyours" with "notyours-n", a node of
 * no cluster, an operation on each, and a token of an administrator limited to cluster 1. */
struct world {
	struct test_domain *d;
	char *token;
	int64_t my_op, foreign_op, mixed_op;
};

static int64_t post(struct test_domain *d, const char *path, const char *body, const char *member)
{
	struct answer a = at_home(d, "POST", path, body);

	if (a.reply.status >= 300)
		print_error("%s: %s\n", path, str_get(&a.reply.body));
	assert_true(a.reply.status < 300);
	json_t *object = member != NULL ? json_object_get(a.json, member) : a.json;
	int64_t id = json_integer_value(json_object_get(object, "id"));
	answer_done(&a);
	return id;
}

static void add_nodes(struct test_domain *d)
{
	post(d, "/api/clusters", "{\"name\":\"mine\"}", NULL);
	post(d, "/api/clusters", "{\"name\":\"notyours\"}", NULL);
	post(d, "/api/nodes",
		"{\"hostname\":\"n1\",\"ip_address\":\"10.1.0.1\",\"cluster_id\":\"mine\"}", NULL);
	post(d, "/api/nodes",
		"{\"hostname\":\"notyours-n\",\"ip_address\":\"10.99.0.2\",\"cluster_id\":2}",
		NULL);
	post(d, "/api/nodes", "{\"hostname\":\"lonely\",\"ip_address\":\"10.99.0.3\"}", NULL);
}

static struct world make(void **state)
{
	struct world w = {.d = *state};

	add_nodes(w.d);
	w.my_op = post(w.d, "/api/nodes/n1/test", "{}", "operation");
	w.foreign_op = post(w.d, "/api/nodes/notyours-n/test", "{}", "operation");
	w.mixed_op = post(w.d, "/api/nodes/actions/test", "{}", "operation");
	struct answer a = at_home(w.d, "POST", "/api/tokens",
		"{\"name\":\"limited\",\"role\":\"admin\",\"clusters\":[\"mine\"]}");
	assert_int_equal(a.reply.status, 201);
	w.token = mem_printf("Bearer %s", text_of(&a, "token"));
	answer_done(&a);
	return w;
}

static struct answer limited(struct world *w, const char *method, const char *path,
	const char *body)
{
	return ask(w->d,
		(struct api_request){.door = API_DOOR_HTTP,
			.method = method,
			.path = path,
			.query = strchr(path, '?') != NULL ? strchr(path, '?') + 1 : NULL,
			.body = body,
			.authorization = w->token,
			.if_match = strcmp(method, "PATCH") == 0 ? "*" : NULL,
			.address = "10.0.0.1"});
}

static int limited_status(struct world *w, const char *method, const char *path, const char *body)
{
	struct answer a = limited(w, method, path, body);
	int status = a.reply.status;

	answer_done(&a);
	return status;
}

/* Fill the parameters of a path with an object of the other cluster. */
static char *foreign_path(const struct world *w, const char *pattern)
{
	struct str s = STR_INIT;
	const char *name = strstr(pattern, "/operations/") != NULL ? NULL : "2";

	for (const char *at = pattern; *at != '\0'; at++) {
		if (*at != '{') {
			str_addc(&s, *at);
			continue;
		}
		if (name != NULL)
			str_adds(&s, name);
		else
			str_addf(&s, "%lld", (long long)w->foreign_op);
		at = strchr(at, '}');
	}
	return str_take(&s);
}

static void check_route(struct world *w, const struct route_walk *walk)
{
	cleanup(mem_freep) char *path = foreign_path(w, walk->path);
	bool has_object = strchr(walk->route->path, '{') != NULL &&
		strstr(walk->route->path, "/actions/") == NULL;
	bool open = walk->route->role == ROLE_NONE;
	struct answer a =
		limited(w, walk->route->method, path, walk->route->body_type != NULL ? "{}" : NULL);
	const char *body = str_get(&a.reply.body);

	if (has_object && !open && a.reply.status != 404 && a.reply.status != 403)
		fail_msg("%s %s: %d %s", walk->route->method, path, a.reply.status, body);
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		if (!open && strstr(body, secrets[i]) != NULL)
			fail_msg("%s %s tells of %s: %s", walk->route->method, path, secrets[i],
				body);
	answer_done(&a);
}

static void no_route_shows_or_touches_a_foreign_object(void **state)
{
	struct world w = make(state);
	struct route_walk walk = {.list = 0};
	size_t n = 0;

	for (; route_walk_next(route_lists, &walk); n++)
		check_route(&w, &walk);
	assert_true(n > 50);
	assert_int_equal(status_of(w.d, "GET", "/api/nodes/notyours-n", NULL), 200);
	assert_int_equal(status_of(w.d, "GET", "/api/clusters/notyours", NULL), 200);
	mem_free(w.token);
}

static size_t count(struct world *w, const char *path)
{
	struct answer a = limited(w, "GET", path, NULL);

	assert_int_equal(a.reply.status, 200);
	size_t n = json_array_size(json_object_get(a.json, "items"));
	answer_done(&a);
	return n;
}

static void own_objects_are_listed_and_shown(void **state)
{
	struct world w = make(state);
	cleanup(mem_freep) char *mine = mem_printf("/api/operations/%lld", (long long)w.my_op);
	cleanup(mem_freep) char *mixed = mem_printf("/api/operations/%lld", (long long)w.mixed_op);

	assert_int_equal(count(&w, "/api/nodes"), 1);
	assert_int_equal(count(&w, "/api/clusters"), 1);
	assert_int_equal(count(&w, "/api/operations"), 1);
	assert_int_equal(limited_status(&w, "GET", "/api/nodes/n1", NULL), 200);
	assert_int_equal(limited_status(&w, "GET", "/api/clusters/mine/status", NULL), 200);
	assert_int_equal(limited_status(&w, "GET", mine, NULL), 200);
	/* what concerns a foreign node as well is not theirs */
	assert_int_equal(limited_status(&w, "GET", mixed, NULL), 404);
	mem_free(w.token);
}

static void all_nodes_means_all_of_their_own(void **state)
{
	struct world w = make(state);
	struct answer a = limited(&w, "POST", "/api/nodes/actions/test", "{}");

	assert_int_equal(a.reply.status, 202);
	json_t *hosts = json_object_get(json_object_get(a.json, "operation"), "hosts");
	assert_int_equal(json_array_size(hosts), 1);
	answer_done(&a);
	assert_int_equal(limited_status(&w, "POST", "/api/nodes/actions/test",
				 "{\"nodes\":[\"n1\",\"notyours-n\"]}"),
		404);
	assert_int_equal(limited_status(&w, "POST", "/api/operations",
				 "{\"type\":\"node.test\",\"target\":\"notyours-n\"}"),
		404);
	mem_free(w.token);
}

static void nodes_stay_in_their_clusters(void **state)
{
	struct world w = make(state);
	static const char *const bodies[] = {"{\"cluster_id\":2}", "{\"cluster_id\":\"notyours\"}",
		"{\"cluster_id\":null}"};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_int_equal(limited_status(&w, "PATCH", "/api/nodes/n1", bodies[i]), 422);
	assert_int_equal(limited_status(&w, "POST", "/api/nodes",
				 "{\"hostname\":\"n2\",\"ip_address\":\"10.1.0.2\"}"),
		422);
	assert_int_equal(
		limited_status(&w, "POST", "/api/nodes",
			"{\"hostname\":\"n2\",\"ip_address\":\"10.1.0.2\",\"cluster_id\":\"mine\"}"),
		201);
	/* a taken address is refused without the name of who has it */
	struct answer a = limited(&w, "POST", "/api/nodes",
		"{\"hostname\":\"n3\",\"ip_address\":\"10.99.0.2\",\"cluster_id\":\"mine\"}");
	assert_int_equal(a.reply.status, 409);
	assert_null(strstr(str_get(&a.reply.body), "notyours"));
	answer_done(&a);
	mem_free(w.token);
}

static void a_stream_tells_of_own_objects_only(void **state)
{
	struct world w = make(state);
	struct answer a = ask(w.d,
		(struct api_request){.door = API_DOOR_HTTP,
			.method = "GET",
			.path = "/api/events",
			.query = "after=0",
			.authorization = w.token});
	const char *text = str_get(&a.reply.body);

	assert_non_null(strstr(text, "\"n1\""));
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		assert_null(strstr(text, secrets[i]));
	assert_true(scope_has(a.reply.streaming.scope, 1));
	assert_false(scope_has(a.reply.streaming.scope, 2));
	answer_done(&a);
	mem_free(w.token);
}

static void a_limit_cannot_be_widened(void **state)
{
	struct world w = make(state);
	struct answer a =
		limited(&w, "POST", "/api/tokens", "{\"name\":\"t2\",\"role\":\"admin\"}");

	assert_int_equal(a.reply.status, 201);
	json_t *clusters = json_object_get(a.json, "clusters");
	assert_int_equal(json_array_size(clusters), 1);
	answer_done(&a);
	assert_int_equal(limited_status(&w, "POST", "/api/tokens",
				 "{\"name\":\"t3\",\"clusters\":[2]}"),
		422); /* which does not exist for them */
	assert_int_equal(limited_status(&w, "POST", "/api/users",
				 "{\"name\":\"eve\",\"password\":\"correct horse battery\"}"),
		403);
	assert_int_equal(status_of(w.d, "POST", "/api/tokens", "{\"name\":\"t4\",\"clusters\":[]}"),
		422);
	assert_int_equal(status_of(w.d, "POST", "/api/tokens",
				 "{\"name\":\"t5\",\"clusters\":[\"nowhere\"]}"),
		422);
	mem_free(w.token);
}

static void the_last_administrator_of_everything_stays(void **state)
{
	struct world w = make(state);

	post(w.d, "/api/setup", "{\"password\":\"correct horse battery\"}", "user");
	assert_int_equal(status_of(w.d, "PATCH", "/api/users/admin", "{\"clusters\":[\"mine\"]}"),
		412);
	assert_int_equal(
		status_of(w.d, "POST", "/api/users",
			"{\"name\":\"second\",\"role\":\"admin\",\"password\":\"correct horse battery\"}"),
		201);
	assert_int_equal(status_of(w.d, "PATCH", "/api/users/second", "{\"clusters\":[\"mine\"]}"),
		200);
	assert_int_equal(status_of(w.d, "DELETE", "/api/users/admin", NULL), 412);
	assert_int_equal(status_of(w.d, "PATCH", "/api/users/second", "{\"clusters\":null}"), 200);
	assert_int_equal(status_of(w.d, "DELETE", "/api/users/admin", NULL), 204);
	mem_free(w.token);
}

TEST_MAIN(API_TEST(no_route_shows_or_touches_a_foreign_object),
	API_TEST(own_objects_are_listed_and_shown), API_TEST(all_nodes_means_all_of_their_own),
	API_TEST(nodes_stay_in_their_clusters), API_TEST(a_stream_tells_of_own_objects_only),
	API_TEST(a_limit_cannot_be_widened), API_TEST(the_last_administrator_of_everything_stays))
