/* model/record: JSON in and out, all errors at once, defaults, copies, schema; and every table of
 * the model is sound. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/account.h"
#include "model/cluster.h"
#include "model/config.h"
#include "model/event.h"
#include "model/idempotency.h"
#include "model/node.h"
#include "model/operation.h"
#include "model/record.h"
#include "testing_err.h"

/* One field of each kind, with each kind of limit. */
struct thing {
	int64_t id;
	char *name;
	int64_t size;
	int64_t any;
	bool on;
	int64_t role;
	int64_t at;
	json_t *list;
	json_t *map;
	char *secret;
	char *once;
	char *later;
	char *fixed;
};

static const struct field thing_fields[] = {
	ROW_I64(struct thing, id, FIELD_FIND, .help = "id"),
	ROW_TEXT(struct thing, name, FIELD_EDIT | FIELD_REQUIRED, .min = 2, .max = 5,
		.check = check_line, .help = "name"),
	ROW_I64(struct thing, size, FIELD_EDIT, .min = 1, .max = 10, .def = "7", .help = "size"),
	ROW_I64(struct thing, any, FIELD_EDIT, .help = "any number"),
	ROW_BOOL(struct thing, on, FIELD_EDIT, .def = "true", .help = "on"),
	ROW_ENUM(struct thing, role, FIELD_EDIT, .choices = &role_table, .def = "viewer",
		.help = "role"),
	ROW_TIME(struct thing, at, FIELD_EDIT, .help = "time"),
	ROW_JSON(struct thing, list, FIELD_EDIT, .max = 2, .check_json = check_json_tags,
		.def = "[]", .help = "list"),
	ROW_JSON(struct thing, map, FIELD_EDIT, .check_json = check_json_object, .help = "map"),
	ROW_TEXT(struct thing, secret, FIELD_HIDDEN, .help = "secret"),
	ROW_TEXT(struct thing, once, FIELD_CREATE, .help = "only at creation"),
	ROW_TEXT(struct thing, later, FIELD_UPDATE, .help = "only later"),
	ROW_TEXT(struct thing, fixed, 0, .help = "read-only"),
};
static const struct record_type thing_type = {
	.name = "thing",
	.table = "things",
	.size = sizeof(struct thing),
	.key = "name",
	.fields = thing_fields,
	.n_fields = ARRAY_LEN(thing_fields),
};

static const struct record_type *const all_types[] = {&node_type, &cluster_type, &operation_type,
	&op_host_type, &op_lock_type, &user_type, &token_type, &session_type, &configuration_type,
	&audit_type, &event_type, &idempotency_type, &config_type};

static struct err *read_thing(struct thing *t, const char *text, enum record_mode mode)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	assert_non_null(json);
	struct err *e = record_from_json(&thing_type, t, json, mode);
	json_decref(json);
	return e;
}

static void a_new_record_has_the_defaults(void **state)
{
	(void)state;
	struct thing t;
	memset(&t, 0xee, sizeof(t));
	record_init(&thing_type, &t);
	assert_int_equal(t.id, I64_NONE);
	assert_null(t.name);
	assert_int_equal(t.size, 7);
	assert_int_equal(t.any, I64_NONE);
	assert_true(t.on);
	assert_int_equal(t.role, ROLE_VIEWER);
	assert_int_equal(t.at, I64_NONE);
	assert_int_equal(json_array_size(t.list), 0);
	assert_null(t.map);
	record_done(&thing_type, &t);
	assert_null(t.list);
	record_done(&thing_type, &t);
}

static void json_is_read_into_every_kind(void **state)
{
	(void)state;
	struct thing t;
	record_init(&thing_type, &t);
	assert_ok(read_thing(&t,
		"{\"name\":\"abc\",\"size\":10,\"any\":-9,\"on\":false,\"role\":\"admin\",\"at\":\"2026-11-23T08:55:59.123Z\","
		"\"list\":[\"a\"],\"map\":{\"k\":1},\"once\":\"o\"}",
		RECORD_CREATE));
	assert_string_equal(t.name, "abc");
	assert_int_equal(t.size, 10);
	assert_int_equal(t.any, -9);
	assert_false(t.on);
	assert_int_equal(t.role, ROLE_ADMIN);
	assert_int_equal(t.at, INT64_C(1795424159123));
	assert_int_equal(json_array_size(t.list), 1);
	assert_int_equal(json_object_size(t.map), 1);
	assert_string_equal(t.once, "o");
	record_done(&thing_type, &t);
}

