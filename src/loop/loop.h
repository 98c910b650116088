/* The event loop: libuv wrapped once. Every function of this room is called on the loop's thread
 * unless its doc says "any thread"; every handle has one owner and is closed by it; closing is done
 * when loop_run() or loop_free() next turns. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct loop;

/** Make a loop for the calling thread. Free with loop_free(). Errors: ERR_IO. */
struct err *loop_new(struct loop **ret_loop) ERR_RESULT;
/** Let closed handles finish, then free. Handles that are still open are a bug. NULL is fine. */
void loop_free(struct loop *loop);
/** Run until loop_stop(). */
void loop_run(struct loop *loop);
/** Make loop_run() return after the current callbacks. */
void loop_stop(struct loop *loop);
/** True on the thread that made the loop. Any thread. */
bool loop_is_current(const struct loop *loop);
/** Monotonic milliseconds at the start of this turn. */
int64_t loop_now_ms(const struct loop *loop);

/** A timer, a watched descriptor, a watched folder, a signal: opaque handles. */
struct loop_timer;
struct loop_poll;
struct loop_watch;
struct loop_signal;

/** Make a timer that is not running. @fn called on the loop with user */
struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *user), void *user);
/** Start or restart. @delay_ms first call   @repeat_ms then again and again, 0 = once */
void loop_timer_start(struct loop_timer *t, int64_t delay_ms, int64_t repeat_ms);
/** Stop; it may be started again. */
void loop_timer_stop(struct loop_timer *t);
/** Stop and free; NULL is fine. */
void loop_timer_free(struct loop_timer *t);

/** Call fn whenever the descriptor can be read. @fd borrowed: outlives the handle. Errors: ERR_IO.
 */
struct err *loop_poll_new(struct loop *loop, int fd, void (*fn)(void *user), void *user,
	struct loop_poll **ret) ERR_RESULT;
/** Call fn also when the descriptor can be written (or a connection is made). @on false: no more */
void loop_poll_want_write(struct loop_poll *p, bool on);
/** Stop and free; NULL is fine. */
void loop_poll_free(struct loop_poll *p);

/** Call fn when a file in a folder (or the file itself) is written, made or removed (inotify).
 * @path must exist Errors: ERR_NOT_FOUND, ERR_IO (too many watches). */
struct err *loop_watch_new(struct loop *loop, const char *path, void (*fn)(void *user), void *user,
	struct loop_watch **ret) ERR_RESULT;
/** Stop and free; NULL is fine. */
void loop_watch_free(struct loop_watch *w);

/** Call fn for a signal. Errors: ERR_IO. */
struct err *loop_signal_new(struct loop *loop, int signum, void (*fn)(void *user, int signum),
	void *user, struct loop_signal **ret) ERR_RESULT;
/** Stop and free; NULL is fine. */
void loop_signal_free(struct loop_signal *s);
