/* Owns the worker thread and its two queues: jobs to it, callbacks back. Each pass takes every
 * waiting job at once, so the cost of a durable commit is shared by all requests that came while
 * the last one was written. */
#include "loop/work.h"

#include <signal.h>

#include "base/mem.h"
#include "loop/loop_int.h"

/* A callback on its way to the loop: a finished job, or a function of worker_post(). */
struct posted {
	struct work *work;
	struct err *error; /* of the commit, each its own copy */
	void (*fn)(void *data);
	void *data;
	struct posted *next;
};

struct queue_of_posted {
	struct posted *first, **last;
};

struct queue_of_work {
	struct work *first, **last;
};

struct worker {
	struct worker_hooks hooks;
	struct loop *loop;
	uv_async_t wake;      /* closed by worker_free */
	uv_prepare_t handing; /* too: hands over what this turn of the loop has submitted */
	unsigned open_handles;
	uv_thread_t thread;
	uv_mutex_t lock; /* guards what stands between the lines */
	uv_cond_t more;
	/* ---- */
	struct queue_of_work in;
	struct queue_of_posted out;
	bool stopping;
	/* ---- */
	struct queue_of_work turn; /* submitted in this turn, loop only */
	size_t pending;            /* loop only */
	size_t max_queue;
};

static void append(struct queue_of_posted *q, struct posted *p)
{
	*q->last = p;
	q->last = &p->next;
}

