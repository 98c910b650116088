/* cluster.join, leave, forget, replace: who belongs to a running cluster. Only the nodes that come
 * or go and the control planes take part, so the cost does not grow with the cluster. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

#define HA_CONTROL_PLANES 3
#define NODES_MAX 64
#define FORMER_MEMBER_WAIT_S 60

static const char *const role_texts[] = {"auto", "control_plane", "worker", NULL};
static const struct enum_table join_role_table = {"join_role", role_texts};

static struct err *check_join_role(const char *text)
{
	return enum_value(&join_role_table, text) >= 0
		? NULL
		: err_new(ERR_INVALID, "must be auto, control_plane or worker");
}

#define PARAM_NODES(EXAMPLE, HELP)                                                                 \
	{                                                                                          \
		.name = "nodes", .kind = FIELD_JSON, .required = true, .example = (EXAMPLE),       \
		.help = (HELP)                                                                     \
	}
#define PARAM_DISCARD                                                                              \
	{                                                                                          \
		.name = "discard_volumes", .kind = FIELD_BOOL,                                     \
		.help = "Delete volumes of users in the default storage of a node that leaves."    \
	}
#define PARAMS_DRAIN                                                                               \
	{.name = "no_drain", .kind = FIELD_BOOL, .help = "Do not move the pods away before."},     \
		{.name = "drain_timeout_s",                                                        \
			.kind = FIELD_I64,                                                         \
			.min = 1,                                                                  \
			.max = 86400,                                                              \
			.def = "300",                                                              \
			.help = "Seconds for moving the pods of a node."},                         \
	{                                                                                          \
		.name = "ignore_stuck_pods", .kind = FIELD_BOOL,                                   \
		.help = "Go on although pods did not leave the node in time; they are killed."     \
	}

static size_t count_planes(const struct op_run *run, bool named)
{
	size_t n = 0;

	for (size_t i = 0; i < run->n_nodes; i++)
		n += run->nodes[i].role == NODE_ROLE_CONTROL_PLANE &&
			run->nodes[i].cluster_id == run->cluster->id &&
			op_run_named(run, &run->nodes[i]) == named;
	return n;
}

static struct err *check_named(const struct op_run *run)
{
	const json_t *names = op_run_param(run, "nodes");

	if (!json_is_array(names) || json_array_size(names) == 0 ||
		json_array_size(names) > NODES_MAX)
		return err_field(NULL, "nodes", "must be a list of 1 to %d nodes", NODES_MAX);
	for (size_t i = 0; i < run->n_nodes; i++) {
		const struct node *n = &run->nodes[i];
		if (op_run_named(run, n) && n->cluster_id != I64_NONE &&
			n->cluster_id != run->cluster->id)
			return err_hint(err_new(ERR_PRECONDITION,
						"node %s belongs to another cluster", n->hostname),
				"mko node show %s", n->hostname);
	}
	return NULL;
}

static struct err *check_running(const struct op_run *run)
{
	if (run->cluster->scanned_at != I64_NONE)
		return NULL;
	return err_hint(err_new(ERR_PRECONDITION, "cluster %s is not set up yet",
				run->cluster->name),
		"mko cluster setup %s", run->cluster->name);
}

/* What the playbook setup_cluster needs to join nodes to a cluster that runs. */
static struct err *set_join_vars(struct service *svc, struct op_run *run)
{
	const struct cluster *c = run->cluster;

	op_run_set_text(run, "mko_cluster_name", c->name);
	op_run_set_text(run, "mko_channel",
		c->channel != NULL ? c->channel : svc->config->microk8s_channel);
	op_run_set_text(run, "mko_network_cidr", c->network_cidr);
	op_run_set_text(run, "mko_service_cidr", c->service_cidr);
	op_run_set(run, "mko_join_token_ttl_s",
		json_integer(svc->config->microk8s_join_token_ttl_s));
	op_run_set(run, "mko_addons", json_array());
	/* a node that the cluster removed never becomes ready by itself: it is installed anew */
	op_run_set(run, "mko_member_timeout_s", json_integer(FORMER_MEMBER_WAIT_S));
	/* the workers take no part, so nobody here knows all members */
	op_run_set(run, "mko_allow_unknown_members", json_true());
	return op_run_set_hosts_entries(svc, run);
}

/* ---- join ---- */

