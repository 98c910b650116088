/* Owns what a dry run says: hosts, locks and who holds them, command, risk, what it costs, how long
 * it will take. Nothing is stored, nothing starts, and no secret is shown. */
#include <stdlib.h>

#include "base/mem.h"
#include "driver/ansible.h"
#include "service/op/op_int.h"

#define EXPECT_RUNS 21

static json_t *preview_command(const struct run_spec *spec)
{
	if (spec->playbook == NULL)
		return json_array();
	struct ansible_files files = ansible_files_in("PRIVATE", "PRIVATE/cp");
	char **argv = ansible_argv(spec, &files);
	json_t *list = json_array();

	for (size_t i = 0; argv[i] != NULL; i++)
		json_array_append_new(list, json_string(argv[i]));
	ansible_strings_free(argv);
	ansible_files_done(&files);
	return list;
}

/* The inventory with secrets replaced; a preview shows what would run, never how to get in. */
static json_t *masked_inventory(const struct run_spec *spec)
{
	json_t *inventory = ansible_inventory(spec);
	const char *group;
	const char *name;
	json_t *members;
	json_t *vars;

	json_object_foreach(json_object_get(json_object_get(inventory, "all"), "children"), group,
		members)
		json_object_foreach(json_object_get(members, "hosts"), name, vars)
			if (json_object_get(vars, "ansible_become_password") != NULL)
				json_object_set_new(vars, "ansible_become_password",
					json_string("***"));
	return inventory;
}

static json_t *preview_json(const struct op_run *run, const struct run_spec *spec)
{
	json_t *hosts = json_array();

	for (size_t i = 0; i < run->n_nodes; i++)
		json_array_append_new(hosts,
			json_pack("{s:s, s:s}", "hostname", run->nodes[i].hostname, "role",
				enum_text(&node_role_table, run->nodes[i].role)));
	return json_pack("{s:s, s:s, s:s?, s:o, s:s?, s:s, s:I, s:o, s:o, s:O}", "type",
		run->op->type, "name", run->op->name, "target", run->op->target_name, "hosts",
		hosts, "playbook", run->type->playbook, "risk",
		enum_text(&op_risk_table, run->type->risk), "timeout_s",
		(json_int_t)run->op->timeout_s, "command", preview_command(spec), "inventory",
		masked_inventory(spec), "vars", run->vars);
}

/* One lock that the run needs, and who has it now. */
static struct err *lock_json(struct service *svc, const struct op_want *want, json_t **ret)
{
	struct operation holder;
	json_t *held_by = json_null();
	int64_t id = 0;

	TRY(op_lock_holder(svc, 0, want, &id));
	if (id != 0) {
		TRY(store_get(svc->store, &operation_type, id, &holder));
		held_by = json_pack("{s:I, s:s}", "id", (json_int_t)id, "name", holder.name);
		record_done(&operation_type, &holder);
	}
	*ret = json_pack("{s:s, s:b, s:o}", "resource", want->resource, "exclusive",
		want->exclusive, "held_by", held_by);
	return NULL;
}

static struct err *add_locks(struct service *svc, const struct op_run *run, json_t *preview)
{
	json_t *locks = json_array();
	size_t n = 0;
	cleanup(mem_freep) struct op_want *wants = op_run_wants(run, &n);

	json_object_set_new(preview, "locks", locks);
	for (size_t i = 0; i < n; i++) {
		json_t *lock = NULL;
		TRY(lock_json(svc, &wants[i], &lock));
		json_array_append_new(locks, lock);
	}
	return NULL;
}

static int compare_ms(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* What to expect: the median of the latest runs of this type that succeeded in the same mode. */
static struct err *add_expectation(struct service *svc, const struct op_run *run, json_t *preview)
{
	struct store_query q = {.sort = "id", .descending = true, .limit = EXPECT_RUNS};
	struct store_rows rows = {0};
	int64_t took_ms[EXPECT_RUNS];

	store_where_text(&q, "type", STORE_EQ, run->op->type);
	store_where_number(&q, "status", STORE_EQ, OP_SUCCEEDED);
	store_where_number(&q, "check_mode", STORE_EQ, run->op->check_mode);
	TRY(store_list(svc->store, &operation_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct operation *op = store_row(&rows, i);
		took_ms[i] = op->finished_at - op->started_at;
	}
	qsort(took_ms, rows.n, sizeof(took_ms[0]), compare_ms);
	json_object_set_new(preview, "expected_duration_ms",
		rows.n > 0 ? json_integer((took_ms[(rows.n - 1) / 2] + took_ms[rows.n / 2]) / 2)
			   : json_null());
	json_object_set_new(preview, "expected_from_runs", json_integer((json_int_t)rows.n));
	store_rows_done(&rows);
	return NULL;
}

/* Why it would be refused now, although the request is right; null: it would not. */
static struct err *add_refusal(struct service *svc, const struct op_run *run, json_t *preview)
{
	struct err *e = op_guard(svc, run);

	if (e != NULL && err_code(e) != ERR_QUORUM && err_code(e) != ERR_PRECONDITION)
		return e;
	json_object_set_new(preview, "refused",
		e != NULL ? json_string(err_message(e)) : json_null());
	err_free(e);
	return NULL;
}

/* Voters left, pods that cannot move, volumes that stay behind. */
static struct err *add_impact(struct service *svc, const struct op_run *run, json_t *preview)
{
	json_t *impact = NULL;

	TRY(op_impact(svc, run, &impact));
	json_object_set_new(preview, "impact", impact);
	return NULL;
}

static struct err *preview_in(struct service *svc, const struct op_run *run, json_t **ret_json)
{
	struct run_spec spec;
	json_t *json = NULL;
	struct err *e = op_run_spec(svc, run, &spec);

	if (e == NULL)
		json = preview_json(run, &spec);
	run_spec_done(&spec);
	if (e == NULL)
		e = add_locks(svc, run, json);
	if (e == NULL)
		e = add_refusal(svc, run, json);
	if (e == NULL)
		e = add_impact(svc, run, json);
	if (e == NULL)
		e = add_expectation(svc, run, json);
	if (e != NULL) {
		json_decref(json);
		return e;
	}
	*ret_json = json;
	return NULL;
}

struct err *op_preview(struct service *svc, const struct actor *who, const struct op_request *req,
	json_t **ret_json)
{
	struct operation op;
	struct op_run run;

	TRY(op_prepare(svc, who, req, &op, &run));
	struct err *e = preview_in(svc, &run, ret_json);
	op_run_close(&run);
	record_done(&operation_type, &op);
	return e;
}
