/* Owns when a round of health is made: whom to ask comes from the worker, a thread of the pool
 * asks, and the worker takes what was heard. One round at a time. */
#include "app/health.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/metric.h"
#include "service/health.h"
#include "service/health_watch.h"

#define OFF_MS 60000 /* until the setting is looked at again */
#define COMPLAIN_MS 600000

struct health_watch {
	struct work work; /* first: both jobs, one after the other */
	struct loop *loop;
	struct worker *worker;
	struct loop_timer *timer;
	int64_t interval_ms; /* of the round that runs */
	int64_t begun_at, complained_at;
	json_t *input, *report;
	struct err *error;
	atomic_bool stop;
	bool busy, freed;
};

static void destroy(struct health_watch *w)
{
	json_decref(w->input);
	json_decref(w->report);
	err_free(w->error);
	mem_free(w);
}

static void complain(struct health_watch *w)
{
	int64_t now = loop_now_ms(w->loop);

	if (w->error == NULL)
		return;
	if (w->complained_at == 0 || now - w->complained_at >= COMPLAIN_MS) {
		log_error("health: %s, trying again", err_message(w->error));
		w->complained_at = now;
	}
	err_free(MOVE(w->error));
}

/* A twentieth earlier or later, so that several servers do not ask in step. */
static int64_t jitter_ms(const struct health_watch *w)
{
	uint32_t random = 0;

	rand_bytes(&random, sizeof(random));
	return (int64_t)(random % (uint64_t)(w->interval_ms / 10 + 1)) - w->interval_ms / 20;
}

static void end_round(struct health_watch *w)
{
	int64_t wait = w->begun_at + w->interval_ms + jitter_ms(w) - loop_now_ms(w->loop);

	w->busy = false;
	json_decref(MOVE(w->input));
	json_decref(MOVE(w->report));
	if (w->freed) {
		destroy(w);
		return;
	}
	if (atomic_load(&w->stop))
		return;
	complain(w);
	loop_timer_start(w->timer, wait > 0 ? wait : 0, 0);
}

static bool goes_on(const struct health_watch *w)
{
	return w->error == NULL && !atomic_load(&w->stop);
}

/* ---- what was heard ---- */

static void take_run(struct work *work, void *user)
{
	struct health_watch *w = (struct health_watch *)(void *)work;

	w->error = health_take(user, w->input, MOVE(w->report));
}

static void take_done(struct work *work, const struct err *commit_error)
{
	(void)commit_error; /* it has its own transaction */
	end_round((struct health_watch *)(void *)work);
}

/* ---- the round ---- */

static void ask(void *data)
{
	struct health_watch *w = data;
	double begun = metric_now();

	w->error = health_run_until(w->input, &w->stop, &w->report);
	metric_observe(METRIC_HEALTH_SECONDS, NULL, metric_now() - begun);
}

static void asked(void *data)
{
	struct health_watch *w = data;

	w->work = (struct work){.kind = WORK_ALONE, .run = take_run, .done = take_done};
	if (!goes_on(w) || !worker_submit(w->worker, &w->work))
		end_round(w);
}

/* ---- whom to ask ---- */

static void input_run(struct work *work, void *user)
{
	struct health_watch *w = (struct health_watch *)(void *)work;
	struct service *svc = user;

	w->interval_ms = svc->config->health_interval_s * 1000;
	if (w->interval_ms > 0)
		w->error = health_next(svc, &w->input);
	else
		w->interval_ms = OFF_MS;
}

static void input_done(struct work *work, const struct err *commit_error)
{
	struct health_watch *w = (struct health_watch *)(void *)work;

	(void)commit_error; /* it only reads */
	if (goes_on(w) && w->input != NULL)
		pool_submit(w->loop, ask, asked, w);
	else
		end_round(w);
}

static void on_timer(void *user)
{
	struct health_watch *w = user;

	w->begun_at = loop_now_ms(w->loop);
	w->work = (struct work){.kind = WORK_READ, .run = input_run, .done = input_done};
	w->busy = true;
	if (!worker_submit(w->worker, &w->work))
		end_round(w); /* the queue is full: the next round comes */
}

/* ---- life ---- */

struct health_watch *health_watch_new(struct loop *loop, struct worker *worker)
{
	struct health_watch *w = mem_zalloc(sizeof(*w));

	w->loop = loop;
	w->worker = worker;
	w->interval_ms = 1000;
	w->timer = loop_timer_new(loop, on_timer, w);
	loop_timer_start(w->timer, 0, 0);
	return w;
}

void health_watch_stop(struct health_watch *w)
{
	if (w == NULL || atomic_load(&w->stop))
		return;
	atomic_store(&w->stop, true);
	loop_timer_stop(w->timer);
}

void health_watch_free(struct health_watch *w)
{
	if (w == NULL)
		return;
	health_watch_stop(w);
	loop_timer_free(w->timer);
	w->freed = true;
	if (!w->busy)
		destroy(w);
}
