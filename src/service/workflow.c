/* Owns workflows as objects: adding, changing, removing, approving. */
#include "service/workflow.h"

#include <string.h>

#include "base/mem.h"
#include "model/yaml.h"
#include "service/audit.h"
#include "service/event.h"
#include "service/find.h"
#include "service/op/op_custom.h"
#include "service/op/op_int.h"

struct err *workflow_find(struct service *svc, const char *id_or_name, struct workflow *ret)
{
	return err_hint(find_record(svc, &workflow_type, id_or_name, ret), "mko workflow list");
}

/* ---- checks ---- */

/* @ret_role raised to what the step needs */
static struct err *check_operation(struct service *svc, const json_t *step, int64_t *ret_role)
{
	const char *name = json_string_value(json_object_get(step, "type"));
	const struct op_type *type = NULL;
	json_t *params = NULL;

	if (name == NULL)
		return NULL; /* an approval */
	struct err *e = op_type_need(svc, name, &type);
	if (e != NULL)
		return yaml_join(NULL, "type", err_recode(e, ERR_INVALID));
	if (strncmp(name, "workflow.", 9) == 0)
		return err_field(NULL, "type", "a workflow cannot run workflows");
	if (type->role > *ret_role)
		*ret_role = type->role;
	TRY(op_params_check(type, json_object_get(step, "params"), &params));
	json_decref(params);
	if (type->target == OP_TARGET_CLUSTER && json_object_get(step, "target") == NULL)
		return err_field(NULL, "target", "is required: the name of a cluster");
	return NULL;
}

static struct err *check_steps(struct service *svc, struct workflow *w)
{
	struct err *all = workflow_check_steps(w->steps);
	size_t i;
	const json_t *step;

	w->role = ROLE_OPERATOR;
	if (all != NULL)
		return yaml_join(NULL, err_field_count(all) > 0 ? "" : "steps", all);
	json_array_foreach(w->steps, i, step) {
		cleanup(mem_freep) char *prefix = mem_printf("steps[%zu].", i);
		all = yaml_join(all, prefix, check_operation(svc, step, &w->role));
	}
	return all;
}

static struct err *check_name_free(struct service *svc, const struct workflow *w)
{
	struct workflow other;
	struct err *e = store_get_by(svc->store, &workflow_type, "name", w->name, &other);

	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* free: good */
		return NULL;
	}
	TRY(e);
	bool same = other.id == w->id;
	record_done(&workflow_type, &other);
	return same ? NULL
		    : err_recode(err_field(NULL, "name", "%s is taken", w->name), ERR_EXISTS);
}

static struct err *settle(struct service *svc, const struct actor *who, struct workflow *w)
{
	TRY(check_name_free(svc, w));
	TRY(check_steps(svc, w));
	if (who->role < w->role)
		return err_new(ERR_FORBIDDEN, "a step needs the role %s",
			enum_text(&role_table, w->role));
	w->updated_at = clock_utc(svc->clock);
	field_set_text(&w->changed_by, who->name);
	return NULL;
}

/* ---- changes ---- */

static struct err *changed(struct service *svc, const struct actor *who, const char *action,
	const struct workflow *w)
{
	cleanup(mem_freep) char *object = mem_printf("workflow/%lld %s", (long long)w->id, w->name);
	json_t *json = record_to_json(&workflow_type, w);
	struct err *e = audit_write(svc, who, action, object, json_incref(json), "ok");

	if (e == NULL)
		e = event_publish(svc, "workflows", action, w->id, json_incref(json));
	json_decref(json);
	return e;
}

static struct err *create_in(struct service *svc, const struct actor *who, const json_t *body,
	struct workflow *w)
{
	TRY(record_from_json(&workflow_type, w, body, RECORD_CREATE));
	w->id = 0;
	TRY(settle(svc, who, w));
	w->created_at = w->updated_at;
	TRY(store_insert(svc->store, &workflow_type, w));
	return changed(svc, who, "workflow.create", w);
}

struct err *workflow_create(struct service *svc, const struct actor *who, const json_t *body,
	struct workflow *ret)
{
	struct workflow w;

	record_init(&workflow_type, &w);
	struct err *e = create_in(svc, who, body, &w);
	if (e != NULL) {
		record_done(&workflow_type, &w);
		return err_wrap(e, "add workflow");
	}
	*ret = w;
	return NULL;
}

static struct err *edit_in(struct service *svc, const struct actor *who, const json_t *body,
	struct workflow *w)
{
	TRY(record_from_json(&workflow_type, w, body, RECORD_UPDATE));
	TRY(settle(svc, who, w));
	TRY(store_update(svc->store, &workflow_type, w));
	return changed(svc, who, "workflow.update", w);
}

struct err *workflow_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct workflow *ret)
{
	struct workflow w;

	TRY(workflow_find(svc, id_or_name, &w));
	struct err *e = edit_in(svc, who, body, &w);
	if (e != NULL) {
		record_done(&workflow_type, &w);
		return err_wrap(e, "change workflow %s", id_or_name);
	}
	*ret = w;
	return NULL;
}

struct err *workflow_remove(struct service *svc, const struct actor *who, const char *id_or_name)
{
	struct workflow w;

	TRY(workflow_find(svc, id_or_name, &w));
	struct err *e = store_delete(svc->store, &workflow_type, w.id);
	if (e == NULL)
		e = changed(svc, who, "workflow.remove", &w);
	record_done(&workflow_type, &w);
	return e;
}

/* ---- approving ---- */

static json_t *waiting_step(const struct operation *op)
{
	size_t i;
	json_t *step;

	json_array_foreach(json_object_get(op->result, "steps"), i, step) {
		const char *status = json_string_value(json_object_get(step, "status"));
		if (status != NULL && strcmp(status, "waiting") == 0)
			return step;
	}
	return NULL;
}

static struct err *approve_in(struct service *svc, const struct actor *who, struct operation *op,
	bool yes, const char *comment)
{
	json_t *step = op->status == OP_RUNNING ? waiting_step(op) : NULL;
	cleanup(mem_freep) char *object = mem_printf("operation/%lld", (long long)op->id);

	if (step == NULL)
		return err_new(ERR_CONFLICT, "operation %lld waits for no approval",
			(long long)op->id);
	json_object_set_new(step, "status", json_string(yes ? "succeeded" : "rejected"));
	json_object_set_new(step, "by", json_string(who->name));
	json_object_set_new(step, "comment", comment != NULL ? json_string(comment) : json_null());
	TRY(audit_write(svc, who, yes ? "operation.approve" : "operation.reject", object,
		json_deep_copy(step), "ok"));
	store_want(svc->store, STORE_FULL);
	return op_save(svc, op, "operation.progress");
}

struct err *workflow_approve(struct service *svc, const struct actor *who, int64_t op_id, bool yes,
	const char *comment)
{
	struct operation op;

	TRY(find_by_id(svc, &operation_type, op_id, &op));
	struct err *e = approve_in(svc, who, &op, yes, comment);
	record_done(&operation_type, &op);
	return e;
}
