/* Owns hooks: custom playbooks that run before and after built-in operations, each as an operation
 * of its own whose parent is the one it belongs to. Which hooks have run is told by those rows
 * alone, so a restart changes nothing. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "service/event.h"
#include "service/op/op_custom.h"
#include "service/op/op_int.h"

/* The newest child of a type, id 0 when there is none. */
static struct err *child_of(struct service *svc, const struct operation *op, const char *type,
	struct operation *ret)
{
	struct store_query q = {.limit = 1, .descending = true};
	struct store_rows rows = {0};

	store_where_number(&q, "parent_id", STORE_EQ, op->id);
	store_where_text(&q, "type", STORE_EQ, type);
	TRY(store_list(svc->store, &operation_type, &q, &rows));
	if (rows.n > 0)
		record_copy(&operation_type, ret, store_row(&rows, 0));
	else
		record_init(&operation_type, ret);
	if (rows.n == 0)
		ret->id = 0;
	store_rows_done(&rows);
	return NULL;
}

static struct err *node_ids(struct service *svc, const struct operation *op, json_t **ret_ids)
{
	struct store_rows hosts = {0};

	TRY(op_hosts_list(svc, op->id, &hosts));
	*ret_ids = json_array();
	for (size_t i = 0; i < hosts.n; i++) {
		const struct op_host *h = store_row(&hosts, i);
		if (h->node_id != I64_NONE)
			json_array_append_new(*ret_ids, json_integer(h->node_id));
	}
	store_rows_done(&hosts);
	return NULL;
}

/* A hook runs with the right of who put it into the folder: an administrator of this machine. It
 * goes before what waits behind its parent, or the two would wait for each other. */
static struct err *submit(struct service *svc, const struct operation *op,
	const struct op_type *hook)
{
	const struct actor who = {.name = op->requested_by,
		.role = ROLE_ADMIN,
		.via = op->requested_via,
		.request_id = op->request_id,
		.user_id = I64_NONE};
	cleanup(mem_freep) char *target = mem_printf("%lld", (long long)op->target_id);
	struct op_request req = {.type = hook->name,
		.parent_id = op->id,
		.priority = op->priority - 1};
	json_t *nodes = NULL;
	struct operation child;

	if (hook->target == OP_TARGET_CLUSTER || op->target_kind == OP_TARGET_NODE)
		req.target = target;
	else
		TRY(node_ids(svc, op, &nodes));
	req.nodes = nodes;
	struct err *e = op_submit(svc, &who, &req, &child);
	json_decref(nodes);
	TRY(e);
	record_done(&operation_type, &child);
	return NULL;
}

/* @ret_waiting text while the hook is not over   Errors: ERR_PRECONDITION when it failed. */
static struct err *before_one(struct service *svc, const struct operation *op,
	const struct op_type *hook, char **ret_waiting)
{
	struct operation child;

	TRY(child_of(svc, op, hook->name, &child));
	struct err *e = NULL;
	if (child.id == 0) {
		e = err_wrap(submit(svc, op, hook), "hook %s", hook->name);
		*ret_waiting = mem_printf("its hook %s", hook->name);
	} else if (!op_status_final(child.status)) {
		*ret_waiting =
			mem_printf("its hook %s (operation %lld)", hook->name, (long long)child.id);
	} else if (child.status != OP_SUCCEEDED) {
		e = err_hint(err_new(ERR_PRECONDITION, "the hook %s before it ended as %s",
				     hook->name, enum_text(&op_status_table, child.status)),
			"mko operation logs %lld", (long long)child.id);
	}
	record_done(&operation_type, &child);
	return e;
}

struct err *op_hooks_before(struct service *svc, const struct operation *op, char **ret_waiting)
{
	const struct op_type **hooks = NULL;
	struct err *e = NULL;

	*ret_waiting = NULL;
	if (op->check_mode)
		return NULL;
	TRY(op_custom_hooks(svc, op, OP_HOOK_BEFORE, &hooks));
	for (size_t i = 0; hooks != NULL && hooks[i] != NULL && e == NULL && *ret_waiting == NULL;
		i++)
		e = before_one(svc, op, hooks[i], ret_waiting);
	mem_free(hooks);
	return e;
}

