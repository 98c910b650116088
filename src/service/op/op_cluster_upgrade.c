/* cluster.upgrade, upgrade_check, upgrade_abort: one minor version at a time, node by node. How far
 * it came stands in the cluster's row: a halted upgrade can be taken up again or given up, by
 * whoever comes next. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "service/cluster.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

static struct err *check_target(const char *text)
{
	if (cluster_minor(text) < 0)
		return err_new(ERR_INVALID, "must name a version, such as 1.33 or 1.33/stable");
	return strspn(text, "0123456789.") == strlen(text) ? NULL : check_channel(text);
}

#define PARAM_TO(REQUIRED)                                                                                  \
	{                                                                                                   \
		.name = "to", .kind = FIELD_TEXT, .max = 64, .required = (REQUIRED),                        \
		.check = check_target, .example = "\"1.33\"",                                               \
		.help = "Version or channel: 1.33 or 1.33/stable. One minor version above the present one." \
	}

static const struct op_param check_params[] = {PARAM_TO(true)};
static const struct op_param upgrade_params[] = {
	PARAM_TO(false),
	{.name = "resume",
		.kind = FIELD_BOOL,
		.help = "Go on with the upgrade that was halted, with its settings."},
	{.name = "worker_batch",
		.kind = FIELD_I64,
		.min = 1,
		.max = 100,
		.def = "1",
		.help = "How many workers are upgraded at once."},
	{.name = "no_drain", .kind = FIELD_BOOL, .help = "Do not move the pods away before."},
	{.name = "drain_timeout_s",
		.kind = FIELD_I64,
		.min = 1,
		.max = 86400,
		.def = "300",
		.help = "Seconds for moving the pods of a node."},
	{.name = "ignore_stuck_pods",
		.kind = FIELD_BOOL,
		.help = "Go on although pods did not leave a node in time."},
	{.name = "refresh_timeout_s",
		.kind = FIELD_I64,
		.min = 1,
		.max = 86400,
		.def = "1800",
		.help = "Seconds for the refresh of the snap on a node; then it is aborted."},
	OP_PARAM_ALLOW_QUORUM_LOSS,
};

static const char *status_of(const struct cluster *c)
{
	const char *status = json_string_value(json_object_get(c->upgrade, "status"));

	return status != NULL ? status : "";
}

static bool is_halted(const struct cluster *c)
{
	return strcmp(status_of(c), "halted") == 0;
}

/* Full channel of what was asked for: "1.33" keeps the risk of the present channel. Owned. */
static char *full_channel(const struct op_run *run, const char *to)
{
	const char *slash = run->cluster->channel != NULL ? strchr(run->cluster->channel, '/')
							  : NULL;

	if (strchr(to, '/') != NULL)
		return mem_strdup(to);
	return mem_printf("%s%s", to, slash != NULL ? slash : "/stable");
}

/* The oldest minor version of the nodes, -1 when no node's version is known. */
static int64_t oldest(const struct op_run *run)
{
	int64_t least = -1;

	for (size_t i = 0; i < run->n_nodes; i++) {
		int64_t minor = cluster_minor(run->nodes[i].microk8s_version);
		if (minor >= 0 && (least < 0 || minor < least))
			least = minor;
	}
	return least;
}

static struct err *check_step(const struct op_run *run, const char *channel)
{
	int64_t want = cluster_minor(channel);
	int64_t have = oldest(run);
	const char *name = run->cluster->name;

	if (have >= 0 && want > have + 1)
		return err_hint(
			err_new(ERR_PRECONDITION,
				"cluster %s runs 1.%lld: an upgrade to 1.%lld would skip a version",
				name, (long long)have, (long long)want),
			"mko cluster upgrade %s --to 1.%lld", name, (long long)have + 1);
	for (size_t i = 0; i < run->n_nodes; i++) {
		int64_t minor = cluster_minor(run->nodes[i].microk8s_version);
		if (minor > want)
			return err_hint(
				err_new(ERR_PRECONDITION,
					"node %s runs 1.%lld: an upgrade to 1.%lld would go back",
					run->nodes[i].hostname, (long long)minor, (long long)want),
				"Kubernetes cannot go back; restore a backup onto fresh nodes instead");
	}
	return NULL;
}

