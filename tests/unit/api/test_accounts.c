/* Accounts over HTTP: set-up by code, passwords, sessions of one's own and of others. */
#include "testing.h"
#include "testing_err.h"

#include "api_testing.h"
#include "service/scope.h"

#define PASSWORD "correct mule battery"

static struct answer over_http(struct test_domain *d, const char *method, const char *path,
	const char *body, const char *cookie)
{
	return ask(d,
		(struct api_request){.door = API_DOOR_HTTP,
			.method = method,
			.path = path,
			.body = body,
			.host = "h:1",
			.origin = "http://h:1",
			.if_match = strcmp(method, "PATCH") == 0 ? "*" : NULL,
			.cookie = cookie,
			.address = "10.0.0.1"});
}

static int http_status(struct test_domain *d, const char *method, const char *path,
	const char *body, const char *cookie)
{
	struct answer a = over_http(d, method, path, body, cookie);
	int status = a.reply.status;

	answer_done(&a);
	return status;
}

/* Add a user and log in; the cookie's text, owned. */
static char *log_in(struct test_domain *d, const char *name, const char *role)
{
	cleanup(mem_freep) char *user =
		mem_printf("{\"name\":\"%s\",\"role\":\"%s\",\"password\":\"" PASSWORD "\"}", name,
			role);
	cleanup(mem_freep) char *body =
		mem_printf("{\"name\":\"%s\",\"password\":\"" PASSWORD "\"}", name);

	assert_int_equal(status_of(d, "POST", "/api/users", user), 201);
	struct answer a = over_http(d, "POST", "/api/login", body, NULL);
	assert_int_equal(a.reply.status, 200);
	char *cookie = mem_strndup(a.reply.set_cookie, strcspn(a.reply.set_cookie, ";"));
	answer_done(&a);
	return cookie;
}

static void a_wrong_set_up_code_costs_time_not_a_core(void **state)
{
	struct test_domain *d = *state;
	struct api_request req = {.door = API_DOOR_HTTP,
		.method = "POST",
		.path = "/api/setup",
		.body = "{\"code\":\"aaaaaaaaaaaaaaaa\",\"password\":\"" PASSWORD "\"}",
		.content_type = "application/json",
		.address = "10.0.0.9",
		.request_id = "r1"};
	struct api_reply reply = {.status = 0};
	int64_t retry_after_s = 0;

	req.body_len = strlen(req.body);
	for (int i = 0; i < 30; i++) {
		ok(store_begin(d->svc.store));
		api_serve(&d->svc, &req, &reply);
		ok(store_commit(d->svc.store));
		assert_null(reply.work); /* no hash is made for it */
		assert_true(reply.status == 403 || reply.status == 429);
		retry_after_s = reply.retry_after_s;
		api_reply_done(&reply);
		reply = (struct api_reply){.status = 0};
	}
	assert_true(retry_after_s > 0);
}

static void set_up_happens_once(void **state)
{
	struct test_domain *d = *state;
	struct answer a = at_home(d, "GET", "/api/setup-code", NULL);
	cleanup(mem_freep) char *body =
		mem_printf("{\"code\":\"%s\",\"password\":\"" PASSWORD "\"}", text_of(&a, "code"));

	answer_done(&a);
	assert_int_equal(http_status(d, "POST", "/api/setup", body, NULL), 201);
	assert_int_equal(http_status(d, "POST", "/api/setup", body, NULL), 409);
	assert_int_equal(status_of(d, "GET", "/api/setup-code", NULL), 409);
}