static void each_wrong_value_says_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *json, *says;
	} cases[] = {
		{"{\"name\":5}", "name: must be a text"},
		{"{\"name\":\"a\"}", "name: must have at least 2"},
		{"{\"name\":\"abcdef\"}", "name: must have at most 5"},
		{"{\"name\":\"a\\nb\"}", "name: may not contain control characters"},
		{"{\"name\":\"a\\u0000b\"}", "name: may not contain a NUL"},
		{"{\"name\":null}", "name: is required"},
		{"{\"size\":0}", "size: must be between 1 and 10"},
		{"{\"size\":11}", "size: must be between 1 and 10"},
		{"{\"size\":\"5\"}", "size: must be a whole number"},
		{"{\"size\":5.0}", "size: must be a whole number"},
		{"{\"size\":true}", "size: must be a whole number"},
		{"{\"any\":-9223372036854775808}", "any: is too small"},
		{"{\"on\":1}", "on: must be true or false"},
		{"{\"on\":\"true\"}", "on: must be true or false"},
		{"{\"role\":\"root\"}", "role: must be one of: none, viewer, operator, admin"},
		{"{\"role\":1}", "role: must be a text"},
		{"{\"at\":\"yesterday\"}", "at: must be a time"},
		{"{\"at\":123}", "at: must be a text"},
		{"{\"list\":{}}", "list: must be an array"},
		{"{\"list\":\"a\"}", "list: must be an array"},
		{"{\"list\":[\"a\",\"b\",\"c\"]}", "list: must have 0 to 2 elements"},
		{"{\"list\":[5]}", "list: element 0 must be a text"},
		{"{\"list\":[\"a\",\"\"]}", "list: element 1 must be a text"},
		{"{\"map\":[]}", "map: must be an object"},
		{"{\"id\":5}", "id: is read-only"},
		{"{\"fixed\":\"x\"}", "fixed: is read-only"},
		{"{\"secret\":\"x\"}", "secret: unknown field"},
		{"{\"once\":\"x\"}", "once: cannot be changed"},
		{"{\"nmae\":\"x\"}", "nmae: unknown field, did you mean \"name\"?"},
		{"{\"wholly different\":1}", "wholly different: unknown field"},
		{"{\"\":1}", ": unknown field"},
		{"[]", "must be a JSON object"},
		{"\"x\"", "must be a JSON object"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct thing t;
		record_init(&thing_type, &t);
		assert_says(read_thing(&t, cases[i].json, RECORD_UPDATE), ERR_INVALID,
			cases[i].says);
		record_done(&thing_type, &t);
	}
}

static void all_wrong_fields_are_told_at_once(void **state)
{
	(void)state;
	struct thing t;
	const char *message = NULL;
	record_init(&thing_type, &t);
	struct err *e = read_thing(&t,
		"{\"size\":0,\"later\":\"x\",\"rolle\":\"admin\",\"on\":false}", RECORD_CREATE);
	assert_non_null(e);
	assert_int_equal(err_field_count(e), 4);
	assert_string_equal(err_field_at(e, 0, &message), "size");
	assert_string_equal(err_field_at(e, 1, &message), "later");
	assert_string_equal(message, "cannot be given on creation");
	assert_string_equal(err_field_at(e, 2, &message), "rolle");
	assert_non_null(strstr(message, "\"role\""));
	assert_string_equal(err_field_at(e, 3, &message), "name");
	assert_string_equal(message, "is required");
	err_free(e);
	record_done(&thing_type, &t);
}

