/* Owns the pump: one pass looks at every operation that is not final and moves it as far as it can
 * go. No memory of its own: after any crash the next pass continues from rows and files. Intent is
 * committed before a runner is started. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/metric.h"
#include "driver/runner.h"
#include "service/op/op_custom.h"
#include "service/op/op_int.h"

struct op_engine *op_engine_new(const char *self_exe)
{
	struct op_engine *engine = mem_zalloc(sizeof(*engine));

	engine->self_exe = mem_strdup(self_exe);
	engine->custom = op_custom_new();
	return engine;
}

void op_engine_free(struct op_engine *engine)
{
	if (engine == NULL)
		return;
	op_custom_free(engine->custom);
	mem_free(engine->self_exe);
	mem_free(engine);
}

/* Runs fn in a transaction of its own. */
static struct err *in_transaction(struct service *svc,
	struct err *(*fn)(struct service *svc, struct operation *op), struct operation *op)
{
	TRY(store_begin(svc->store));
	struct err *e = fn(svc, op);
	if (e == NULL)
		return store_commit(svc->store);
	store_rollback(svc->store);
	return e;
}

static json_t *error_json(const char *summary, const char *detail)
{
	return json_pack("{s:s, s:n, s:n, s:s?}", "summary", summary, "host", "task", "detail",
		detail);
}

/* ---- starting ---- */

/* Commits that the operation runs: locks, hosts, status. */
static struct err *begin_run(struct service *svc, struct operation *op)
{
	struct op_run run;
	size_t n = 0;

	TRY(op_run_open(svc, op, NULL, &run));
	struct err *e = op_run_plan(svc, &run);
	if (e == NULL)
		e = op_guard(svc, &run); /* voters may have died since it was asked for */
	cleanup(mem_freep) struct op_want *wants = op_run_wants(&run, &n);
	if (e == NULL)
		e = op_locks_take(svc, op->id, wants, n);
	if (e == NULL)
		e = op_hosts_reset(svc, &run);
	op_run_close(&run);
	TRY(e);
	op_move(op, OP_RUNNING);
	op->started_at = clock_utc(svc->clock);
	op->attempt++;
	field_set_text(&op->waiting_for, NULL);
	return op_save(svc, op, "operation.started");
}

/* Starts the runner of an operation that is committed as running. Safe to call again: a runner that
 * has ever held the lock is left alone. */
static struct err *launch(struct service *svc, struct operation *op)
{
	struct op_run run;
	struct run_spec spec = {0};

	TRY(op_run_open(svc, op, NULL, &run));
	struct err *e = op_run_plan(svc, &run);
	if (e == NULL)
		e = op_run_spec(svc, &run, &spec);
	if (e == NULL)
		e = runner_start(svc->engine->self_exe, &spec);
	run_spec_done(&spec);
	op_run_close(&run);
	if (e != NULL && (err_code(e) == ERR_LOCKED || err_code(e) == ERR_EXISTS)) {
		err_ignore(e); /* it was started before, by us or by who was here before us */
		return NULL;
	}
	return e;
}

static struct err *fail_start(struct service *svc, struct operation *op)
{
	/* op->error was set by the caller as the reason */
	json_t *error = json_incref(op->error);
	struct err *e = op_finish(svc, op, OP_FAILED, error);

	json_decref(error);
	return e;
}

static struct err *start_failed(struct service *svc, struct operation *op, struct err *take_why)
{
	log_warn("operation %lld could not start: %s", (long long)op->id, err_message(take_why));
	json_decref(op->error);
	op->error = error_json(err_message(take_why), err_hint_text(take_why));
	err_free(take_why);
	return in_transaction(svc, fail_start, op);
}

/* An operation whose steps are operations takes no place of its own: they could not start. */
static bool takes_place(const struct operation *op)
{
	const struct op_type *type = op_type_find(op->type);

	return type == NULL || type->drive == NULL;
}

static struct err *start(struct service *svc, struct operation *op)
{
	struct err *e = in_transaction(svc, begin_run, op);

