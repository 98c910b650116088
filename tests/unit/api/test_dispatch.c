/* The real routes through the real dispatch: lists, ETags, idempotency, actions, accounts. */
#include "testing.h"
#include "testing_err.h"

#include "api/route.h"
#include "api_testing.h"
#include "service/audit.h"

static void add_nodes(struct test_domain *d, int n)
{
	for (int i = 1; i <= n; i++) {
		cleanup(mem_freep) char *body =
			mem_printf("{\"hostname\":\"n%d\",\"ip_address\":\"127.0.2.%d\"}", i, i);
		assert_int_equal(status_of(d, "POST", "/api/nodes", body), 201);
	}
}

static struct answer list(struct test_domain *d, const char *path, const char *query)
{
	return ask(d,
		(struct api_request){.door = API_DOOR_LOCAL,
			.method = "GET",
			.path = path,
			.query = query});
}

static int list_status(struct test_domain *d, const char *query)
{
	struct answer a = list(d, "/api/nodes", query);
	int status = a.reply.status;

	answer_done(&a);
	return status;
}

static void pages_give_every_row_once_while_rows_come_and_go(void **state)
{
	struct test_domain *d = *state;
	char *query = mem_strdup("limit=3");
	int seen = 0;

	add_nodes(d, 10);
	for (int page = 0;; page++) {
		struct answer a = list(d, "/api/nodes", query);
		assert_int_equal(a.reply.status, 200);
		seen += (int)json_array_size(json_object_get(a.json, "items"));
		if (page == 0)
			assert_int_equal(status_of(d, "DELETE", "/api/nodes/n1", NULL),
				204); /* before the cursor */
		mem_free(query);
		query = NULL;
		const char *cursor = text_of(&a, "next_cursor");
		if (cursor != NULL)
			query = mem_printf("limit=3&cursor=%s", cursor);
		answer_done(&a);
		if (query == NULL)
			break;
	}
	assert_int_equal(seen, 10);
}

static void lists_filter_sort_search_and_name_every_wrong_parameter(void **state)
{
	struct test_domain *d = *state;

	add_nodes(d, 3);
	struct answer a = list(d, "/api/nodes", "sort=-hostname&limit=1");
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(a.json,
										     "items"),
								      0),
				    "hostname")),
		"n3");
	answer_done(&a);
	a = list(d, "/api/nodes", "q=N2");
	assert_int_equal(json_array_size(json_object_get(a.json, "items")), 1);
	answer_done(&a);
	a = list(d, "/api/nodes", "status=online");
	assert_int_equal(json_array_size(json_object_get(a.json, "items")), 0);
	answer_done(&a);
	a = list(d, "/api/nodes", "status=nope&sort=notes&limit=5000");
	assert_int_equal(a.reply.status, 422);
	assert_int_equal(json_array_size(json_object_get(a.json, "errors")), 3);
	answer_done(&a);
	a = list(d, "/api/nodes", "cursor=abc");
	assert_int_equal(a.reply.status, 422);
	answer_done(&a);
	a = list(d, "/api/nodes", "cluster=nowhere");
	assert_int_equal(a.reply.status, 404);
	answer_done(&a);
}

static void lists_are_sorted_by_several_fields(void **state)
{
	struct test_domain *d = *state;

	add_nodes(d, 3);
	assert_int_equal(status_of(d, "PATCH", "/api/nodes/n2", "{\"role\":\"worker\"}"), 200);
	struct answer a = list(d, "/api/nodes", "sort=-role,-hostname&limit=2&fields=hostname");
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(a.json,
										     "items"),
								      0),
				    "hostname")),
		"n2");
	cleanup(mem_freep) char *next =
		mem_printf("sort=-role,-hostname&cursor=%s", text_of(&a, "next_cursor"));
	answer_done(&a);
	a = list(d, "/api/nodes", next);
	assert_int_equal(json_array_size(json_object_get(a.json, "items")), 1);
	answer_done(&a);
	assert_int_equal(list_status(d, "sort=role,notes"), 422);
	assert_int_equal(list_status(d, "sort=role,"), 422);
	assert_int_equal(list_status(d, "sort=id,id,id,id"), 200);
	assert_int_equal(list_status(d, "sort=id,id,id,id,id"), 422);
}

