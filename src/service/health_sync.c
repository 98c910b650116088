/* Owns how what is believed is told: which alerts there are, and the status of nodes. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/node.h"
#include "service/alert.h"
#include "service/event.h"
#include "service/health_int.h"
#include "service/node.h"
#include "service/op/op.h"

/* What tells that the status of a node comes from here. */
static const char silent_text[] = "It has answered neither SSH nor MicroK8s for a while.";

/* The view of the plan, with what it borrows. */
struct view {
	struct alert_view view;
	struct alert_node *nodes;
	struct alert_cluster *clusters;
};

static int64_t number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : I64_NONE;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool is_believed(const struct health_subject *s, enum health_state state)
{
	return s->track.known && s->track.state == state;
}

/* ---- the status of nodes ---- */

bool health_is_silent(const struct node *node)
{
	return node->status_reason != NULL && strcmp(node->status_reason, silent_text) == 0;
}

/* NODE_OFFLINE is set by a round when a node was online, and taken back only by one. */
bool health_status_differs(const struct health_subject *s, int64_t status, bool silent)
{
	if (is_believed(s, HEALTH_DOWN))
		return status == NODE_ONLINE || status == NODE_DEGRADED;
	return s->track.known && status == NODE_OFFLINE && silent;
}

static struct err *set_status(struct service *svc, const struct health_subject *s,
	struct node *node)
{
	bool down = is_believed(s, HEALTH_DOWN);
	json_t *json = NULL;

	node->status = down ? NODE_OFFLINE : NODE_ONLINE;
	node->updated_at = clock_utc(svc->clock);
	field_set_text(&node->status_reason, down ? silent_text : NULL);
	TRY(store_update(svc->store, &node_type, node));
	TRY(node_json(svc, node, &json));
	return event_publish(svc, "nodes", "node.update", node->id, json);
}

/* The store is asked again: since the round began the node may have got another status, or have
 * been removed. */
static struct err *follow_status(struct service *svc, const struct health_subject *s)
{
	struct node node;
	struct err *e = store_get(svc->store, &node_type, s->id, &node);

	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* the next round does not ask it */
		return NULL;
	}
	TRY(e);
	if (health_status_differs(s, node.status, health_is_silent(&node)))
		e = set_status(svc, s, &node);
	record_done(&node_type, &node);
	return e;
}

/* ---- who is excused ---- */

static struct err *is_locked(struct service *svc, const char *kind, int64_t id, bool *ret)
{
	char resource[64];

	*ret = false;
	if (id == I64_NONE)
		return NULL;
	(void)snprintf(resource, sizeof(resource), "%s:%lld", kind, (long long)id);
	return op_target_locked(svc, resource, ret, NULL);
}

static bool is_well(const struct health_subject *s)
{
	return is_believed(s, HEALTH_UP) && !s->track.flapping &&
		!(s->risk.known && s->risk.state != HEALTH_UP) &&
		!(s->certificate.known && s->certificate.state != HEALTH_UP);
}

static const json_t *by_id(const json_t *items, int64_t id)
{
	const json_t *item = NULL;
	size_t i = 0;

	json_array_foreach(items, i, item)
		if (number_of(item, "id") == id)
			return item;
	return NULL;
}

/* Nobody is woken for what an operation does, or has done: a cluster that it shut down. */
static struct err *cluster_excused(struct service *svc, const json_t *input, int64_t id, bool *ret)
{
	*ret = json_is_true(json_object_get(by_id(json_object_get(input, "clusters"), id),
		"stopped"));
	return *ret ? NULL : is_locked(svc, "cluster", id, ret);
}

static struct err *view_clusters(struct service *svc, const json_t *input, struct view *v)
{
	const struct health_monitor *m = svc->health;
	const json_t *item = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(m->report, "clusters"), i, item) {
		const struct health_subject *s = &m->clusters.items[i];
		v->clusters[i] = (struct alert_cluster){.id = s->id,
			.name = text_of(item, "name"),
			.track = &s->track,
			.risk = &s->risk,
			.reason = s->reason};
		if (!is_well(s))
			TRY(cluster_excused(svc, input, s->id, &v->clusters[i].excused));
	}
	return NULL;
}

static struct err *view_nodes(struct service *svc, const json_t *input, struct view *v)
{
	const struct health_monitor *m = svc->health;
	const json_t *item = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(m->report, "nodes"), i, item) {
		const struct health_subject *s = &m->nodes.items[i];
		struct alert_node *node = &v->nodes[i];
		*node = (struct alert_node){.id = s->id,
			.name = text_of(item, "name"),
			.address = text_of(item, "address"),
			.cluster_id = number_of(item, "cluster_id"),
			.track = &s->track,
			.certificate = &s->certificate,
			.certificate_ends = s->certificate_ends,
			.reason = s->reason};
		if (is_well(s))
			continue;
		TRY(cluster_excused(svc, input, node->cluster_id, &node->excused));
		if (!node->excused)
			TRY(is_locked(svc, "node", s->id, &node->excused));
	}
	return NULL;
}

