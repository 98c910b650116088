/* Owns the judgement of a cluster's state from what its own control planes said. */
#include "service/op/op_cluster_state.h"

#include <string.h>

#include "base/mem.h"
#include "service/cluster.h"
#include "service/event.h"
#include "service/health_watch.h"

static const json_t *member_named(const json_t *scan, const char *hostname)
{
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(scan, "nodes"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		if (name != NULL && strcmp(name, hostname) == 0)
			return item;
	}
	return NULL;
}

/* Voters that may still be lost: living voters minus the majority of configured ones
 * (facts/microk8s.md 3.1). */
static int64_t quorum_margin(const json_t *scan)
{
	int64_t voters = 0;
	int64_t alive = 0;
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(scan, "dqlite"), i, item) {
		const char *role = json_string_value(json_object_get(item, "role"));
		if (role == NULL || strcmp(role, "voter") != 0)
			continue;
		voters++;
		alive += !json_is_false(json_object_get(item, "alive"));
	}
	return voters > 0 ? alive - (voters / 2 + 1) : I64_NONE;
}

/* The first reason why the cluster is not as it should be, NULL when it is. Owned. */
static char *what_is_wrong(const struct op_run *run, const json_t *scan)
{
	for (size_t i = 0; i < run->n_nodes; i++) {
		const json_t *member = member_named(scan, run->nodes[i].hostname);
		if (run->nodes[i].cluster_id != run->cluster->id)
			continue; /* named by the operation, and no member (yet, or any more) */
		if (member == NULL)
			return mem_printf("%s is not a member", run->nodes[i].hostname);
		if (!json_is_true(json_object_get(member, "ready")))
			return mem_printf("%s is not ready", run->nodes[i].hostname);
	}
	if (run->cluster->ha_enabled && !json_is_true(json_object_get(scan, "high_availability")))
		return mem_strdup("high availability is not reached: fewer than three voters");
	return NULL;
}

struct err *cluster_state_save(struct service *svc, struct cluster *c)
{
	json_t *json = NULL;

	c->updated_at = clock_utc(svc->clock);
	TRY(store_update(svc->store, &cluster_type, c));
	TRY(cluster_json(svc, c, &json));
	return event_publish(svc, "clusters", "cluster.update", c->id, json);
}

void cluster_state_keep(struct cluster *c, const char *key, json_t *take_value)
{
	if (c->saved == NULL)
		c->saved = json_object();
	if (take_value != NULL)
		json_object_set_new(c->saved, key, take_value);
	else
		json_object_del(c->saved, key);
}

struct err *cluster_state_set(struct service *svc, struct cluster *c, int64_t status,
	char *take_reason)
{
	c->status = status;
	mem_free(c->status_reason);
	c->status_reason = take_reason;
	return cluster_state_save(svc, c);
}

static struct err *save_roles(struct service *svc, struct op_run *run, const json_t *scan)
{
	for (size_t i = 0; i < run->n_nodes; i++) {
		struct node *node = &run->nodes[i];
		const char *text =
			json_string_value(json_object_get(member_named(scan, node->hostname),
				"role"));
		int role = text != NULL ? enum_value(&node_role_table, text) : -1;
		bool ours = node->cluster_id == run->cluster->id;
		if (role < 0 || role == NODE_ROLE_NONE || (ours && role == node->role) ||
			(!ours && !run->type->brings_nodes))
			continue;
		node->role = role;
		node->cluster_id = run->cluster->id; /* it has joined */
		node->updated_at = clock_utc(svc->clock);
		TRY(store_update(svc->store, &node_type, node));
	}
	return NULL;
}

/* Points that a finding costs, by its severity. */
static const struct {
	const char *severity;
	int64_t points;
} finding_costs[] = {{"blocking", 40}, {"warning", 10}};

static void lose(json_t *reasons, int64_t points, const char *why)
{
	if (points > 0)
		json_array_append_new(reasons,
			json_pack("{s:I, s:s}", "points", (json_int_t)points, "reason", why));
}

static int64_t cost_of(const json_t *finding)
{
	const char *severity = json_string_value(json_object_get(finding, "severity"));

	for (size_t i = 0; severity != NULL && i < ARRAY_LEN(finding_costs); i++)
		if (strcmp(severity, finding_costs[i].severity) == 0)
			return finding_costs[i].points;
	return 0;
}