static void init_queue(struct queue_of_posted *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void init_work(struct queue_of_work *q)
{
	q->first = NULL;
	q->last = &q->first;
}

void worker_post(struct worker *w, void (*fn)(void *data), void *data)
{
	struct posted *p = mem_zalloc(sizeof(*p));

	p->fn = fn;
	p->data = data;
	uv_mutex_lock(&w->lock);
	append(&w->out, p);
	uv_mutex_unlock(&w->lock);
	uv_async_send(&w->wake);
}

static struct err *copy_error(const struct err *e)
{
	return e != NULL ? err_new(err_code(e), "%s", err_message(e)) : NULL;
}

/* Send the jobs of a finished batch back, all at once. */
static void post_done(struct worker *w, struct work *jobs, struct err *take_error)
{
	struct queue_of_posted back;

	init_queue(&back);
	for (struct work *job = jobs, *next; job != NULL; job = next) {
		struct posted *p = mem_zalloc(sizeof(*p));
		next = job->next;
		job->next = NULL;
		p->work = job;
		p->error = copy_error(take_error);
		append(&back, p);
	}
	err_free(take_error);
	uv_mutex_lock(&w->lock);
	*w->out.last = back.first;
	w->out.last = back.last;
	uv_mutex_unlock(&w->lock);
	uv_async_send(&w->wake);
}

/* Cut the leading jobs of one kind off the list: a batch, or one that runs alone. Returns the rest.
 */
static struct work *split(struct work *jobs)
{
	struct work *last = jobs;

	if (jobs->kind != WORK_ALONE)
		while (last->next != NULL && last->next->kind != WORK_ALONE)
			last = last->next;
	struct work *rest = last->next;
	last->next = NULL;
	return rest;
}

/* Divide a batch: those that read, and the rest. */
static void divide(struct work *jobs, struct queue_of_work *reads, struct queue_of_work *writes)
{
	init_work(reads);
	init_work(writes);
	for (struct work *job = jobs, *next; job != NULL; job = next) {
		struct queue_of_work *q = job->kind == WORK_READ ? reads : writes;
		next = job->next;
		job->next = NULL;
		*q->last = job;
		q->last = &job->next;
	}
}

static void run_batch(struct worker *w, struct work *jobs);

/* Nothing can be written now: those that only read need not fail with the others. */
static void refuse_writes(struct worker *w, struct work *jobs, struct err *take_error)
{
	struct queue_of_work reads, writes;

	divide(jobs, &reads, &writes);
	post_done(w, writes.first, take_error);
	if (reads.first != NULL)
		run_batch(w, reads.first);
}

static void run_batch(struct worker *w, struct work *jobs)
{
	bool alone = jobs->kind == WORK_ALONE;
	bool writes = false;

	for (const struct work *job = jobs; job != NULL; job = job->next)
		writes |= job->kind == WORK_BATCH;
	struct err *e = alone ? NULL : w->hooks.begin(w->hooks.user, writes);

	if (e != NULL && writes) {
		refuse_writes(w, jobs, e);
		return;
	}
	for (struct work *job = jobs; e == NULL && job != NULL; job = job->next)
		job->run(job, w->hooks.user);
	if (e == NULL && !alone)
		e = w->hooks.commit(w->hooks.user);
	w->hooks.after(w->hooks.user);
	post_done(w, jobs, e);
}

/* All waiting jobs; sleeps while there are none. NULL: stop. */
static struct work *take_all(struct worker *w)
{
	uv_mutex_lock(&w->lock);
	while (w->in.first == NULL && !w->stopping)
		uv_cond_wait(&w->more, &w->lock);
	struct work *jobs = w->in.first;
	init_work(&w->in);
	uv_mutex_unlock(&w->lock);
	return jobs;
}

static void worker_main(void *arg)
{
	struct worker *w = arg;
	struct work *jobs;

	while ((jobs = take_all(w)) != NULL)
		while (jobs != NULL) {
			struct work *rest = split(jobs);
			run_batch(w, jobs);
			jobs = rest;
		}
}

static void drain(struct worker *w)
{
	uv_mutex_lock(&w->lock);
	struct posted *list = w->out.first;
	init_queue(&w->out);
	uv_mutex_unlock(&w->lock);
	for (struct posted *p = list, *next; p != NULL; p = next) {
		next = p->next;
		if (p->work != NULL) {
			w->pending--;
			p->work->done(p->work, p->error);
		} else {
			p->fn(p->data);
		}
		err_free(p->error);
		mem_free(p);
	}
}

static void on_wake(uv_async_t *async)
{
	drain(async->data);
}

/* All jobs of one turn at once: they share a transaction, and the thread is woken once. */
static void hand_over(struct worker *w)
{
	uv_prepare_stop(&w->handing);
	if (w->turn.first == NULL)
		return;
	uv_mutex_lock(&w->lock);
	*w->in.last = w->turn.first;
	w->in.last = w->turn.last;
	uv_cond_signal(&w->more);
	uv_mutex_unlock(&w->lock);
	init_work(&w->turn);
}

static void on_handing(uv_prepare_t *prepare)
{
	hand_over(prepare->data);
}

struct worker *worker_new(struct loop *loop, const struct worker_hooks *hooks, size_t max_queue)
{
	struct worker *w = mem_zalloc(sizeof(*w));
	sigset_t all, old;

	w->hooks = *hooks;
	w->loop = loop;
	w->max_queue = max_queue;
	init_work(&w->in);
	init_work(&w->turn);
	init_queue(&w->out);
	must(uv_mutex_init(&w->lock) == 0 && uv_cond_init(&w->more) == 0);
	must(uv_async_init(&loop->uv, &w->wake, on_wake) == 0);
	must(uv_prepare_init(&loop->uv, &w->handing) == 0);
	w->wake.data = w->handing.data = w;
	w->open_handles = 2;
	sigfillset(&all); /* signals belong to the loop's thread */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	must(uv_thread_create(&w->thread, worker_main, w) == 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return w;
}

bool worker_submit(struct worker *w, struct work *work)
{
	must(loop_is_current(w->loop) && work->next == NULL);
	if (w->pending >= w->max_queue)
		return false;
	w->pending++;
	*w->turn.last = work;
	w->turn.last = &work->next;
	must(uv_prepare_start(&w->handing, on_handing) == 0);
	return true;
}

size_t worker_pending(const struct worker *w)
{
	return w->pending;
}

static void free_worker(uv_handle_t *handle)
{
	struct worker *w = handle->data;

	if (--w->open_handles == 0)
		mem_free(w);
}

void worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	hand_over(w);
	uv_mutex_lock(&w->lock);
	w->stopping = true;
	uv_cond_signal(&w->more);
	uv_mutex_unlock(&w->lock);
	must(uv_thread_join(&w->thread) == 0);
	drain(w);
	must(w->pending == 0);
	uv_mutex_destroy(&w->lock);
	uv_cond_destroy(&w->more);
	uv_close((uv_handle_t *)(void *)&w->wake, free_worker);
	uv_close((uv_handle_t *)(void *)&w->handing, free_worker);
}

struct pool_job {
	uv_work_t uv;
	void (*run)(void *data);
	void (*done)(void *data);
	void *data;
};

static void on_pool_run(uv_work_t *uv)
{
	struct pool_job *job = (struct pool_job *)(void *)uv;

	job->run(job->data);
}

static void on_pool_done(uv_work_t *uv, int status)
{
	struct pool_job *job = (struct pool_job *)(void *)uv;

	(void)status; /* never cancelled */
	job->done(job->data);
	mem_free(job);
}

void pool_submit(struct loop *loop, void (*run)(void *data), void (*done)(void *data), void *data)
{
	struct pool_job *job = mem_zalloc(sizeof(*job));

	job->run = run;
	job->done = done;
	job->data = data;
	must(uv_queue_work(&loop->uv, &job->uv, on_pool_run, on_pool_done) == 0);
}
