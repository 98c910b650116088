/* Owns when deliveries are sent: what is due comes from the worker, a thread of the pool sends it,
 * the worker takes what became of it. One sending at a time. */
#include "app/courier.h"

#include <stdatomic.h>

#include "base/log.h"
#include "base/mem.h"
#include "service/delivery.h"

#define SOON_MS 50
#define AGAIN_MS 10000 /* after a failure of ours */

struct courier {
	struct work work; /* first: both jobs, one after the other */
	struct loop *loop;
	struct worker *worker;
	struct loop_timer *timer;
	json_t *input, *output;
	struct err *error;
	int64_t wait_ms; /* until something may be due, I64_NONE: nothing waits */
	atomic_bool stop;
	bool busy, again, freed;
};

static void destroy(struct courier *c)
{
	json_decref(c->input);
	json_decref(c->output);
	err_free(c->error);
	mem_free(c);
}

static void end_round(struct courier *c)
{
	c->busy = false;
	json_decref(MOVE(c->input));
	json_decref(MOVE(c->output));
	if (c->freed) {
		destroy(c);
		return;
	}
	if (atomic_load(&c->stop))
		return;
	if (c->error != NULL) {
		log_error("notifiers: %s, trying again", err_message(c->error));
		err_free(MOVE(c->error));
		c->wait_ms = AGAIN_MS;
	}
	if (c->again)
		c->wait_ms = SOON_MS;
	if (c->wait_ms != I64_NONE)
		loop_timer_start(c->timer, c->wait_ms > SOON_MS ? c->wait_ms : SOON_MS, 0);
}

static bool goes_on(const struct courier *c)
{
	return c->error == NULL && !atomic_load(&c->stop);
}

static void take_run(struct work *work, void *user)
{
	struct courier *c = (struct courier *)(void *)work;

	c->error = delivery_take(user, c->output);
}

static void take_done(struct work *work, const struct err *commit_error)
{
	struct courier *c = (struct courier *)(void *)work;

	if (commit_error != NULL) /* the message may go out twice, it is not lost */
		log_error("notifiers: %s", err_message(commit_error));
	c->again = true; /* the next one of a notifier may be due */
	end_round(c);
}

static void send_out(void *data)
{
	struct courier *c = data;

	c->error = delivery_send_until(c->input, &c->stop, &c->output);
}

static void sent(void *data)
{
	struct courier *c = data;

	c->work = (struct work){.kind = WORK_BATCH, .run = take_run, .done = take_done};
	if (!goes_on(c) || !worker_submit(c->worker, &c->work))
		end_round(c);
}

static void due_run(struct work *work, void *user)
{
	struct courier *c = (struct courier *)(void *)work;

	c->error = delivery_due(user, &c->input, &c->wait_ms);
}

static void due_done(struct work *work, const struct err *commit_error)
{
	struct courier *c = (struct courier *)(void *)work;

	(void)commit_error; /* it only reads */
	if (goes_on(c) && c->input != NULL)
		pool_submit(c->loop, send_out, sent, c);
	else
		end_round(c);
}

static void on_timer(void *user)
{
	struct courier *c = user;

	c->again = false;
	c->busy = true;
	c->work = (struct work){.kind = WORK_READ, .run = due_run, .done = due_done};
	if (!worker_submit(c->worker, &c->work)) {
		c->wait_ms = AGAIN_MS; /* the queue is full */
		end_round(c);
	}
}

struct courier *courier_new(struct loop *loop, struct worker *worker)
{
	struct courier *c = mem_zalloc(sizeof(*c));

	c->loop = loop;
	c->worker = worker;
	c->timer = loop_timer_new(loop, on_timer, c);
	courier_soon(c);
	return c;
}

void courier_soon(struct courier *c)
{
	if (c == NULL || atomic_load(&c->stop))
		return;
	c->again = c->busy;
	if (!c->busy)
		loop_timer_start(c->timer, SOON_MS, 0);
}

void courier_stop(struct courier *c)
{
	if (c == NULL || atomic_load(&c->stop))
		return;
	atomic_store(&c->stop, true);
	loop_timer_stop(c->timer);
}

void courier_free(struct courier *c)
{
	if (c == NULL)
		return;
	courier_stop(c);
	loop_timer_free(c->timer);
	c->freed = true;
	if (!c->busy)
		destroy(c);
}