static void set_vars(struct op_run *run, const json_t *settings, const char *channel)
{
	static const struct {
		const char *param;
		const char *var;
	} rows[] = {
		{"worker_batch", "mko_worker_batch"},
		{"drain_timeout_s", "mko_drain_timeout_s"},
		{"refresh_timeout_s", "mko_refresh_timeout_s"},
	};

	op_run_set_text(run, "mko_channel", channel);
	op_run_set_text(run, "mko_cluster_name", run->cluster->name);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *value = json_object_get(settings, rows[i].param);
		if (value != NULL)
			op_run_set(run, rows[i].var, json_incref(value));
	}
	op_run_set(run, "mko_drain",
		json_boolean(!json_is_true(json_object_get(settings, "no_drain"))));
	op_run_set(run, "mko_drain_insist",
		json_boolean(json_is_true(json_object_get(settings, "ignore_stuck_pods"))));
}

static struct err *plan_check(struct service *svc, struct op_run *run)
{
	cleanup(mem_freep) char *channel = full_channel(run, op_run_param_text(run, "to"));

	(void)svc;
	set_vars(run, run->op->params, channel);
	op_run_set(run, "mko_upgrade_resume", json_boolean(is_halted(run->cluster)));
	return NULL;
}

static struct err *not_halted(const struct cluster *c)
{
	return err_hint(err_new(ERR_PRECONDITION, "no upgrade of cluster %s is halted", c->name),
		"mko cluster upgrade %s --to VERSION", c->name);
}

static struct err *plan_resume(struct op_run *run)
{
	const struct cluster *c = run->cluster;
	const char *channel = json_string_value(json_object_get(c->upgrade, "channel"));

	if (!is_halted(c) || channel == NULL)
		return not_halted(c);
	set_vars(run, json_object_get(c->upgrade, "params"), channel);
	op_run_set(run, "mko_upgrade_resume", json_true());
	return NULL;
}

static struct err *plan_upgrade(struct service *svc, struct op_run *run)
{
	const struct cluster *c = run->cluster;
	const char *to = op_run_param_text(run, "to");

	(void)svc;
	if (json_is_true(op_run_param(run, "resume")))
		return to == NULL ? plan_resume(run)
				  : err_field(NULL, "to", "cannot be changed by a resume");
	if (to == NULL)
		return err_field(NULL, "to", "is required: a version such as 1.33");
	if (is_halted(c))
		return err_hint(err_new(ERR_PRECONDITION,
					"an upgrade of cluster %s to %s is halted", c->name,
					json_string_value(json_object_get(c->upgrade, "channel"))),
			"mko cluster upgrade resume %s, or: mko cluster upgrade abort %s", c->name,
			c->name);
	cleanup(mem_freep) char *channel = full_channel(run, to);
	TRY(check_step(run, channel));
	set_vars(run, run->op->params, channel);
	return NULL;
}

/* ---- how far it came ---- */

static json_t *nodes_json(const struct op_run *run, const char *channel)
{
	json_t *nodes = json_object();

	for (size_t i = 0; i < run->n_nodes; i++) {
		const struct node *n = &run->nodes[i];
		bool done = n->channel != NULL && strcmp(n->channel, channel) == 0 &&
			n->microk8s_status == MICROK8S_RUNNING;
		json_object_set_new(nodes, n->hostname,
			json_pack("{s:b, s:s?, s:s?}", "done", done, "version", n->microk8s_version,
				"channel", n->channel));
	}
	return nodes;
}

static bool all_done(const json_t *nodes)
{
	const char *name;
	json_t *node;

	json_object_foreach((json_t *)(uintptr_t)nodes, name, node)
		if (!json_is_true(json_object_get(node, "done")))
			return false;
	return true;
}

static bool any_touched(const struct op_run *run, const json_t *nodes)
{
	const char *name;
	json_t *node;
	const char *before = run->cluster->channel;

	json_object_foreach((json_t *)(uintptr_t)nodes, name, node) {
		const char *channel = json_string_value(json_object_get(node, "channel"));
		if (json_is_true(json_object_get(node, "done")) ||
			(channel != NULL && before != NULL && strcmp(channel, before) != 0))
			return true;
	}
	return false;
}

/* Whether a task that changes nodes had begun: a check that refused leaves nothing to resume. */
static struct err *began(struct service *svc, const struct op_run *run, bool *ret_began)
{
	struct store_query q = {0};
	struct store_rows hosts = {0};

