/* base/str: building, quoting, limits. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static void pieces_are_joined(void **state)
{
	(void)state;
	struct str s = STR_INIT;
	assert_string_equal(str_get(&s), "");
	str_adds(&s, "a");
	str_adds(&s, NULL);
	str_addc(&s, 'b');
	str_add(&s, "cde", 2);
	str_addf(&s, "%03d", 7);
	assert_string_equal(str_get(&s), "abcd007");
	assert_int_equal(s.len, 7);
	str_reset(&s);
	assert_string_equal(str_get(&s), "");
	str_done(&s);
}

static void take_hands_the_text_over(void **state)
{
	(void)state;
	struct str s = STR_INIT;
	char *empty = str_take(&s);
	assert_string_equal(empty, "");
	mem_free(empty);
	str_adds(&s, "x");
	char *text = str_take(&s);
	assert_string_equal(text, "x");
	assert_null(s.data);
	mem_free(text);
}

static void overflow_is_remembered_until_the_end(void **state)
{
	(void)state;
	struct str s = {.max = 4};
	str_adds(&s, "1234");
	assert_false(s.overflowed);
	str_addc(&s, '5');
	str_adds(&s, "");
	assert_true(s.overflowed);
	assert_string_equal(str_get(&s), "1234");
	assert_null(str_take(&s));
	str_adds(&s, "again");
	assert_string_equal(str_get(&s), "again");
	str_done(&s);
}

static void many_bytes_are_kept(void **state)
{
	(void)state;
	struct str s = STR_INIT;
	for (int i = 0; i < 100000; i++)
		str_addc(&s, (char)('a' + i % 26));
	assert_int_equal(strlen(str_get(&s)), 100000);
	assert_int_equal(s.data[99999], 'a' + 99999 % 26);
	str_done(&s);
}

static void check_quoting(void (*quote)(struct str *, const char *), const char *const (*cases)[2],
	size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str s = STR_INIT;
		quote(&s, cases[i][0]);
		assert_string_equal(str_get(&s), cases[i][1]);
		str_done(&s);
	}
}

static void json_is_always_valid(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", "\"\""}, {"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"\n\t\r\b\f\x01\x7f", "\"\\n\\t\\r\\b\\f\\u0001\\u007f\""},
		{"\xc3\xa4\xe2\x98\x83\xf0\x9f\x98\x80",
			"\"\xc3\xa4\xe2\x98\x83\xf0\x9f\x98\x80\""},
		{"\xff", "\"\xef\xbf\xbd\""},                                 /* no lead byte */
		{"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* surrogate */
		{"\xe2\x98", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* cut off */
	};
	check_quoting(str_add_json, cases, ARRAY_LEN(cases));
}

static void csv_is_quoted_and_formulas_are_defused(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"", ""},
		{"a,b", "\"a,b\""},
		{"a\"b", "\"a\"\"b\""},
		{"a\nb", "\"a\nb\""},
		{"=1+1", "\"'=1+1\""},
		{"@x", "\"'@x\""},
		{"-1", "\"'-1\""},
	};
	check_quoting(str_add_csv, cases, ARRAY_LEN(cases));
}

static void shell_words_survive_a_shell(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"/usr/bin/x-1.2", "/usr/bin/x-1.2"},
		{"", "''"},
		{"a b", "'a b'"},
		{"it's", "'it'\\''s'"},
		{"$(rm)", "'$(rm)'"},
		{"~", "'~'"},
	};
	check_quoting(str_add_shell, cases, ARRAY_LEN(cases));
}

static void terminals_get_no_escape_sequences(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"\xc3\xa4 ok", "\xc3\xa4 ok"},
		{"\x1b[31m", "\\x1b[31m"},
		{"a\nb", "a\\x0ab"},
		{"\xc2\x9b"
		 "31m",
			"\\xc2\\x9b31m"},
		{"\xff", "\\xff"},
		{"\x7f", "\\x7f"},
	};
	check_quoting(str_add_printable, cases, ARRAY_LEN(cases));
}

TEST_MAIN(cmocka_unit_test(pieces_are_joined), cmocka_unit_test(take_hands_the_text_over),
	cmocka_unit_test(overflow_is_remembered_until_the_end),
	cmocka_unit_test(many_bytes_are_kept), cmocka_unit_test(json_is_always_valid),
	cmocka_unit_test(csv_is_quoted_and_formulas_are_defused),
	cmocka_unit_test(shell_words_survive_a_shell),
	cmocka_unit_test(terminals_get_no_escape_sequences))
