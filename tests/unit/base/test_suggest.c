/* base/suggest: slips of the fingers are found, other words are not. */
#include "testing.h"

#include "base/suggest.h"

static void test_distance(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		size_t d;
	} cases[] = {
		{"", "", 0},
		{"a", "", 1},
		{"", "abc", 3},
		{"node", "node", 0},
		{"Node", "nODE", 0},
		{"nodes", "node", 1},
		{"ndoe", "node", 1},
		{"clutser", "cluster", 1},
		{"kitten", "sitting", 3},
		{"status", "setup", 3},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(suggest_distance(cases[i].a, cases[i].b), cases[i].d);
}

static void test_nearest(void **state)
{
	(void)state;
	static const char *const words[] = {"add", "list", "status", "setup", "hostname", NULL};
	static const struct {
		const char *typed, *want;
	} cases[] = {{"lsit", "list"}, {"stauts", "status"}, {"stat", "status"},
		{"hostnmae", "hostname"}, {"aad", "add"}, {"banana", NULL}, {"x", NULL},
		{"", NULL}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct suggest s = suggest_start(cases[i].typed);
		for (size_t w = 0; words[w] != NULL; w++)
			suggest_try(&s, words[w]);
		suggest_try(&s, NULL);
		if (cases[i].want == NULL)
			assert_null(s.best);
		else
			assert_string_equal(s.best, cases[i].want);
	}
}

TEST_MAIN(cmocka_unit_test(test_distance), cmocka_unit_test(test_nearest))
