/* Owns who is asked about health. The round itself: health_round.c. */
#include "service/health.h"

#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "model/cluster.h"
#include "model/node.h"
#include "service/cluster.h"
#include "service/health_int.h"
#include "service/scope.h"

/* The addresses of the voters, as the last scan told them. Owned. */
static json_t *voters_of(const struct cluster *c)
{
	json_t *voters = json_array();
	const json_t *member = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(c->scan, "dqlite"), i, member) {
		const char *role = json_string_value(json_object_get(member, "role"));
		const char *address = json_string_value(json_object_get(member, "address"));
		if (role != NULL && address != NULL && strcmp(role, "voter") == 0)
			json_array_append_new(voters, json_stringn(address, strcspn(address, ":")));
	}
	return voters;
}

static json_t *cluster_input(const struct cluster *c)
{
	return json_pack("{sI ss ss? so sb}", "id", c->id, "name", c->name, "kubeconfig",
		c->kubeconfig, "voters", voters_of(c), "stopped",
		json_object_get(c->saved, "shutdown") != NULL);
}

/* MicroK8s should run there: it is in a cluster that was set up, and nothing says that it is not
 * installed. */
static bool is_member(const struct node *n)
{
	return n->cluster_id != I64_NONE && n->role != NODE_ROLE_NONE &&
		n->microk8s_status != MICROK8S_UNKNOWN &&
		n->microk8s_status != MICROK8S_NOT_INSTALLED;
}

static json_t *node_input(const struct node *n)
{
	return json_pack("{sI ss ss sI sI sb sb sI sb}", "id", n->id, "name", n->hostname,
		"address", n->ip_address, "port", n->ssh_port, "cluster_id", n->cluster_id,
		"member", is_member(n), "plane", n->role == NODE_ROLE_CONTROL_PLANE, "status",
		n->status, "silent", health_is_silent(n));
}

static struct err *list_nodes(struct service *svc, int64_t cluster_id, json_t *to)
{
	struct store_query q = {.sort = "id"};
	struct store_rows rows = {0};

	if (cluster_id != I64_NONE)
		store_where_number(&q, "cluster_id", STORE_EQ, cluster_id);
	TRY(scope_where(svc, &node_type, &q));
	TRY(store_list(svc->store, &node_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(to, node_input(store_row(&rows, i)));
	store_rows_done(&rows);
	return NULL;
}

static struct err *list_clusters(struct service *svc, int64_t cluster_id, json_t *to)
{
	struct store_query q = {.sort = "id"};
	struct store_rows rows = {0};

	if (cluster_id != I64_NONE)
		store_where_number(&q, "id", STORE_EQ, cluster_id);
	TRY(scope_where(svc, &cluster_type, &q));
	TRY(store_list(svc->store, &cluster_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(to, cluster_input(store_row(&rows, i)));
	store_rows_done(&rows);
	return NULL;
}

struct err *health_input(struct service *svc, const char *cluster, json_t **ret_input)
{
	cleanup(mem_freep) char *key = fs_join(svc->data_dir, "secret.key");
	int64_t cluster_id = I64_NONE;
	struct cluster c;

	if (cluster != NULL) {
		TRY(cluster_find(svc, cluster, &c));
		cluster_id = c.id;
		record_done(&cluster_type, &c);
	}
	json_t *nodes = json_array();
	json_t *clusters = json_array();
	struct err *e = list_nodes(svc, cluster_id, nodes);
	if (e == NULL)
		e = list_clusters(svc, cluster_id, clusters);
	*ret_input = json_pack("{ss sI so so}", "secret_key", key, "now", clock_utc(svc->clock),
		"nodes", nodes, "clusters", clusters);
	if (e != NULL)
		json_decref(*ret_input);
	return e;
}
