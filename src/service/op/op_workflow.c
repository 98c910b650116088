/* workflow.run, and the steps of every operation that is made of others. These have no runner:
 * op_workflow_drive() moves them with each pass of the engine. Everything it knows is in the row's
 * result, so it goes on after any restart. */
#include <string.h>

#include "base/mem.h"
#include "service/desired.h"
#include "service/op/op_int.h"
#include "service/scope.h"
#include "service/workflow.h"

#define APPROVAL_DEFAULT_S 86400

static const struct op_param params[] = {
	{.name = "workflow",
		.kind = FIELD_TEXT,
		.required = true,
		.example = "\"monthly\"",
		.max = 63,
		.help = "Name of the workflow."},
};

/* ---- a step's state, kept as JSON ---- */

static int status_of(const json_t *step)
{
	const char *text = json_string_value(json_object_get(step, "status"));
	int status = text != NULL ? enum_value(&workflow_step_status_table, text) : -1;

	return status >= 0 ? status : WORKFLOW_FAILED;
}

static void set_status(json_t *step, enum workflow_step_status status)
{
	json_object_set_new(step, "status",
		json_string(enum_text(&workflow_step_status_table, status)));
}

static void set_reason(json_t *step, const char *reason)
{
	json_object_set_new(step, "reason", json_string(reason));
}

static bool went_wrong(int status)
{
	return status == WORKFLOW_FAILED || status == WORKFLOW_TIMED_OUT ||
		status == WORKFLOW_REJECTED || status == WORKFLOW_CANCELLED;
}

/* ---- start ---- */

static struct err *allow(struct service *svc, const struct actor *who, const json_t *values)
{
	struct workflow w;

	TRY(scope_need_none(svc, "run workflows"));
	TRY(workflow_find(svc, json_string_value(json_object_get(values, "workflow")), &w));
	enum role needed = (enum role)w.role;
	record_done(&workflow_type, &w);
	if (who->role < needed)
		return err_new(ERR_FORBIDDEN, "a step of this workflow needs the role %s",
			enum_text(&role_table, needed));
	return NULL;
}

/* The steps are copied when the run is asked for: a change of the workflow does not change it. */
static struct err *plan(struct service *svc, struct op_run *run)
{
	struct workflow w;

	if (run->op->result != NULL)
		return NULL;
	TRY(workflow_find(svc, op_run_param_text(run, "workflow"), &w));
	op_workflow_steps(run->op,
		json_pack("{s:s, s:I}", "workflow", w.name, "role", (json_int_t)w.role), w.steps);
	record_done(&workflow_type, &w);
	return NULL;
}

void op_workflow_steps(struct operation *op, json_t *take_result, const json_t *steps)
{
	json_t *own = json_deep_copy(steps);
	size_t i;
	json_t *step;

	json_array_foreach(own, i, step)
		set_status(step, WORKFLOW_PENDING);
	json_object_set_new(take_result, "steps", own);
	json_decref(op->result);
	op->result = take_result;
	op->progress_total = (int64_t)json_array_size(own);
}

/* ---- moving ---- */

/* Who asked for the whole asks for each step, with the right that all of them need. */
static struct actor actor_of(const struct operation *op)
{
	return (struct actor){.name = op->requested_by,
		.role = (enum role)json_integer_value(json_object_get(op->result, "role")),
		.via = op->requested_via,
		.request_id = op->request_id,
		.user_id = I64_NONE};
}

static struct err *submit_step(struct service *svc, const struct operation *op, json_t *step)
{
	const struct actor who = actor_of(op);
	const struct op_request req = {
		.type = json_string_value(json_object_get(step, "type")),
		.target = json_string_value(json_object_get(step, "target")),
		.nodes = json_object_get(step, "nodes"),
		.params = json_object_get(step, "params"),
		.check_mode = json_is_true(json_object_get(step, "check_mode")),
		.timeout_s = json_integer_value(json_object_get(step, "timeout_s")),
		.parent_id = op->id,
	};
	struct operation child;