	if (e != NULL) {
		/* nothing was stored: the copy in memory goes back to what the row says before the
		 * failure is recorded */
		struct operation fresh;
		enum err_code code = err_code(e);
		if (code == ERR_UNAVAILABLE)
			return e;
		struct err *again = store_get(svc->store, &operation_type, op->id, &fresh);
		if (again != NULL) {
			err_free(e);
			return again;
		}
		record_done(&operation_type, op);
		*op = fresh;
		return start_failed(svc, op, e);
	}
	metric_observe(METRIC_OPERATION_WAIT_SECONDS, METRIC_LABELS(op->type),
		(double)(op->started_at - op->created_at) / 1000);
	log_info("operation %lld started: type=%s target=%s", (long long)op->id, op->type,
		op->target_name != NULL ? op->target_name : "-");
	if (!takes_place(op))
		return NULL;
	e = launch(svc, op);
	return e != NULL ? start_failed(svc, op, e) : NULL;
}

/* ---- running ---- */

static struct err *interrupt(struct service *svc, struct operation *op)
{
	json_t *error = error_json("the runner was killed or the machine went down",
		"what running hosts were left in is unknown; retry the operation");
	struct err *e = op_finish(svc, op, OP_INTERRUPTED, error);

	json_decref(error);
	return e;
}

static struct err *ingest_all(struct service *svc, struct operation *op)
{
	bool more = true;

	while (more) {
		TRY(store_begin(svc->store));
		struct err *e = op_ingest(svc, op, &more);
		if (e != NULL) {
			store_rollback(svc->store);
			return e;
		}
		TRY(store_commit(svc->store));
	}
	return NULL;
}

static struct err *move_running(struct service *svc, struct operation *op)
{
	const struct op_type *type = op_type_find(op->type);

	if (type != NULL && type->drive != NULL)
		return in_transaction(svc, type->drive, op);
	cleanup(mem_freep) char *dir = op_path(svc, op->id, NULL);
	/* look first, then read: whatever the runner wrote before this state is then in the file */
	enum runner_state state = runner_look(dir);

	if (state == RUNNER_NONE) {
		struct err *e = launch(svc, op);
		return e != NULL ? start_failed(svc, op, e) : NULL;
	}
	if (state == RUNNER_ALIVE && op->cancel_requested)
		err_ignore(runner_cancel(dir)); /* gone already: the next look tells how it ended */
	TRY(ingest_all(svc, op));
	if (state == RUNNER_FINISHED)
		return in_transaction(svc, op_finish_result, op);
	if (state == RUNNER_DEAD)
		return in_transaction(svc, interrupt, op);
	return NULL;
}

/* ---- the pass ---- */

static struct err *list_status(struct service *svc, int64_t status, struct store_rows *ret_rows)
{
	struct store_query q = {.sort = status == OP_QUEUED ? "priority" : NULL};

	store_where_number(&q, "status", STORE_EQ, status);
	return store_list(svc->store, &operation_type, &q, ret_rows);
}

static struct err *damaged(struct service *svc, struct operation *op)
{
	json_t *error = json_incref(op->error);
	struct err *e = op_finish(svc, op, OP_INTERRUPTED, error);

	json_decref(error);
	return e;
}

/* An operation whose own files cannot be read must not stop the others; when the store fails,
 * nothing can be done now. */
static struct err *run_failed(struct service *svc, struct operation *op, struct err *take_err)
{
	struct operation fresh;

	if (err_code(take_err) != ERR_PROTOCOL && err_code(take_err) != ERR_NOT_FOUND)
		return take_err;
	log_error("operation %lld: %s", (long long)op->id, err_message(take_err));
	struct err *e = store_get(svc->store, &operation_type, op->id, &fresh);
	if (e != NULL) {
		err_free(take_err);
		return e;
	}
	record_done(&operation_type, op);
	*op = fresh;
	json_decref(op->error);
	op->error = error_json(err_message(take_err), NULL);
	err_free(take_err);
	return in_transaction(svc, damaged, op);
}

static struct err *pass_running(struct service *svc, size_t *ret_running, bool *ret_driven)
{
	struct store_rows rows = {0};
	struct err *e = list_status(svc, OP_RUNNING, &rows);

