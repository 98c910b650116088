/* model/yaml: what people write becomes JSON; what is wrong is told by line and column. */
#include "testing.h"
#include "testing_err.h"

#include "base/mem.h"
#include "model/yaml.h"

static void values_become_what_a_person_means(void **state)
{
	(void)state;
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"a: 1", "{\"a\":1}"},
		{"a: 1.32", "{\"a\":\"1.32\"}"}, /* a channel, not a number */
		{"a: 0755", "{\"a\":\"0755\"}"},
		{"a: \"1\"", "{\"a\":\"1\"}"},
		{"a: -5\nb: 0", "{\"a\":-5,\"b\":0}"},
		{"a: 99999999999999999999", "{\"a\":\"99999999999999999999\"}"},
		{"a: true\nb: yes", "{\"a\":true,\"b\":\"yes\"}"},
		{"a:\nb: ~", "{\"a\":null,\"b\":null}"},
		{"a: [1, {b: c}]", "{\"a\":[1,{\"b\":\"c\"}]}"},
		{"- x\n- y", "[\"x\",\"y\"]"},
		{"a: |\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\"}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct yaml_file file = {0};
		assert_ok(yaml_read("f", cases[i].text, strlen(cases[i].text), &file));
		json_t *want = json_loads(cases[i].json, 0, NULL);
		if (!json_equal(file.docs[0].json, want))
			fail_msg("%s", cases[i].text);
		json_decref(want);
		yaml_done(&file);
	}
}

static void wrong_files_are_refused_at_their_place(void **state)
{
	(void)state;
	static const struct {
		const char *text, *where;
	} cases[] = {
		{"a: 1\nb: [1, 2\n", "f:3:1"},
		{"a: 1\n\tb: 2\n", "f:2:1"},
		{"a: 1\nb: 2\na: 3\n", "f:3:1"},
		{"a: &x 1\nb: *x\n", "f:1:4"},
		{"a: !!python/object 1\n", "f:1:4"},
		{"a[0]: 1\n", "f:1:1"},
		{"[a]: 1\n", "f:1:1"},
		{"? {a: b}\n: 1\n", "f:1:3"},
		{"[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "f:1:18"},
		{"a: \"\\0\"\n", "f:1:4"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct yaml_file file = {0};
		const char *message = NULL;
		struct err *e = yaml_read("f", cases[i].text, strlen(cases[i].text), &file);
		assert_non_null(e);
		assert_int_equal(err_code(e), ERR_INVALID);
		if (strcmp(err_field_at(e, 0, &message), cases[i].where) != 0)
			fail_msg("%s: %s %s", cases[i].text, err_field_at(e, 0, &message), message);
		err_free(e);
	}
	struct yaml_file file = {0};
	assert_says(yaml_read("f", "", 0, &file), ERR_INVALID, "f is empty");
}

static void fields_are_told_by_line_and_column_in_their_document(void **state)
{
	(void)state;
	const char *text =
		"kind: A\n---\nkind: B\nspec:\n  nodes:\n    - name: n1\n    - {name: n2, role: x}\n";
	struct yaml_file file = {0};
	const char *message = NULL;
	assert_ok(yaml_read("c.yaml", text, strlen(text), &file));
	assert_int_equal(file.n, 2);
	struct err *e = err_field(NULL, "role", "is no role");
	e = err_field(yaml_join(NULL, "spec.nodes[1].", e), "spec.nodes[0].address", "is required");
	e = yaml_locate(&file, &file.docs[1], e);
	assert_string_equal(err_field_at(e, 0, &message), "c.yaml:7:18");
	assert_string_equal(message, "spec.nodes[1].role: is no role");
	/* what is missing is told where it is missing */
	assert_string_equal(err_field_at(e, 1, &message), "c.yaml:6:7");
	err_free(e);
	yaml_done(&file);
}

TEST_MAIN(cmocka_unit_test(values_become_what_a_person_means),
	cmocka_unit_test(wrong_files_are_refused_at_their_place),
	cmocka_unit_test(fields_are_told_by_line_and_column_in_their_document))
