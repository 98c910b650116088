/* cluster.scale_down, scale_up, pause, resume: workloads rest and come back exactly as they were.
 * What they had stands in annotations beside them and in the cluster's row. */
#include <string.h>

#include "base/mem.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

#define LIST_MAX 32
#define KEY_SUSPENDED "suspended"
#define KEY_PAUSED "paused"

/* What the four types differ in. */
struct kind {
	const char *type;
	const char *state;  /**< what the playbook shall reach */
	const char *reason; /**< "scale", "pause" */
	const char *key;    /**< of cluster.saved */
	bool down;
};

static const struct kind kinds[] = {
	{"cluster.scale_down", "suspended", "scale", KEY_SUSPENDED, true},
	{"cluster.scale_up", "resumed", "scale", KEY_SUSPENDED, false},
	{"cluster.pause", "suspended", "pause", KEY_PAUSED, true},
	{"cluster.resume", "resumed", "pause", KEY_PAUSED, false},
};

static const struct kind *kind_of(const struct op_run *run)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].type, run->type->name) == 0)
			return &kinds[i];
	must(false);
	return NULL;
}

static bool is_pause(const struct kind *kind)
{
	return strcmp(kind->reason, "pause") == 0;
}

/* A list of short lines; they go into command lines of kubectl behind an option's name. */
static struct err *check_texts(const char *name, const json_t *list)
{
	size_t i;
	const json_t *item;

	if (list != NULL && (!json_is_array(list) || json_array_size(list) > LIST_MAX))
		return err_field(NULL, name, "must be a list of at most %d texts", LIST_MAX);
	json_array_foreach(list, i, item) {
		const char *text = json_string_value(item);
		if (text == NULL || *text == '\0' || *text == '-' || strlen(text) > 256)
			return err_field(NULL, name,
				"must be texts of 1 to 256 characters that do not begin with -");
		struct err *wrong = check_line(text);
		if (wrong == NULL)
			continue;
		struct err *e = err_field(NULL, name, "%s", err_message(wrong));
		err_free(wrong);
		return e;
	}
	return NULL;
}

static void set_copy(struct op_run *run, const char *name, const json_t *value)
{
	if (value != NULL)
		op_run_set(run, name, json_deep_copy(value));
}

static struct err *plan(struct service *svc, struct op_run *run)
{
	const struct kind *kind = kind_of(run);
	const json_t *saved = json_object_get(run->cluster->saved, kind->key);

	(void)svc;
	TRY(check_texts("tiers", op_run_param(run, "tiers")));
	TRY(check_texts("namespaces", op_run_param(run, "namespaces")));
	op_run_set_text(run, "mko_suspend", kind->state);
	op_run_set_text(run, "mko_suspend_reason", kind->reason);
	op_run_set(run, "mko_cordon", json_boolean(is_pause(kind)));
	op_run_set(run, "mko_kinds",
		is_pause(kind) ? json_pack("[s]", "CronJob")
			       : json_pack("[s, s]", "Deployment", "StatefulSet"));
	set_copy(run, "mko_tiers", op_run_param(run, "tiers"));
	set_copy(run, "mko_namespaces", op_run_param(run, "namespaces"));
	set_copy(run, "mko_workloads_timeout_s", op_run_param(run, "pods_timeout_s"));
	if (!kind->down)
		set_copy(run, "mko_known", json_object_get(saved, "workloads"));
	return NULL;
}