	store_where_number(&q, "operation_id", STORE_EQ, run->op->id);
	TRY(store_list(svc->store, &op_host_type, &q, &hosts));
	*ret_began = false;
	for (size_t i = 0; i < hosts.n; i++) {
		const struct op_host *h = store_row(&hosts, i);
		*ret_began |= h->changed > 0 ||
			(h->task != NULL && strcmp(h->task, "Upgrade MicroK8s") == 0);
	}
	store_rows_done(&hosts);
	return NULL;
}

static struct err *save_state(struct service *svc, struct op_run *run, const char *status,
	const char *channel, json_t *take_nodes)
{
	struct cluster *c = run->cluster;
	bool resumed = json_is_true(op_run_param(run, "resume"));
	json_t *params = resumed ? json_object_get(c->upgrade, "params") : run->op->params;

	json_t *state = json_pack("{s:s, s:s, s:I, s:O, s:o}", "status", status, "channel", channel,
		"operation_id", (json_int_t)run->op->id, "params", params, "nodes", take_nodes);
	json_decref(c->upgrade);
	c->upgrade = state;
	if (strcmp(status, "done") == 0)
		field_set_text(&c->channel, channel);
	c->updated_at = clock_utc(svc->clock);
	return store_update(svc->store, &cluster_type, c);
}

static struct err *finish_upgrade(struct service *svc, struct op_run *run)
{
	const char *resumed = json_string_value(json_object_get(run->cluster->upgrade, "channel"));
	const char *to = op_run_param_text(run, "to");
	cleanup(mem_freep) char *channel = to != NULL ? full_channel(run, to) : mem_strdup(resumed);
	bool touched = false;

	if (channel == NULL)
		return NULL;
	json_t *nodes = nodes_json(run, channel);
	bool done = run->op->status == OP_SUCCEEDED && all_done(nodes);
	struct err *e = began(svc, run, &touched);
	if (e != NULL ||
		(!done && !touched && !is_halted(run->cluster) && !any_touched(run, nodes))) {
		json_decref(nodes);
		return e;
	}
	return save_state(svc, run, done ? "done" : "halted", channel, nodes);
}

const struct op_type op_cluster_upgrade_check = {
	.name = "cluster.upgrade_check",
	.title = "Check cluster %s before an upgrade",
	.summary =
		"Find what speaks against an upgrade: health, voters, versions, disks, certificates, snapd. Changes nothing.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 900,
	.playbook = "upgrade_check",
	.params = check_params,
	.n_params = ARRAY_LEN(check_params),
	.plan = plan_check,
};

const struct op_type op_cluster_upgrade = {
	.name = "cluster.upgrade",
	.title = "Upgrade cluster %s",
	.summary =
		"Upgrade by one minor version: control planes one by one, then workers in batches, each followed by a check of the whole cluster; halts at the first failure.",
	.next = "mko cluster upgrade resume %s    (goes on, if it is halted), mko cluster upgrade abort %s",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_EACH,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 43200,
	.playbook = "upgrade_cluster",
	.params = upgrade_params,
	.n_params = ARRAY_LEN(upgrade_params),
	.plan = plan_upgrade,
	.host_result = cluster_state_host,
	.finish = finish_upgrade,
};

/* ---- giving up ---- */

static struct err *plan_abort(struct service *svc, struct op_run *run)
{
	(void)svc;
	return is_halted(run->cluster) ? NULL : not_halted(run->cluster);
}

static struct err *finish_abort(struct service *svc, struct op_run *run)
{
	if (run->op->status != OP_SUCCEEDED || !is_halted(run->cluster))
		return NULL;
	json_object_set_new(run->cluster->upgrade, "status", json_string("aborted"));
	run->cluster->updated_at = clock_utc(svc->clock);
	return store_update(svc->store, &cluster_type, run->cluster);
}

const struct op_type op_cluster_upgrade_abort = {
	.name = "cluster.upgrade_abort",
	.title = "Give up the upgrade of cluster %s",
	.summary =
		"Bring all nodes back to work as they are, with the version that each has, and forget the halted upgrade. Nothing goes back.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.timeout_s = 3600,
	.playbook = "upgrade_abort",
	.plan = plan_abort,
	.host_result = cluster_state_host,
	.finish = finish_abort,
};