/* ---- what goes on although it is not wanted ---- */

static bool speaks_for(const struct alert *a, const char *name)
{
	const json_t *member = NULL;
	size_t i = 0;

	json_array_foreach(a->members, i, member)
		if (strcmp(json_string_value(member), name) == 0)
			return true;
	return false;
}

/* It cannot be judged now: an operation is at work on it, or too little was heard. */
static bool is_open_question(const struct health_track *track, bool excused)
{
	return excused || !track->known;
}

/* The alert is about this, and it still is so: something else explains it by now, but it is not
 * over. */
static bool still_so(const struct alert *a, const struct health_track *track)
{
	static const enum health_state states[ALERT_RULE_N_] = {[ALERT_CLUSTER_DOWN] = HEALTH_DOWN,
		[ALERT_NODE_DOWN] = HEALTH_DOWN,
		[ALERT_NODE_DEGRADED] = HEALTH_DEGRADED};

	if (a->rule == ALERT_NODE_FLAPPING)
		return track->flapping;
	return states[a->rule] != HEALTH_UP && track->known && track->state == states[a->rule];
}

static bool keep(const void *user, const struct alert *a)
{
	const struct view *v = user;
	bool network = a->rule == ALERT_NETWORK_DOWN;

	for (size_t i = 0; i < v->view.n_nodes; i++) {
		const struct alert_node *n = &v->nodes[i];
		if (network && is_open_question(n->track, n->excused) && speaks_for(a, n->name))
			return true;
		if (a->node_id == n->id && a->rule == ALERT_CERTIFICATE_ENDS)
			return !n->certificate->known || n->certificate->state != HEALTH_UP;
		if (a->node_id == n->id)
			return is_open_question(n->track, n->excused) || still_so(a, n->track);
	}
	for (size_t i = 0; !network && i < v->view.n_clusters; i++) {
		const struct alert_cluster *c = &v->clusters[i];
		if (a->cluster_id == c->id)
			return is_open_question(c->track, c->excused) || still_so(a, c->track);
	}
	return false;
}

static bool is_owed(const struct view *v)
{
	bool owed = false;

	for (size_t i = 0; i < v->view.n_nodes; i++)
		owed |= v->nodes[i].excused || !v->nodes[i].track->known;
	for (size_t i = 0; i < v->view.n_clusters; i++)
		owed |= v->clusters[i].excused || !v->clusters[i].track->known;
	return owed;
}

static struct err *tell_statuses(struct service *svc, const json_t *input, const struct view *v)
{
	const json_t *node = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(input, "nodes"), i, node) {
		const struct health_subject *s = &svc->health->nodes.items[i];
		bool differs = health_status_differs(s, number_of(node, "status"),
			json_is_true(json_object_get(node, "silent")));
		if (differs && !v->nodes[i].excused)
			TRY(follow_status(svc, s));
	}
	return NULL;
}

/* While an operation works on a cluster it has the row: its score follows when that is over. */
static struct err *tell_scores(struct service *svc, const struct view *v)
{
	for (size_t i = 0; i < v->view.n_clusters; i++) {
		bool excused = v->clusters[i].excused;
		if (!excused)
			TRY(is_locked(svc, "cluster", v->clusters[i].id, &excused));
		if (!excused)
			TRY(health_score_follow(svc, v->clusters[i].id));
	}
	return NULL;
}

static struct err *tell_alerts(struct service *svc, struct view *v)
{
	const struct alert_keep stay = {keep, v};
	struct alert_plan plan;

	alert_plan_make(&v->view, &plan);
	struct err *e = alert_sync(svc, ALERT_OF_HEALTH, &plan, &stay);
	alert_plan_done(&plan);
	return e;
}

struct err *health_sync(struct service *svc, const json_t *input)
{
	struct health_monitor *m = svc->health;
	struct view v = {.view = {.n_nodes = m->nodes.n, .n_clusters = m->clusters.n}};

	v.view.nodes = v.nodes = mem_zalloc((m->nodes.n + 1) * sizeof(*v.nodes));
	v.view.clusters = v.clusters = mem_zalloc((m->clusters.n + 1) * sizeof(*v.clusters));
	struct err *e = view_clusters(svc, input, &v);
	if (e == NULL)
		e = view_nodes(svc, input, &v);
	if (e == NULL)
		e = tell_statuses(svc, input, &v);
	if (e == NULL)
		e = tell_alerts(svc, &v);
	if (e == NULL)
		e = tell_scores(svc, &v);
	m->owed = is_owed(&v);
	mem_free(v.nodes);
	mem_free(v.clusters);
	return e;
}
