/* cluster.apply: bring a cluster to what a file says. The plan is made when it is asked for; its
 * steps are operations with their own locks and guards, and changes of the inventory. */
#include <string.h>

#include "base/mem.h"
#include "model/desired.h"
#include "model/yaml.h"
#include "service/desired.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_int.h"

static const struct op_param params[] = {
	{.name = "desired",
		.kind = FIELD_JSON,
		.required = true,
		.example =
			"{\"apiVersion\":\"mko/v1\",\"kind\":\"Cluster\",\"metadata\":{\"name\":\"prod\"},"
			"\"spec\":{\"nodes\":[{\"name\":\"n1\",\"address\":\"10.0.0.11\"}]}}",
		.help = "The cluster file as JSON: apiVersion, kind, metadata, spec."},
	{.name = "prune",
		.kind = FIELD_BOOL,
		.help = "Nodes that are not in the file leave the cluster."},
	OP_PARAM_ALLOW_QUORUM_LOSS,
};

/* Two plans for one cluster would each be made for what the other changes. */
static struct err *refuse_second(struct service *svc, const struct op_run *run)
{
	struct store_query q = {.limit = 1};
	struct store_rows rows = {0};

	store_where_text(&q, "type", STORE_EQ, run->type->name);
	store_where_number(&q, "target_id", STORE_EQ, run->cluster->id);
	store_where_number(&q, "finished_at", STORE_EQ, I64_NONE);
	TRY(store_list(svc->store, &operation_type, &q, &rows));
	int64_t id = rows.n > 0 ? ((const struct operation *)store_row(&rows, 0))->id : 0;
	store_rows_done(&rows);
	if (id == 0)
		return NULL;
	return err_hint(err_new(ERR_LOCKED, "operation %lld applies a file to cluster %s already",
				(long long)id, run->cluster->name),
		"mko operation logs -f %lld", (long long)id);
}

static struct err *check_name_fits(const struct op_run *run, const json_t *doc)
{
	const char *name =
		json_string_value(json_object_get(json_object_get(doc, "metadata"), "name"));

	if (name == NULL || strcmp(name, run->cluster->name) == 0)
		return NULL; /* none: told with everything else that is wrong */
	return err_field(NULL, "metadata.name", "is not %s", run->cluster->name);
}

static struct err *make_plan(struct service *svc, struct op_run *run, const json_t *doc)
{
	const struct desired_options options = {
		.prune = json_is_true(op_run_param(run, "prune")),
		.allow_quorum_loss = json_is_true(op_run_param(run, "allow_quorum_loss")),
	};
	json_t *plan = NULL;

	TRY(check_name_fits(run, doc));
	TRY(desired_plan_doc(svc, doc, &options, &plan));
	op_workflow_steps(run->op,
		json_pack("{s:i, s:O, s:O}", "role", ROLE_OPERATOR, "changes",
			json_object_get(plan, "changes"), "notes", json_object_get(plan, "notes")),
		json_object_get(plan, "steps"));
	json_decref(plan);
	return NULL;
}

static struct err *plan(struct service *svc, struct op_run *run)
{
	if (run->op->result != NULL)
		return NULL;
	TRY(refuse_second(svc, run));
	struct err *e = make_plan(svc, run, op_run_param(run, "desired"));
	if (e == NULL || err_field_count(e) == 0)
		return e;
	enum err_code code = err_code(e);
	return err_recode(yaml_join(NULL, "desired.", e), code);
}

/* However it ended: this is what somebody wants the cluster to be, and what differs is drift. */
static struct err *finish(struct service *svc, struct op_run *run)
{
	char at[CLOCK_TEXT_SIZE];

	if (run->op->status == OP_CANCELLED)
		return NULL;
	clock_format(run->op->finished_at, at);
	json_decref(run->cluster->desired);
	run->cluster->desired = json_pack("{s:O, s:s, s:I, s:s?}", "doc",
		op_run_param(run, "desired"), "applied_at", at, "operation_id",
		(json_int_t)run->op->id, "by", run->op->requested_by);
	return cluster_state_save(svc, run->cluster);
}

const struct op_type op_cluster_apply = {
	.name = "cluster.apply",
	.title = "Apply a file to cluster %s",
	.summary =
		"Bring a cluster to what a file says: add nodes, set up, join, upgrade, enable and disable addons, one step after another. Halts at the first step that fails; again, it goes on with what is left.",
	.next = "then the same command again: it goes on with what is left",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.timeout_s = 86400,
	.params = params,
	.n_params = ARRAY_LEN(params),
	.plan = plan,
	.drive = op_workflow_drive,
	.finish = finish,
};