/* Every field that is said to filter or sort does, in every list. */
static void every_filter_and_sort_works(void **state)
{
	static const char *const values[FIELD_KIND_N_] = {[FIELD_I64] = "1",
		[FIELD_BOOL] = "true",
		[FIELD_TEXT] = "x",
		[FIELD_TIME] = "2026-01-31T12:00:00Z"};
	struct test_domain *d = *state;
	struct route_walk w = {.list = 0};
	int n = 0;

	while (route_walk_next(route_lists, &w)) {
		const struct record_type *type = w.route->list_of;
		for (size_t i = 0; type != NULL && i < type->n_fields; i++) {
			const struct field *f = &type->fields[i];
			const char *value = f->kind == FIELD_ENUM ? f->choices->texts[0]
								  : values[f->kind];
			cleanup(mem_freep) char *filter = mem_printf("%s=%s", f->name, value);
			cleanup(mem_freep) char *sort = mem_printf("sort=-%s,%s", f->name, f->name);
			bool shown = (f->flags & FIELD_HIDDEN) == 0;
			bool filters = shown && (f->flags & FIELD_FILTER) != 0;
			struct answer a = list(d, w.path, filter);
			if (w.route->query == NULL || record_field(w.route->query, f->name) == NULL)
				assert_int_equal(a.reply.status, filters ? 200 : 422);
			answer_done(&a);
			a = list(d, w.path, sort);
			assert_int_equal(a.reply.status, (f->flags & FIELD_SORT) ? 200 : 422);
			answer_done(&a);
			n++;
		}
	}
	assert_true(n > 50);
}

static void a_client_that_takes_no_json_gets_406_and_nothing_happens(void **state)
{
	struct test_domain *d = *state;
	struct api_request req = {.door = API_DOOR_LOCAL,
		.method = "POST",
		.path = "/api/nodes",
		.body = "{\"hostname\":\"n1\",\"ip_address\":\"127.0.2.1\"}",
		.accept = "text/html, application/json;q=0"};
	struct answer a = ask(d, req);

	assert_int_equal(a.reply.status, 406);
	assert_string_equal(a.reply.content_type, "application/problem+json");
	answer_done(&a);
	req.accept = "text/html, */*;q=0.1";
	a = ask(d, req);
	assert_int_equal(a.reply.status, 201);
	answer_done(&a);
	req = (struct api_request){.door = API_DOOR_LOCAL,
		.method = "DELETE",
		.path = "/api/nodes/n1",
		.accept = "text/html"}; /* no body, so no form of it */
	a = ask(d, req);
	assert_int_equal(a.reply.status, 204);
	answer_done(&a);
}

static void lists_have_etags_too(void **state)
{
	struct test_domain *d = *state;
	struct api_request req = {.door = API_DOOR_LOCAL, .method = "GET", .path = "/api/nodes"};

	add_nodes(d, 1);
	struct answer first = ask(d, req);
	req.if_none_match = first.reply.etag;
	struct answer same = ask(d, req);
	assert_int_equal(same.reply.status, 304);
	assert_int_equal(status_of(d, "POST", "/api/nodes",
				 "{\"hostname\":\"m1\",\"ip_address\":\"127.0.4.1\"}"),
		201);
	struct answer other = ask(d, req);
	assert_int_equal(other.reply.status, 200);
	answer_done(&first);
	answer_done(&same);
	answer_done(&other);
}

static void a_list_has_only_the_fields_that_were_asked_for(void **state)
{
	struct test_domain *d = *state;

	assert_int_equal(status_of(d, "POST", "/api/clusters", "{\"name\":\"c1\"}"), 201);
	for (int i = 1; i <= 3; i++) {
		cleanup(mem_freep) char *body =
			mem_printf("{\"hostname\":\"n%d\",\"ip_address\":\"127.0.2.%d\"%s}", i, i,
				i < 3 ? ",\"cluster_id\":\"c1\"" : "");
		assert_int_equal(status_of(d, "POST", "/api/nodes", body), 201);
	}
	struct answer a =
		list(d, "/api/nodes", "fields=hostname,cluster_name,id,become_password,nothing");
	json_t *want = json_pack("[{s:i,s:s,s:s},{s:i,s:s,s:s},{s:i,s:s,s:n}]", "id", 1, "hostname",
		"n1", "cluster_name", "c1", "id", 2, "hostname", "n2", "cluster_name", "c1", "id",
		3, "hostname", "n3", "cluster_name");
	assert_true(json_equal(json_object_get(a.json, "items"), want));
	json_decref(want);
	answer_done(&a);
}

