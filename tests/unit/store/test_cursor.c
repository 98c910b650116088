/* store_cursor.c: a cursor says what it was given, and nothing else is one. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/node.h"
#include "store/store_int.h"
#include "testing_err.h"

static void a_cursor_gives_back_the_position(void **state)
{
	(void)state;
	static const char *const sorts[] = {NULL, "hostname", "notes", "cpu_cores", "memory_bytes",
		"role", "created_at"};
	struct node n;
	record_init(&node_type, &n);
	n.id = INT64_MAX;
	n.memory_bytes = INT64_MIN + 1;
	n.created_at = -5;
	field_set_text(&n.hostname, "a.b-\xc3\xa4 '\"%\x7f");
	field_set_text(&n.notes, "");
	for (size_t i = 0; i < ARRAY_LEN(sorts) * 2; i++) {
		struct store_query q = {.sort = sorts[i / 2], .descending = i % 2 == 1};
		const struct field *f = store_sort_field(&node_type, &q, 0, NULL);
		struct store_position pos = {0};
		char *cursor = store_cursor(&node_type, &q, &n);
		q.after = cursor;
		assert_ok(store_cursor_parse(&node_type, &q, &pos));
		assert_int_equal(pos.id, n.id);
		assert_int_equal(pos.values[0].none, field_is_none(f, &n));
		if (f->kind == FIELD_TEXT)
			assert_string_equal(pos.values[0].text, field_text(f, &n));
		else if (!pos.values[0].none)
			assert_int_equal(pos.values[0].number, field_number(f, &n));
		/* it may stand in a URL as it is */
		assert_int_equal(strspn(cursor, "abcdefghijklmnopqrstuvwxyz_0123456789.-"),
			strlen(cursor));
		q.descending = !q.descending;
		assert_fails(store_cursor_parse(&node_type, &q, &pos), ERR_INVALID);
		store_position_done(&pos);
		mem_free(cursor);
	}
	record_done(&node_type, &n);
}

static void a_cursor_of_several_keys_holds_all_their_values(void **state)
{
	struct node n;
	struct store_position pos = {0};
	static const char *const bad[] = {"dstatus.7.n3", "dstatus.7.n3,ahostname.t6e31",
		"dstatus.7.n3,ahostname.t6e31,dnotes.-,dnotes.-",
		"dstatus.7.n3,ahostname.t6e31,anotes.-", "dstatus.7.n3,ahostname.t6e31,dnotes.",
		"dstatus.7.n3,ahostname.7.t6e31,dnotes.-",
		"dstatus.7.n3,ahostname.t6e31,dnotes.-,"};

	(void)state;
	record_init(&node_type, &n);
	n.id = 7;
	n.status = 3;
	field_set_text(&n.hostname, "n1");
	struct store_query q = {.sort = "status",
		.descending = true,
		.more = {{"hostname", false}, {"notes", true}},
		.n_more = 2};
	char *cursor = store_cursor(&node_type, &q, &n);
	assert_string_equal(cursor, "dstatus.7.n3,ahostname.t6e31,dnotes.-");
	q.after = cursor;
	assert_ok(store_cursor_parse(&node_type, &q, &pos));
	assert_int_equal(pos.values[0].number, 3);
	assert_string_equal(pos.values[1].text, "n1");
	assert_true(pos.values[2].none);
	store_position_done(&pos);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		q.after = bad[i];
		assert_fails(store_cursor_parse(&node_type, &q, &pos), ERR_INVALID);
	}
	mem_free(cursor);
	record_done(&node_type, &n);
}

static void no_prefix_of_a_cursor_is_one(void **state)
{
	(void)state;
	struct node n;
	record_init(&node_type, &n);
	n.id = 12;
	field_set_text(&n.hostname, "n1");
	struct store_query q = {.sort = "hostname"};
	char *cursor = store_cursor(&node_type, &q, &n);
	assert_string_equal(cursor, "ahostname.12.t6e31");
	for (size_t len = 0; len < strlen(cursor); len++) {
		char *cut = mem_strndup(cursor, len);
		struct store_position pos = {0};
		q.after = cut;
		struct err *e = store_cursor_parse(&node_type, &q, &pos);
		/* cut after a whole character of the text it is another text */
		bool whole = len >= strlen("ahostname.12.t") &&
			(len - strlen("ahostname.12.t")) % 2 == 0;
		assert_int_equal(e == NULL, whole);
		err_free(e);
		store_position_done(&pos);
		mem_free(cut);
	}
	mem_free(cursor);
	record_done(&node_type, &n);
}

TEST_MAIN(cmocka_unit_test(a_cursor_gives_back_the_position),
	cmocka_unit_test(a_cursor_of_several_keys_holds_all_their_values),
	cmocka_unit_test(no_prefix_of_a_cursor_is_one))
