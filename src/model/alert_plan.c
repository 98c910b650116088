/* Owns what follows from what: a network explains its nodes and clusters, a cluster its nodes. */
#include "model/alert_plan.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define NETWORK_MIN 3  /* nodes down that may be one cut */
#define NAMES_SHOWN 10 /* in the reason of a network */
#define NETWORK_SIZE 64

/* A node in the work. */
struct row {
	const struct alert_node *node;
	char network[NETWORK_SIZE]; /* "" = its address tells none */
	bool explained;             /* by something that is an alert already */
};
struct work {
	const struct alert_view *view;
	struct row *rows;
	struct row **by_network;
	struct alert_plan *plan;
};

/* "10.77.3.0/24", "fd00::/64" or "". */
static void network_of(const char *address, char ret[static NETWORK_SIZE])
{
	unsigned char bytes[16] = {0};
	char text[INET6_ADDRSTRLEN];
	bool v4 = inet_pton(AF_INET, address, bytes) == 1;

	ret[0] = '\0';
	if (!v4 && inet_pton(AF_INET6, address, bytes) != 1)
		return;
	memset(bytes + (v4 ? 3 : 8), 0, v4 ? 1 : 8);
	if (inet_ntop(v4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)) != NULL)
		(void)snprintf(ret, NETWORK_SIZE, "%s/%d", text, v4 ? 24 : 64);
}

static bool is(const struct health_track *track, enum health_state state)
{
	return track->known && track->state == state;
}

static bool is_down(const struct row *row)
{
	return !row->node->excused && is(row->node->track, HEALTH_DOWN);
}

static struct alert_want *want(struct work *w, enum alert_rule_id rule, char *take_subject,
	const char *name)
{
	struct alert_plan *plan = w->plan;

	plan->wants = mem_realloc_array(plan->wants, plan->n + 1, sizeof(*plan->wants));
	plan->wants[plan->n] = (struct alert_want){.rule = rule,
		.subject = take_subject,
		.name = mem_strdup(name),
		.cluster_id = I64_NONE,
		.node_id = I64_NONE,
		.members = json_array()};
	return &plan->wants[plan->n++];
}

/* ---- networks ---- */

static int compare_networks(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a;
	const struct row *y = *(struct row *const *)b;
	int order = strcmp(x->network, y->network);

	if (order != 0)
		return order;
	return x->node->id < y->node->id ? -1 : x->node->id > y->node->id;
}

static void want_network(struct work *w, struct row **rows, size_t n, size_t down)
{
	cleanup(mem_freep) char *subject = mem_printf("network/%s", rows[0]->network);
	struct alert_want *a = want(w, ALERT_NETWORK_DOWN, MOVE(subject), rows[0]->network);
	struct str reason = STR_INIT;
	size_t named = 0;

	a->since = INT64_MAX;
	a->cluster_id = rows[0]->node->cluster_id;
	str_addf(&reason, "%zu of %zu machines there do not answer:", down, n);
	for (size_t i = 0; i < n; i++) {
		const struct alert_node *node = rows[i]->node;
		if (node->cluster_id != a->cluster_id)
			a->cluster_id = I64_NONE;
		if (!is_down(rows[i]))
			continue;
		rows[i]->explained = true;
		json_array_append_new(a->members, json_string(node->name));
		a->since = node->track->since < a->since ? node->track->since : a->since;
		if (named++ < NAMES_SHOWN)
			str_addf(&reason, "%s %s", named > 1 ? "," : "", node->name);
	}
	if (named > NAMES_SHOWN)
		str_addf(&reason, " and %zu more", named - NAMES_SHOWN);
	str_adds(&reason, ".");
	a->reason = str_take(&reason);
}

static void plan_networks(struct work *w)
{
	size_t n = w->view->n_nodes;

	qsort(w->by_network, n, sizeof(struct row *), compare_networks);
	for (size_t begin = 0, end = 0; begin < n; begin = end) {
		size_t down = 0;
		size_t counted = 0;
		for (end = begin; end < n &&
			strcmp(w->by_network[end]->network, w->by_network[begin]->network) == 0;
			end++) {
			down += is_down(w->by_network[end]);
			counted += !w->by_network[end]->node->excused;
		}
		if (w->by_network[begin]->network[0] != '\0' && down >= NETWORK_MIN &&
			2 * down >= counted)
			want_network(w, &w->by_network[begin], end - begin, down);
	}
}

/* ---- clusters ---- */

/* The nodes of a cluster: how many there are, are down, and are explained by a network. */
struct members {
	size_t all, down, explained;
};

static struct members count_members(const struct work *w, int64_t cluster_id)
{
	struct members m = {.all = 0};