static void a_list_inside_the_process_is_the_same_without_text(void **state)
{
	struct test_domain *d = *state;
	struct api_request req = {.door = API_DOOR_LOCAL,
		.method = "GET",
		.path = "/api/nodes",
		.query = "limit=2"};

	add_nodes(d, 3);
	struct answer text = ask(d, req);
	req.takes_json = true;
	struct answer tree = ask(d, req);
	assert_int_equal(tree.reply.status, 200);
	assert_int_equal(tree.reply.body.len, 0);
	assert_true(json_equal(tree.reply.json, text.json));
	answer_done(&tree);
	answer_done(&text);
	/* an error is a text for everybody */
	req.query = "limit=0";
	tree = ask(d, req);
	assert_int_equal(tree.reply.status, 422);
	assert_null(tree.reply.json);
	assert_non_null(tree.json);
	answer_done(&tree);
}

static void etags_guard_reads_and_changes(void **state)
{
	struct test_domain *d = *state;
	struct api_request req = {.door = API_DOOR_LOCAL, .method = "GET", .path = "/api/nodes/n1"};

	add_nodes(d, 1);
	struct answer first = ask(d, req);
	req.if_none_match = first.reply.etag;
	struct answer same = ask(d, req);
	assert_int_equal(same.reply.status, 304);
	assert_int_equal(same.reply.body.len, 0);
	req = (struct api_request){.door = API_DOOR_LOCAL,
		.method = "PATCH",
		.path = "/api/nodes/n1",
		.body = "{\"notes\":\"a\"}",
		.if_match = first.reply.etag};
	struct answer good = ask(d, req);
	assert_int_equal(good.reply.status, 200);
	struct answer stale = ask(d, req);
	assert_int_equal(stale.reply.status, 412);
	answer_done(&first);
	answer_done(&same);
	answer_done(&good);
	answer_done(&stale);
}

static void a_change_over_http_needs_if_match(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *token = make_token(d, "t", "admin");
	struct api_request req = {.door = API_DOOR_HTTP,
		.method = "PATCH",
		.path = "/api/nodes/n1",
		.body = "{\"notes\":\"a\"}",
		.authorization = token};

	add_nodes(d, 1);
	struct answer a = ask(d, req);
	assert_int_equal(a.reply.status, 428);
	answer_done(&a);
	req.if_match = "*";
	a = ask(d, req);
	assert_int_equal(a.reply.status, 200);
	answer_done(&a);
}

static struct answer post_keyed(struct test_domain *d, const char *key, const char *body)
{
	return ask(d,
		(struct api_request){.door = API_DOOR_LOCAL,
			.method = "POST",
			.path = "/api/nodes",
			.body = body,
			.idempotency_key = key});
}

static void a_retry_with_the_same_key_starts_nothing_twice(void **state)
{
	struct test_domain *d = *state;
	const char *body = "{\"hostname\":\"k1\",\"ip_address\":\"127.0.3.1\"}";
	struct answer first = post_keyed(d, "key", body);
	struct answer again = post_keyed(d, "key", body);

	assert_int_equal(first.reply.status, 201);
	assert_int_equal(again.reply.status, 201);
	assert_true(again.reply.replayed);
	assert_string_equal(str_get(&first.reply.body), str_get(&again.reply.body));
	assert_string_equal(first.reply.location, again.reply.location);
	struct answer other =
		post_keyed(d, "key", "{\"hostname\":\"k2\",\"ip_address\":\"127.0.3.2\"}");
	assert_int_equal(other.reply.status, 422);
	d->clock.fake_ms += 86400001;
	struct answer late = post_keyed(d, "key", body);
	assert_int_equal(late.reply.status, 409); /* forgotten: the node exists */
	answer_done(&first);
	answer_done(&again);
	answer_done(&other);
	answer_done(&late);
}

