/* Decoding of paths, queries, bodies, cookies: what is taken, what is refused. */
#include "testing.h"
#include "testing_err.h"

#include "api/decode.h"
#include "base/mem.h"
#include "base/str.h"

static void path_is_split_and_decoded(void **state)
{
	struct decode_path path;

	(void)state;
	assert_ok(decode_path_parse("/api/nodes/n%31", &path));
	assert_int_equal(path.n, 3);
	assert_string_equal(path.parts[2], "n1");
	decode_path_done(&path);
}

static void bad_paths_are_refused(void **state)
{
	static const char *const bad[] = {"api", "/api//nodes", "/api/nodes/", "/api/../etc",
		"/api/./x", "/api/%2e%2e/x", "/api/%", "/api/%1", "/api/%zz", "/api/%00",
		"/api/a%0ab", "/api/%ff", "/api/%c0%af"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct decode_path path;
		assert_fails(decode_path_parse(bad[i], &path), ERR_USAGE);
	}
}

static void long_paths_are_no_routes(void **state)
{
	struct decode_path path;

	(void)state;
	assert_fails(decode_path_parse("/1/2/3/4/5/6/7/8/9", &path), ERR_NOT_FOUND);
	cleanup(mem_freep) char *text = mem_zalloc(20002);
	memset(text, 'a', 20000);
	text[0] = '/';
	assert_fails(decode_path_parse(text, &path), ERR_USAGE);
}

static void query_pairs_are_decoded(void **state)
{
	struct decode_query q;

	(void)state;
	assert_ok(decode_query_parse("a=1&&b=x%20y+z&c", &q));
	assert_string_equal(decode_query_get(&q, "a"), "1");
	assert_string_equal(decode_query_get(&q, "b"), "x y z");
	assert_string_equal(decode_query_get(&q, "c"), "");
	assert_null(decode_query_get(&q, "d"));
	decode_query_done(&q);
	assert_ok(decode_query_parse(NULL, &q));
	assert_int_equal(q.n, 0);
}

static void bad_queries_are_refused(void **state)
{
	struct decode_query q;
	struct str many = STR_INIT;

	(void)state;
	assert_says(decode_query_parse("a=1&a=2", &q), ERR_USAGE, "twice");
	assert_fails(decode_query_parse("=1", &q), ERR_USAGE);
	assert_fails(decode_query_parse("a=%00", &q), ERR_USAGE);
	for (int i = 0; i <= DECODE_PAIRS_MAX; i++)
		str_addf(&many, "p%d=1&", i);
	assert_fails(decode_query_parse(str_get(&many), &q), ERR_USAGE);
	str_done(&many);
}

static struct err *parse(const char *text)
{
	json_t *json = NULL;
	struct err *e = decode_json_object(text, strlen(text), &json);

	json_decref(json);
	return e;
}

static void json_bodies(void **state)
{
	(void)state;
	assert_ok(parse("{\"a\":[1,{\"b\":\"}]\\\"\"}]}"));
	assert_says(parse("{\"a\":1,}"), ERR_USAGE, "line 1 column 8");
	assert_fails(parse("{\"a\":1,\"a\":2}"), ERR_USAGE);
	assert_fails(parse("[1]"), ERR_USAGE);
	assert_fails(parse("1"), ERR_USAGE);
	assert_fails(parse(""), ERR_USAGE);
	assert_fails(parse("{} {}"), ERR_USAGE);
	assert_fails(parse("{\"a\":\"\\u0000\"}"), ERR_USAGE);
	assert_fails(parse("{\"a\":\"\xff\"}"), ERR_USAGE);
	assert_fails(parse("{\"a\":1e999}"), ERR_USAGE);
}

static void deep_json_is_refused_before_it_is_parsed(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	str_adds(&s, "{\"a\":");
	for (int i = 0; i < 100000; i++)
		str_addc(&s, '[');
	assert_says(parse(str_get(&s)), ERR_USAGE, "nested");
	str_done(&s);
}

static void cookies_are_found_by_whole_name(void **state)
{
	(void)state;
	cleanup(mem_freep) char *value =
		decode_cookie("x_mko_session=no; mko_session=yes; z=1", "mko_session");
	assert_string_equal(value, "yes");
	assert_null(decode_cookie("mko_sessions=1;mko_session", "mko_session"));
	assert_null(decode_cookie(NULL, "mko_session"));
}

TEST_MAIN(cmocka_unit_test(path_is_split_and_decoded), cmocka_unit_test(bad_paths_are_refused),
	cmocka_unit_test(long_paths_are_no_routes), cmocka_unit_test(query_pairs_are_decoded),
	cmocka_unit_test(bad_queries_are_refused), cmocka_unit_test(json_bodies),
	cmocka_unit_test(deep_json_is_refused_before_it_is_parsed),
	cmocka_unit_test(cookies_are_found_by_whole_name))
