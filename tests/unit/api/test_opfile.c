/* Reading files that a runner is writing: whole lines only, found by seq. */
#include "testing.h"
#include "testing_err.h"

#include "api/opfile.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "scratch.h"

#define LINES 50000

/* A file of LINES events of uneven length, and half a line at its end. */
static int make(void **state)
{
	char *dir = scratch_make();
	struct str s = STR_INIT;

	for (int i = 1; i <= LINES; i++)
		str_addf(&s, "{\"seq\":%d,\"event\":\"x\",\"pad\":\"%.*s\"}\n", i, i % 60,
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	str_addf(&s, "{\"seq\":%d,\"event\":\"ha", LINES + 1);
	assert_ok(fs_write_new(scratch_path(dir, "events.jsonl"), str_get(&s), s.len, 0600));
	str_done(&s);
	*state = dir;
	return 0;
}

static int drop(void **state)
{
	scratch_drop(*state);
	return 0;
}

static void seq_of_a_line(void **state)
{
	(void)state;
	assert_int_equal(opfile_seq("{\"seq\":12,", 10), 12);
	assert_int_equal(opfile_seq("{\"seq\": 12}", 11), 12);
	assert_int_equal(opfile_seq("{\"seq\":", 7), -1);
	assert_int_equal(opfile_seq("{\"seq\":x}", 9), -1);
	assert_int_equal(opfile_seq("{}", 2), -1);
	assert_int_equal(opfile_seq("{\"seq\":12", 8), 1); /* never reads beyond len */
}

static void lines_after_any_seq_come_in_order(void **state)
{
	static const int afters[] = {0, 1, 2, 999, 25000, 49998, LINES - 1, LINES, LINES + 5};
	const char *path = scratch_path(*state, "events.jsonl");

	for (size_t i = 0; i < ARRAY_LEN(afters); i++) {
		struct str out = STR_INIT;
		assert_ok(opfile_lines(path, afters[i], 3, &out, NULL));
		int n = afters[i] >= LINES ? 0 : LINES - afters[i] < 3 ? LINES - afters[i] : 3;
		const char *at = str_get(&out);
		for (int k = 1; k <= n; k++) {
			const char *end = strchr(at, '\n');
			assert_non_null(end);
			assert_int_equal(opfile_seq(at, (size_t)(end - at)), afters[i] + k);
			at = end + 1;
		}
		assert_int_equal(*at, '\0');
		str_done(&out);
	}
}

static void paging_gives_every_line_once(void **state)
{
	const char *path = scratch_path(*state, "events.jsonl");
	int64_t seq = 0, n = 0;

	for (;;) {
		struct str out = STR_INIT;
		assert_ok(opfile_lines(path, seq, 7777, &out, NULL));
		if (out.len == 0)
			break;
		for (char *at = out.data, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
			assert_int_equal(opfile_seq(at, (size_t)(end - at)), ++seq);
			n++;
		}
		str_done(&out);
	}
	assert_int_equal(n, LINES);
}

static void an_absent_file_has_no_lines(void **state)
{
	struct str out = STR_INIT;

	assert_ok(opfile_lines(scratch_path(*state, "none"), 0, 10, &out, NULL));
	assert_ok(opfile_bytes(scratch_path(*state, "none"), 0, 10, &out));
	assert_int_equal(out.len, 0);
}

static void one_very_long_line(void **state)
{
	struct str s = STR_INIT
	, out = STR_INIT;

	str_adds(&s, "{\"seq\":1,\"pad\":\"");
	for (int i = 0; i < 300000; i++)
		str_addc(&s, 'b');
	str_adds(&s, "\"}\n{\"seq\":2}\n");
	assert_ok(fs_write_new(scratch_path(*state, "long"), str_get(&s), s.len, 0600));
	assert_ok(opfile_lines(scratch_path(*state, "long"), 0, 10, &out, NULL));
	assert_int_equal(out.len, s.len);
	str_done(&s);
	str_done(&out);
}

static void bytes_from_an_offset(void **state)
{
	struct str out = STR_INIT;

	scratch_write(scratch_path(*state, "log"), "0123456789", 0600);
	assert_ok(opfile_bytes(scratch_path(*state, "log"), 3, 4, &out));
	assert_string_equal(str_get(&out), "3456");
	str_reset(&out);
	assert_ok(opfile_bytes(scratch_path(*state, "log"), 30, 4, &out));
	assert_int_equal(out.len, 0);
	str_done(&out);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
TEST_MAIN(cmocka_unit_test(seq_of_a_line), T(lines_after_any_seq_come_in_order),
	T(paging_gives_every_line_once), T(an_absent_file_has_no_lines), T(one_very_long_line),
	T(bytes_from_an_offset))
