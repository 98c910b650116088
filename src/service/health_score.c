/* Owns the score of a cluster: what its last scan found and what is believed of it now, each with
 * its points. */
#include "base/mem.h"
#include "model/cluster.h"
#include "service/alert.h"
#include "service/cluster.h"
#include "service/health_int.h"
#include "service/op/op_cluster_state.h"

#define ALL 100
#define COST_DOWN 20
#define COST_DEGRADED 10
#define COST_RISK 20
#define COST_FLAPPING 5
#define COST_CERTIFICATE 10

static bool is(const struct health_track *track, enum health_state state)
{
	return track->known && track->state == state;
}

static const char *name_of(const json_t *item)
{
	return json_string_value(json_object_get(item, "name"));
}

static void lose(json_t *reasons, int64_t points, char *take_reason)
{
	json_array_append_new(reasons,
		json_pack("{s:I, s:s}", "points", (json_int_t)points, "reason", take_reason));
	mem_free(take_reason);
}

static void lose_node(json_t *reasons, const struct health_subject *s, const char *name)
{
	if (is(&s->track, HEALTH_DOWN))
		lose(reasons, COST_DOWN, mem_printf("%s is down", name));
	else if (is(&s->track, HEALTH_DEGRADED))
		lose(reasons, COST_DEGRADED, mem_printf("%s: %s", name, s->reason));
	else if (s->track.flapping)
		lose(reasons, COST_FLAPPING, mem_printf("%s comes and goes", name));
	if (is(&s->certificate, HEALTH_DEGRADED))
		lose(reasons, COST_CERTIFICATE,
			mem_printf("the certificate of the API of %s ends soon", name));
}

json_t *health_reasons(const struct service *svc, int64_t cluster_id)
{
	const struct health_monitor *m = svc->health;
	json_t *reasons = json_array();
	const json_t *item = NULL;
	size_t i = 0;

	if (m == NULL)
		return reasons;
	json_array_foreach(json_object_get(m->report, "clusters"), i, item) {
		const struct health_subject *s = &m->clusters.items[i];
		if (s->id == cluster_id && is(&s->track, HEALTH_DOWN))
			lose(reasons, ALL, mem_strdup(s->reason));
		else if (s->id == cluster_id && is(&s->risk, HEALTH_DEGRADED))
			lose(reasons, COST_RISK, mem_strdup("it can lose no voter more"));
	}
	json_array_foreach(json_object_get(m->report, "nodes"), i, item)
		if (json_integer_value(json_object_get(item, "cluster_id")) == cluster_id)
			lose_node(reasons, &m->nodes.items[i], name_of(item));
	return reasons;
}

static int64_t points_of(const json_t *reasons)
{
	const json_t *reason = NULL;
	int64_t points = 0;
	size_t i = 0;

	json_array_foreach(reasons, i, reason)
		points += json_integer_value(json_object_get(reason, "points"));
	return points;
}

int64_t health_score(const json_t *scan)
{
	int64_t lost = points_of(json_object_get(scan, "score_reasons")) +
		points_of(json_object_get(scan, "health_reasons"));

	return lost < ALL ? ALL - lost : 0;
}

static struct err *rewrite(struct service *svc, struct cluster *c, json_t *reasons)
{
	const json_t *known = json_object_get(c->scan, "health_reasons");

	if (c->scanned_at == I64_NONE || !json_is_object(c->scan) || json_equal(known, reasons) ||
		(known == NULL && json_array_size(reasons) == 0))
		return NULL;
	json_object_set(c->scan, "health_reasons", reasons);
	c->health_score = health_score(c->scan);
	return cluster_state_save(svc, c);
}

struct err *health_score_follow(struct service *svc, int64_t cluster_id)
{
	struct cluster c;
	struct err *e = store_get(svc->store, &cluster_type, cluster_id, &c);

	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* the next round does not ask it */
		return NULL;
	}
	TRY(e);
	json_t *reasons = health_reasons(svc, cluster_id);
	e = rewrite(svc, &c, reasons);
	json_decref(reasons);
	record_done(&cluster_type, &c);
	return e;
}