static const struct op_param join_params[] = {
	PARAM_NODES("[\"n2\"]", "Names or IDs of the nodes that join."),
	{.name = "role",
		.kind = FIELD_TEXT,
		.check = check_join_role,
		.def = "auto",
		.help = "control_plane, worker, or auto: the role of the node, else a control plane while a highly available cluster has fewer than three."},
	{.name = "discard_workloads",
		.kind = FIELD_BOOL,
		.help = "Join a node although that deletes pods or volumes on its own single-node cluster."},
};

static void choose_join_roles(struct op_run *run, int role)
{
	size_t planes = count_planes(run, false);
	size_t wanted = run->cluster->ha_enabled ? HA_CONTROL_PLANES : 1;

	for (size_t i = 0; i < run->n_nodes; i++) {
		struct node *n = &run->nodes[i];
		if (!op_run_named(run, n) ||
			(n->cluster_id == run->cluster->id && n->role != NODE_ROLE_NONE))
			continue;
		if (role == NODE_ROLE_NONE && n->role == NODE_ROLE_NONE)
			n->role = planes < wanted ? NODE_ROLE_CONTROL_PLANE : NODE_ROLE_WORKER;
		else if (role != NODE_ROLE_NONE)
			n->role = role;
		planes += n->role == NODE_ROLE_CONTROL_PLANE;
	}
}

static bool takes_part(const struct op_run *run, const struct node *n)
{
	return op_run_named(run, n) || n->role == NODE_ROLE_CONTROL_PLANE;
}

static struct err *plan_join(struct service *svc, struct op_run *run)
{
	const char *role = op_run_param_text(run, "role");

	TRY(check_named(run));
	TRY(check_running(run));
	/* the words of both tables stand in the same order */
	choose_join_roles(run, role != NULL ? enum_value(&join_role_table, role) : NODE_ROLE_NONE);
	TRY(set_join_vars(svc, run));
	op_run_set(run, "mko_discard_workloads",
		json_boolean(json_is_true(op_run_param(run, "discard_workloads"))));
	op_run_keep(run, takes_part);
	return op_run_set_other_nodes(svc, run);
}

const struct op_type op_cluster_join = {
	.name = "cluster.join",
	.title = "Join nodes to cluster %s",
	.summary =
		"Add nodes to a running cluster: prepare, install, join, verify. Only they and the control planes are touched.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.check_mode = true,
	.brings_nodes = true,
	.timeout_s = 7200,
	.playbook = "setup_cluster",
	.params = join_params,
	.n_params = ARRAY_LEN(join_params),
	.plan = plan_join,
	.host_result = cluster_state_host,
	.secret = cluster_state_secret,
};

/* ---- leave ---- */

static const struct op_param leave_params[] = {
	PARAM_NODES("[\"n1\"]", "Names or IDs of the nodes that leave."),
	{.name = "lost",
		.kind = FIELD_BOOL,
		.help = "The nodes are lost for good: they are not contacted, the cluster forgets them."},
	PARAMS_DRAIN,
	{.name = "keep_microk8s",
		.kind = FIELD_BOOL,
		.help = "Leave MicroK8s installed on workers. Control planes are always purged: they keep the keys of their old cluster otherwise."},
	PARAM_DISCARD,
	OP_PARAM_ALLOW_QUORUM_LOSS,
};

static struct err *check_planes_left(const struct op_run *run)
{
	size_t left = count_planes(run, false);
	size_t going = count_planes(run, true);

	if (left == 0 && going > 0)
		return err_hint(
			err_new(ERR_PRECONDITION,
				"no control plane of cluster %s would be left: the last one cannot leave",
				run->cluster->name),
			"mko cluster remove %s", run->cluster->name);
	if (going == 0 || !run->cluster->ha_enabled || left >= HA_CONTROL_PLANES ||
		json_is_true(op_run_param(run, "allow_quorum_loss")))
		return NULL;
	return err_hint(
		err_new(ERR_PRECONDITION,
			"cluster %s would keep %zu control plane%s, and high availability needs %d",
			run->cluster->name, left, left == 1 ? "" : "s", HA_CONTROL_PLANES),
		"join another one first, or: mko cluster replace %s OLD NEW, or accept it: --allow-quorum-loss",
		run->cluster->name);
}

static void set_leave_vars(struct op_run *run, json_t *take_hosts, bool lost)
{
	op_run_set(run, "mko_leave_hosts", take_hosts);
	op_run_set(run, "mko_lost_hosts", lost ? json_deep_copy(take_hosts) : json_array());
	op_run_set(run, "mko_drain", json_boolean(!json_is_true(op_run_param(run, "no_drain"))));
	op_run_set(run, "mko_drain_timeout_s",
		json_incref((json_t *)(uintptr_t)op_run_param(run, "drain_timeout_s")));
	op_run_set(run, "mko_drain_insist",
		json_boolean(json_is_true(op_run_param(run, "ignore_stuck_pods"))));
	op_run_set(run, "mko_discard_volumes",
		json_boolean(json_is_true(op_run_param(run, "discard_volumes"))));
	op_run_set(run, "mko_allow_quorum_loss",
		json_boolean(json_is_true(op_run_param(run, "allow_quorum_loss"))));
	op_run_set_text(run, "mko_cluster_name", run->cluster->name);
}

