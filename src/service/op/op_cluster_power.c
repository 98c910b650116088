/* cluster.shutdown and cluster.startup: a whole cluster goes down in order and comes back as it
 * was. */
#include <string.h>

#include "base/mem.h"
#include "service/node.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_int.h"
#include "service/op/op_wake.h"

#define TIER_MAX 16

static const struct op_param shutdown_params[] = {
	{.name = "graceful",
		.kind = FIELD_BOOL,
		.help = "Cordon, move and end the pods in order, stop node by node, the leader last. The default."},
	{.name = "force",
		.kind = FIELD_BOOL,
		.def = "false",
		.help = "All nodes at once, without cordons and without moving pods: what pods did not write is lost."},
	{.name = "power_off",
		.kind = FIELD_BOOL,
		.def = "false",
		.help = "Power off the machines too."},
	{.name = "leave_running",
		.kind = FIELD_JSON,
		.def = "[]",
		.help = "Names or IDs of nodes that are left alone."},
	{.name = "tiers",
		.kind = FIELD_JSON,
		.def = "[]",
		.help = "Label selectors, at most 16: the pods of the first end first, then those of the next, then all others."},
	{.name = "drain_timeout_s",
		.kind = FIELD_I64,
		.min = 1,
		.max = 86400,
		.def = "300",
		.help = "Seconds in which the pods of a tier are evicted, as their disruption budgets allow."},
	{.name = "delete_timeout_s",
		.kind = FIELD_I64,
		.min = 1,
		.max = 86400,
		.def = "120",
		.help = "Seconds for the rest of them to end with their grace, whatever a budget says."},
};

static struct node *find_in_run(struct op_run *run, const struct node *wanted)
{
	for (size_t i = 0; i < run->n_nodes; i++)
		if (run->nodes[i].id == wanted->id)
			return &run->nodes[i];
	return NULL;
}

static struct err *spare_one(struct service *svc, struct op_run *run, const json_t *item,
	json_t *names)
{
	cleanup(mem_freep) char *number = json_is_integer(item)
		? mem_printf("%lld", (long long)json_integer_value(item))
		: NULL;
	const char *name = number != NULL ? number : json_string_value(item);
	struct node node;

	if (name == NULL)
		return err_field(NULL, "leave_running", "must be a list of names or IDs");
	TRY(node_find(svc, name, &node));
	const struct node *member = find_in_run(run, &node);
	record_done(&node_type, &node);
	if (member == NULL)
		return err_field(NULL, "leave_running", "%s is no node of cluster %s", name,
			run->cluster->name);
	op_run_spare(run, member->hostname);
	json_array_append_new(names, json_string(member->hostname));
	return NULL;
}

static struct err *spare_nodes(struct service *svc, struct op_run *run)
{
	size_t i;
	const json_t *item;
	json_t *names = json_array();
	struct err *e = NULL;

	op_run_set(run, "mko_leave_running", names);
	json_array_foreach(op_run_param(run, "leave_running"), i, item) {
		e = spare_one(svc, run, item, names);
		if (e != NULL)
			return e;
	}
	if (json_array_size(names) >= run->n_nodes)
		return err_field(NULL, "leave_running", "nothing would be shut down");
	return NULL;
}

/* A selector goes into a command line of kubectl, behind --pod-selector=. */
static struct err *check_tiers(const json_t *tiers)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(tiers) || json_array_size(tiers) > TIER_MAX)
		return err_field(NULL, "tiers", "must be a list of at most %d label selectors",
			TIER_MAX);
	json_array_foreach(tiers, i, item) {
		const char *text = json_string_value(item);
		if (text == NULL || *text == '\0' || strlen(text) > 256)
			return err_field(NULL, "tiers", "must be texts of 1 to 256 characters");
		struct err *wrong = check_line(text);
		if (wrong != NULL) {
			struct err *e = err_field(NULL, "tiers", "%s", err_message(wrong));
			err_free(wrong);
			return e;
		}
	}
	return NULL;
}

static void copy_param(struct op_run *run, const char *param, const char *var)
{
	const json_t *value = op_run_param(run, param);

	if (value != NULL)
		op_run_set(run, var, json_deep_copy(value));
}

