/* Owns what is believed of nodes and clusters. Telling it: health_sync.c. */
#include "service/health_watch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/cluster.h"
#include "model/metric.h"
#include "service/alert.h"
#include "service/cluster.h"
#include "service/health.h"
#include "service/health_int.h"
#include "service/history.h"
#include "service/query.h"
#include "service/scope.h"

#define CERTIFICATE_SOON_MS (INT64_C(30) * 86400000)

void health_start(struct service *svc)
{
	svc->health = mem_zalloc(sizeof(*svc->health));
}

static void subjects_done(struct health_subjects *s)
{
	for (size_t i = 0; i < s->n; i++)
		mem_free(s->items[i].reason);
	mem_free(s->items);
	*s = (struct health_subjects){.n = 0};
}

void health_stop(struct service *svc)
{
	struct health_monitor *m = svc->health;

	if (m == NULL)
		return;
	subjects_done(&m->nodes);
	subjects_done(&m->clusters);
	json_decref(m->report);
	mem_free(m);
	svc->health = NULL;
}

/* ---- belief ---- */

static int64_t number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : I64_NONE;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static bool at_risk(const json_t *cluster)
{
	return number_of(cluster, "voters") > 1 && number_of(cluster, "quorum_margin") == 0;
}

/* What a round does not tell leaves what is known of the certificate as it is. */
static bool hear_certificate(struct health_subject *s, const json_t *item, int64_t now)
{
	int64_t ends = 0;

	if (clock_parse(text_of(item, "certificate_ends"), &ends) != 0)
		return false;
	s->certificate_ends = ends;
	return health_track_take(&s->certificate,
		ends - now < CERTIFICATE_SOON_MS ? HEALTH_DEGRADED : HEALTH_UP, now);
}

/* One answer about one subject. Returns true when something is believed anew. */
static bool hear(struct health_subject *s, const json_t *item, int64_t now)
{
	int state = enum_value(&health_state_table, text_of(item, "state"));
	bool changed = health_track_take(&s->track, (enum health_state)state, now);
	bool risk = health_track_take(&s->risk, at_risk(item) ? HEALTH_DEGRADED : HEALTH_UP, now);

	if (changed || s->reason == NULL) {
		mem_free(s->reason);
		s->reason = mem_strdup(text_of(item, "reason"));
	}
	bool over = json_is_true(json_object_get(item, "kubeconfig_over"));
	(void)health_track_take(&s->kubeconfig, over ? HEALTH_DEGRADED : HEALTH_UP, now);
	return hear_certificate(s, item, now) || changed || risk;
}

/* Both lists rise by id. Returns true when something is believed anew, or a subject is gone. */
static bool follow(struct health_subjects *subjects, const json_t *items, int64_t now)
{
	struct health_subjects old = *subjects;
	const json_t *item = NULL;
	size_t i = 0;
	size_t at = 0;
	size_t taken = 0;
	bool changed = false;

	subjects->n = json_array_size(items);
	subjects->items = mem_zalloc((subjects->n + 1) * sizeof(*subjects->items));
	json_array_foreach(items, i, item) {
		struct health_subject *s = &subjects->items[i];
		s->id = number_of(item, "id");
		while (at < old.n && old.items[at].id < s->id)
			at++;
		if (at < old.n && old.items[at].id == s->id) {
			*s = old.items[at];
			old.items[at].reason = NULL;
			taken++;
		}
		changed |= hear(s, item, now);
	}
	changed |= taken < old.n;
	subjects_done(&old);
	return changed;
}

static bool statuses_differ(const struct health_monitor *m, const json_t *input)
{
	const json_t *node = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(input, "nodes"), i, node)
		if (health_status_differs(&m->nodes.items[i], number_of(node, "status"),
			    json_is_true(json_object_get(node, "silent"))))
			return true;
	return false;
}

static struct err *tell(struct service *svc, const json_t *input)
{
	TRY(tx_begin(svc));
	struct err *e = health_sync(svc, input);
	if (e != NULL) {
		tx_rollback(svc);
		svc->health->owed = true;
		return e;
	}
	return tx_commit(svc);
}

static const double state_values[] = {[HEALTH_UP] = 1,
	[HEALTH_UNKNOWN] = (double)NAN,
	[HEALTH_DEGRADED] = 0.5,
	[HEALTH_DOWN] = 0};