static void an_update_changes_only_what_is_there(void **state)
{
	(void)state;
	struct thing t;
	record_init(&thing_type, &t);
	assert_ok(read_thing(&t, "{\"name\":\"abc\",\"size\":3,\"any\":4}", RECORD_CREATE));
	assert_ok(read_thing(&t, "{\"any\":5}", RECORD_UPDATE));
	assert_string_equal(t.name, "abc");
	assert_int_equal(t.size, 3);
	assert_int_equal(t.any, 5);
	assert_ok(read_thing(&t, "{}", RECORD_UPDATE));
	assert_int_equal(t.any, 5);
	record_done(&thing_type, &t);
}

static void null_means_the_default(void **state)
{
	(void)state;
	struct thing t;
	record_init(&thing_type, &t);
	assert_ok(read_thing(&t,
		"{\"name\":\"abc\",\"size\":3,\"any\":4,\"on\":false,\"role\":\"admin\",\"at\":\"2026-11-23T08:55:59Z\",\"list\":[\"a\"],"
		"\"map\":{},\"once\":\"x\"}",
		RECORD_CREATE));
	assert_ok(read_thing(&t,
		"{\"size\":null,\"any\":null,\"on\":null,\"role\":null,\"at\":null,\"list\":null,\"map\":null}",
		RECORD_UPDATE));
	assert_int_equal(t.size, 7);
	assert_int_equal(t.any, I64_NONE);
	assert_true(t.on);
	assert_int_equal(t.role, ROLE_VIEWER);
	assert_int_equal(t.at, I64_NONE);
	assert_int_equal(json_array_size(t.list), 0);
	assert_null(t.map);
	record_done(&thing_type, &t);
}

static void json_shows_all_but_hidden_fields_in_order(void **state)
{
	(void)state;
	struct thing t;
	record_init(&thing_type, &t);
	t.id = 3;
	field_set_text(&t.name, "a\"b");
	field_set_text(&t.secret, "never");
	field_set_text(&t.fixed, "bad \xff byte");
	json_t *json = record_to_json(&thing_type, &t);
	char *text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text,
		"{\"id\":3,\"name\":\"a\\\"b\",\"size\":7,\"any\":null,\"on\":true,\"role\":\"viewer\",\"at\":null,\"list\":[],\"map\":null,"
		"\"once\":null,\"later\":null,\"fixed\":\"bad \xef\xbf\xbd byte\"}");
	free(text);
	json_decref(json);
	record_done(&thing_type, &t);
}

static void what_goes_out_comes_in_again(void **state)
{
	(void)state;
	struct thing a;
	struct thing b;
	record_init(&thing_type, &a);
	record_init(&thing_type, &b);
	assert_ok(read_thing(&a,
		"{\"name\":\"abc\",\"size\":2,\"any\":0,\"on\":false,\"role\":\"none\",\"at\":\"1969-12-31T23:59:59.999Z\",\"list\":[\"x\"],"
		"\"map\":{\"deep\":[1,{\"er\":null}]}}",
		RECORD_CREATE));
	for (size_t i = 1; i < 9; i++) {
		json_t *value = field_to_json(&thing_fields[i], &a);
		assert_ok(field_from_json(&thing_fields[i], &b, value));
		json_decref(value);
	}
	json_t *ja = record_to_json(&thing_type, &a);
	json_t *jb = record_to_json(&thing_type, &b);
	assert_true(json_equal(ja, jb));
	json_decref(ja);
	json_decref(jb);
	record_done(&thing_type, &a);
	record_done(&thing_type, &b);
}

static void a_refused_value_leaves_the_field_unchanged(void **state)
{
	(void)state;
	struct thing t;
	record_init(&thing_type, &t);
	field_set_text(&t.name, "abc");
	assert_fails(field_from_text(record_field(&thing_type, "name"), &t, "too long"),
		ERR_INVALID);
	assert_string_equal(t.name, "abc");
	assert_fails(field_from_text(record_field(&thing_type, "size"), &t, "11"), ERR_INVALID);
	assert_int_equal(t.size, 7);
	assert_fails(field_from_text(record_field(&thing_type, "list"), &t, "[1]"), ERR_INVALID);
	assert_int_equal(json_array_size(t.list), 0);
	record_done(&thing_type, &t);
}

