/* Owns what an operation acts on and with: target, hosts, variables, resources, run spec. */
#include "service/op/op_run.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "service/cluster.h"
#include "service/find.h"
#include "service/node.h"
#include "service/op/op_custom.h"
#include "service/op/op_int.h"
#include "service/scope.h"

static void add_node(struct op_run *run, const struct node *node)
{
	run->nodes = mem_realloc_array(run->nodes, run->n_nodes + 1, sizeof(*run->nodes));
	record_copy(&node_type, &run->nodes[run->n_nodes++], node);
}

static void add_rows(struct op_run *run, struct store_rows *take_rows)
{
	for (size_t i = 0; i < take_rows->n; i++)
		add_node(run, store_row(take_rows, i));
	store_rows_done(take_rows);
}

static struct err *load_one(struct service *svc, struct op_run *run, int64_t id)
{
	struct node node;

	TRY(store_get(svc->store, &node_type, id, &node));
	add_node(run, &node);
	record_done(&node_type, &node);
	return NULL;
}

/* Hosts of a stored operation; a node that was removed meanwhile is left out. */
static struct err *load_by_hosts(struct service *svc, struct op_run *run)
{
	struct store_rows hosts = {0};
	struct err *e = op_hosts_list(svc, run->op->id, &hosts);

	for (size_t i = 0; e == NULL && i < hosts.n; i++) {
		const struct op_host *h = store_row(&hosts, i);
		e = load_one(svc, run, h->node_id);
		if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
			err_ignore(e); /* removed from the inventory since: nothing to act on */
			e = NULL;
		}
	}
	store_rows_done(&hosts);
	return e;
}

static bool has_node(const struct op_run *run, int64_t id)
{
	for (size_t i = 0; i < run->n_nodes; i++)
		if (run->nodes[i].id == id)
			return true;
	return false;
}

static struct err *load_wanted(struct service *svc, struct op_run *run, const json_t *wanted)
{
	size_t i;
	const json_t *item;

	json_array_foreach(wanted, i, item) {
		char number[24];
		const char *name = json_string_value(item);
		struct node node;
		if (json_is_integer(item)) {
			snprintf(number, sizeof(number), "%lld",
				(long long)json_integer_value(item));
			name = number;
		}
		if (name == NULL)
			return err_field(NULL, "nodes", "must be a list of names or IDs");
		TRY(node_find(svc, name, &node));
		if (!has_node(run, node.id))
			add_node(run, &node);
		record_done(&node_type, &node);
	}
	return NULL;
}

static struct err *load_all(struct service *svc, struct op_run *run)
{
	struct store_query q = {0};
	struct store_rows rows = {0};

	TRY(scope_where(svc, &node_type, &q));
	TRY(store_list(svc->store, &node_type, &q, &rows));
	add_rows(run, &rows);
	return NULL;
}

static struct err *load_nodes(struct service *svc, struct op_run *run, const json_t *wanted)
{
	if (run->op->id != 0)
		return load_by_hosts(svc, run);
	return wanted != NULL ? load_wanted(svc, run, wanted) : load_all(svc, run);
}

static struct err *load_cluster(struct service *svc, struct op_run *run)
{
	struct store_rows rows = {0};
	struct cluster *c = mem_zalloc(sizeof(*c));
	struct err *e = store_get(svc->store, &cluster_type, run->op->target_id, c);

	if (e != NULL) {
		mem_free(c);
		return e;
	}
	run->cluster = c;
	if (run->type->drive != NULL)
		return NULL; /* its steps act on nodes, and know them when they begin */
	TRY(cluster_nodes(svc, c->id, &rows));
	add_rows(run, &rows);
	/* nodes that the operation names may not belong to the cluster yet, or not any more */
	const json_t *named = op_run_param(run, "nodes");
	return named != NULL ? load_wanted(svc, run, named) : NULL;
}

static struct err *load_target(struct service *svc, struct op_run *run, const json_t *wanted)
{
	if (run->op->target_kind == OP_TARGET_NONE)
		return NULL;
	if (run->op->target_kind == OP_TARGET_CLUSTER)
		return load_cluster(svc, run);
	if (run->op->target_kind == OP_TARGET_NODE)
		return load_one(svc, run, run->op->target_id);
	return load_nodes(svc, run, wanted);
}