static void a_key_belongs_to_who_sent_it(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *one = make_token(d, "one", "operator");
	cleanup(mem_freep) char *two = make_token(d, "two", "operator");
	struct api_request req = {.door = API_DOOR_HTTP,
		.method = "POST",
		.path = "/api/nodes",
		.body = "{\"hostname\":\"k1\",\"ip_address\":\"127.0.3.1\"}",
		.authorization = one,
		.idempotency_key = "key"};
	struct answer a = ask(d, req);

	assert_int_equal(a.reply.status, 201);
	answer_done(&a);
	req.authorization = two;
	a = ask(d, req);
	assert_int_equal(a.reply.status, 409); /* asked anew, and the node exists */
	assert_false(a.reply.replayed);
	answer_done(&a);
}

static void a_failed_request_can_be_repeated_under_its_key(void **state)
{
	struct answer bad = post_keyed(*state, "key", "{}");
	struct answer again =
		post_keyed(*state, "key", "{\"hostname\":\"k1\",\"ip_address\":\"127.0.3.1\"}");

	assert_int_equal(bad.reply.status, 422);
	assert_int_equal(again.reply.status, 201);
	answer_done(&bad);
	answer_done(&again);
}

static void actions_queue_and_preview(void **state)
{
	struct test_domain *d = *state;

	test_add_node(d, 1, 0);
	struct answer plan = ask(d,
		(struct api_request){.door = API_DOOR_LOCAL,
			.method = "POST",
			.path = "/api/nodes/n1/status",
			.query = "dry_run"});
	assert_int_equal(plan.reply.status, 200);
	answer_done(&plan);
	struct answer none = list(d, "/api/operations", NULL);
	assert_int_equal(json_array_size(json_object_get(none.json, "items")), 0);
	answer_done(&none);
	struct answer a = at_home(d, "POST", "/api/nodes/n1/status", NULL);
	assert_int_equal(a.reply.status, 202);
	assert_string_equal(a.reply.location, "/api/operations/1");
	assert_string_equal(json_string_value(json_object_get(json_object_get(a.json, "operation"),
				    "status")),
		"queued");
	answer_done(&a);
	a = at_home(d, "POST", "/api/nodes/actions/status",
		"{\"nodes\":[\"n1\"],\"check_mode\":false}");
	assert_int_equal(a.reply.status, 202);
	answer_done(&a);
	a = at_home(d, "POST", "/api/nodes/n1/status", "{\"bogus\":1}");
	assert_int_equal(a.reply.status, 422);
	answer_done(&a);
	assert_int_equal(status_of(d, "POST", "/api/operations",
				 "{\"type\":\"node.status\",\"target\":\"n1\"}"),
		202);
	assert_int_equal(status_of(d, "POST", "/api/operations",
				 "{\"type\":\"node.nope\",\"target\":\"n1\"}"),
		422);
	assert_int_equal(status_of(d, "POST", "/api/operations/1/cancel", NULL), 202);
	assert_int_equal(status_of(d, "POST", "/api/operations/1/cancel", NULL), 409);
	assert_int_equal(status_of(d, "GET", "/api/operations/x", NULL), 404);
	assert_int_equal(status_of(d, "GET", "/api/operations/1/events", NULL), 200);
	assert_int_equal(status_of(d, "GET", "/api/operations/1/log", NULL), 200);
}

