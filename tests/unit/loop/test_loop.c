/* Timers, descriptors, folders, signals. */
#include "testing.h"
#include "testing_err.h"

#include <signal.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "scratch.h"

static struct loop *loop;
static int calls;

static int make(void **state)
{
	*state = scratch_make();
	calls = 0;
	assert_ok(loop_new(&loop));
	return 0;
}

static int drop(void **state)
{
	loop_free(loop);
	scratch_drop(*state);
	return 0;
}

static void stop_at_third(void *user)
{
	(void)user;
	if (++calls == 3)
		loop_stop(loop);
}

static void a_timer_repeats_until_it_is_freed(void **state)
{
	struct loop_timer *t = loop_timer_new(loop, stop_at_third, NULL);

	(void)state;
	loop_timer_start(t, 0, 1);
	loop_run(loop);
	assert_int_equal(calls, 3);
	loop_timer_free(t);
}

static void stop_now(void *user)
{
	(void)user;
	calls++;
	loop_stop(loop);
}

static void a_written_file_is_noticed(void **state)
{
	struct loop_watch *w = NULL;

	assert_ok(loop_watch_new(loop, *state, stop_now, NULL, &w));
	scratch_write(scratch_path(*state, "events.jsonl"), "x\n", 0600);
	loop_run(loop);
	assert_true(calls >= 1); /* made and written: one call or two */
	loop_watch_free(w);
}

static void an_absent_folder_cannot_be_watched(void **state)
{
	struct loop_watch *w = NULL;

	assert_fails(loop_watch_new(loop, scratch_path(*state, "none"), stop_now, NULL, &w),
		ERR_NOT_FOUND);
}

static void a_readable_descriptor_calls(void **state)
{
	struct loop_poll *p = NULL;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_ok(loop_poll_new(loop, fds[0], stop_now, NULL, &p));
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_run(loop);
	assert_int_equal(calls, 1);
	loop_poll_free(p);
	close(fds[0]);
	close(fds[1]);
}

static void on_signal(void *user, int signum)
{
	assert_int_equal(signum, SIGUSR1);
	stop_now(user);
}

static void a_signal_calls(void **state)
{
	struct loop_signal *s = NULL;

	(void)state;
	assert_ok(loop_signal_new(loop, SIGUSR1, on_signal, NULL, &s));
	assert_int_equal(raise(SIGUSR1), 0);
	loop_run(loop);
	assert_int_equal(calls, 1);
	loop_signal_free(s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
TEST_MAIN(T(a_timer_repeats_until_it_is_freed), T(a_written_file_is_noticed),
	T(an_absent_folder_cannot_be_watched), T(a_readable_descriptor_calls), T(a_signal_calls))