static struct err *tell_failure(struct service *svc, const struct operation *op, const char *hook,
	const char *why)
{
	log_warn("operation %lld: the hook %s after it failed: %s", (long long)op->id, hook, why);
	return event_publish(svc, "operations", "operation.hook_failed", op->id,
		json_pack("{s:s, s:s, s:O}", "hook", hook, "reason", why, "clusters",
			op->clusters));
}

/* The operation has ended: what its hook cannot do changes nothing of that, but is told. */
static struct err *after_one(struct service *svc, const struct operation *op,
	const struct op_type *hook)
{
	TRY(store_savepoint(svc->store));
	struct err *e = submit(svc, op, hook);
	TRY(store_release(svc->store, e == NULL));
	if (e == NULL)
		return NULL;
	struct err *told = tell_failure(svc, op, hook->name, err_message(e));
	err_free(e);
	return told;
}

static struct err *start_after(struct service *svc, const struct operation *op)
{
	const struct op_type **hooks = NULL;
	struct err *e = NULL;

	e = op_custom_hooks(svc, op, OP_HOOK_AFTER, &hooks);
	if (e != NULL) {
		struct err *told = tell_failure(svc, op, "of its cluster", err_message(e));
		err_free(e);
		return told;
	}
	for (size_t i = 0; hooks != NULL && hooks[i] != NULL && e == NULL; i++)
		e = after_one(svc, op, hooks[i]);
	mem_free(hooks);
	return e;
}

/* An operation that ended badly: was it the hook after another? One before it stops its parent,
 * which says so itself. */
static struct err *tell_parent(struct service *svc, const struct operation *op)
{
	struct operation parent;

	if (op->parent_id == I64_NONE ||
		strncmp(op->type, OP_CUSTOM_PREFIX, strlen(OP_CUSTOM_PREFIX)) != 0)
		return NULL;
	struct err *e = store_get(svc->store, &operation_type, op->parent_id, &parent);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* pruned */
		return NULL;
	}
	TRY(e);
	if (parent.status == OP_SUCCEEDED)
		e = tell_failure(svc, &parent, op->type, enum_text(&op_status_table, op->status));
	record_done(&operation_type, &parent);
	return e;
}

struct err *op_hooks_after(struct service *svc, const struct operation *op)
{
	if (op->check_mode)
		return NULL;
	return op->status == OP_SUCCEEDED ? start_after(svc, op) : tell_parent(svc, op);
}

struct err *op_children_cancel(struct service *svc, const struct actor *who,
	const struct operation *op)
{
	struct store_query q = {.n_filters = 0};
	struct store_rows rows = {0};

	store_where_number(&q, "parent_id", STORE_EQ, op->id);
	struct err *e = store_list(svc->store, &operation_type, &q, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		const struct operation *child = store_row(&rows, i);
		struct operation after;
		if (op_status_final(child->status) || child->cancel_requested)
			continue;
		e = op_cancel(svc, who, child->id, &after);
		if (e == NULL)
			record_done(&operation_type, &after);
	}
	store_rows_done(&rows);
	return e;
}

struct err *op_children_json(struct service *svc, const struct operation *op, json_t **ret_json)
{
	struct store_query q = {.n_filters = 0};
	struct store_rows rows = {0};

	store_where_number(&q, "parent_id", STORE_EQ, op->id);
	TRY(store_list(svc->store, &operation_type, &q, &rows));
	*ret_json = json_array();
	for (size_t i = 0; i < rows.n; i++) {
		const struct operation *child = store_row(&rows, i);
		json_array_append_new(*ret_json,
			json_pack("{s:I, s:s, s:s?, s:s}", "id", (json_int_t)child->id, "type",
				child->type, "name", child->name, "status",
				enum_text(&op_status_table, child->status)));
	}
	store_rows_done(&rows);
	return NULL;
}
