/* Checks: each proves itself by its own vectors; together they make a report in which causes come
 * first. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "model/check/check.h"

static void every_vector_of_every_check_comes_out_as_it_says(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < checks_n; i++)
		for (size_t k = 0; k < checks[i]->n_vectors; k++) {
			const struct check_vector *v = &checks[i]->vectors[k];
			char *found = NULL;
			enum check_result result = check_try(checks[i], v, &found);
			if (result != v->result ||
				(v->found != NULL && strstr(found, v->found) == NULL)) {
				print_message("%s, vector %zu: %s \"%s\"\n", checks[i]->code, k,
					enum_text(&check_result_table, result), found);
				wrong++;
			}
			mem_free(found);
		}
	assert_int_equal(wrong, 0);
}

static bool has_vector(const struct check *check, bool problem)
{
	for (size_t k = 0; k < check->n_vectors; k++) {
		enum check_result r = check->vectors[k].result;
		if ((r == CHECK_FAIL || r == CHECK_WARN) == problem)
			return true;
	}
	return false;
}

static void every_check_has_a_code_of_its_own_words_and_a_vector_for_well_and_for_ill(void **state)
{
	(void)state;
	for (size_t i = 0; i < checks_n; i++) {
		const struct check *c = checks[i];
		print_message("%s\n", c->code);
		assert_ptr_equal(check_find(c->code), c);
		assert_true(strncmp(c->code, "MKO-", 4) == 0 && strlen(c->code) == 11);
		assert_true(c->uses != 0);
		assert_true(c->title != NULL && c->expected != NULL && c->fix != NULL);
		assert_true(c->why != NULL && c->why[strlen(c->why) - 1] == '.');
		assert_true(has_vector(c, true));
		assert_true(has_vector(c, false));
	}
	assert_null(check_find("MKO-PRE-999"));
	assert_non_null(check_find("mko-pre-001"));
}

static void checks_without_an_answer_say_unknown_and_only_reaching_fails(void **state)
{
	const struct check_node node = {.name = "n1", .role = "none", .message = "timed out"};
	const struct check_run run = {.nodes = &node, .n = 1};
	json_t *items = check_evaluate(&run, CHECK_PREREQUISITE, false);
	const json_t *first = json_array_get(items, 0);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(first, "code")), "MKO-PRE-030");
	assert_string_equal(json_string_value(json_object_get(first, "found")), "timed out");
	for (size_t i = 1; i < json_array_size(items); i++)
		assert_string_equal(json_string_value(json_object_get(json_array_get(items, i),
					    "result")),
			"unknown");
	json_decref(items);
}

static void causes_come_before_consequences_and_what_is_well_last(void **state)
{
	json_t *data = json_loads(
		"{\"facts\":{\"timedatectl\":\"no\",\"disk\":{\"free\":10}},\"reachable\":true}", 0,
		NULL);
	const struct check_node node = {.name = "n1", .role = "worker", .data = data};
	const struct check_run run = {.nodes = &node, .n = 1};
	json_t *all = check_evaluate(&run, CHECK_PREREQUISITE, false);
	json_t *some = check_evaluate(&run, CHECK_PREREQUISITE, true);
	size_t disk = 0;
	size_t clock = 0;

	(void)state;
	for (size_t i = 0; i < json_array_size(all); i++) {
		const char *code =
			json_string_value(json_object_get(json_array_get(all, i), "code"));
		disk = strcmp(code, "MKO-PRE-009") == 0 ? i : disk;
		clock = strcmp(code, "MKO-PRE-014") == 0 ? i : clock;
	}
	assert_true(disk < clock);
	assert_true(json_array_size(some) < json_array_size(all));
	json_decref(all);
	json_decref(some);
	json_decref(data);
}

static void what_a_node_says_never_breaks_the_report(void **state)
{
	/* half a character at the place where texts are cut, escapes, a lot of it */
	cleanup(str_done) struct str long_name = STR_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		str_adds(&long_name, "\xc3\xa4\x1b[2J");
	json_t *data = json_pack("{ss s{ss}}", "hostname", str_get(&long_name), "facts", "swaps",
		str_get(&long_name));
	const struct check_node node = {.name = "n1", .role = "none", .data = data};
	const struct check_run run = {.nodes = &node, .n = 1};
	json_t *items = check_evaluate(&run, CHECK_PREREQUISITE, false);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *found =
			json_string_value(json_object_get(json_array_get(items, i), "found"));
		assert_non_null(found);
		assert_true(strlen(found) <= 500);
	}
	json_decref(items);
	json_decref(data);
}

TEST_MAIN(cmocka_unit_test(every_vector_of_every_check_comes_out_as_it_says),
	cmocka_unit_test(every_check_has_a_code_of_its_own_words_and_a_vector_for_well_and_for_ill),
	cmocka_unit_test(checks_without_an_answer_say_unknown_and_only_reaching_fails),
	cmocka_unit_test(causes_come_before_consequences_and_what_is_well_last),
	cmocka_unit_test(what_a_node_says_never_breaks_the_report))