	TRY(op_submit(svc, &who, &req, &child));
	set_status(step, WORKFLOW_RUNNING);
	json_object_set_new(step, "operation_id", json_integer(child.id));
	record_done(&operation_type, &child);
	return NULL;
}

/* A change of the inventory is over at once. */
static struct err *change_record(struct service *svc, const struct operation *op, json_t *step)
{
	const struct actor who = actor_of(op);

	TRY(desired_record(svc, &who, step));
	set_status(step, WORKFLOW_SUCCEEDED);
	return NULL;
}

/* What a step cannot do fails the step; what the store cannot do now is tried again. */
static struct err *begin_doing(struct service *svc, const struct operation *op, json_t *step)
{
	TRY(store_savepoint(svc->store));
	struct err *e = json_object_get(step, "record") != NULL ? change_record(svc, op, step)
								: submit_step(svc, op, step);
	struct err *ended = store_release(svc->store, e == NULL);
	if (ended != NULL) {
		err_free(e);
		return ended;
	}
	if (e != NULL && (err_code(e) == ERR_UNAVAILABLE || err_code(e) == ERR_IO))
		return e;
	if (e != NULL) {
		set_status(step, WORKFLOW_FAILED);
		set_reason(step, err_message(e));
		err_free(e);
	}
	return NULL;
}

static void begin_approval(struct service *svc, json_t *step)
{
	int64_t wait_s = json_integer_value(json_object_get(step, "timeout_s"));
	char text[CLOCK_TEXT_SIZE];
	int64_t until = clock_utc(svc->clock) + (wait_s > 0 ? wait_s : APPROVAL_DEFAULT_S) * 1000;

	clock_format(until, text);
	set_status(step, WORKFLOW_WAITING);
	json_object_set_new(step, "until", json_string(text));
}

static struct err *begin_step(struct service *svc, const struct operation *op, json_t *step,
	bool failed)
{
	const char *text = json_string_value(json_object_get(step, "when"));
	int when = text != NULL ? enum_value(&workflow_when_table, text) : WORKFLOW_ON_SUCCESS;

	if ((when == WORKFLOW_ON_SUCCESS && failed) || (when == WORKFLOW_ON_FAILURE && !failed)) {
		set_status(step, WORKFLOW_SKIPPED);
		return NULL;
	}
	if (json_object_get(step, "approval") == NULL)
		return begin_doing(svc, op, step);
	begin_approval(svc, step);
	return NULL;
}

/* How the operation of a step ended. */
static void take_end(json_t *step, const struct operation *child)
{
	const char *why = json_string_value(json_object_get(child->error, "summary"));
	cleanup(mem_freep) char *reason = mem_printf("operation %lld %s%s%s", (long long)child->id,
		enum_text(&op_status_table, child->status), why != NULL ? ": " : "",
		why != NULL ? why : "");

	set_status(step, child->status == OP_SUCCEEDED ? WORKFLOW_SUCCEEDED : WORKFLOW_FAILED);
	if (child->status != OP_SUCCEEDED)
		set_reason(step, reason);
}

static struct err *look_at_operation(struct service *svc, json_t *step)
{
	struct operation child;
	struct err *e = store_get(svc->store, &operation_type,
		json_integer_value(json_object_get(step, "operation_id")), &child);

	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* nobody can say how it ended */
		set_status(step, WORKFLOW_FAILED);
		set_reason(step, "its operation was deleted");
		return NULL;
	}
	TRY(e);
	if (op_status_final(child.status))
		take_end(step, &child);
	record_done(&operation_type, &child);
	return NULL;
}

static void look_at_approval(struct service *svc, json_t *step)
{
	const char *text = json_string_value(json_object_get(step, "until"));
	int64_t until = 0;

	if (text != NULL && clock_parse(text, &until) == 0 && clock_utc(svc->clock) < until)
		return;
	set_status(step, WORKFLOW_TIMED_OUT);
	set_reason(step, "nobody approved it in time");
}