static void playbooks_are_listed_by_page_filtered_and_shown_with_their_text(void **state)
{
	struct test_domain *d = *state;
	struct answer a = list(d, "/api/playbooks", "limit=2&fields=name");
	const json_t *items = json_object_get(a.json, "items");

	assert_int_equal(json_array_size(items), 2);
	assert_string_equal(text_of(&a, "next_cursor"),
		json_string_value(json_object_get(json_array_get(items, 1), "name")));
	size_t seen = 2;
	while (text_of(&a, "next_cursor") != NULL) {
		cleanup(mem_freep) char *next =
			mem_printf("limit=2&cursor=%s", text_of(&a, "next_cursor"));
		answer_done(&a);
		a = list(d, "/api/playbooks", next);
		seen += json_array_size(json_object_get(a.json, "items"));
	}
	answer_done(&a);
	a = list(d, "/api/playbooks", "sort=-name");
	items = json_object_get(a.json, "items");
	assert_int_equal(json_array_size(items), seen);
	for (size_t i = 1; i < seen; i++)
		assert_true(strcmp(json_string_value(json_object_get(json_array_get(items, i - 1),
					   "name")),
				    json_string_value(json_object_get(json_array_get(items, i),
					    "name"))) > 0);
	answer_done(&a);
	a = list(d, "/api/playbooks", "target=cluster&q=INSTALL&risk=change");
	items = json_object_get(a.json, "items");
	assert_true(json_array_size(items) >= 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 0), "target")),
		"cluster");
	answer_done(&a);
	a = list(d, "/api/playbooks", "target=x&risk=y&sort=title");
	assert_int_equal(a.reply.status, 422);
	assert_int_equal(json_array_size(json_object_get(a.json, "errors")), 3);
	answer_done(&a);
	assert_int_equal(status_of(d, "GET", "/api/playbooks/nope", NULL), 404);
	assert_int_equal(status_of(d, "GET", "/api/playbooks/..%2f..%2fx", NULL), 404);
	mem_free(d->config.ansible_collections_path);
	d->config.ansible_collections_path = mem_strdup("ansible");
	a = at_home(d, "GET", "/api/playbooks/node_status", NULL);
	assert_int_equal(a.reply.status, 200);
	assert_non_null(strstr(text_of(&a, "text"), "hosts: mko_targets"));
	answer_done(&a);
}

static const char first_admin[] = "{\"name\":\"root\",\"password\":\"correct horse battery\"}";

static struct answer login(struct test_domain *d, const char *password)
{
	cleanup(mem_freep) char *body =
		mem_printf("{\"name\":\"root\",\"password\":\"%s\"}", password);

	return ask(d,
		(struct api_request){.door = API_DOOR_HTTP,
			.method = "POST",
			.path = "/api/login",
			.body = body,
			.address = "10.0.0.9",
			.host = "h:1"});
}

static void sessions_work_only_from_own_pages_and_end(void **state)
{
	struct test_domain *d = *state;

	assert_int_equal(status_of(d, "POST", "/api/setup", first_admin), 201);
	struct answer a = login(d, "correct horse battery");
	assert_int_equal(a.reply.status, 200);
	assert_non_null(strstr(a.reply.set_cookie, "HttpOnly; SameSite=Strict"));
	cleanup(mem_freep) char *cookie =
		mem_strndup(a.reply.set_cookie, strcspn(a.reply.set_cookie, ";"));
	answer_done(&a);
	struct api_request req = {.door = API_DOOR_HTTP,
		.method = "GET",
		.path = "/api/me",
		.cookie = cookie,
		.host = "h:1"};
	a = ask(d, req);
	assert_string_equal(text_of(&a, "name"), "root");
	answer_done(&a);
	static const char *const origins[] = {NULL, "http://evil", "https://h:1", "http://h:1.evil",
		"null"};
	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		a = ask(d,
			(struct api_request){.door = API_DOOR_HTTP,
				.method = "POST",
				.path = "/api/logout",
				.cookie = cookie,
				.host = "h:1",
				.origin = origins[i]});
		assert_int_equal(a.reply.status, 403);
		answer_done(&a);
	}
	a = ask(d,
		(struct api_request){.door = API_DOOR_HTTP,
			.method = "POST",
			.path = "/api/logout",
			.cookie = cookie,
			.host = "h:1",
			.origin = "http://h:1"});
	assert_int_equal(a.reply.status, 204);
	answer_done(&a);
	a = ask(d, req);
	assert_int_equal(a.reply.status, 401); /* a replayed cookie */
	answer_done(&a);
}

static void logins_are_throttled_with_retry_after(void **state)
{
	struct test_domain *d = *state;

	assert_int_equal(status_of(d, "POST", "/api/setup", first_admin), 201);
	for (int i = 0; i < 5; i++) {
		struct answer a = login(d, "wrong wrong wrong");
		assert_int_equal(a.reply.status, 401);
		answer_done(&a);
	}
	struct answer a = login(d, "correct horse battery");
	assert_int_equal(a.reply.status, 429);
	assert_true(a.reply.retry_after_s >= 1);
	d->clock.fake_ms += a.reply.retry_after_s * 1000;
	answer_done(&a);
	a = login(d, "correct horse battery");
	assert_int_equal(a.reply.status, 200);
	answer_done(&a);
}