struct err *op_run_open(struct service *svc, struct operation *op, const json_t *wanted,
	struct op_run *ret_run)
{
	struct op_run run = {.op = op};

	TRY(op_type_need(svc, op->type, &run.type));
	run.vars = json_object();
	struct err *e = load_target(svc, &run, wanted);
	if (e == NULL && run.n_nodes == 0 && run.type->target != OP_TARGET_NONE &&
		run.type->drive == NULL)
		e = run.cluster != NULL
			? err_hint(err_new(ERR_PRECONDITION, "cluster %s has no nodes",
					   run.cluster->name),
				  "mko node edit NODE --cluster-id %s", run.cluster->name)
			: err_hint(err_new(ERR_PRECONDITION, "there are no nodes to act on"),
				  "mko node add");
	if (e != NULL) {
		op_run_close(&run);
		return e;
	}
	*ret_run = run;
	return NULL;
}

void op_run_close(struct op_run *run)
{
	for (size_t i = 0; i < run->n_nodes; i++)
		record_done(&node_type, &run->nodes[i]);
	mem_free(run->nodes);
	for (size_t i = 0; i < run->n_helpers; i++)
		record_done(&node_type, &run->helpers[i]);
	mem_free(run->helpers);
	if (run->cluster != NULL)
		record_done(&cluster_type, run->cluster);
	mem_free(run->cluster);
	json_decref(run->vars);
	json_decref(run->spared);
	*run = (struct op_run){0};
}

static void add_cluster_id(json_t *ids, int64_t id)
{
	size_t i;
	const json_t *item;
	int64_t shown = id == I64_NONE ? 0 : id;

	json_array_foreach(ids, i, item)
		if (json_integer_value(item) == shown)
			return;
	json_array_append_new(ids, json_integer(shown));
}

json_t *op_run_clusters(const struct op_run *run)
{
	json_t *ids = json_array();

	if (run->cluster != NULL)
		add_cluster_id(ids, run->cluster->id);
	for (size_t i = 0; i < run->n_nodes; i++)
		add_cluster_id(ids, run->nodes[i].cluster_id);
	return ids;
}

struct err *op_run_plan(struct service *svc, struct op_run *run)
{
	return run->type->plan != NULL ? run->type->plan(svc, run) : NULL;
}

struct node *op_run_node(struct op_run *run, const char *hostname)
{
	for (size_t i = 0; i < run->n_nodes; i++)
		if (strcmp(run->nodes[i].hostname, hostname) == 0)
			return &run->nodes[i];
	return NULL;
}

static bool is_helper(const struct op_run *run, int64_t id)
{
	for (size_t i = 0; i < run->n_helpers; i++)
		if (run->helpers[i].id == id)
			return true;
	return false;
}

static void add_helper(struct op_run *run, const struct node *node)
{
	if (has_node(run, node->id) || is_helper(run, node->id))
		return;
	run->helpers = mem_realloc_array(run->helpers, run->n_helpers + 1, sizeof(*run->helpers));
	record_copy(&node_type, &run->helpers[run->n_helpers++], node);
}

struct err *op_run_add_helper(struct service *svc, struct op_run *run, const char *name,
	char **ret_hostname)
{
	struct node node;

	TRY(node_find(svc, name, &node));
	add_helper(run, &node);
	*ret_hostname = mem_strdup(node.hostname);
	record_done(&node_type, &node);
	return NULL;
}

struct err *op_run_add_helpers(struct service *svc, struct op_run *run)
{
	for (size_t i = 0; i < run->n_nodes; i++) {
		struct store_rows rows = {0};
		if (run->nodes[i].cluster_id == I64_NONE)
			continue;
		TRY(cluster_nodes(svc, run->nodes[i].cluster_id, &rows));
		for (size_t k = 0; k < rows.n; k++) {
			const struct node *node = store_row(&rows, k);
			if (node->role == NODE_ROLE_CONTROL_PLANE)
				add_helper(run, node);
		}
		store_rows_done(&rows);
	}
	return NULL;
}

