/* Problems and ETags. */
#include "testing.h"
#include "testing_err.h"

#include "api/reply.h"
#include "base/mem.h"

static const struct api_request http = {.door = API_DOOR_HTTP,
	.method = "GET",
	.path = "/x",
	.request_id = "r1"};
static const struct api_request local = {.door = API_DOOR_LOCAL,
	.method = "GET",
	.path = "/x",
	.request_id = "r1"};

static void a_problem_names_every_wrong_field(void **state)
{
	struct api_reply reply = {0};
	struct err *e = err_field(err_field(NULL, "a", "is wrong"), "b", "is %s", "missing");

	(void)state;
	api_reply_error(&http, err_hint(e, "try"), &reply);
	assert_int_equal(reply.status, 422);
	assert_string_equal(reply.content_type, "application/problem+json");
	json_t *json = json_loads(str_get(&reply.body), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "code")), "invalid");
	assert_string_equal(json_string_value(json_object_get(json, "request_id")), "r1");
	assert_string_equal(json_string_value(json_object_get(json, "hint")), "try");
	assert_int_equal(json_array_size(json_object_get(json, "errors")), 2);
	json_decref(json);
	api_reply_done(&reply);
}

static void inner_causes_stay_inside_except_at_the_local_door(void **state)
{
	struct api_reply reply = {0};

	(void)state;
	api_reply_error(&http, err_new(ERR_INTERNAL, "secret path"), &reply);
	assert_null(strstr(str_get(&reply.body), "secret path"));
	api_reply_error(&local, err_new(ERR_INTERNAL, "secret path"), &reply);
	assert_non_null(strstr(str_get(&reply.body), "secret path"));
	api_reply_done(&reply);
}

static void what_clients_sent_may_be_broken_utf8(void **state)
{
	struct api_reply reply = {0};

	(void)state;
	api_reply_error(&http, err_new(ERR_USAGE, "bad \xff"), &reply);
	json_t *json = json_loads(str_get(&reply.body), 0, NULL);
	assert_non_null(json);
	json_decref(json);
	api_reply_done(&reply);
}

static void unavailable_says_when_to_come_back(void **state)
{
	struct api_reply reply = {0};

	(void)state;
	api_reply_error(&http, err_new(ERR_UNAVAILABLE, "disk full"), &reply);
	assert_int_equal(reply.status, 503);
	assert_int_equal(reply.retry_after_s, 1);
	api_reply_done(&reply);
}

static void etags_are_compared_as_rfc_9110_says(void **state)
{
	(void)state;
	assert_true(reply_etag_listed("\"a\", \"b\"", "\"b\"", false));
	assert_true(reply_etag_listed("*", "\"b\"", false));
	assert_true(reply_etag_listed("W/\"b\"", "\"b\"", true));
	assert_false(reply_etag_listed("W/\"b\"", "\"b\"", false));
	assert_false(reply_etag_listed("\"bb\"", "\"b\"", false));
	assert_false(reply_etag_listed("", "\"b\"", false));
	assert_false(reply_etag_listed(" ,, ", "\"b\"", true));
	/* the compressed form has a tag of its own, of the same object */
	assert_true(reply_etag_listed("\"b-gz\"", "\"b\"", false));
	assert_true(reply_etag_listed("W/\"b-gz\"", "\"b\"", true));
	assert_false(reply_etag_listed("\"c-gz\"", "\"b\"", false));
	assert_false(reply_etag_listed("\"b-gx\"", "\"b\"", false));
}

TEST_MAIN(cmocka_unit_test(a_problem_names_every_wrong_field),
	cmocka_unit_test(inner_causes_stay_inside_except_at_the_local_door),
	cmocka_unit_test(what_clients_sent_may_be_broken_utf8),
	cmocka_unit_test(unavailable_says_when_to_come_back),
	cmocka_unit_test(etags_are_compared_as_rfc_9110_says))
