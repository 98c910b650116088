/* The picture of a running operation: events in, text out, compared as drawn. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "fake.h"

static const struct progress_frame wide = {.width = 80,
	.height = 24,
	.now_ms = FAKE_NOW_MS,
	.lines = PROGRESS_LIVE};

static void take_operation(struct progress *p, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	progress_take_operation(p, json);
	json_decref(json);
}

static void take_event(struct progress *p, const char *text, enum progress_lines lines,
	struct str *out)
{
	struct progress_frame frame = wide;
	json_t *json = json_loads(text, 0, NULL);

	frame.lines = lines;
	frame.diff = true;
	assert_non_null(json);
	progress_take_event(p, json, &frame, out);
	json_decref(json);
}

static const char *const events[] = {
	"{\"event\":\"run_start\",\"attempt\":1}",
	"{\"event\":\"playbook_start\",\"playbook\":\"setup_cluster\",\"tasks_total\":4}",
	"{\"event\":\"play_start\",\"play\":\"Join\",\"hosts\":[\"n1\",\"n2\"]}",
	"{\"event\":\"task_start\",\"task\":\"Wait for MicroK8s\",\"task_id\":\"t1\"}",
	"{\"event\":\"host_task_start\",\"host\":\"n1\",\"task_id\":\"t1\",\"time\":\"2026-11-23T07:59:48.000Z\"}",
	"{\"event\":\"host_task_start\",\"host\":\"n2\",\"task_id\":\"t1\",\"time\":\"2026-11-23T07:59:59.200Z\"}",
	"{\"event\":\"host_retry\",\"host\":\"n1\",\"task_id\":\"t1\",\"attempt\":3}",
	"{\"event\":\"host_item\",\"host\":\"n1\",\"task_id\":\"t1\",\"item\":\"dns\"}",
	"{\"event\":\"host_task\",\"host\":\"n2\",\"task\":\"Wait for MicroK8s\",\"status\":\"failed\",\"message\":\"no \\u001b[2Jluck\",\"duration_ms\":800}",
};

static void start(struct progress *p, enum progress_lines lines, struct str *out)
{
	take_operation(p,
		"{\"id\":12,\"name\":\"Set up cluster prod\",\"status\":\"running\",\"started_at\":\"2026-11-23T07:58:56.000Z\","
		"\"progress\":{\"done\":1,\"total\":4},\"hosts\":[{\"hostname\":\"n1\",\"status\":\"pending\"},{\"hostname\":\"n2\","
		"\"status\":\"pending\"},{\"hostname\":\"node-three\",\"status\":\"pending\"}]}");
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		take_event(p, events[i], lines, out);
}

static void test_picture(void **state)
{
	(void)state;
	struct progress p = {.id = 0};
	cleanup(str_done) struct str lines = STR_INIT;
	cleanup(str_done) struct str picture = STR_INIT;

	start(&p, PROGRESS_LIVE, &lines);
	assert_string_equal(str_get(&lines), "  n2: failed: Wait for MicroK8s: no \\x1b[2Jluck\n");
	progress_draw(&p, &wide, &picture);
	assert_string_equal(str_get(&picture),
		"Set up cluster prod  #12  1m04s\n"
		"  n1          running     Wait for MicroK8s [dns] (attempt 3)               12s\n"
		"  n2          failed      Wait for MicroK8s\n"
		"  node-three  pending\n"
		"  [#######-----------------------] 1/4  Join\n");
	take_event(&p,
		"{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":1,\"changed\":1},\"n2\":{\"failed\":1},\"node-three\":{\"ok\":1}}}",
		PROGRESS_LIVE, &lines);
	assert_int_equal(p.hosts[0].status, 3);
	assert_int_equal(p.hosts[1].status, 4);
	assert_int_equal(p.hosts[2].status, 2);
	progress_done(&p);
}

static void test_plain_lines(void **state)
{
	(void)state;
	struct progress p = {.id = 0};
	cleanup(str_done) struct str plain = STR_INIT;
	cleanup(str_done) struct str all = STR_INIT;

	start(&p, PROGRESS_PLAIN, &plain);
	take_event(&p,
		"{\"event\":\"host_task\",\"host\":\"n1\",\"task\":\"T\",\"status\":\"changed\",\"duration_ms\":1200}",
		PROGRESS_PLAIN, &plain);
	take_event(&p,
		"{\"event\":\"host_task\",\"host\":\"n1\",\"task\":\"T\",\"status\":\"ok\",\"duration_ms\":5}",
		PROGRESS_PLAIN, &plain);
	take_event(&p, "{\"event\":\"warning\",\"message\":\"w\"}", PROGRESS_PLAIN, &plain);
	take_event(&p, "{\"event\":\"diff\",\"host\":\"n1\",\"diff\":\"--- a\\n+++ b\\n\"}",
		PROGRESS_PLAIN, &plain);
	assert_string_equal(str_get(&plain),
		"Join\n  [1/4] Wait for MicroK8s\n  n2: failed: Wait for MicroK8s: no \\x1b[2Jluck\n    n1: changed (1.2s)\nwarning: w\n"
		"    n1:\n      --- a\n      +++ b\n");
	take_event(&p,
		"{\"event\":\"host_task\",\"host\":\"n1\",\"task\":\"T\",\"status\":\"ok\",\"duration_ms\":5}",
		PROGRESS_ALL, &all);
	assert_string_equal(str_get(&all), "    n1: ok (0.0s)\n");
	progress_done(&p);
}

/** Whatever the size, the picture stays inside. */
static void check_fits(const struct progress *p, int width, int height)
{
	const struct progress_frame frame = {.width = width,
		.height = height,
		.now_ms = FAKE_NOW_MS};
	cleanup(str_done) struct str picture = STR_INIT;
	int lines = 0;

	progress_draw(p, &frame, &picture);
	for (const char *s = str_get(&picture); *s != '\0'; lines++) {
		size_t len = strcspn(s, "\n");
		cleanup(mem_freep) char *line = mem_strndup(s, len);
		if (term_width(line) > width)
			print_message("%dx%d: %s\n", width, height, line);
		assert_true(term_width(line) <= width);
		s += len + 1;
	}
	assert_true(lines <= (height > 4 ? height - 1 : 3));
}