static double figure(const json_t *item, const char *key)
{
	const json_t *value = json_object_get(item, key);

	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* The figures of a list. @keys after "up", ended by NULL */
static struct err *keep_figures(struct service *svc, const char *list, const char *kind,
	const char *const *keys)
{
	const json_t *item = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(svc->health->report, list), i, item) {
		int state = enum_value(&health_state_table, text_of(item, "state"));
		struct history_value values[4] = {{"up", state_values[state]}};
		char subject[64];
		size_t n = 1;
		(void)snprintf(subject, sizeof(subject), "%s/%lld", kind,
			(long long)number_of(item, "id"));
		for (; keys[n - 1] != NULL; n++)
			values[n] = (struct history_value){keys[n - 1], figure(item, keys[n - 1])};
		TRY(history_add(svc, subject, values, n));
	}
	return NULL;
}

static struct err *keep(struct service *svc)
{
	static const char *const of_nodes[] = {"ssh_ms", "api_ms", NULL};
	static const char *const of_clusters[] = {"nodes_well", "quorum_margin", NULL};

	TRY(keep_figures(svc, "nodes", "node", of_nodes));
	TRY(keep_figures(svc, "clusters", "cluster", of_clusters));
	return history_flush(svc);
}

static struct err *take(struct service *svc, const json_t *input, json_t *take_report)
{
	struct health_monitor *m = svc->health;
	int64_t now = clock_utc(svc->clock);
	bool changed = m->report == NULL; /* what was open before the start may be over */

	json_decref(m->report);
	m->report = take_report;
	m->checked_at = now;
	changed |= follow(&m->nodes, json_object_get(m->report, "nodes"), now);
	changed |= follow(&m->clusters, json_object_get(m->report, "clusters"), now);
	if (!changed && !m->owed && !statuses_differ(m, input))
		return NULL;
	return tell(svc, input);
}

/* What is believed comes first: figures that cannot be kept hold up no alert. */
struct err *health_take(struct service *svc, const json_t *input, json_t *take_report)
{
	TRY(take(svc, input, take_report));
	health_renew(svc);
	return keep(svc);
}

/* ---- whom to ask next ---- */

#define RESTS_AFTER_MS 300000

static bool rests(const struct health_subject *s, int64_t turn, int64_t now)
{
	return s->track.known && s->track.state == HEALTH_DOWN &&
		now - s->track.since > RESTS_AFTER_MS && turn % 3 != 0;
}

/* Both lists rise by id. */
static void spare(const struct health_monitor *m, json_t *nodes, int64_t now)
{
	const json_t *known = json_object_get(m->report, "nodes");
	json_t *node = NULL;
	size_t at = 0;
	size_t i = 0;

	json_array_foreach(nodes, i, node) {
		int64_t id = number_of(node, "id");
		while (at < m->nodes.n && m->nodes.items[at].id < id)
			at++;
		if (at == m->nodes.n || m->nodes.items[at].id != id)
			continue;
		int64_t turn = m->rounds + id;
		json_object_set(node, "agent_was",
			json_object_get(json_array_get(known, at), "agent"));
		json_object_set_new(node, "light", json_boolean(turn % 2 != 0));
		json_object_set_new(node, "resting",
			json_boolean(rests(&m->nodes.items[at], turn, now)));
	}
}

struct err *health_next(struct service *svc, json_t **ret_input)
{
	struct health_monitor *m = svc->health;

	TRY(health_input(svc, NULL, ret_input));
	if (m == NULL)
		return NULL;
	m->rounds++;
	spare(m, json_object_get(*ret_input, "nodes"), clock_utc(svc->clock));
	return NULL;
}

/* ---- what is shown ---- */

static bool is_shown(const struct service *svc, int64_t wanted, int64_t cluster_id)
{
	if (wanted != I64_NONE && cluster_id != wanted)
		return false;
	return svc->scope == NULL || (cluster_id != I64_NONE && scope_has(svc->scope, cluster_id));
}