/* Move one step as far as it goes now. */
static struct err *move_step(struct service *svc, const struct operation *op, json_t *step,
	bool failed)
{
	int status = status_of(step);

	if (status == WORKFLOW_PENDING && op->cancel_requested) {
		set_status(step, WORKFLOW_CANCELLED);
		return NULL;
	}
	if (status == WORKFLOW_PENDING)
		TRY(begin_step(svc, op, step, failed));
	else if (status == WORKFLOW_WAITING && op->cancel_requested)
		set_status(step, WORKFLOW_CANCELLED);
	else if (status == WORKFLOW_WAITING)
		look_at_approval(svc, step);
	else if (status == WORKFLOW_RUNNING)
		TRY(look_at_operation(svc, step));
	return NULL;
}

/* ---- end ---- */

static const int64_t ends[] = {
	[WORKFLOW_FAILED] = OP_FAILED,
	[WORKFLOW_TIMED_OUT] = OP_TIMED_OUT,
	[WORKFLOW_REJECTED] = OP_FAILED,
	[WORKFLOW_CANCELLED] = OP_CANCELLED,
};

static const char *const end_texts[] = {
	[WORKFLOW_FAILED] = "failed",
	[WORKFLOW_TIMED_OUT] = "timed out",
	[WORKFLOW_REJECTED] = "was rejected",
	[WORKFLOW_CANCELLED] = "was cancelled",
};

/* What went wrong at a step. Owned. */
static json_t *end_error(const json_t *steps, size_t i)
{
	const json_t *step = json_array_get(steps, i);
	const char *name = json_string_value(json_object_get(step, "name"));
	const char *by = json_string_value(json_object_get(step, "by"));
	cleanup(mem_freep) char *summary = mem_printf("step %zu (%s) %s%s%s", i + 1, name,
		end_texts[status_of(step)], by != NULL ? " by " : "", by != NULL ? by : "");

	return json_pack("{s:s, s:n, s:s, s:O?}", "summary", summary, "host", "task", name,
		"detail", json_object_get(step, "reason"));
}

/* How the whole ended is told by the first step that went wrong. */
static struct err *end(struct service *svc, struct operation *op)
{
	const json_t *steps = json_object_get(op->result, "steps");
	size_t i;
	const json_t *step;

	json_array_foreach(steps, i, step) {
		int status = status_of(step);
		if (!went_wrong(status))
			continue;
		json_t *error = end_error(steps, i);
		struct err *e = op_finish(svc, op,
			op->cancel_requested ? OP_CANCELLED : ends[status], error);
		json_decref(error);
		return e;
	}
	return op_finish(svc, op, OP_SUCCEEDED, NULL);
}

/* One pass over the steps in order. @ret_done whether all are over */
static struct err *move_steps(struct service *svc, struct operation *op, bool *ret_done)
{
	bool failed = false;
	size_t i;
	json_t *step;

	op->progress_done = 0;
	*ret_done = false;
	json_array_foreach(json_object_get(op->result, "steps"), i, step) {
		TRY(move_step(svc, op, step, failed));
		int status = status_of(step);
		if (status == WORKFLOW_RUNNING || status == WORKFLOW_WAITING) {
			field_set_text(&op->current_task,
				json_string_value(json_object_get(step, "name")));
			return NULL;
		}
		failed |= went_wrong(status);
		op->progress_done++;
	}
	*ret_done = true;
	return NULL;
}

struct err *op_workflow_drive(struct service *svc, struct operation *op)
{
	json_t *before = json_deep_copy(op->result);
	bool done = false;

	struct err *e = move_steps(svc, op, &done);
	bool moved = !json_equal(before, op->result);
	json_decref(before);
	TRY(e);
	if (moved)
		store_want(svc->store, STORE_FULL);
	if (done)
		return end(svc, op);
	return moved ? op_save(svc, op, "operation.progress") : NULL;
}

const struct op_type op_workflow_run = {
	.name = "workflow.run",
	.title = "Run workflow %s",
	.summary =
		"Run the steps of a workflow in order. Again after a failure it begins at the first step.",
	.target = OP_TARGET_NONE,
	.name_param = "workflow",
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.timeout_s = 86400,
	.params = params,
	.n_params = ARRAY_LEN(params),
	.allow = allow,
	.plan = plan,
	.drive = op_workflow_drive,
};