/* Only the nodes that go are down. */
static void spare_others(struct op_run *run)
{
	const json_t *going = json_object_get(run->vars, "mko_leave_hosts");

	for (size_t i = 0; i < run->n_nodes; i++) {
		size_t k;
		const json_t *name;
		bool goes = false;
		json_array_foreach(going, k, name)
			goes |= strcmp(json_string_value(name), run->nodes[i].hostname) == 0;
		if (!goes)
			op_run_spare(run, run->nodes[i].hostname);
	}
}

static struct err *plan_leave(struct service *svc, struct op_run *run)
{
	(void)svc;
	TRY(check_named(run));
	TRY(check_running(run));
	TRY(check_planes_left(run));
	op_run_keep(run, takes_part);
	set_leave_vars(run, op_run_named_hosts(run), json_is_true(op_run_param(run, "lost")));
	op_run_set(run, "mko_purge",
		json_boolean(!json_is_true(op_run_param(run, "keep_microk8s"))));
	spare_others(run);
	return NULL;
}

static struct err *leave_result(struct service *svc, struct op_run *run, struct node *node,
	const json_t *data)
{
	if (json_is_true(json_object_get(data, "left")) && node->cluster_id == run->cluster->id) {
		node->cluster_id = I64_NONE;
		node->role = NODE_ROLE_NONE;
	}
	return cluster_state_host(svc, run, node, data);
}

/* A lost node was never contacted: that Ansible did something in its name does not make it online.
 */
static struct err *finish_lost(struct service *svc, struct op_run *run, const char *name)
{
	for (size_t i = 0; i < run->n_nodes; i++) {
		struct node *n = &run->nodes[i];
		if (name != NULL ? strcmp(n->hostname, name) != 0 : !op_run_named(run, n))
			continue;
		n->status = NODE_OFFLINE;
		field_set_text(&n->status_reason, "it was said to be lost");
		n->updated_at = clock_utc(svc->clock);
		TRY(store_update(svc->store, &node_type, n));
	}
	return NULL;
}

static struct err *finish_leave(struct service *svc, struct op_run *run)
{
	return json_is_true(op_run_param(run, "lost")) ? finish_lost(svc, run, NULL) : NULL;
}

const struct op_type op_cluster_leave = {
	.name = "cluster.leave",
	.title = "Remove nodes from cluster %s",
	.summary =
		"Drain nodes, let them leave, make the cluster forget them, and purge MicroK8s there; also for nodes that are lost.",
	.next = "the same command again; for a node that is gone for good: mko cluster leave %s NODE --lost",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DESTROY,
	.down = OP_DOWN_EACH,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 7200,
	.playbook = "leave_cluster",
	.params = leave_params,
	.n_params = ARRAY_LEN(leave_params),
	.plan = plan_leave,
	.host_result = leave_result,
	.finish = finish_leave,
};

/* ---- forget: members that are in no inventory ---- */

static struct err *check_member(const char *text)
{
	struct err *name = check_hostname(text);

	if (name == NULL)
		return NULL;
	err_free(name);
	return check_ip(text);
}

static const struct op_param forget_params[] = {
	{.name = "member",
		.kind = FIELD_TEXT,
		.required = true,
		.max = 253,
		.check = check_member,
		.example = "\"10.0.0.13\"",
		.help = "Name in Kubernetes, or IPv4 address in the datastore, of a dead member."},
};

static struct err *plan_forget(struct service *svc, struct op_run *run)
{
	const char *member = op_run_param_text(run, "member");

	(void)svc;
	TRY(check_running(run));
	for (size_t i = 0; i < run->n_nodes; i++)
		if (strcmp(run->nodes[i].hostname, member) == 0 ||
			strcmp(run->nodes[i].ip_address, member) == 0)
			return err_hint(err_new(ERR_PRECONDITION, "%s is a node of the inventory",
						member),
				"mko cluster leave %s %s", run->cluster->name,
				run->nodes[i].hostname);
	TRY(op_run_keep_planes(run));
	op_run_set_text(run, "mko_member", member);
	op_run_set_text(run, "mko_cluster_name", run->cluster->name);
	return NULL;
}