static void test_never_larger_than_the_terminal(void **state)
{
	(void)state;
	struct progress p = {.id = 0};
	cleanup(str_done) struct str lines = STR_INIT;

	start(&p, PROGRESS_LIVE, &lines);
	for (int i = 0; i < 60; i++) {
		char event[200];
		(void)snprintf(event, sizeof(event),
			"{\"event\":\"host_task_start\",\"host\":\"a-rather-long-host-name-%d.example.org\",\"task_id\":\"t1\"}",
			i);
		take_event(&p, event, PROGRESS_LIVE, &lines);
	}
	for (int width = 1; width < 130; width += 3)
		for (int height = 1; height < 90; height += 7)
			check_fits(&p, width, height);
	const struct progress_frame small = {.width = 80, .height = 8, .now_ms = FAKE_NOW_MS};
	cleanup(str_done) struct str picture = STR_INIT;
	progress_draw(&p, &small, &picture);
	/* What failed is seen first. */
	assert_non_null(strstr(str_get(&picture), "n2"));
	assert_non_null(strstr(str_get(&picture), "  ... and 59 more: 1 pending 58 running\n"));
	progress_done(&p);
}

static void test_waiting(void **state)
{
	(void)state;
	struct progress p = {.id = 0};
	cleanup(str_done) struct str picture = STR_INIT;

	take_operation(&p,
		"{\"id\":3,\"name\":\"Test n1\",\"status\":\"queued\",\"created_at\":\"2026-11-23T07:59:58.000Z\",\"waiting_for\":\"operation 2 (Set up cluster prod)\"}");
	progress_draw(&p, &wide, &picture);
	assert_string_equal(str_get(&picture),
		"Test n1  #3  2.0s\n  waiting for operation 2 (Set up cluster prod)\n");
	assert_false(progress_is_final(&p));
	take_operation(&p, "{\"id\":3,\"name\":\"Test n1\",\"status\":\"succeeded\"}");
	assert_true(progress_is_final(&p));
	progress_done(&p);
}

static void test_odd_events_do_no_harm(void **state)
{
	(void)state;
	static const char *const odd[] = {"{}", "{\"event\":5}", "{\"event\":\"host_task\"}",
		"{\"event\":\"host_task\",\"host\":7}", "{\"event\":\"task_start\"}",
		"{\"event\":\"host_task_start\",\"host\":\"a\"}",
		"{\"event\":\"stats\",\"hosts\":[1]}",
		"{\"event\":\"stats\",\"hosts\":{\"a\":null}}",
		"{\"event\":\"diff\",\"host\":\"a\",\"diff\":{}}",
		"{\"event\":\"later_invention\",\"x\":1}", "[]"};
	struct progress p = {.id = 0};
	cleanup(str_done) struct str out = STR_INIT;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		take_event(&p, odd[i], PROGRESS_ALL, &out);
	take_operation(&p, "{\"hosts\":[{},{\"hostname\":5,\"status\":\"x\"}],\"progress\":7}");
	progress_draw(&p, &wide, &out);
	progress_done(&p);
}

static void test_redraw_in_place(void **state)
{
	(void)state;
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	struct term_block block = {.to = to};

	term_block_draw(&block, "a\nb\n", 1);
	term_block_draw(&block, "c\n", 2);
	term_block_clear(&block);
	term_block_clear(&block);
	(void)fclose(to);
	assert_string_equal(text,
		"a\033[K\nb\033[K\n"
		"\033[2A\rc\033[K\n\033[J"
		"\033[1A\r\033[J");
	free(text);
}

static void test_cells(void **state)
{
	(void)state;
	cleanup(str_done) struct str out = STR_INIT;

	term_add_fit(&out, "abc", 5);
	term_add_fit(&out, "abcdef", 5);
	term_add_cut(&out, "xyz", 3);
	term_add_cut(&out, "xyz", 2);
	assert_string_equal(str_get(&out), "abc  abcd~xyzx~");
	assert_int_equal(term_width("caf\xc3\xa9"), 4);
}

TEST_MAIN(cmocka_unit_test(test_picture), cmocka_unit_test(test_plain_lines),
	cmocka_unit_test(test_never_larger_than_the_terminal), cmocka_unit_test(test_waiting),
	cmocka_unit_test(test_odd_events_do_no_harm), cmocka_unit_test(test_redraw_in_place),
	cmocka_unit_test(test_cells))