static void text_of_people_is_read_too(void **state)
{
	(void)state;
	struct thing t;
	static const struct {
		const char *field, *text;
		bool good;
	} cases[] = {
		{"size", "5", true},
		{"size", "05x", false},
		{"on", "no", true},
		{"on", "maybe", false},
		{"role", "operator", true},
		{"role", "Operator", false},
		{"at", "2026-11-23T08:55:59Z", true},
		{"at", "now", false},
		{"list", "[\"a\"]", true},
		{"list", "[", false},
		{"map", "{\"a\":1}", true},
		{"map", "{\"a\":1,\"a\":2}", false},
		{"name", "abc", true},
	};
	record_init(&thing_type, &t);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err *e = field_from_text(record_field(&thing_type, cases[i].field), &t,
			cases[i].text);
		assert_int_equal(e == NULL, cases[i].good);
		err_free(e);
	}
	assert_int_equal(t.size, 5);
	assert_false(t.on);
	assert_int_equal(t.role, ROLE_OPERATOR);
	record_done(&thing_type, &t);
}

static void a_whole_record_is_checked(void **state)
{
	(void)state;
	struct thing t;
	record_init(&thing_type, &t);
	assert_says(record_check(&thing_type, &t), ERR_INVALID, "name: is required");
	field_set_text(&t.name, "abc");
	assert_ok(record_check(&thing_type, &t));
	t.size = 99;
	t.role = 4;
	struct err *e = record_check(&thing_type, &t);
	assert_non_null(e);
	assert_int_equal(err_field_count(e), 2);
	err_free(e);
	record_done(&thing_type, &t);
}

static void a_copy_shares_nothing(void **state)
{
	(void)state;
	struct thing a;
	struct thing b;
	record_init(&thing_type, &a);
	field_set_text(&a.name, "abc");
	json_array_append_new(a.list, json_string("x"));
	record_copy(&thing_type, &b, &a);
	field_set_text(&a.name, "xyz");
	json_array_clear(a.list);
	record_done(&thing_type, &a);
	assert_string_equal(b.name, "abc");
	assert_int_equal(json_array_size(b.list), 1);
	record_done(&thing_type, &b);
}

static void a_text_can_be_set_to_a_part_of_itself(void **state)
{
	(void)state;
	char *text = mem_strdup("hello");
	field_set_text(&text, text + 2);
	assert_string_equal(text, "llo");
	field_set_text(&text, NULL);
	assert_null(text);
}

static void json_that_is_too_large_is_refused(void **state)
{
	(void)state;
	struct thing t;
	record_init(&thing_type, &t);
	char *big = mem_zalloc(70001);
	memset(big, 'x', 70000);
	json_t *json = json_pack("{s:{s:s}}", "map", "k", big);
	assert_says(record_from_json(&thing_type, &t, json, RECORD_UPDATE), ERR_INVALID,
		"map: must have at most");
	json_decref(json);
	json = json_pack("{s:s}", "later", big);
	assert_says(record_from_json(&thing_type, &t, json, RECORD_UPDATE), ERR_INVALID,
		"later: must have at most");
	json_decref(json);
	mem_free(big);
	record_done(&thing_type, &t);
}

static void enumerations_go_both_ways(void **state)
{
	(void)state;
	assert_int_equal(enum_count(&role_table), 4);
	assert_string_equal(enum_text(&role_table, ROLE_ADMIN), "admin");
	assert_int_equal(enum_value(&role_table, "admin"), ROLE_ADMIN);
	assert_int_equal(enum_value(&role_table, "Admin"), -1);
	assert_null(enum_text(&role_table, 4));
	assert_null(enum_text(&role_table, -1));
	assert_null(enum_text(&role_table, I64_NONE));
}

