/* Owns the door of operations: checking a request, storing it, cancelling, retrying. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "service/audit.h"
#include "service/cluster.h"
#include "service/node.h"
#include "service/op/op_custom.h"
#include "service/op/op_int.h"

const struct op_type *op_type_find(const char *name)
{
	for (size_t i = 0; op_types[i] != NULL; i++)
		if (strcmp(op_types[i]->name, name) == 0)
			return op_types[i];
	return NULL;
}

static struct err *set_node_target(struct service *svc, struct operation *op, const char *target)
{
	struct node node;

	TRY(node_find(svc, target, &node));
	op->target_kind = OP_TARGET_NODE;
	op->target_id = node.id;
	field_set_text(&op->target_name, node.hostname);
	record_done(&node_type, &node);
	return NULL;
}

static struct err *set_cluster_target(struct service *svc, struct operation *op, const char *target)
{
	struct cluster c;

	TRY(cluster_find(svc, target, &c));
	op->target_kind = OP_TARGET_CLUSTER;
	op->target_id = c.id;
	field_set_text(&op->target_name, c.name);
	record_done(&cluster_type, &c);
	return NULL;
}

static struct err *set_target(struct service *svc, const struct op_type *type,
	const struct op_request *req, struct operation *op)
{
	if (type->target == OP_TARGET_NONE) {
		field_set_text(&op->target_name,
			json_string_value(json_object_get(op->params, type->name_param)));
		return NULL;
	}
	if (type->target == OP_TARGET_CLUSTER && req->target == NULL)
		return err_field(NULL, "target", "is required: the name of a cluster");
	if (type->target == OP_TARGET_CLUSTER)
		return set_cluster_target(svc, op, req->target);
	if (req->target != NULL)
		return set_node_target(svc, op, req->target);
	op->target_kind = OP_TARGET_NODES;
	return NULL;
}

static void set_name(struct operation *op, const struct op_type *type, size_t n_nodes)
{
	cleanup(mem_freep) char *several = mem_printf("%zu nodes", n_nodes);
	const char *target = op->target_name != NULL ? op->target_name : several;
	const char *mark = strstr(type->title, "%s");

	must(mark != NULL);
	mem_free(op->name);
	op->name = mem_printf("%.*s%s%s", (int)(mark - type->title), type->title, target, mark + 2);
	if (op->target_kind == OP_TARGET_NODES)
		field_set_text(&op->target_name, several);
}

static struct err *check_request(const struct actor *who, const struct op_type *type,
	const struct op_request *req)
{
	if (who->role < type->role)
		return err_new(ERR_FORBIDDEN, "%s needs the role %s", type->name,
			enum_text(&role_table, type->role));
	if (req->check_mode && !type->check_mode)
		return err_field(NULL, "check_mode", "%s cannot be tried without effect",
			type->name);
	if (req->timeout_s < 0 || req->timeout_s > 86400)
		return err_field(NULL, "timeout_s", "must be between 1 and 86400");
	return NULL;
}

static struct err *fill_operation(struct service *svc, const struct actor *who,
	const struct op_request *req, struct operation *op)
{
	const struct op_type *type = NULL;
	json_t *params = NULL;

	TRY(op_type_need(svc, req->type, &type));
	TRY(check_request(who, type, req));
	/* a target that is not there, or not for this account, comes before what is wrong with the
	 * rest */
	TRY(set_target(svc, type, req, op));
	TRY(op_params_check(type, req->params, &params));
	json_decref(op->params);
	op->params = params;
	if (type->allow != NULL)
		TRY(type->allow(svc, who, params));
	field_set_text(&op->type, type->name);
	field_set_text(&op->requested_by, who->name);
	field_set_text(&op->request_id, who->request_id);
	op->requested_via = who->via;
	op->check_mode = req->check_mode;
	op->timeout_s = req->timeout_s > 0 ? req->timeout_s : type->timeout_s;
	op->retry_of = req->retry_of > 0 ? req->retry_of : I64_NONE;
	op->schedule_id = req->schedule_id > 0 ? req->schedule_id : I64_NONE;
	op->rule_id = req->rule_id > 0 ? req->rule_id : I64_NONE;
	op->firing_id = req->firing_id > 0 ? req->firing_id : I64_NONE;
	op->parent_id = req->parent_id > 0 ? req->parent_id : I64_NONE;
	if (req->priority > 0)
		op->priority = req->priority;
	op->created_at = clock_utc(svc->clock);
	return NULL;
}

struct err *op_prepare(struct service *svc, const struct actor *who, const struct op_request *req,
	struct operation *op, struct op_run *ret_run)
{
	record_init(&operation_type, op);
	op->id = 0;
	struct err *e = fill_operation(svc, who, req, op);
	if (e == NULL)
		e = op_run_open(svc, op, req->nodes, ret_run);
	if (e == NULL) {
		set_name(op, ret_run->type, ret_run->n_nodes);
		json_decref(op->clusters);
		op->clusters = op_run_clusters(ret_run);
		e = op_run_plan(svc, ret_run);
		if (e == NULL) { /* what would be refused at the start is refused now */
			struct run_spec spec;
			op->attempt = 1;
			e = op_run_spec(svc, ret_run, &spec);
			run_spec_done(&spec);
			op->attempt = 0;
		}
		if (e != NULL)
			op_run_close(ret_run);
	}
	if (e != NULL)
		record_done(&operation_type, op);
	return e;
}