void op_run_spare(struct op_run *run, const char *hostname)
{
	if (run->spared == NULL)
		run->spared = json_array();
	json_array_append_new(run->spared, json_string(hostname));
}

void op_run_keep(struct op_run *run, bool (*wanted)(const struct op_run *, const struct node *))
{
	size_t n = 0;

	for (size_t i = 0; i < run->n_nodes; i++) {
		if (wanted(run, &run->nodes[i]))
			run->nodes[n++] = run->nodes[i];
		else
			record_done(&node_type, &run->nodes[i]);
	}
	run->n_nodes = n;
}

bool op_run_named(const struct op_run *run, const struct node *node)
{
	size_t i;
	const json_t *item;
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)node->id);
	json_array_foreach(op_run_param(run, "nodes"), i, item) {
		const char *name = json_string_value(item);
		if (json_is_integer(item) ? json_integer_value(item) == node->id
					  : name != NULL &&
					(strcmp(name, node->hostname) == 0 ||
						strcmp(name, number) == 0))
			return true;
	}
	return false;
}

json_t *op_run_named_hosts(const struct op_run *run)
{
	json_t *names = json_array();

	for (size_t i = 0; i < run->n_nodes; i++)
		if (op_run_named(run, &run->nodes[i]))
			json_array_append_new(names, json_string(run->nodes[i].hostname));
	return names;
}

static bool is_plane_or_named(const struct op_run *run, const struct node *node)
{
	return node->role == NODE_ROLE_CONTROL_PLANE || op_run_named(run, node);
}

struct err *op_run_keep_planes(struct op_run *run)
{
	op_run_keep(run, is_plane_or_named);
	for (size_t i = 0; i < run->n_nodes; i++)
		if (run->nodes[i].role == NODE_ROLE_CONTROL_PLANE)
			return NULL;
	return err_hint(err_new(ERR_PRECONDITION, "cluster %s has no control plane yet",
				run->cluster->name),
		"mko cluster setup %s", run->cluster->name);
}

void op_run_set(struct op_run *run, const char *name, json_t *take_value)
{
	json_object_set_new(run->vars, name, take_value);
}

void op_run_set_text(struct op_run *run, const char *name, const char *text)
{
	if (text != NULL)
		op_run_set(run, name, json_string(text));
}

const json_t *op_run_param(const struct op_run *run, const char *name)
{
	return json_object_get(run->op->params, name);
}

const char *op_run_param_text(const struct op_run *run, const char *name)
{
	return json_string_value(op_run_param(run, name));
}

/* Whether a node is one of the run or of a cluster that a node of the run belongs to. */
static bool near(const struct op_run *run, const struct node *node)
{
	for (size_t i = 0; i < run->n_nodes; i++)
		if (run->nodes[i].id == node->id ||
			(node->cluster_id != I64_NONE &&
				run->nodes[i].cluster_id == node->cluster_id))
			return true;
	return false;
}

struct err *op_run_set_hosts_entries(struct service *svc, struct op_run *run)
{
	struct store_query q = {0};
	struct store_rows rows = {0};
	json_t *entries = json_array();

	TRY(store_list(svc->store, &node_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct node *node = store_row(&rows, i);
		if (near(run, node))
			json_array_append_new(entries,
				json_pack("{s:s, s:s}", "address", node->ip_address, "hostname",
					node->hostname));
	}
	store_rows_done(&rows);
	op_run_set(run, "mko_hosts_entries", entries);
	return NULL;
}

struct err *op_run_set_other_nodes(struct service *svc, struct op_run *run)
{
	struct store_query q = {0};
	struct store_rows rows = {0};
	json_t *others = json_array();