/* Adds what was suspended now to what was before, or takes away what was resumed. */
static struct err *take_workloads(struct service *svc, struct op_run *run, struct node *node,
	const json_t *data)
{
	const struct kind *kind = kind_of(run);
	const json_t *now = json_object_get(data, "workloads");
	json_t *saved = json_object_get(run->cluster->saved, kind->key);
	const char *name;
	json_t *replicas;

	(void)node;
	if (!json_is_object(now))
		return NULL;
	json_t *known = json_deep_copy(json_object_get(saved, "workloads"));
	if (known == NULL)
		known = json_object();
	json_object_foreach((json_t *)(uintptr_t)now, name, replicas) {
		if (kind->down)
			json_object_set(known, name, replicas);
		else
			json_object_del(known, name);
	}
	bool empty = json_object_size(known) == 0 && !(is_pause(kind) && kind->down);
	cluster_state_keep(run->cluster, kind->key,
		empty ? NULL
		      : json_pack("{s:O, s:I}", "workloads", known, "at",
				(json_int_t)clock_utc(svc->clock)));
	json_decref(known);
	return cluster_state_save(svc, run->cluster);
}

static struct err *finish_pause(struct service *svc, struct op_run *run)
{
	struct cluster *c = run->cluster;
	bool down = kind_of(run)->down;

	if (run->op->status != OP_SUCCEEDED) {
		mem_free(c->status_reason);
		c->status_reason = mem_printf("%s %s; go on: mko cluster %s %s",
			down ? "pause" : "resume", enum_text(&op_status_table, run->op->status),
			down ? "pause" : "resume", c->name);
		return cluster_state_save(svc, c);
	}
	if (down)
		return cluster_state_set(svc, c, CLUSTER_PAUSED,
			mem_printf("paused; go on: mko cluster resume %s", c->name));
	cluster_state_keep(c, KEY_PAUSED, NULL);
	return cluster_state_set(svc, c, c->status == CLUSTER_PAUSED ? CLUSTER_ACTIVE : c->status,
		NULL);
}

#define TIMEOUT_PARAM                                                                              \
	{                                                                                          \
		.name = "pods_timeout_s", .kind = FIELD_I64, .min = 1, .max = 86400, .def = "300", \
		.help = "Seconds for the pods of a tier to end, or to be ready."                   \
	}
static const struct op_param scale_params[] = {
	{.name = "tiers",
		.kind = FIELD_JSON,
		.def = "[]",
		.help = "Label selectors, one after the other; scaling up takes them the other way round. Without: all workloads of users."},
	{.name = "namespaces", .kind = FIELD_JSON, .def = "[]", .help = "Only these namespaces."},
	TIMEOUT_PARAM,
};
static const struct op_param pause_params[] = {TIMEOUT_PARAM};

#define SUSPEND_TYPE(NAME, TITLE, SUMMARY, RISK, PARAMS, FINISH)                                   \
	{                                                                                          \
		.name = (NAME), .title = (TITLE), .summary = (SUMMARY),                            \
		.target = OP_TARGET_CLUSTER, .role = ROLE_OPERATOR, .risk = (RISK),                \
		.exclusive = true, .when_paused = (FINISH) != NULL, .check_mode = true,            \
		.timeout_s = 3600, .playbook = "suspend_workloads", .params = (PARAMS),            \
		.n_params = ARRAY_LEN(PARAMS), .plan = plan, .host_result = take_workloads,        \
		.finish = (FINISH),                                                                \
	}

const struct op_type op_cluster_scale_down = SUSPEND_TYPE("cluster.scale_down",
	"Scale down cluster %s",
	"Take the replicas of Deployments and StatefulSets away and note how many they were.",
	OP_RISK_DISRUPT, scale_params, NULL);
const struct op_type op_cluster_scale_up = SUSPEND_TYPE("cluster.scale_up", "Scale up cluster %s",
	"Bring back exactly the replicas that were taken away.", OP_RISK_CHANGE, scale_params,
	NULL);
const struct op_type op_cluster_pause = SUSPEND_TYPE("cluster.pause", "Pause cluster %s",
	"Close the nodes for new pods, suspend the CronJobs, and hold mko's own operations on the cluster.",
	OP_RISK_CHANGE, pause_params, finish_pause);
const struct op_type op_cluster_resume = SUSPEND_TYPE("cluster.resume", "Resume cluster %s",
	"Open what a pause closed: nodes, CronJobs, and mko's own operations.", OP_RISK_CHANGE,
	pause_params, finish_pause);