const struct op_type op_cluster_forget = {
	.name = "cluster.forget",
	.title = "Let cluster %s forget a member",
	.summary =
		"Remove a dead member that is in no inventory from Kubernetes and from the datastore.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DESTROY,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 900,
	.playbook = "forget_member",
	.params = forget_params,
	.n_params = ARRAY_LEN(forget_params),
	.plan = plan_forget,
	.host_result = cluster_state_host,
};

/* ---- replace ---- */

static const struct op_param replace_params[] = {
	{.name = "old",
		.kind = FIELD_TEXT,
		.required = true,
		.max = 253,
		.example = "\"n1\"",
		.help = "Name or ID of the node that goes."},
	PARAM_NODES("[\"n2\"]", "The node that takes its place, as a list of one."),
	{.name = "lost", .kind = FIELD_BOOL, .help = "The old node is lost for good."},
	PARAMS_DRAIN,
	PARAM_DISCARD,
	OP_PARAM_ALLOW_QUORUM_LOSS,
};

static struct node *old_node(struct op_run *run)
{
	const char *old = op_run_param_text(run, "old");
	char number[24];

	for (size_t i = 0; i < run->n_nodes; i++) {
		struct node *n = &run->nodes[i];
		snprintf(number, sizeof(number), "%lld", (long long)n->id);
		if (strcmp(n->hostname, old) == 0 || strcmp(number, old) == 0)
			return n;
	}
	return NULL;
}

static bool takes_part_in_replace(const struct op_run *run, const struct node *n)
{
	const char *old =
		json_string_value(json_array_get(json_object_get(run->vars, "mko_leave_hosts"), 0));

	return takes_part(run, n) || strcmp(n->hostname, old) == 0;
}

static struct err *check_replace(const struct op_run *run, const struct node *old)
{
	if (json_array_size(op_run_param(run, "nodes")) != 1)
		return err_field(NULL, "nodes", "must be a list of one node");
	if (old == NULL || old->cluster_id != run->cluster->id)
		return err_hint(err_new(ERR_PRECONDITION, "%s is no node of cluster %s",
					op_run_param_text(run, "old"), run->cluster->name),
			"mko cluster status %s", run->cluster->name);
	if (op_run_named(run, old))
		return err_field(NULL, "nodes", "a node cannot replace itself");
	return NULL;
}

/* Join first, leave then: at no moment there are fewer voters than before. */
static struct err *plan_replace(struct service *svc, struct op_run *run)
{
	struct node *old = old_node(run);
	bool lost = json_is_true(op_run_param(run, "lost"));
	json_t *others = json_array();

	json_t *hosts = old != NULL ? json_pack("[s]", old->hostname) : json_array();
	op_run_set(run, "mko_setup_hosts", others);
	op_run_set(run, "mko_new_hosts", op_run_named_hosts(run));
	set_leave_vars(run, hosts, lost);
	TRY(check_named(run));
	TRY(check_running(run));
	TRY(check_replace(run, old));
	must(old != NULL); /* check_replace() refuses without one */
	for (size_t i = 0; i < run->n_nodes; i++)
		if (op_run_named(run, &run->nodes[i]))
			run->nodes[i].role = old->role;
	TRY(set_join_vars(svc, run));
	op_run_keep(run, takes_part_in_replace);
	for (size_t i = 0; i < run->n_nodes; i++)
		if (strcmp(run->nodes[i].hostname, json_string_value(json_array_get(hosts, 0))) !=
			0)
			json_array_append_new(others, json_string(run->nodes[i].hostname));
	spare_others(run);
	return op_run_set_other_nodes(svc, run);
}

static struct err *finish_replace(struct service *svc, struct op_run *run)
{
	const struct node *old = old_node(run);

	return old != NULL && json_is_true(op_run_param(run, "lost"))
		? finish_lost(svc, run, old->hostname)
		: NULL;
}

const struct op_type op_cluster_replace = {
	.name = "cluster.replace",
	.title = "Replace a node of cluster %s",
	.summary =
		"Join a new node in the role of an old one, then let the old one leave, or forget it when it is lost.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DESTROY,
	.exclusive = true,
	.brings_nodes = true,
	.down = OP_DOWN_EACH,
	.timeout_s = 7200,
	.playbook = "replace_node",
	.params = replace_params,
	.n_params = ARRAY_LEN(replace_params),
	.plan = plan_replace,
	.host_result = leave_result,
	.finish = finish_replace,
};
