/* Owns the end of an operation: final status, what each host was left in, locks, and the state of
 * the target. */
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/metric.h"
#include "service/event.h"
#include "service/op/op_custom.h"
#include "service/op/op_int.h"

#define RESULT_MAX ((size_t)1 << 20)

/* What a host that had no end of its own is left in. Nobody knows what a cut-off task did: never
 * "failed", never guessed. One that was not begun when all ended well had nothing to do. */
static int64_t host_left_in(int64_t host_status, int64_t op_status)
{
	if (host_status == OP_HOST_RUNNING)
		return OP_HOST_UNKNOWN;
	if (op_status == OP_CANCELLED)
		return OP_HOST_CANCELLED;
	bool told = op_status == OP_SUCCEEDED || op_status == OP_FAILED || op_status == OP_PARTIAL;
	return told ? OP_HOST_SKIPPED : OP_HOST_UNKNOWN;
}

static struct err *settle_host(struct service *svc, const struct operation *op,
	const struct op_type *type, struct op_host *h)
{
	if (h->status != OP_HOST_PENDING && h->status != OP_HOST_RUNNING)
		return NULL;
	h->status = host_left_in(h->status, op->status);
	if (type != NULL && type->playbook == NULL && op->status != OP_CANCELLED) {
		h->status = OP_HOST_UNREACHABLE;
		field_set_text(&h->message, "no SSH server answered");
	}
	h->updated_at = clock_utc(svc->clock);
	return store_update(svc->store, &op_host_type, h);
}

static struct err *settle_hosts(struct service *svc, const struct operation *op)
{
	const struct op_type *type = op_type_get(svc, op->type);
	struct store_rows hosts = {0};
	struct err *e = op_hosts_list(svc, op->id, &hosts);

	for (size_t i = 0; e == NULL && i < hosts.n; i++)
		e = settle_host(svc, op, type, store_row(&hosts, i));
	store_rows_done(&hosts);
	return e;
}

/* Lets the type set the state of its target; a target that was removed meanwhile needs none. */
static struct err *finish_type(struct service *svc, struct operation *op)
{
	struct op_run run = {0};
	const struct op_type *type = op_type_get(svc, op->type);

	if (type == NULL || type->finish == NULL || op->started_at == I64_NONE || op->check_mode)
		return NULL;
	struct err *e = op_run_open(svc, op, NULL, &run);
	if (e != NULL && (err_code(e) == ERR_NOT_FOUND || err_code(e) == ERR_PRECONDITION)) {
		err_ignore(e); /* removed from the inventory meanwhile: nothing to set */
		return NULL;
	}
	TRY(e);
	e = type->finish(svc, &run);
	op_run_close(&run);
	return err_wrap(e, "finish %s", op->name);
}

struct err *op_finish(struct service *svc, struct operation *op, int64_t status, json_t *error)
{
	op_move(op, status);
	op->finished_at = clock_utc(svc->clock);
	field_set_text(&op->waiting_for, NULL);
	json_decref(op->error);
	op->error = json_is_object(error) ? json_incref(error) : NULL;
	TRY(settle_hosts(svc, op));
	TRY(op_locks_release(svc, op->id));
	TRY(finish_type(svc, op));
	TRY(op_save(svc, op, "operation.finished"));
	TRY(op_hooks_after(svc, op));
	metric_add(METRIC_OPERATIONS_FINISHED,
		METRIC_LABELS(op->type, enum_text(&op_status_table, status)), 1);
	if (op->started_at != I64_NONE)
		metric_observe(METRIC_OPERATION_SECONDS, METRIC_LABELS(op->type),
			(double)(op->finished_at - op->started_at) / 1000);
	log_info("operation %lld finished: status=%s type=%s target=%s", (long long)op->id,
		enum_text(&op_status_table, status), op->type,
		op->target_name != NULL ? op->target_name : "-");
	return NULL;
}

/* A run that ended well, but gave results that were refused. @error owned, may be replaced */
static struct err *count_refused(struct service *svc, const struct operation *op, int *status,
	json_t **error)
{
	struct store_rows hosts = {0};
	size_t refused = 0;

	if (*status != OP_SUCCEEDED)
		return NULL;
	TRY(op_hosts_list(svc, op->id, &hosts));
	for (size_t i = 0; i < hosts.n; i++) {
		const struct op_host *h = store_row(&hosts, i);
		const json_t *why = json_object_get(h->data, OP_REFUSED);
		if (why == NULL)
			continue;
		if (refused++ == 0) {
			json_decref(*error);
			*error = json_pack("{s:O, s:s}", "summary", why, "host", h->hostname);
		}
	}
	if (refused > 0)
		*status = refused < hosts.n ? OP_PARTIAL : OP_FAILED;
	store_rows_done(&hosts);
	return NULL;
}

struct err *op_finish_result(struct service *svc, struct operation *op)
{
	cleanup(mem_freep) char *path = op_path(svc, op->id, "result.json");
	cleanup(mem_freep) char *text = NULL;

	TRY(fs_read(path, RESULT_MAX, &text, NULL));
	json_t *result = json_loads(text, 0, NULL);
	const char *name = json_string_value(json_object_get(result, "status"));
	int status = name != NULL ? enum_value(&op_status_table, name) : -1;
	json_t *error = json_incref(json_object_get(result, "error"));
	op->log_cut = json_is_true(json_object_get(result, "log_cut"));
	if (status < 0 || !op_status_final(status)) {
		json_decref(error);
		json_decref(result);
		return err_new(ERR_PROTOCOL, "%s says no final status", path);
	}
	struct err *e = count_refused(svc, op, &status, &error);
	if (e == NULL)
		e = op_finish(svc, op, status, error);
	json_decref(error);
	json_decref(result);
	return e;
}
