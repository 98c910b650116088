/* Owns the rows of `events`: written in the transaction of the change they tell of, read in order
 * by streams. */
#include "service/event.h"

#include <string.h>

#include "base/mem.h"
#include "model/event.h"
#include "model/metric.h"

#define PRUNE_EVERY 1000

/* Old rows go in one statement each thousand events, so that no single change pays for much. */
static struct err *prune(struct service *svc, int64_t newest)
{
	struct store_query q = {.n_filters = 0};

	if (newest % PRUNE_EVERY != 0 || newest <= EVENT_KEEP)
		return NULL;
	store_where_number(&q, "id", STORE_LE, newest - EVENT_KEEP);
	return store_delete_where(svc->store, &event_type, &q, NULL);
}

/* Whom the state of an object concerns: "clusters" (operations), "cluster_id" (nodes), the object
 * itself (clusters). */
static json_t *clusters_of(const char *topic, int64_t object_id, const json_t *data)
{
	json_t *many = json_object_get(data, "clusters");
	json_t *one = json_object_get(data, "cluster_id");
	json_t *ids = json_array();

	if (json_is_array(many))
		json_array_extend(ids, many);
	else if (json_is_integer(one))
		json_array_append(ids, one);
	else if (strcmp(topic, "clusters") == 0)
		json_array_append_new(ids, json_integer(object_id));
	return ids;
}

struct err *event_publish(struct service *svc, const char *topic, const char *kind,
	int64_t object_id, json_t *take_data)
{
	struct event event;

	record_init(&event_type, &event);
	event.at = clock_utc(svc->clock);
	field_set_text(&event.topic, topic);
	field_set_text(&event.kind, kind);
	event.object_id = object_id;
	json_decref(event.clusters);
	event.clusters = clusters_of(topic, object_id, take_data);
	json_decref(event.data);
	event.data = take_data;
	struct err *e = store_insert(svc->store, &event_type, &event);
	int64_t id = event.id;
	record_done(&event_type, &event);
	if (e != NULL)
		return err_wrap(e, "record event %s", kind);
	metric_add(METRIC_EVENTS, METRIC_LABELS(topic), 1);
	svc->events_pending = true;
	return prune(svc, id);
}

/* The first id under a sort order, 0 when there are no rows. */
static struct err *edge(struct service *svc, bool newest, int64_t *ret_id)
{
	struct store_query q = {.descending = newest, .limit = 1};
	struct store_rows rows;

	TRY(store_list(svc->store, &event_type, &q, &rows));
	*ret_id = rows.n > 0 ? ((const struct event *)store_row(&rows, 0))->id : 0;
	store_rows_done(&rows);
	return NULL;
}

struct err *event_range(struct service *svc, int64_t *ret_oldest, int64_t *ret_newest)
{
	TRY(edge(svc, false, ret_oldest));
	return edge(svc, true, ret_newest);
}

struct err *event_list(struct service *svc, int64_t after, int64_t limit,
	struct store_rows *ret_rows)
{
	struct store_query q = {.limit = limit};

	store_where_number(&q, "id", STORE_GT, after);
	return store_list(svc->store, &event_type, &q, ret_rows);
}