/* What a scan has against a cluster: each finding costs, a missing member and missing high
 * availability too. Owned array [{points, reason}]. */
static json_t *scan_reasons(const struct op_run *run, const json_t *scan)
{
	json_t *reasons = json_array();
	size_t k;
	const json_t *finding;

	json_array_foreach(json_object_get(scan, "findings"), k, finding) {
		const char *message = json_string_value(json_object_get(finding, "message"));
		lose(reasons, cost_of(finding), message != NULL ? message : "?");
	}
	for (size_t i = 0; i < run->n_nodes; i++) {
		const struct node *n = &run->nodes[i];
		cleanup(mem_freep) char *why = mem_printf("%s is not a member", n->hostname);
		if (n->cluster_id == run->cluster->id && member_named(scan, n->hostname) == NULL)
			lose(reasons, 20, why);
	}
	if (run->cluster->ha_enabled && !json_is_true(json_object_get(scan, "high_availability")))
		lose(reasons, 20, "high availability is not reached");
	return reasons;
}

static struct err *take_scan(struct service *svc, struct op_run *run, const struct node *reporter,
	const json_t *told)
{
	struct cluster *c = run->cluster;
	json_t *scan = json_deep_copy(told);

	struct err *e = save_roles(svc, run, scan);
	if (e == NULL)
		e = cluster_adopt(svc, run, reporter, scan);
	if (e != NULL) {
		json_decref(scan);
		return e;
	}
	char *wrong = what_is_wrong(run, scan);
	json_decref(c->scan);
	c->scan = scan;
	json_object_set_new(scan, "score_reasons", scan_reasons(run, scan));
	json_object_set_new(scan, "health_reasons", health_reasons(svc, c->id));
	c->health_score = health_score(scan);
	c->scanned_at = clock_utc(svc->clock);
	c->ha_active = json_is_true(json_object_get(scan, "high_availability"));
	c->quorum_margin = quorum_margin(scan);
	c->status = wrong != NULL                             ? CLUSTER_DEGRADED
		: json_object_get(c->saved, "paused") != NULL ? CLUSTER_PAUSED
							      : CLUSTER_ACTIVE;
	mem_free(c->status_reason);
	c->status_reason = wrong;
	return cluster_state_save(svc, c);
}

struct err *cluster_state_host(struct service *svc, struct op_run *run, struct node *node,
	const json_t *data)
{
	const json_t *scan = json_object_get(data, "cluster");

	return json_is_object(scan) && run->cluster != NULL ? take_scan(svc, run, node, scan)
							    : NULL;
}

struct err *cluster_state_secret(struct service *svc, struct op_run *run, const char *name,
	const char *sealed)
{
	if (strcmp(name, "kubeconfig") != 0 || run->cluster == NULL)
		return NULL;
	field_set_text(&run->cluster->kubeconfig, sealed);
	return cluster_state_save(svc, run->cluster);
}

struct err *cluster_state_finish(struct service *svc, struct op_run *run)
{
	struct cluster *c = run->cluster;
	bool setup = run->type->risk != OP_RISK_READ;
	const char *why = json_string_value(json_object_get(run->op->error, "summary"));

	/* told by a control plane during this operation: that stands, unless the set-up failed
	 * after it */
	bool told = c->scanned_at != I64_NONE && c->scanned_at >= run->op->started_at;
	if (run->op->status == OP_SUCCEEDED || (told && !setup) ||
		(!setup && run->op->status == OP_CANCELLED))
		return NULL;
	if (setup) {
		c->status = told || run->op->status == OP_PARTIAL ? CLUSTER_DEGRADED
								  : CLUSTER_ERROR;
		mem_free(c->status_reason);
		c->status_reason = mem_printf("set-up %s%s%s",
			enum_text(&op_status_table, run->op->status), why != NULL ? ": " : "",
			why != NULL ? why : "");
	} else {
		c->status = CLUSTER_OFFLINE;
		field_set_text(&c->status_reason, why != NULL ? why : "no control plane answered");
	}
	return cluster_state_save(svc, c);
}
