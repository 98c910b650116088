/* Owns the dynamic inventory that `mko inventory` gives to plain Ansible. */
#include <string.h>

#include "base/mem.h"
#include "model/cluster.h"
#include "service/node.h"
#include "service/scope.h"

static json_t *group(json_t *inventory, const char *name)
{
	json_t *g = json_object_get(inventory, name);

	if (g == NULL) {
		g = json_pack("{s:[]}", "hosts");
		json_object_set_new(inventory, name, g);
	}
	return json_object_get(g, "hosts");
}

static json_t *host_vars(const struct node *n)
{
	cleanup(mem_freep) char *key = node_key_path(n->ssh_key_path);
	json_t *vars = json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:I}", "ansible_host",
		n->ip_address, "ansible_port", (json_int_t)n->ssh_port, "ansible_user", n->ssh_user,
		"mko_hostname", n->hostname, "mko_address", n->ip_address, "mko_role",
		enum_text(&node_role_table, n->role), "mko_node_id", (json_int_t)n->id);

	if (key != NULL)
		json_object_set_new(vars, "ansible_ssh_private_key_file", json_string(key));
	return vars;
}

static void add_to_groups(json_t *inventory, const struct node *n, const char *cluster)
{
	static const char *const role_groups[] = {[NODE_ROLE_NONE] = NULL,
		[NODE_ROLE_CONTROL_PLANE] = "mko_control_planes",
		[NODE_ROLE_WORKER] = "mko_workers"};

	json_array_append_new(group(inventory, "mko_targets"), json_string(n->hostname));
	if (role_groups[n->role] != NULL)
		json_array_append_new(group(inventory, role_groups[n->role]),
			json_string(n->hostname));
	if (cluster == NULL)
		return;
	/* group names may hold letters, digits and underscores only */
	cleanup(mem_freep) char *name = mem_printf("cluster_%s", cluster);
	for (char *p = name; *p != '\0'; p++)
		if (*p == '-' || *p == '.')
			*p = '_';
	json_array_append_new(group(inventory, name), json_string(n->hostname));
}

static const char *cluster_name(const struct store_rows *clusters, int64_t id)
{
	for (size_t i = 0; i < clusters->n; i++) {
		const struct cluster *c = store_row(clusters, i);
		if (c->id == id)
			return c->name;
	}
	return NULL;
}

struct err *node_inventory(struct service *svc, json_t **ret_json)
{
	struct store_query q = {.sort = "hostname"};
	struct store_query all = {0};
	struct store_rows nodes = {0};
	struct store_rows clusters = {0};

	TRY(scope_where(svc, &node_type, &q));
	TRY(store_list(svc->store, &node_type, &q, &nodes));
	struct err *e = store_list(svc->store, &cluster_type, &all, &clusters);
	if (e != NULL) {
		store_rows_done(&nodes);
		return e;
	}
	json_t *inventory = json_object();
	json_t *vars = json_object();
	for (size_t i = 0; i < nodes.n; i++) {
		const struct node *n = store_row(&nodes, i);
		json_object_set_new(vars, n->hostname, host_vars(n));
		add_to_groups(inventory, n, cluster_name(&clusters, n->cluster_id));
	}
	json_object_set_new(inventory, "_meta", json_pack("{s:o}", "hostvars", vars));
	store_rows_done(&nodes);
	store_rows_done(&clusters);
	*ret_json = inventory;
	return NULL;
}
