/* Owns the uv_loop_t and the four small kinds of handles. No other file but this one and work.c
 * includes uv.h. */
#include "loop/loop.h"

#include <errno.h>

#include "base/mem.h"
#include "loop/loop_int.h"

#define LOOP_MAGIC 0x6c6f6f70u

struct err *loop_new(struct loop **ret_loop)
{
	struct loop *loop = mem_zalloc(sizeof(*loop));
	int rc = uv_loop_init(&loop->uv);

	if (rc != 0) {
		mem_free(loop);
		return err_new(ERR_IO, "start the event loop: %s", uv_strerror(rc));
	}
	loop->magic = LOOP_MAGIC;
	loop->thread = uv_thread_self();
	*ret_loop = loop;
	return NULL;
}

static void must_be_closing(uv_handle_t *handle, void *arg)
{
	(void)arg;
	must(uv_is_closing(handle)); /* an owner forgot its handle: waiting for it would never end
				      */
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	must(loop->magic == LOOP_MAGIC);
	uv_walk(&loop->uv, must_be_closing, NULL);
	while (uv_run(&loop->uv, UV_RUN_NOWAIT) != 0)
		continue;
	must(uv_loop_close(&loop->uv) == 0);
	mem_free(loop);
}

void loop_run(struct loop *loop)
{
	must(loop_is_current(loop));
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

bool loop_is_current(const struct loop *loop)
{
	uv_thread_t self = uv_thread_self();

	return uv_thread_equal(&self, &loop->thread) != 0;
}

int64_t loop_now_ms(const struct loop *loop)
{
	return (int64_t)uv_now(&loop->uv);
}

/* Each handle is the first member of its struct, so freeing the handle frees the struct. */
static void free_handle(uv_handle_t *handle)
{
	mem_free(handle);
}

struct loop_timer {
	uv_timer_t uv;
	void (*fn)(void *user);
	void *user;
};

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *t = (struct loop_timer *)(void *)uv;

	t->fn(t->user);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *user), void *user)
{
	struct loop_timer *t = mem_zalloc(sizeof(*t));

	must(uv_timer_init(&loop->uv, &t->uv) == 0);
	t->fn = fn;
	t->user = user;
	return t;
}

void loop_timer_start(struct loop_timer *t, int64_t delay_ms, int64_t repeat_ms)
{
	must(delay_ms >= 0 && repeat_ms >= 0);
	uv_update_time(t->uv.loop); /* else a long callback before this one shortens the wait */
	must(uv_timer_start(&t->uv, on_timer, (uint64_t)delay_ms, (uint64_t)repeat_ms) == 0);
}

void loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

void loop_timer_free(struct loop_timer *t)
{
	if (t != NULL)
		uv_close((uv_handle_t *)(void *)&t->uv, free_handle);
}

struct loop_poll {
	uv_poll_t uv;
	void (*fn)(void *user);
	void *user;
};

static void on_poll(uv_poll_t *uv, int status, int events)
{
	struct loop_poll *p = (struct loop_poll *)(void *)uv;

	(void)status; /* an error is an event too: the owner's read finds it */
	(void)events;
	p->fn(p->user);
}

struct err *loop_poll_new(struct loop *loop, int fd, void (*fn)(void *user), void *user,
	struct loop_poll **ret)
{
	struct loop_poll *p = mem_zalloc(sizeof(*p));
	int rc = uv_poll_init(&loop->uv, &p->uv, fd);

	if (rc != 0) {
		mem_free(p);
		return err_new(ERR_IO, "watch a descriptor: %s", uv_strerror(rc));
	}
	p->fn = fn;
	p->user = user;
	must(uv_poll_start(&p->uv, UV_READABLE, on_poll) == 0);
	*ret = p;
	return NULL;
}

void loop_poll_want_write(struct loop_poll *p, bool on)
{
	must(uv_poll_start(&p->uv, on ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll) == 0);
}

void loop_poll_free(struct loop_poll *p)
{
	if (p != NULL)
		uv_close((uv_handle_t *)(void *)&p->uv, free_handle);
}

struct loop_watch {
	uv_fs_event_t uv;
	void (*fn)(void *user);
	void *user;
};

static void on_watch(uv_fs_event_t *uv, const char *name, int events, int status)
{
	struct loop_watch *w = (struct loop_watch *)(void *)uv;

	(void)name;
	(void)events;
	(void)status;
	w->fn(w->user);
}

struct err *loop_watch_new(struct loop *loop, const char *path, void (*fn)(void *user), void *user,
	struct loop_watch **ret)
{
	struct loop_watch *w = mem_zalloc(sizeof(*w));

	must(uv_fs_event_init(&loop->uv, &w->uv) == 0);
	w->fn = fn;
	w->user = user;
	int rc = uv_fs_event_start(&w->uv, on_watch, path, 0);
	if (rc != 0) {
		loop_watch_free(w);
		return err_new(rc == UV_ENOENT ? ERR_NOT_FOUND : ERR_IO, "watch %s: %s", path,
			uv_strerror(rc));
	}
	*ret = w;
	return NULL;
}

void loop_watch_free(struct loop_watch *w)
{
	if (w != NULL)
		uv_close((uv_handle_t *)(void *)&w->uv, free_handle);
}

struct loop_signal {
	uv_signal_t uv;
	void (*fn)(void *user, int signum);
	void *user;
};

static void on_signal(uv_signal_t *uv, int signum)
{
	struct loop_signal *s = (struct loop_signal *)(void *)uv;

	s->fn(s->user, signum);
}

struct err *loop_signal_new(struct loop *loop, int signum, void (*fn)(void *user, int signum),
	void *user, struct loop_signal **ret)
{
	struct loop_signal *s = mem_zalloc(sizeof(*s));

	must(uv_signal_init(&loop->uv, &s->uv) == 0);
	s->fn = fn;
	s->user = user;
	int rc = uv_signal_start(&s->uv, on_signal, signum);
	if (rc != 0) {
		loop_signal_free(s);
		return err_new(ERR_IO, "watch signal %d: %s", signum, uv_strerror(rc));
	}
	*ret = s;
	return NULL;
}

void loop_signal_free(struct loop_signal *s)
{
	if (s != NULL)
		uv_close((uv_handle_t *)(void *)&s->uv, free_handle);
}
