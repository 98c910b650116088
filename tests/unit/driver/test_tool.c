/* driver/tool: a program is asked, and ends in time whatever it does. */
#include "testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "driver/tool.h"

static struct tool_result run_shell(const char *script, int64_t timeout_ms, size_t max)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct tool_result result = {0};

	assert_null(tool_run(argv, timeout_ms, max, &result));
	return result;
}

static void what_it_says_and_how_it_ends_is_told(void **state)
{
	(void)state;
	struct tool_result r = run_shell("echo out; echo err >&2; exit 3", 10000, 100);
	assert_string_equal(str_get(&r.out), "out\nerr\n");
	assert_int_equal(r.status, 3);
	assert_false(r.timed_out);
	tool_result_done(&r);
	r = run_shell("kill -9 $$", 10000, 100);
	assert_int_equal(r.status, -1);
	tool_result_done(&r);
}

static void it_gets_no_input_and_no_environment_but_path_and_locale(void **state)
{
	(void)state;
	struct tool_result r =
		run_shell("cat; env | grep -vE '^(PWD|_|SHLVL|OLDPWD)=' | cut -d= -f1 | sort",
			10000, 1000);
	assert_string_equal(str_get(&r.out), "LC_ALL\nPATH\n");
	tool_result_done(&r);
}

static void more_than_the_limit_is_dropped_and_said(void **state)
{
	(void)state;
	struct tool_result r = run_shell("yes | head -c 1000000", 10000, 1000);
	assert_true(r.out.overflowed);
	assert_true(r.out.len <= 1000);
	assert_int_equal(r.status, 0);
	tool_result_done(&r);
}

static void one_that_hangs_is_killed_with_its_children(void **state)
{
	(void)state;
	static const char *const hangs[] = {"echo $$; sleep 1000",
		"echo $$; exec >/dev/null 2>&1; sleep 1000", "sleep 1000 & echo $$; wait"};

	for (size_t i = 0; i < ARRAY_LEN(hangs); i++) {
		int64_t before = clock_mono(&clock_system);
		struct tool_result r = run_shell(hangs[i], 200, 100);
		assert_true(r.timed_out);
		assert_int_equal(r.status, -1);
		assert_true(clock_mono(&clock_system) - before < 100000);
		pid_t group = (pid_t)strtol(str_get(&r.out), NULL, 10);
		assert_true(group > 1);
		assert_int_equal(kill(group, 0), -1);
		tool_result_done(&r);
	}
}

static void one_that_is_not_there_is_told(void **state)
{
	(void)state;
	const char *const argv[] = {"no-such-program-of-mko", NULL};
	struct tool_result r = {0};
	struct err *e = tool_run(argv, 1000, 100, &r);

	assert_int_equal(err_code(e), ERR_NOT_FOUND);
	err_free(e);
	tool_result_done(&r);
}

TEST_MAIN(cmocka_unit_test(what_it_says_and_how_it_ends_is_told),
	cmocka_unit_test(it_gets_no_input_and_no_environment_but_path_and_locale),
	cmocka_unit_test(more_than_the_limit_is_dropped_and_said),
	cmocka_unit_test(one_that_hangs_is_killed_with_its_children),
	cmocka_unit_test(one_that_is_not_there_is_told))