	for (size_t i = 0; i < w->view->n_nodes; i++) {
		const struct row *row = &w->rows[i];
		if (row->node->cluster_id != cluster_id)
			continue;
		m.all++;
		m.down += is_down(row);
		m.explained += row->explained;
	}
	return m;
}

/* What a cluster that is down explains: all that is not well on its nodes, but nodes that are off
 * while others are not: those are the cause. */
static void explain_members(struct work *w, int64_t cluster_id, bool all_down)
{
	for (size_t i = 0; i < w->view->n_nodes; i++) {
		struct row *row = &w->rows[i];
		if (row->node->cluster_id == cluster_id && (all_down || !is_down(row)))
			row->explained = true;
	}
}

static void want_cluster(struct work *w, enum alert_rule_id rule, const struct alert_cluster *c,
	int64_t since, const char *reason)
{
	struct alert_want *a = want(w, rule, mem_printf("cluster/%lld", (long long)c->id), c->name);

	a->cluster_id = c->id;
	a->since = since;
	a->reason = mem_strdup(reason);
}

static void plan_cluster(struct work *w, const struct alert_cluster *c)
{
	if (c->excused)
		return;
	if (is(c->track, HEALTH_DOWN)) {
		const struct members m = count_members(w, c->id);
		bool all_down = m.down == m.all && m.all > 0;
		if (m.explained == m.all && m.all > 0)
			return;
		want_cluster(w, ALERT_CLUSTER_DOWN, c, c->track->since, c->reason);
		explain_members(w, c->id, all_down);
	} else if (is(c->risk, HEALTH_DEGRADED)) {
		want_cluster(w, ALERT_CLUSTER_AT_RISK, c, c->risk->since,
			"The loss of one more voter stops it.");
	}
}

/* ---- nodes ---- */

static void want_node(struct work *w, enum alert_rule_id rule, const struct alert_node *node,
	int64_t since, char *take_reason)
{
	struct alert_want *a =
		want(w, rule, mem_printf("node/%lld", (long long)node->id), node->name);

	a->node_id = node->id;
	a->cluster_id = node->cluster_id;
	a->since = since;
	a->reason = take_reason;
}

static void plan_flapping(struct work *w, const struct alert_node *node)
{
	if (node->track->flapping && !is(node->track, HEALTH_DOWN))
		want_node(w, ALERT_NODE_FLAPPING, node, node->track->flapping_since,
			mem_printf(
				"Its answer was another than the one before in at least %d of the last %d rounds.",
				HEALTH_FLAP_BEGIN, HEALTH_FLAP_SPAN));
}

static void plan_certificate(struct work *w, const struct alert_node *node)
{
	char at[CLOCK_TEXT_SIZE];

	if (node->certificate == NULL || !is(node->certificate, HEALTH_DEGRADED))
		return;
	clock_format(node->certificate_ends, at);
	want_node(w, ALERT_CERTIFICATE_ENDS, node, node->certificate->since,
		mem_printf("It ends at %s.", at));
}

static void plan_node(struct work *w, const struct row *row)
{
	static const struct {
		enum health_state state;
		enum alert_rule_id rule;
	} rules[] = {{HEALTH_DOWN, ALERT_NODE_DOWN}, {HEALTH_DEGRADED, ALERT_NODE_DEGRADED}};
	const struct alert_node *node = row->node;

	if (row->explained || node->excused)
		return;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (is(node->track, rules[i].state))
			want_node(w, rules[i].rule, node, node->track->since,
				mem_strdup(node->reason));
	}
	plan_flapping(w, node);
	plan_certificate(w, node);
}

void alert_plan_make(const struct alert_view *view, struct alert_plan *ret_plan)
{
	struct work w = {.view = view, .plan = ret_plan};

	*ret_plan = (struct alert_plan){.n = 0};
	w.rows = mem_zalloc((view->n_nodes + 1) * sizeof(*w.rows));
	w.by_network = mem_zalloc((view->n_nodes + 1) * sizeof(struct row *));
	for (size_t i = 0; i < view->n_nodes; i++) {
		w.rows[i].node = &view->nodes[i];
		network_of(view->nodes[i].address, w.rows[i].network);
		w.by_network[i] = &w.rows[i];
	}
	plan_networks(&w);
	for (size_t i = 0; i < view->n_clusters; i++)
		plan_cluster(&w, &view->clusters[i]);
	for (size_t i = 0; i < view->n_nodes; i++)
		plan_node(&w, &w.rows[i]);
	mem_free(w.rows);
	mem_free(w.by_network);
}

void alert_plan_done(struct alert_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		mem_free(plan->wants[i].subject);
		mem_free(plan->wants[i].name);
		mem_free(plan->wants[i].reason);
		json_decref(plan->wants[i].members);
	}
	mem_free(plan->wants);
	*plan = (struct alert_plan){.n = 0};
}