	TRY(store_list(svc->store, &node_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct node *node = store_row(&rows, i);
		json_t *one = json_pack("{s:s, s:s*}", "hostname", node->hostname, "machine_id",
			node->machine_id);
		if (has_node(run, node->id))
			json_decref(one);
		else
			json_array_append_new(others, one);
	}
	store_rows_done(&rows);
	op_run_set(run, "mko_other_nodes", others);
	return NULL;
}

/* A resource is wanted once: exclusively when anybody wants it so. */
static size_t add_want(struct op_want *wants, size_t n, const char *kind, int64_t id,
	bool exclusive)
{
	struct op_want want = {.exclusive = exclusive};

	snprintf(want.resource, sizeof(want.resource), "%s:%lld", kind, (long long)id);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(wants[i].resource, want.resource) != 0)
			continue;
		wants[i].exclusive |= exclusive;
		return n;
	}
	wants[n] = want;
	return n + 1;
}

/* A node operation holds its node, and shares the node's cluster so that nothing else takes the
 * cluster alone meanwhile. What takes nodes down takes the cluster alone too: two that pass the
 * quorum guard one by one could together take too many voters. */
struct op_want *op_run_wants(const struct op_run *run, size_t *ret_n)
{
	struct op_want *wants = mem_zalloc((2 * run->n_nodes + 1) * sizeof(*wants));
	size_t n = 0;

	if (run->cluster != NULL && run->type->drive == NULL) /* each step holds what it needs */
		n = add_want(wants, n, "cluster", run->cluster->id, run->type->exclusive);
	for (size_t i = 0; i < run->n_nodes; i++) {
		const struct node *node = &run->nodes[i];
		n = add_want(wants, n, "node", node->id, run->type->exclusive);
		if (run->cluster == NULL && node->cluster_id != I64_NONE)
			n = add_want(wants, n, "cluster", node->cluster_id,
				run->type->down != OP_DOWN_NONE);
	}
	*ret_n = n;
	return wants;
}

static struct err *spec_host(struct service *svc, const struct node *node, bool forget_key,
	struct run_host *h)
{
	h->node_id = node->id;
	h->hostname = mem_strdup(node->hostname);
	h->address = mem_strdup(node->ip_address);
	h->port = node->ssh_port;
	h->user = mem_strdup(node->ssh_user);
	h->key_path = node_key_path(node->ssh_key_path);
	h->role = mem_strdup(enum_text(&node_role_table, node->role));
	h->host_key = forget_key ? NULL : mem_strdup(node->host_key);
	if (node->become_password == NULL)
		return NULL;
	return err_wrap(seal_open_text(svc->key, node->become_password, &h->become_password),
		"sudo password of node %s", node->hostname);
}

struct err *op_run_spec(struct service *svc, const struct op_run *run, struct run_spec *ret_spec)
{
	const struct config *c = svc->config;
	bool forget_keys = json_is_true(op_run_param(run, "accept_host_key"));

	*ret_spec = (struct run_spec){
		.operation_id = run->op->id,
		.attempt = run->op->attempt,
		.dir = op_path(svc, run->op->id, NULL),
		.playbook = mem_strdup(run->type->playbook),
		.vars = json_incref(run->vars),
		.forks_max = c->ansible_forks_max,
		.timeout_s = run->op->timeout_s,
		.connect_timeout_s = c->ssh_connect_timeout_s,
		.output_max_bytes = c->operations_output_max_bytes,
		.check = run->op->check_mode,
		.diff = run->op->check_mode,
		.keep = json_is_true(op_run_param(run, "keep")),
		.collections_path = mem_strdup(c->ansible_collections_path),
		.ansible_playbook = mem_strdup(c->ansible_playbook),
		.secret_key_path = fs_join(svc->data_dir, "secret.key"),
	};
	for (size_t i = 0; i < run->n_nodes; i++) {
		struct run_host *h = run_spec_add_host(ret_spec);
		TRY(spec_host(svc, &run->nodes[i], forget_keys, h));
		h->wake = run->wake ? mem_strdup(run->nodes[i].mac_address) : NULL;
	}
	for (size_t i = 0; i < run->n_helpers; i++) {
		struct run_host *h = run_spec_add_host(ret_spec);
		h->helper = true;
		TRY(spec_host(svc, &run->helpers[i], false, h));
	}
	return run_spec_check(ret_spec);
}
