/* cluster.label: labels of the nodes of a running cluster in Kubernetes. */
#include "base/mem.h"
#include "base/parse.h"
#include "model/record.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

static const struct op_param params[] = {
	{.name = "labels",
		.kind = FIELD_JSON,
		.required = true,
		.example = "{\"n1\":{\"disk\":\"ssd\"}}",
		.help = "Per host name the labels to set; null removes one. Others stay."},
};

static struct err *check_host(struct op_run *run, const char *hostname, const json_t *labels)
{
	const struct node *node = op_run_node(run, hostname);
	struct err *wrong = check_json_labels(labels);

	if (wrong != NULL) {
		cleanup(mem_freep) char *path = mem_printf("labels.%s", hostname);
		struct err *e = err_field(NULL, path, "%s", err_message(wrong));
		err_free(wrong);
		return e;
	}
	if (node != NULL && node->cluster_id == run->cluster->id)
		return NULL;
	return err_hint(err_new(ERR_PRECONDITION, "there is no node %s in cluster %s", hostname,
				run->cluster->name),
		"mko cluster status %s", run->cluster->name);
}

static struct err *plan(struct service *svc, struct op_run *run)
{
	json_t *labels = (json_t *)(uintptr_t)op_run_param(run, "labels");
	const char *hostname;
	json_t *of_host;

	(void)svc;
	if (!json_is_object(labels) || json_object_size(labels) == 0)
		return err_field(NULL, "labels", "must be an object: host name to labels");
	json_object_foreach(labels, hostname, of_host)
		TRY(check_host(run, hostname, of_host));
	op_run_set(run, "mko_labels", json_deep_copy(labels));
	return op_run_keep_planes(run);
}

const struct op_type op_cluster_label = {
	.name = "cluster.label",
	.title = "Label nodes of cluster %s",
	.summary = "Set and remove labels of nodes in Kubernetes.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 600,
	.playbook = "label_nodes",
	.params = params,
	.n_params = ARRAY_LEN(params),
	.plan = plan,
	.host_result = cluster_state_host,
};