static struct err *refuse_if_locked(struct service *svc, const struct op_run *run)
{
	cleanup(mem_freep) char *by = NULL;
	size_t n = 0;
	cleanup(mem_freep) struct op_want *wants = op_run_wants(run, &n);

	TRY(op_locks_blocked(svc, 0, wants, n, &by));
	if (by == NULL)
		return NULL;
	return err_hint(err_new(ERR_LOCKED, "%s is held by %s", run->op->target_name, by),
		"mko operation list --status running");
}

static struct err *store_new(struct service *svc, const struct actor *who, struct op_run *run)
{
	struct operation *op = run->op;
	char object[128];

	store_want(svc->store, STORE_FULL);
	TRY(store_insert(svc->store, &operation_type, op));
	TRY(op_hosts_reset(svc, run));
	snprintf(object, sizeof(object), "operation/%lld %s", (long long)op->id, op->type);
	TRY(audit_write(svc, who, "operation.submit", object,
		json_pack("{s:s?, s:O}", "target", op->target_name, "params", op->params), "ok"));
	return op_save(svc, op, "operation.queued");
}

struct err *op_submit(struct service *svc, const struct actor *who, const struct op_request *req,
	struct operation *ret_op)
{
	struct operation op;
	struct op_run run;

	TRY(op_prepare(svc, who, req, &op, &run));
	struct err *e = op_guard(svc, &run);
	if (e == NULL && req->no_wait)
		e = refuse_if_locked(svc, &run);
	if (e == NULL)
		e = store_new(svc, who, &run);
	op_run_close(&run);
	if (e != NULL) {
		record_done(&operation_type, &op);
		return e;
	}
	*ret_op = op;
	return NULL;
}

static struct err *cancel_in(struct service *svc, const struct actor *who, struct operation *op)
{
	char object[64];

	if (op_status_final(op->status))
		return err_new(ERR_CONFLICT, "operation %lld has ended already: %s",
			(long long)op->id, enum_text(&op_status_table, op->status));
	snprintf(object, sizeof(object), "operation/%lld", (long long)op->id);
	TRY(audit_write(svc, who, "operation.cancel", object, NULL, "ok"));
	op->cancel_requested = true;
	TRY(op_children_cancel(svc, who, op));
	if (op->status == OP_RUNNING)
		return op_save(svc, op,
			"operation.cancelling"); /* the next tick tells the runner */
	json_t *error = json_pack("{s:s}", "summary", "cancelled before it started");
	struct err *e = op_finish(svc, op, OP_CANCELLED, error);
	json_decref(error);
	return e;
}

struct err *op_cancel(struct service *svc, const struct actor *who, int64_t id,
	struct operation *ret_op)
{
	struct operation op;

	TRY(store_get(svc->store, &operation_type, id, &op));
	struct err *e = cancel_in(svc, who, &op);
	if (e != NULL) {
		record_done(&operation_type, &op);
		return err_wrap(e, "cancel");
	}
	*ret_op = op;
	return NULL;
}

/* Names of the hosts that did not succeed. */
static struct err *hosts_to_retry(struct service *svc, int64_t op_id, json_t **ret_names)
{
	struct store_rows hosts = {0};
	json_t *names = json_array();

	struct err *e = op_hosts_list(svc, op_id, &hosts);
	for (size_t i = 0; e == NULL && i < hosts.n; i++) {
		const struct op_host *h = store_row(&hosts, i);
		if (h->status != OP_HOST_OK && h->status != OP_HOST_CHANGED)
			json_array_append_new(names, json_string(h->hostname));
	}
	store_rows_done(&hosts);
	if (e != NULL) {
		json_decref(names);
		return e;
	}
	*ret_names = names;
	return NULL;
}

static struct err *retry_in(struct service *svc, const struct actor *who,
	const struct operation *old, struct operation *ret_op)
{
	json_t *names = NULL;
	char target[24];

	if (!op_status_final(old->status))
		return err_hint(err_new(ERR_CONFLICT, "operation %lld has not ended yet",
					(long long)old->id),
			"mko operation cancel %lld", (long long)old->id);
	if (old->status == OP_SUCCEEDED)
		return err_new(ERR_CONFLICT, "operation %lld succeeded: nothing to retry",
			(long long)old->id);
	TRY(hosts_to_retry(svc, old->id, &names));
	snprintf(target, sizeof(target), "%lld", (long long)old->target_id);
	/* a cluster's playbook needs the members that are good too: it is idempotent and leaves
	 * them alone */
	struct op_request req = {
		.type = old->type,
		.target = old->target_id != I64_NONE ? target : NULL,
		.nodes = names,
		.params = old->params,
		.check_mode = old->check_mode,
		.timeout_s = old->timeout_s,
		.retry_of = old->id,
	};
	struct err *e = op_submit(svc, who, &req, ret_op);
	json_decref(names);
	return e;
}

struct err *op_retry(struct service *svc, const struct actor *who, int64_t id,
	struct operation *ret_op)
{
	struct operation old;

	TRY(store_get(svc->store, &operation_type, id, &old));
	struct err *e = retry_in(svc, who, &old, ret_op);
	record_done(&operation_type, &old);
	return err_wrap(e, "retry");
}
