/* The worker: jobs in order, one transaction for those that wait together, errors of a commit for
 * all of them. */
#include "testing.h"
#include "testing_err.h"

#include <semaphore.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "loop/work.h"

#define JOBS 100

struct job {
	struct work work; /* first */
	int number;
};

static struct {
	struct loop *loop;
	struct worker *worker;
	struct job jobs[JOBS];
	int begins, commits, runs, dones, errors, posts;
	int open; /* a transaction is open */
	bool fail_commit, fail_writes;
	int reads; /* begins of batches that only read */
	sem_t gate;
} t;

static struct err *on_begin(void *user, bool writes)
{
	(void)user;
	assert_int_equal(t.open, 0);
	if (writes && t.fail_writes)
		return err_new(ERR_UNAVAILABLE, "locked");
	t.open = 1;
	t.begins++;
	t.reads += !writes;
	return NULL;
}

static struct err *on_commit(void *user)
{
	(void)user;
	assert_int_equal(t.open, 1);
	t.open = 0;
	t.commits++;
	return t.fail_commit ? err_new(ERR_UNAVAILABLE, "disk full") : NULL;
}

static void on_post(void *data)
{
	(void)data;
	assert_true(loop_is_current(t.loop));
	t.posts++;
}

static void on_after(void *user)
{
	(void)user;
	assert_int_equal(t.open, 0);
	worker_post(t.worker, on_post, NULL);
}

static void run_job(struct work *work, void *user)
{
	(void)user;
	assert_false(loop_is_current(t.loop));
	assert_int_equal(t.open, work->kind == WORK_BATCH);
	assert_int_equal(((struct job *)(void *)work)->number, t.runs);
	t.runs++;
}

static void done_job(struct work *work, const struct err *error)
{
	assert_true(loop_is_current(t.loop));
	assert_int_equal(((struct job *)(void *)work)->number, t.dones);
	assert_true(t.posts > 0); /* what happened is known before who did it is answered */
	t.dones++;
	t.errors += error != NULL;
	if (t.dones == JOBS)
		loop_stop(t.loop);
}

static void run_gate(struct work *work, void *user)
{
	(void)work;
	(void)user;
	sem_wait(&t.gate);
}

static void done_gate(struct work *work, const struct err *error)
{
	(void)error;
	mem_free(work);
}

static int make(void **state)
{
	const struct worker_hooks hooks = {.begin = on_begin,
		.commit = on_commit,
		.after = on_after};

	(void)state;
	memset(&t, 0, sizeof(t));
	sem_init(&t.gate, 0, 0);
	assert_ok(loop_new(&t.loop));
	t.worker = worker_new(t.loop, &hooks, JOBS + 1);
	/* Hold the worker, so that the jobs behind it wait together. */
	struct work *gate = mem_zalloc(sizeof(*gate));
	*gate = (struct work){.kind = WORK_ALONE, .run = run_gate, .done = done_gate};
	assert_true(worker_submit(t.worker, gate));
	return 0;
}

static int drop(void **state)
{
	(void)state;
	worker_free(t.worker);
	loop_free(t.loop);
	sem_destroy(&t.gate);
	return 0;
}

static void submit_all(int alone_at)
{
	for (int i = 0; i < JOBS; i++) {
		t.jobs[i] = (struct job){.work = {.kind = i == alone_at ? WORK_ALONE : WORK_BATCH,
						 .run = run_job,
						 .done = done_job},
			.number = i};
		assert_true(worker_submit(t.worker, &t.jobs[i].work));
	}
}

static void waiting_jobs_share_one_commit(void **state)
{
	(void)state;
	submit_all(-1);
	sem_post(&t.gate);
	loop_run(t.loop);
	assert_int_equal(t.dones, JOBS);
	assert_true(t.commits <= 2); /* the worker may have woken between two of them */
	assert_int_equal(t.begins, t.commits);
	assert_int_equal(worker_pending(t.worker), 0);
}

static void run_any(struct work *work, void *user)
{
	(void)user;
	assert_true(t.open);
	assert_true(work->kind == WORK_READ || !t.fail_writes);
	t.runs++;
}

static void done_any(struct work *work, const struct err *error)
{
	assert_int_equal(error != NULL, t.fail_writes && work->kind == WORK_BATCH);
	if (++t.dones == JOBS)
		loop_stop(t.loop);
}

/* Jobs of which one in so many reads, all in one turn. */
static void run_mixed(int every)
{
	t.dones = 0;
	for (int i = 0; i < JOBS; i++) {
		t.jobs[i] = (struct job){.work = {.kind = i % every == 0 ? WORK_READ : WORK_BATCH,
						 .run = run_any,
						 .done = done_any}};
		assert_true(worker_submit(t.worker, &t.jobs[i].work));
	}
	loop_run(t.loop);
	assert_int_equal(t.dones, JOBS);
}

static void jobs_that_read_need_no_lock_unless_one_beside_them_writes(void **state)
{
	(void)state;
	sem_post(&t.gate);
	run_mixed(1);
	assert_int_equal(t.reads, 1);
	run_mixed(2);
	assert_int_equal(t.reads, 1);
	assert_int_equal(t.begins, 2);
}

static void when_nothing_can_be_written_reading_goes_on(void **state)
{
	(void)state;
	t.fail_writes = true;
	sem_post(&t.gate);
	run_mixed(2);
	assert_int_equal(t.runs, JOBS / 2);
	assert_int_equal(t.reads, 1);
}

static void a_job_that_runs_alone_divides_the_batch(void **state)
{
	(void)state;
	submit_all(50);
	sem_post(&t.gate);
	loop_run(t.loop);
	assert_int_equal(t.dones, JOBS);
	assert_true(t.commits >= 2);
}

static void a_failed_commit_answers_every_job_of_its_batch(void **state)
{
	(void)state;
	t.fail_commit = true;
	submit_all(-1);
	sem_post(&t.gate);
	loop_run(t.loop);
	assert_int_equal(t.errors, JOBS);
}

static void a_full_queue_refuses(void **state)
{
	struct job extra = {.work = {.run = run_job, .done = done_job}};

	(void)state;
	submit_all(-1);
	assert_false(worker_submit(t.worker, &extra.work));
	sem_post(&t.gate);
	loop_run(t.loop);
	assert_int_equal(t.dones, JOBS);
}

static void what_was_taken_is_finished_before_the_worker_ends(void **state)
{
	(void)state;
	submit_all(-1);
	sem_post(&t.gate);
	worker_free(t.worker);
	t.worker = NULL;
	assert_int_equal(t.dones, JOBS);
}

static void pool_run(void *data)
{
	assert_false(loop_is_current(t.loop));
	*(int *)data = 7;
}

static void pool_done(void *data)
{
	assert_int_equal(*(int *)data, 7);
	loop_stop(t.loop);
}

static void the_pool_works_elsewhere_and_comes_back(void **state)
{
	int value = 0;

	(void)state;
	sem_post(&t.gate);
	pool_submit(t.loop, pool_run, pool_done, &value);
	loop_run(t.loop);
	assert_int_equal(value, 7);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
TEST_MAIN(T(waiting_jobs_share_one_commit), T(a_job_that_runs_alone_divides_the_batch),
	T(jobs_that_read_need_no_lock_unless_one_beside_them_writes),
	T(when_nothing_can_be_written_reading_goes_on),
	T(a_failed_commit_answers_every_job_of_its_batch), T(a_full_queue_refuses),
	T(what_was_taken_is_finished_before_the_worker_ends),
	T(the_pool_works_elsewhere_and_comes_back))
