/* model/record_write: texts and values say the same as the tree of record_to_json(). */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "model/account.h"
#include "model/cluster.h"
#include "model/node.h"
#include "model/operation.h"
#include "model/record_write.h"

/* The text of a record as JSON again; the caller frees. */
static json_t *written(const struct record_type *type, const void *obj, const char *const *only,
	size_t n_only)
{
	struct str text = STR_INIT;
	struct record_writer w = {.out = &text, .only = only, .n_only = n_only};

	record_write_begin(&w);
	record_write_fields(&w, type, obj);
	record_write_end(&w);
	json_t *json = json_loadb(str_get(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	str_done(&text);
	return json;
}

static void assert_same(const struct record_type *type, const void *obj)
{
	json_t *tree = record_to_json(type, obj);
	json_t *text = written(type, obj, NULL, 0);

	assert_true(json_equal(tree, text));
	json_t *items = json_array();
	struct record_writer w = {.items = items};
	record_write_begin(&w);
	record_write_fields(&w, type, obj);
	record_write_end(&w);
	assert_true(json_equal(tree, json_array_get(items, 0)));
	json_decref(items);
	json_decref(tree);
	json_decref(text);
}

/* Every way to write a key, for the writers of the tests below. */
static void write_all(struct record_writer *w, const struct node *n)
{
	json_t *more = json_pack("{s:i, s:i}", "more", 1, "less", 2);

	record_write_begin(w);
	record_write_fields(w, &node_type, n);
	record_write_text(w, "cluster_name", NULL);
	record_write_text(w, "odd", "\xff");
	record_write_bool(w, "has_sudo_password", true);
	record_write_object(w, more);
	record_write_end(w);
	json_decref(more);
}

static void values_are_those_of_the_text(void **state)
{
	static const char *const only[] = {"hostname", "cluster_name", "odd", "has_sudo_password",
		"less"};
	struct str text = STR_INIT;
	struct record_writer to_text = {.out = &text};
	struct record_writer to_values = {.items = json_array()};
	struct node n;

	(void)state;
	record_init(&node_type, &n);
	for (size_t n_only = 0; n_only <= ARRAY_LEN(only); n_only++) {
		to_text.only = to_values.only = n_only > 0 ? only : NULL;
		to_text.n_only = to_values.n_only = n_only;
		write_all(&to_text, &n);
		write_all(&to_values, &n);
		json_t *want = json_loads(str_get(&text), 0, NULL);
		assert_non_null(want);
		assert_true(json_equal(want, json_array_get(to_values.items, n_only)));
		json_decref(want);
		str_reset(&text);
	}
	str_done(&text);
	json_decref(to_values.items);
	record_done(&node_type, &n);
}

static void defaults_of_every_type_are_written_as_the_tree_has_them(void **state)
{
	static const struct record_type *const types[] = {&node_type, &cluster_type,
		&operation_type, &op_host_type, &user_type, &token_type, &audit_type};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		void *obj = mem_zalloc(types[i]->size);
		record_init(types[i], obj);
		assert_same(types[i], obj);
		record_done(types[i], obj);
		mem_free(obj);
	}
}

static void odd_values_are_written_as_the_tree_has_them(void **state)
{
	struct node n;
	static const int64_t numbers[] = {0, 1, -1, 9, 10, -10, INT64_MAX, INT64_MIN + 1};
	static const char *const texts[] = {"", "plain", "\"\\/", "\b\f\n\r\t\x01\x7f", "\xc3\xa4",
		"\xff half \xc3", "\xe2\x82\xac and \xf0\x9f\x98\x80"};

	(void)state;
	record_init(&node_type, &n);
	json_decref(n.tags);
	n.tags = json_pack("[s,s]", "a\"b", "\xc3\xa4");
	n.created_at = INT64_C(1795424159123);
	n.last_seen = -1;
	n.role = 99; /* no such value */
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		n.memory_bytes = numbers[i];
		assert_same(&node_type, &n);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		field_set_text(&n.notes, texts[i]);
		assert_same(&node_type, &n);
	}
	record_done(&node_type, &n);
}

static void only_the_wanted_keys_are_written(void **state)
{
	static const char *const only[] = {"hostname", "nosuch", "become_password", "more"};
	struct str text = STR_INIT;
	struct record_writer w = {.out = &text, .only = only, .n_only = ARRAY_LEN(only)};
	struct node n;

	(void)state;
	record_init(&node_type, &n);
	field_set_text(&n.hostname, "n1");
	field_set_text(&n.become_password, "sealed");
	write_all(&w, &n);
	assert_string_equal(str_get(&text), "{\"hostname\":\"n1\",\"more\":1}");
	str_done(&text);
	record_done(&node_type, &n);
}

static void more_keys_may_come_first_or_alone(void **state)
{
	struct str text = STR_INIT;
	struct record_writer w = {.out = &text};
	json_t *object = json_pack("{s:n}", "odd \"key\"");

	(void)state;
	record_write_begin(&w);
	record_write_end(&w);
	record_write_begin(&w);
	record_write_text(&w, "a", "b");
	record_write_bool(&w, "c", false);
	record_write_object(&w, object);
	record_write_end(&w);
	assert_string_equal(str_get(&text), "{}{\"a\":\"b\",\"c\":false,\"odd \\\"key\\\"\":null}");
	str_done(&text);
	json_decref(object);
}

TEST_MAIN(cmocka_unit_test(defaults_of_every_type_are_written_as_the_tree_has_them),
	cmocka_unit_test(values_are_those_of_the_text),
	cmocka_unit_test(odd_values_are_written_as_the_tree_has_them),
	cmocka_unit_test(only_the_wanted_keys_are_written),
	cmocka_unit_test(more_keys_may_come_first_or_alone))