static void set_up_over_http_needs_the_code_and_happens_once(void **state)
{
	struct test_domain *d = *state;
	struct api_request req = {.door = API_DOOR_HTTP,
		.method = "POST",
		.path = "/api/setup",
		.body = "{\"password\":\"correct horse battery\",\"code\":\"nope\"}",
		.address = "10.0.0.9"};
	struct answer a = ask(d, req);

	assert_int_equal(a.reply.status, 403);
	answer_done(&a);
	a = at_home(d, "GET", "/api/setup-code", NULL);
	cleanup(mem_freep) char *body =
		mem_printf("{\"password\":\"correct horse battery\",\"code\":\"%s\"}",
			text_of(&a, "code"));
	answer_done(&a);
	req.body = body;
	a = ask(d, req);
	assert_int_equal(a.reply.status, 201);
	answer_done(&a);
	a = ask(d, req);
	assert_int_equal(a.reply.status, 409);
	answer_done(&a);
	assert_int_equal(status_of(d, "GET", "/api/setup-code", NULL), 409);
}

static void passwords_are_ruled_and_changed(void **state)
{
	struct test_domain *d = *state;

	assert_int_equal(status_of(d, "POST", "/api/setup", first_admin), 201);
	assert_int_equal(status_of(d, "POST", "/api/users",
				 "{\"name\":\"ann\",\"password\":\"short\"}"),
		422);
	assert_int_equal(status_of(d, "POST", "/api/users",
				 "{\"name\":\"ann\",\"password\":\"password1234\"}"),
		422);
	assert_int_equal(
		status_of(d, "POST", "/api/users",
			"{\"name\":\"ann\",\"password\":\"a long enough one\",\"role\":\"operator\"}"),
		201);
	assert_int_equal(status_of(d, "POST", "/api/users",
				 "{\"name\":\"ann\",\"password\":\"a long enough one\"}"),
		409);
	assert_int_equal(status_of(d, "POST", "/api/users/ann/password",
				 "{\"password\":\"another long one\"}"),
		204);
	assert_int_equal(status_of(d, "DELETE", "/api/users/root", NULL),
		412); /* the last administrator */
	assert_int_equal(status_of(d, "PATCH", "/api/users/root", "{\"role\":\"viewer\"}"), 412);
	assert_int_equal(status_of(d, "PATCH", "/api/users/root", "{\"disabled\":true}"), 412);
	assert_int_equal(status_of(d, "PATCH", "/api/users/ann", "{\"role\":\"admin\"}"), 200);
	assert_int_equal(status_of(d, "DELETE", "/api/users/root", NULL), 204);
	struct answer a = login(d, "correct horse battery");
	assert_int_equal(a.reply.status, 401);
	answer_done(&a);
}

static void tokens_expire_and_are_revoked_and_give_no_more_than_their_maker_has(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *op = make_token(d, "op", "operator");
	struct api_request req = {.door = API_DOOR_HTTP,
		.method = "POST",
		.path = "/api/tokens",
		.body = "{\"name\":\"x\",\"role\":\"admin\"}",
		.authorization = op};
	struct answer a = ask(d, req);

	assert_int_equal(a.reply.status, 403);
	answer_done(&a);
	a = at_home(d, "POST", "/api/tokens",
		"{\"name\":\"short\",\"role\":\"viewer\",\"expires_s\":60}");
	cleanup(mem_freep) char *header = mem_printf("Bearer %s", text_of(&a, "token"));
	answer_done(&a);
	req = (struct api_request){.door = API_DOOR_HTTP,
		.method = "GET",
		.path = "/api/me",
		.authorization = header};
	a = ask(d, req);
	assert_int_equal(a.reply.status, 200);
	answer_done(&a);
	d->clock.fake_ms += 60000;
	a = ask(d, req);
	assert_int_equal(a.reply.status, 401);
	answer_done(&a);
	assert_int_equal(status_of(d, "DELETE", "/api/tokens/op", NULL), 204);
	req.authorization = op;
	a = ask(d, req);
	assert_int_equal(a.reply.status, 401);
	answer_done(&a);
	a = at_home(d, "GET", "/api/tokens", NULL);
	assert_null(strstr(str_get(&a.reply.body), "mko_"));
	assert_null(strstr(str_get(&a.reply.body), "hash"));
	answer_done(&a);
}