static void the_schema_of_a_request_has_what_may_be_given(void **state)
{
	(void)state;
	json_t *schema = record_schema(&thing_type, RECORD_CREATE, false);
	json_t *properties = json_object_get(schema, "properties");
	assert_int_equal(json_object_size(properties), 9);
	assert_null(json_object_get(properties, "id"));
	assert_null(json_object_get(properties, "later"));
	assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
	char *required = json_dumps(json_object_get(schema, "required"), JSON_COMPACT);
	assert_string_equal(required, "[\"name\"]");
	free(required);
	char *size = json_dumps(json_object_get(properties, "size"), JSON_COMPACT);
	assert_string_equal(size,
		"{\"type\":\"integer\",\"minimum\":1,\"maximum\":10,\"default\":7,\"description\":\"size\"}");
	free(size);
	char *at = json_dumps(json_object_get(properties, "at"), JSON_COMPACT);
	assert_string_equal(at,
		"{\"type\":[\"string\",\"null\"],\"format\":\"date-time\",\"description\":\"time\"}");
	free(at);
	json_decref(schema);
	schema = record_schema(&thing_type, RECORD_UPDATE, false);
	assert_int_equal(json_array_size(json_object_get(schema, "required")), 0);
	assert_non_null(json_object_get(json_object_get(schema, "properties"), "later"));
	json_decref(schema);
}

/* Clients are generated from the schema of replies: its keys must be those of record_to_json(). */
static void the_schema_of_a_reply_has_the_keys_of_the_reply(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all_types); i++) {
		void *obj = mem_zalloc(all_types[i]->size);
		record_init(all_types[i], obj);
		json_t *json = record_to_json(all_types[i], obj);
		json_t *schema = record_schema(all_types[i], RECORD_CREATE, true);
		const char *key;
		json_t *value;
		json_object_foreach(json, key, value)
			assert_non_null(json_object_get(json_object_get(schema, "properties"),
				key));
		assert_int_equal(json_object_size(json),
			json_object_size(json_object_get(schema, "properties")));
		assert_int_equal(json_object_size(json),
			json_array_size(json_object_get(schema, "required")));
		json_decref(json);
		json_decref(schema);
		record_done(all_types[i], obj);
		mem_free(obj);
	}
}

static void every_table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all_types); i++) {
		const struct record_type *type = all_types[i];
		assert_true(type->key == NULL || record_field(type, type->key) != NULL);
		for (size_t k = 0; k < type->n_fields; k++) {
			const struct field *f = &type->fields[k];
			assert_ptr_equal(record_field(type, f->name), f); /* no name twice */
			assert_non_null(f->help);
			assert_true(f->kind < FIELD_KIND_N_);
			assert_true(f->offset < type->size);
			assert_int_equal(f->kind == FIELD_ENUM, f->choices != NULL);
			assert_true(f->min <= f->max || f->max == 0);
			/* what clients may write as text is checked for what it may contain */
			bool given = (f->flags & FIELD_EDIT) != 0 && f->kind == FIELD_TEXT;
			assert_true(!given || f->check != NULL);
			bool hidden_and_given = (f->flags & FIELD_HIDDEN) != 0 &&
				(f->flags & FIELD_EDIT) != 0;
			assert_false(hidden_and_given);
			for (size_t m = 0; m < k; m++)
				assert_int_not_equal(type->fields[m].offset, f->offset);
		}
	}
}

TEST_MAIN(cmocka_unit_test(a_new_record_has_the_defaults),
	cmocka_unit_test(json_is_read_into_every_kind),
	cmocka_unit_test(each_wrong_value_says_what_is_wrong),
	cmocka_unit_test(all_wrong_fields_are_told_at_once),
	cmocka_unit_test(an_update_changes_only_what_is_there),
	cmocka_unit_test(null_means_the_default),
	cmocka_unit_test(json_shows_all_but_hidden_fields_in_order),
	cmocka_unit_test(what_goes_out_comes_in_again),
	cmocka_unit_test(a_refused_value_leaves_the_field_unchanged),
	cmocka_unit_test(text_of_people_is_read_too), cmocka_unit_test(a_whole_record_is_checked),
	cmocka_unit_test(a_copy_shares_nothing),
	cmocka_unit_test(a_text_can_be_set_to_a_part_of_itself),
	cmocka_unit_test(json_that_is_too_large_is_refused),
	cmocka_unit_test(enumerations_go_both_ways),
	cmocka_unit_test(the_schema_of_a_request_has_what_may_be_given),
	cmocka_unit_test(the_schema_of_a_reply_has_the_keys_of_the_reply),
	cmocka_unit_test(every_table_is_sound))
