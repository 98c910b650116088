/* Owns how the hosts of an operation become the nodes of a check. Which checks there are is the
 * business of model/check. */
#include "service/op/op_findings.h"

#include <string.h>

#include "base/mem.h"
#include "model/check/check.h"
#include "service/op/op_int.h"
#include "service/scope.h"

static const struct node *node_named(const struct store_rows *nodes, const char *hostname)
{
	for (size_t i = 0; i < nodes->n; i++) {
		const struct node *node = store_row(nodes, i);
		if (strcmp(node->hostname, hostname) == 0)
			return node;
	}
	return NULL;
}

static const char *cluster_name(const struct store_rows *clusters, const struct node *node)
{
	for (size_t i = 0; node != NULL && i < clusters->n; i++) {
		const struct cluster *c = store_row(clusters, i);
		if (c->id == node->cluster_id)
			return c->name;
	}
	return NULL;
}

static struct check_node node_of(const struct op_host *host, const struct node *node,
	const struct store_rows *clusters)
{
	return (struct check_node){
		.cluster = cluster_name(clusters, node),
		.name = host->hostname,
		.address = node != NULL ? node->ip_address : NULL,
		.role = node != NULL ? enum_text(&node_role_table, node->role) : "none",
		.message = host->message,
		.data = host->data,
	};
}

/* The nodes that the operation did not look at, and the caller may know of. */
static json_t *others_of(struct service *svc, const struct store_rows *nodes,
	const struct check_run *run)
{
	json_t *others = json_array();

	for (size_t i = 0; i < nodes->n; i++) {
		const struct node *node = store_row(nodes, i);
		bool in_run = !scope_sees(svc, &node_type, node);
		for (size_t k = 0; k < run->n && !in_run; k++)
			in_run = strcmp(run->nodes[k].name, node->hostname) == 0;
		if (!in_run)
			json_array_append_new(others,
				json_pack("{ss ss?}", "hostname", node->hostname, "machine_id",
					node->machine_id));
	}
	return others;
}

/** Rows that a report is made of. */
struct rows {
	struct store_rows hosts, nodes, clusters;
};

static void rows_done(struct rows *rows)
{
	store_rows_done(&rows->hosts);
	store_rows_done(&rows->nodes);
	store_rows_done(&rows->clusters);
}

static struct err *rows_read(struct service *svc, int64_t op_id, struct rows *rows)
{
	struct store_query all = {.n_filters = 0};

	TRY(op_hosts_list(svc, op_id, &rows->hosts));
	TRY(store_list(svc->store, &node_type, &all, &rows->nodes));
	return store_list(svc->store, &cluster_type, &all, &rows->clusters);
}

static json_t *evaluate(struct service *svc, const struct rows *rows, enum check_use use,
	bool problems_only)
{
	const struct store_rows *hosts = &rows->hosts;
	const struct store_rows *nodes = &rows->nodes;
	struct check_node *list = mem_zalloc((hosts->n + 1) * sizeof(*list));
	struct check_run run = {.nodes = list, .n = hosts->n};

	for (size_t i = 0; i < hosts->n; i++) {
		const struct op_host *host = store_row(hosts, i);
		list[i] = node_of(host, node_named(nodes, host->hostname), &rows->clusters);
	}
	json_t *others = others_of(svc, nodes, &run);
	run.others = others;
	json_t *items = check_evaluate(&run, use, problems_only);
	json_decref(others);
	mem_free(list);
	return items;
}

struct err *op_findings(struct service *svc, const struct operation *op, bool problems_only,
	json_t **ret_items)
{
	const struct op_type *type = op_type_find(op->type);
	struct rows rows = {0};

	if (type == NULL || type->checks == 0)
		return err_hint(
			err_new(ERR_NOT_FOUND,
				"operation %lld has no findings: it is no check of nodes but %s",
				(long long)op->id, op->type),
			"mko system check-prerequisites NODE, or mko node troubleshoot NODE");
	struct err *e = rows_read(svc, op->id, &rows);
	if (e == NULL)
		*ret_items = evaluate(svc, &rows, (enum check_use)type->checks, problems_only);
	rows_done(&rows);
	return e;
}
