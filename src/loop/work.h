/* Work off the loop: the domain worker (one thread, jobs in order, group commit) and the pool (any
 * thread, no order). A job's `run` owns its input until `done` gets it back on the loop. ADR 0003.
 */
#pragma once

#include "loop/loop.h"

struct work;

/** How a job of the worker is run. */
enum work_kind {
	WORK_BATCH, /**< inside the transaction that it shares with the jobs waiting beside it */
	WORK_READ,  /**< like WORK_BATCH, but it mostly only reads: when all of a batch are such,
		       begin is told so */
	WORK_ALONE  /**< with no transaction open: it opens its own */
};

/** A job; embed it as the first member of what it works on. Zero-initialise, set kind, run, done.
 */
struct work {
	enum work_kind kind;
	void (*run)(struct work *work, void *user); /**< on the worker; user of the hooks */
	void (*done)(struct work *work,
		const struct err
			*commit_error); /**< on the loop; NULL: committed. Owns the job again */
	struct work *next;              /**< of the queue */
};

/** What the worker calls around jobs, on its own thread. */
struct worker_hooks {
	void *user;
	/** Before the first job of a batch. @writes a job of it is a WORK_BATCH */
	struct err *(*begin)(void *user, bool writes);
	struct err *(*commit)(void
			*user);    /**< after its last; an error answers every job of the batch */
	void (*after)(void *user); /**< after each commit and each WORK_ALONE job, before their done
				      callbacks are posted */
};

struct worker;

/** Start a worker thread. @max_queue jobs that may wait   Free with worker_free(). */
struct worker *worker_new(struct loop *loop, const struct worker_hooks *hooks, size_t max_queue);
/** Hand a job over. False when the queue is full: the job was not taken. Loop only. */
bool worker_submit(struct worker *worker, struct work *work);
/** Call fn(data) on the loop, in order with the done callbacks. From hooks and run, on the worker's
 * thread. */
void worker_post(struct worker *worker, void (*fn)(void *data), void *data);
/** Jobs that were taken and are not done yet. Loop only. */
size_t worker_pending(const struct worker *worker);
/** Let all taken jobs finish (their done callbacks are called before this returns), end the thread
 * and free. NULL is fine. */
void worker_free(struct worker *worker);

/** Run run(data) on a thread of the pool, then done(data) on the loop. For work that holds a core
 * for long (password hashes). */
void pool_submit(struct loop *loop, void (*run)(void *data), void (*done)(void *data), void *data);