	*ret_running = 0;
	*ret_driven = false;
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		struct operation *op = store_row(&rows, i);
		e = move_running(svc, op);
		if (e != NULL)
			e = run_failed(svc, op, e);
		*ret_running += op->status == OP_RUNNING && takes_place(op);
		*ret_driven |= op->status == OP_RUNNING;
	}
	store_rows_done(&rows);
	return e;
}

/* What operations that wait want: later ones may not overtake them. */
struct waiting {
	struct op_want *wants;
	size_t n;
};

static void waiting_add(struct waiting *w, const struct op_want *wants, size_t n)
{
	w->wants = mem_realloc_array(w->wants, w->n + n + 1, sizeof(*wants));
	memcpy(w->wants + w->n, wants, n * sizeof(*wants));
	w->n += n;
}

static struct err *save_waiting(struct service *svc, struct operation *op)
{
	return op_save(svc, op, "operation.waiting");
}

static struct err *set_waiting(struct service *svc, struct operation *op, const char *by)
{
	if (op->waiting_for != NULL && strcmp(op->waiting_for, by) == 0)
		return NULL;
	field_set_text(&op->waiting_for, by);
	return in_transaction(svc, save_waiting, op);
}

/* The hooks before an operation, once it could start itself. @ret_by NULL: they are over */
static struct err *run_hooks(struct service *svc, struct operation *op, char **ret_by)
{
	TRY(store_begin(svc->store));
	struct err *e = op_hooks_before(svc, op, ret_by);
	if (e == NULL)
		return store_commit(svc->store);
	store_rollback(svc->store);
	mem_freep(ret_by);
	return err_code(e) == ERR_UNAVAILABLE ? e : start_failed(svc, op, e);
}

static struct err *try_start(struct service *svc, struct operation *op, struct waiting *w)
{
	cleanup(mem_freep) char *by = NULL;
	struct op_run run;
	size_t n = 0;

	struct err *e = op_run_open(svc, op, NULL, &run);
	if (e != NULL)
		return err_code(e) == ERR_UNAVAILABLE ? e : start_failed(svc, op, e);
	cleanup(mem_freep) struct op_want *wants = op_run_wants(&run, &n);
	op_run_close(&run);
	TRY(op_locks_blocked(svc, op->id, wants, n, &by));
	if (by == NULL && op_wants_conflict(wants, n, w->wants, w->n))
		by = mem_strdup("an operation that was asked for earlier");
	if (by == NULL)
		TRY(run_hooks(svc, op, &by));
	if (op_status_final(op->status))
		return NULL;
	if (by == NULL)
		return start(svc, op);
	waiting_add(w, wants, n);
	return set_waiting(svc, op, by);
}

static struct err *pass_queued(struct service *svc, size_t running, size_t *ret_left)
{
	struct store_rows rows = {0};
	struct waiting w = {0};
	struct err *e = list_status(svc, OP_QUEUED, &rows);

	*ret_left = 0;
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		struct operation *op = store_row(&rows, i);
		if ((int64_t)running >= svc->config->operations_parallel_max &&
			op->priority > OP_PRIORITY_POWER)
			e = set_waiting(svc, op, "a free place (operations.parallel_max)");
		else
			e = try_start(svc, op, &w);
		running += op->status == OP_RUNNING && takes_place(op);
		*ret_left += op->status == OP_RUNNING;
		*ret_left += op->status == OP_QUEUED;
	}
	mem_free(w.wants);
	store_rows_done(&rows);
	return e;
}

struct err *op_engine_tick(struct service *svc, bool *ret_busy)
{
	size_t running = 0;
	size_t queued = 0;
	bool active = false;

	TRY(pass_running(svc, &running, &active));
	TRY(pass_queued(svc, running, &queued));
	if (ret_busy != NULL)
		*ret_busy = active || queued > 0;
	return NULL;
}

struct err *op_engine_reconcile(struct service *svc)
{
	runner_sweep(svc->data_dir);
	return op_engine_tick(svc, NULL);
}