static void weak_passwords_are_refused_with_the_reason(void **state)
{
	static const struct {
		const char *password, *why;
	} cases[] = {
		{"short", "12 to 1024 characters"},
		/* six characters, twelve bytes */
		{"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc", "12 to 1024 characters"},
		{"margaret-123", "name of the account"},
		{"aaaaaaaaaaaaaaaa", "repetition or a sequence"},
		{"abcabcabcabcabc", "repetition or a sequence"},
		{"abcdefghijklm", "repetition or a sequence"},
		{"987654321098", "repetition or a sequence"},
		{"Administrator1", "first that a guesser tries"},
		{"1q2w3e4r5t6y", "first that a guesser tries"},
		{PASSWORD, NULL},
		{"margaret likes long passwords", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *message = "";
		struct err *e = password_check("password", "margaret", cases[i].password);
		if (e != NULL)
			(void)err_field_at(e, 0, &message);
		if ((e != NULL) != (cases[i].why != NULL) ||
			(e != NULL && strstr(message, cases[i].why) == NULL))
			fail_msg("%s: %s", cases[i].password, message);
		err_free(e);
	}
}

static int64_t own_session(struct test_domain *d, const char *cookie)
{
	struct answer a = over_http(d, "GET", "/api/me", NULL, cookie);
	int64_t id = json_integer_value(json_object_get(a.json, "session_id"));

	assert_int_equal(a.reply.status, 200);
	answer_done(&a);
	return id;
}

static size_t sessions_seen(struct test_domain *d, const char *cookie)
{
	struct answer a = over_http(d, "GET", "/api/sessions", NULL, cookie);
	size_t n = json_array_size(json_object_get(a.json, "items"));

	assert_int_equal(a.reply.status, 200);
	assert_null(strstr(str_get(&a.reply.body), "hash"));
	answer_done(&a);
	return n;
}

static void everybody_ends_the_own_sessions_administrators_all(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *ann = log_in(d, "ann", "viewer");
	cleanup(mem_freep) char *bob = log_in(d, "bob", "operator");
	cleanup(mem_freep) char *eve = log_in(d, "eve", "admin");
	cleanup(mem_freep) char *path =
		mem_printf("/api/sessions/%lld", (long long)own_session(d, ann));

	assert_int_equal(sessions_seen(d, ann), 1);
	assert_int_equal(sessions_seen(d, eve), 3);
	assert_int_equal(http_status(d, "DELETE", path, NULL, bob), 404);
	assert_int_equal(http_status(d, "DELETE", "/api/users/ann/sessions", NULL, bob), 403);
	assert_int_equal(http_status(d, "DELETE", path, NULL, ann), 204);
	assert_int_equal(http_status(d, "GET", "/api/me", NULL, ann), 401);
	assert_int_equal(http_status(d, "DELETE", "/api/users/bob/sessions", NULL, eve), 204);
	assert_int_equal(http_status(d, "GET", "/api/me", NULL, bob), 401);
	assert_int_equal(sessions_seen(d, eve), 1);
}

static void a_wrong_current_password_is_throttled_like_a_login(void **state)
{
	struct test_domain *d = *state;
	static const char right[] =
		"{\"password\":\"a new and longer one\",\"current_password\":\"" PASSWORD "\"}";
	static const char wrong[] =
		"{\"password\":\"a new and longer one\",\"current_password\":\"guess\"}";
	cleanup(mem_freep) char *ann = log_in(d, "ann", "viewer");

	for (int i = 0; i < 5; i++)
		assert_int_equal(http_status(d, "POST", "/api/users/ann/password", wrong, ann),
			422);
	struct answer a = over_http(d, "POST", "/api/users/ann/password", right, ann);
	assert_int_equal(a.reply.status, 429);
	assert_true(a.reply.retry_after_s > 0);
	answer_done(&a);
	/* the same counter as that of logins, in both directions */
	assert_int_equal(http_status(d, "POST", "/api/login",
				 "{\"name\":\"ann\",\"password\":\"" PASSWORD "\"}", NULL),
		429);
	d->clock.fake_ms += 60000;
	assert_int_equal(http_status(d, "POST", "/api/users/ann/password", right, ann), 204);
}

/* Error of asking again for an identity, 0 = it still holds. */
static int still(struct test_domain *d, int64_t token_id, int64_t session_id,
	const struct scope *scope)
{
	struct err *e = account_still(&d->svc, token_id, session_id, scope);
	int code = e != NULL ? (int)err_code(e) : 0;

	err_free(e);
	return code;
}

static void a_reader_is_known_until_the_session_ends_or_sees_less(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *ann = log_in(d, "ann", "viewer");
	int64_t session = own_session(d, ann);
	uint64_t epoch = d->svc.rights_epoch;

	assert_int_equal(still(d, I64_NONE, I64_NONE, NULL), 0);
	assert_int_equal(still(d, I64_NONE, session, NULL), 0);
	assert_int_equal(status_of(d, "POST", "/api/clusters", "{\"name\":\"prod\"}"), 201);
	assert_int_equal(status_of(d, "PATCH", "/api/users/ann", "{\"clusters\":[\"prod\"]}"), 200);
	assert_true(d->svc.rights_epoch > epoch);
	assert_int_equal(still(d, I64_NONE, session, NULL), ERR_FORBIDDEN);
	int64_t prod = 1, other = 2;
	const struct scope same = {&prod, 1}, foreign = {&other, 1};
	assert_int_equal(still(d, I64_NONE, session, &same), 0);
	assert_int_equal(still(d, I64_NONE, session, &foreign), ERR_FORBIDDEN);
	epoch = d->svc.rights_epoch;
	assert_int_equal(status_of(d, "DELETE", "/api/users/ann/sessions", NULL), 204);
	assert_true(d->svc.rights_epoch > epoch);
	assert_int_equal(still(d, I64_NONE, session, &same), ERR_UNAUTHENTICATED);
}

static void a_reader_is_known_until_the_token_or_its_owner_goes(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *ann = log_in(d, "ann", "viewer");

	assert_int_equal(http_status(d, "POST", "/api/tokens",
				 "{\"name\":\"a\",\"expires_s\":3600}", ann),
		201);
	assert_int_equal(http_status(d, "POST", "/api/tokens", "{\"name\":\"b\"}", ann), 201);
	assert_int_equal(http_status(d, "POST", "/api/tokens", "{\"name\":\"c\"}", ann), 201);
	for (int64_t id = 1; id <= 3; id++)
		assert_int_equal(still(d, id, I64_NONE, NULL), 0);
	d->clock.fake_ms += 3600000;
	assert_int_equal(still(d, 1, I64_NONE, NULL), ERR_UNAUTHENTICATED); /* by itself */
	uint64_t epoch = d->svc.rights_epoch;
	assert_int_equal(status_of(d, "DELETE", "/api/tokens/b", NULL), 204);
	assert_true(d->svc.rights_epoch > epoch);
	assert_int_equal(still(d, 2, I64_NONE, NULL), ERR_UNAUTHENTICATED);
	epoch = d->svc.rights_epoch;
	assert_int_equal(status_of(d, "PATCH", "/api/users/ann", "{\"disabled\":true}"), 200);
	assert_true(d->svc.rights_epoch > epoch);
	assert_int_equal(still(d, 3, I64_NONE, NULL), ERR_UNAUTHENTICATED);
	epoch = d->svc.rights_epoch;
	assert_int_equal(status_of(d, "DELETE", "/api/users/ann", NULL), 204);
	assert_true(d->svc.rights_epoch > epoch);
	assert_int_equal(still(d, 3, I64_NONE, NULL), ERR_UNAUTHENTICATED);
}

static void a_login_from_another_origin_is_refused(void **state)
{
	struct test_domain *d = *state;
	static const char *const origins[] = {"http://h:1.evil", "http://evil/?h:1", "https://h:1",
		"null"};

	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		struct answer a = ask(d,
			(struct api_request){.door = API_DOOR_HTTP,
				.method = "POST",
				.path = "/api/login",
				.body = "{\"name\":\"ann\",\"password\":\"x\"}",
				.host = "h:1",
				.origin = origins[i],
				.address = "10.0.0.1"});
		assert_int_equal(a.reply.status, 403);
		answer_done(&a);
	}
}

TEST_MAIN(API_TEST(a_wrong_set_up_code_costs_time_not_a_core), API_TEST(set_up_happens_once),
	API_TEST(weak_passwords_are_refused_with_the_reason),
	API_TEST(a_wrong_current_password_is_throttled_like_a_login),
	API_TEST(a_reader_is_known_until_the_session_ends_or_sees_less),
	API_TEST(a_reader_is_known_until_the_token_or_its_owner_goes),
	API_TEST(everybody_ends_the_own_sessions_administrators_all),
	API_TEST(a_login_from_another_origin_is_refused))
