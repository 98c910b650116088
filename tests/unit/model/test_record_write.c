/* model/record_write: the text says the same as the tree of record_to_json(). */
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
	json_decref(tree);
	json_decref(text);
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
	json_t *more = json_pack("{s:i, s:i}", "more", 1, "less", 2);

	(void)state;
	record_init(&node_type, &n);
	field_set_text(&n.hostname, "n1");
	field_set_text(&n.become_password, "sealed");
	record_write_begin(&w);
	record_write_fields(&w, &node_type, &n);
	record_write_text(&w, "cluster_name", NULL);
	record_write_bool(&w, "has_sudo_password", true);
	record_write_object(&w, more);
	record_write_end(&w);
	assert_string_equal(str_get(&text), "{\"hostname\":\"n1\",\"more\":1}");
	str_done(&text);
	json_decref(more);
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
	cmocka_unit_test(odd_values_are_written_as_the_tree_has_them),
	cmocka_unit_test(only_the_wanted_keys_are_written),
	cmocka_unit_test(more_keys_may_come_first_or_alone))