/* {"n1": 0, "n4": 3}: in which order nodes go and come. */
static void set_power_tiers(struct op_run *run)
{
	json_t *tiers = json_object();

	for (size_t i = 0; i < run->n_nodes; i++)
		json_object_set_new(tiers, run->nodes[i].hostname,
			json_integer(run->nodes[i].power_tier));
	op_run_set(run, "mko_power_tiers", tiers);
}

static struct err *plan_shutdown(struct service *svc, struct op_run *run)
{
	bool force = json_is_true(op_run_param(run, "force"));
	const json_t *graceful = op_run_param(run, "graceful");

	if (graceful != NULL && json_is_true(graceful) == force)
		return err_field(NULL, "graceful", "either graceful or force");
	TRY(check_tiers(op_run_param(run, "tiers")));
	TRY(spare_nodes(svc, run));
	set_power_tiers(run);
	copy_param(run, "force", "mko_force");
	copy_param(run, "power_off", "mko_power_off");
	copy_param(run, "tiers", "mko_tiers");
	copy_param(run, "drain_timeout_s", "mko_drain_timeout_s");
	copy_param(run, "delete_timeout_s", "mko_delete_timeout_s");
	return NULL;
}

static struct err *shutdown_host(struct service *svc, struct op_run *run, struct node *node,
	const json_t *data)
{
	const json_t *record = json_object_get(data, "shutdown");

	(void)node;
	if (!json_is_object(record))
		return NULL;
	json_t *copy = json_deep_copy(record);
	json_object_set_new(copy, "at", json_integer(clock_utc(svc->clock)));
	cluster_state_keep(run->cluster, "shutdown", copy);
	return cluster_state_save(svc, run->cluster);
}

/* What the hosts rows say at the end. */
struct ends {
	size_t stopped, unreached, failed;
	char *names; /**< of those not reached or failed, "n1, n2"; owned */
};

static void count_end(struct ends *ends, const struct op_host *h)
{
	bool stopped = h->status == OP_HOST_OK || h->status == OP_HOST_CHANGED;

	ends->stopped += stopped;
	ends->unreached += h->status == OP_HOST_UNREACHABLE;
	ends->failed += !stopped && h->status != OP_HOST_UNREACHABLE;
	if (stopped)
		return;
	char *names = mem_printf("%s%s%s", ends->names != NULL ? ends->names : "",
		ends->names != NULL ? ", " : "", h->hostname);
	mem_free(ends->names);
	ends->names = names;
}

/* A machine that we powered off is offline, whatever the last task saw. */
static struct err *note_power(struct service *svc, struct op_run *run, const struct op_host *h)
{
	const char *power = json_string_value(json_object_get(h->data, "power"));
	struct node *node = op_run_node(run, h->hostname);

	if (node == NULL || power == NULL || strcmp(power, "off") != 0)
		return NULL;
	node->status = NODE_OFFLINE;
	field_set_text(&node->status_reason, "powered off by mko");
	node->updated_at = clock_utc(svc->clock);
	return store_update(svc->store, &node_type, node);
}

struct err *node_power_finish(struct service *svc, struct op_run *run)
{
	struct store_rows hosts = {0};
	struct err *e = op_hosts_list(svc, run->op->id, &hosts);

	for (size_t i = 0; e == NULL && i < hosts.n; i++)
		e = note_power(svc, run, store_row(&hosts, i));
	store_rows_done(&hosts);
	return e;
}

static struct err *look_at_ends(struct service *svc, struct op_run *run, struct ends *ret_ends)
{
	struct store_rows hosts = {0};
	struct err *e = op_hosts_list(svc, run->op->id, &hosts);

	for (size_t i = 0; e == NULL && i < hosts.n; i++) {
		const struct op_host *h = store_row(&hosts, i);
		count_end(ret_ends, h);
		e = note_power(svc, run, h);
	}
	store_rows_done(&hosts);
	return e;
}