static void refusals_and_changes_are_audited_without_secrets(void **state)
{
	struct test_domain *d = *state;
	struct audit_report report;

	assert_int_equal(status_of(d, "POST", "/api/setup", first_admin), 201);
	struct answer a = login(d, "wrong wrong wrong");
	answer_done(&a);
	cleanup(mem_freep) char *viewer = make_token(d, "v", "viewer");
	a = ask(d,
		(struct api_request){.door = API_DOOR_HTTP,
			.method = "DELETE",
			.path = "/api/nodes/1",
			.authorization = viewer});
	assert_int_equal(a.reply.status, 403);
	answer_done(&a);
	a = at_home(d, "GET", "/api/audit", NULL);
	const char *text = str_get(&a.reply.body);
	assert_non_null(strstr(text, "user.setup"));
	assert_non_null(strstr(text, "unauthenticated"));
	assert_non_null(strstr(text, "forbidden"));
	assert_non_null(strstr(text, "10.0.0.9"));
	assert_null(strstr(text, "correct horse"));
	assert_null(strstr(text, "argon2"));
	answer_done(&a);
	ok(audit_verify(&d->svc, &report));
	assert_int_equal(report.bad_id, I64_NONE);
}

static void an_event_stream_begins_with_what_was_missed(void **state)
{
	struct test_domain *d = *state;

	add_nodes(d, 3);
	struct api_request req = {.door = API_DOOR_LOCAL,
		.method = "GET",
		.path = "/api/events",
		.query = "after=1&topics=nodes"};
	struct answer a = ask(d, req);
	assert_true(a.reply.stream);
	assert_int_equal(a.reply.streaming.after, 3);
	assert_null(strstr(str_get(&a.reply.body), "id: 1\n"));
	assert_non_null(strstr(str_get(&a.reply.body), "id: 2\n"));
	answer_done(&a);
	req.last_event_id = "2"; /* stronger than the address */
	a = ask(d, req);
	assert_null(strstr(str_get(&a.reply.body), "id: 2\n"));
	answer_done(&a);
	req.last_event_id = "77"; /* another store: everything must be read anew */
	a = ask(d, req);
	assert_non_null(strstr(str_get(&a.reply.body), "event: reset\n"));
	answer_done(&a);
	req.last_event_id = "x";
	a = ask(d, req);
	assert_int_equal(a.reply.status, 422);
	assert_false(a.reply.stream);
	answer_done(&a);
	req.last_event_id = NULL;
	req.query = NULL;
	a = ask(d, req); /* from now on */
	assert_int_equal(a.reply.streaming.after, 3);
	answer_done(&a);
}

TEST_MAIN(API_TEST(pages_give_every_row_once_while_rows_come_and_go),
	API_TEST(lists_filter_sort_search_and_name_every_wrong_parameter),
	API_TEST(lists_are_sorted_by_several_fields), API_TEST(every_filter_and_sort_works),
	API_TEST(lists_have_etags_too),
	API_TEST(a_client_that_takes_no_json_gets_406_and_nothing_happens),
	API_TEST(a_key_belongs_to_who_sent_it),
	API_TEST(a_list_has_only_the_fields_that_were_asked_for),
	API_TEST(a_list_inside_the_process_is_the_same_without_text),
	API_TEST(etags_guard_reads_and_changes), API_TEST(a_change_over_http_needs_if_match),
	API_TEST(a_retry_with_the_same_key_starts_nothing_twice),
	API_TEST(a_failed_request_can_be_repeated_under_its_key),
	API_TEST(actions_queue_and_preview),
	API_TEST(playbooks_are_listed_by_page_filtered_and_shown_with_their_text),
	API_TEST(sessions_work_only_from_own_pages_and_end),
	API_TEST(logins_are_throttled_with_retry_after),
	API_TEST(set_up_over_http_needs_the_code_and_happens_once),
	API_TEST(passwords_are_ruled_and_changed),
	API_TEST(tokens_expire_and_are_revoked_and_give_no_more_than_their_maker_has),
	API_TEST(refusals_and_changes_are_audited_without_secrets),
	API_TEST(an_event_stream_begins_with_what_was_missed))