static json_t *subject_json(const struct health_subject *s, const json_t *item)
{
	const struct health_track *t = &s->track;
	json_t *json = json_copy((json_t *)(uintptr_t)item);
	enum health_state state = t->known ? t->state : HEALTH_UNKNOWN;
	char at[CLOCK_TEXT_SIZE];

	clock_format(t->known ? t->since : 0, at);
	json_object_set(json, "heard", json_object_get(item, "state"));
	json_object_set_new(json, "state", json_string(enum_text(&health_state_table, state)));
	json_object_set_new(json, "since", t->known ? json_string(at) : json_null());
	json_object_set_new(json, "flapping", json_boolean(t->flapping));
	return json;
}

static json_t *list_json(const struct service *svc, const struct health_subjects *subjects,
	const char *list, const char *cluster_key, int64_t wanted)
{
	json_t *items = json_array();
	const json_t *item = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(svc->health->report, list), i, item)
		if (is_shown(svc, wanted, number_of(item, cluster_key)))
			json_array_append_new(items, subject_json(&subjects->items[i], item));
	return items;
}

struct err *health_status_json(struct service *svc, const char *cluster, json_t **ret_json)
{
	const struct health_monitor *m = svc->health;
	int64_t wanted = I64_NONE;
	char at[CLOCK_TEXT_SIZE];

	if (cluster != NULL) {
		struct cluster c;
		TRY(cluster_find(svc, cluster, &c));
		wanted = c.id;
		record_done(&cluster_type, &c);
	}
	if (m == NULL || m->report == NULL)
		return err_hint(err_new(ERR_UNAVAILABLE,
					m == NULL ? "no server runs here that watches"
						  : "the first round has not ended yet"),
			"mko health check    (asks now)");
	clock_format(m->checked_at, at);
	*ret_json = json_pack("{ss so so}", "checked_at", at, "clusters",
		list_json(svc, &m->clusters, "clusters", "id", wanted), "nodes",
		list_json(svc, &m->nodes, "nodes", "cluster_id", wanted));
	return NULL;
}

/* ---- metrics ---- */

static void set_state(enum metric_id id, const char *const *labels, const struct health_track *t)
{
	if (t->known && t->state != HEALTH_UNKNOWN)
		metric_set(id, labels, state_values[t->state]);
}

static void set_states(const struct health_monitor *m, int64_t now)
{
	const json_t *item = NULL;
	size_t i = 0;

	metric_clear(METRIC_NODE_UP);
	metric_clear(METRIC_CLUSTER_UP);
	metric_clear(METRIC_QUORUM_MARGIN);
	metric_clear(METRIC_CERT_EXPIRY);
	if (m == NULL)
		return;
	json_array_foreach(json_object_get(m->report, "nodes"), i, item) {
		const char *const *labels =
			METRIC_LABELS(text_of(item, "name"), text_of(item, "cluster"));
		const struct health_subject *s = &m->nodes.items[i];
		set_state(METRIC_NODE_UP, labels, &s->track);
		if (s->certificate_ends != 0)
			metric_set(METRIC_CERT_EXPIRY, labels,
				(double)(s->certificate_ends - now) / 1000);
	}
	json_array_foreach(json_object_get(m->report, "clusters"), i, item) {
		const char *const *labels = METRIC_LABELS(text_of(item, "name"));
		set_state(METRIC_CLUSTER_UP, labels, &m->clusters.items[i].track);
		if (number_of(item, "quorum_margin") != I64_NONE)
			metric_set(METRIC_QUORUM_MARGIN, labels,
				(double)number_of(item, "quorum_margin"));
	}
}

struct err *health_metrics(struct service *svc)
{
	set_states(svc->health, clock_utc(svc->clock));
	for (int64_t state = ALERT_FIRING; state < ALERT_RESOLVED; state++)
		for (int64_t severity = ALERT_INFO; severity <= ALERT_CRITICAL; severity++) {
			struct store_query q = {.n_filters = 0};
			int64_t n = 0;
			store_where_number(&q, "state", STORE_EQ, state);
			store_where_number(&q, "severity", STORE_EQ, severity);
			TRY(store_count(svc->store, &alert_type, &q, &n));
			metric_set(METRIC_ALERTS,
				METRIC_LABELS(enum_text(&alert_severity_table, severity),
					enum_text(&alert_state_table, state)),
				(double)n);
		}
	return NULL;
}