static struct err *set_after_shutdown(struct service *svc, struct op_run *run,
	const struct ends *ends)
{
	struct cluster *c = run->cluster;
	size_t left = json_array_size(json_object_get(run->op->params, "leave_running"));

	if (ends->failed > 0 || ends->stopped == 0)
		return cluster_state_set(svc, c, CLUSTER_DEGRADED,
			mem_printf(
				"shutdown %s, not stopped: %s; go on: mko cluster shutdown %s, or back: mko cluster startup %s",
				enum_text(&op_status_table, run->op->status),
				ends->names != NULL ? ends->names : "none", c->name, c->name));
	if (ends->unreached > 0)
		return cluster_state_set(svc, c, CLUSTER_OFFLINE,
			mem_printf("shut down; not reached, so their state is unknown: %s",
				ends->names));
	return cluster_state_set(svc, c, CLUSTER_OFFLINE,
		mem_printf("shut down%s; start it: mko cluster startup %s",
			left > 0 ? ", but some nodes were left running" : "", c->name));
}

static struct err *finish_shutdown(struct service *svc, struct op_run *run)
{
	struct ends ends = {0};
	struct err *e = look_at_ends(svc, run, &ends);

	if (e == NULL)
		e = set_after_shutdown(svc, run, &ends);
	mem_free(ends.names);
	return e;
}

const struct op_type op_cluster_shutdown = {
	.name = "cluster.shutdown",
	.title = "Shut down cluster %s",
	.summary =
		"End the pods in order, stop the nodes (workers first, the leader last) so that they come back by themselves, and power off if asked.",
	.next = "mko cluster shutdown %s    (goes on), mko cluster startup %s    (back)",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_PURPOSE,
	.when_paused = true,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 7200,
	.playbook = "shutdown_cluster",
	.params = shutdown_params,
	.n_params = ARRAY_LEN(shutdown_params),
	.plan = plan_shutdown,
	.host_result = shutdown_host,
	.finish = finish_shutdown,
};

static const struct op_param startup_params[] = {
	{.name = "wait_s",
		.kind = FIELD_I64,
		.min = 1,
		.max = 86400,
		.def = "600",
		.help = "Seconds to wait for the machines to answer."},
	{.name = "quorum_timeout_s",
		.kind = FIELD_I64,
		.min = 1,
		.max = 86400,
		.def = "600",
		.help = "Seconds for the datastore to find its quorum."},
	WAKE_PARAMS,
};

static struct err *plan_startup(struct service *svc, struct op_run *run)
{
	TRY(op_wake_plan(svc, run));
	set_power_tiers(run);
	op_run_set_text(run, "mko_cluster_name", run->cluster->name);
	copy_param(run, "wait_s", "mko_ssh_timeout_s");
	copy_param(run, "quorum_timeout_s", "mko_quorum_timeout_s");
	return NULL;
}

static struct err *finish_startup(struct service *svc, struct op_run *run)
{
	struct cluster *c = run->cluster;
	const char *why = json_string_value(json_object_get(run->op->error, "summary"));
	bool told = c->scanned_at != I64_NONE && c->scanned_at >= run->op->started_at;

	if (run->op->status == OP_SUCCEEDED) {
		cluster_state_keep(c, "shutdown", NULL);
		return cluster_state_save(svc, c);
	}
	return cluster_state_set(svc, c, told ? CLUSTER_DEGRADED : CLUSTER_OFFLINE,
		mem_printf("startup %s%s%s; go on: mko cluster startup %s",
			enum_text(&op_status_table, run->op->status), why != NULL ? ": " : "",
			why != NULL ? why : "", c->name));
}

const struct op_type op_cluster_startup = {
	.name = "cluster.startup",
	.title = "Start cluster %s",
	.summary =
		"Wake the machines, start all control planes together, then the workers; open the nodes that the shutdown closed; say what did not return.",
	.next = "mko cluster startup %s    (goes on)",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.when_paused = true,
	.exclusive = true,
	.timeout_s = 7200,
	.playbook = "startup_cluster",
	.params = startup_params,
	.n_params = ARRAY_LEN(startup_params),
	.plan = plan_startup,
	.host_result = cluster_state_host,
	.finish = finish_startup,
};
