/* Owns what of a cluster power depends on: the UPSes that feed it, and the clusters that it needs.
 */
#include <string.h>

#include "base/mem.h"
#include "model/ups.h"
#include "service/cluster.h"
#include "service/find.h"

#define DEPTH_MAX 64 /* of clusters that need each other */

/* Numbers and names of UPSes become numbers. */
static struct err *resolve_feed(struct service *svc, const json_t *item, json_t *ids)
{
	cleanup(mem_freep) char *number = json_is_integer(item)
		? mem_printf("%lld", (long long)json_integer_value(item))
		: NULL;
	const char *text = number != NULL ? number : json_string_value(item);
	struct ups_device ups;

	if (text == NULL)
		return err_field(NULL, "feeds", "must be names or numbers of UPSes");
	if (*text == '\0')
		return NULL; /* so that a list can be emptied */
	struct err *e = find_record(svc, &ups_device_type, text, &ups);
	if (e != NULL) {
		struct err *wrong = err_field(NULL, "feeds", "%s", err_message(e));
		err_free(e);
		return err_hint(wrong, "mko ups list");
	}
	json_array_append_new(ids, json_integer(ups.id));
	record_done(&ups_device_type, &ups);
	return NULL;
}

static struct err *resolve_feeds(struct service *svc, struct cluster *c)
{
	json_t *ids = json_array();
	size_t i = 0;
	const json_t *item = NULL;
	struct err *e = NULL;

	json_array_foreach(c->feeds, i, item) {
		e = resolve_feed(svc, item, ids);
		if (e != NULL)
			break;
	}
	if (e == NULL && c->min_feeds > 1 && (size_t)c->min_feeds > json_array_size(ids))
		e = err_field(NULL, "min_feeds", "it has only %zu feeds", json_array_size(ids));
	if (e != NULL) {
		json_decref(ids);
		return e;
	}
	json_decref(c->feeds);
	c->feeds = ids;
	return NULL;
}

/* ---- clusters that it needs ---- */

static struct err *resolve_need(struct service *svc, const struct cluster *c, const json_t *item,
	json_t *ids)
{
	cleanup(mem_freep) char *number = json_is_integer(item)
		? mem_printf("%lld", (long long)json_integer_value(item))
		: NULL;
	const char *text = number != NULL ? number : json_string_value(item);
	struct cluster other;

	if (text == NULL)
		return err_field(NULL, "depends_on", "must be names or numbers of clusters");
	if (*text == '\0')
		return NULL; /* so that a list can be emptied */
	struct err *e = cluster_find(svc, text, &other);
	if (e != NULL) {
		struct err *wrong = err_field(NULL, "depends_on", "%s", err_message(e));
		err_free(e);
		return err_hint(wrong, "mko cluster list");
	}
	int64_t id = other.id;
	record_done(&cluster_type, &other);
	if (id == c->id)
		return err_field(NULL, "depends_on", "a cluster does not need itself");
	json_array_append_new(ids, json_integer(id));
	return NULL;
}

/* Whether this cluster needs the other, also by way of further ones. */
static struct err *needs(struct service *svc, int64_t id, int64_t wanted, int depth, bool *ret)
{
	struct cluster c;
	const json_t *item = NULL;
	size_t i = 0;

	if (id == wanted) {
		*ret = true;
		return NULL;
	}
	if (depth == 0)
		return NULL;
	TRY(store_get(svc->store, &cluster_type, id, &c));
	struct err *e = NULL;
	json_array_foreach(c.depends_on, i, item)
		if (e == NULL && !*ret)
			e = needs(svc, json_integer_value(item), wanted, depth - 1, ret);
	record_done(&cluster_type, &c);
	return e;
}

static struct err *check_circle(struct service *svc, const struct cluster *c, const json_t *ids)
{
	const json_t *item = NULL;
	size_t i = 0;
	bool circle = false;

	if (c->id == 0)
		return NULL; /* nobody needs a new one */
	json_array_foreach(ids, i, item)
		TRY(needs(svc, json_integer_value(item), c->id, DEPTH_MAX, &circle));
	return circle ? err_field(NULL, "depends_on", "it would need itself, by way of another")
		      : NULL;
}

static struct err *resolve_needs(struct service *svc, struct cluster *c)
{
	json_t *ids = json_array();
	const json_t *item = NULL;
	struct err *e = NULL;
	size_t i = 0;

	json_array_foreach(c->depends_on, i, item)
		if (e == NULL)
			e = resolve_need(svc, c, item, ids);
	if (e == NULL)
		e = check_circle(svc, c, ids);
	if (e != NULL) {
		json_decref(ids);
		return e;
	}
	json_decref(c->depends_on);
	c->depends_on = ids;
	return NULL;
}

struct err *cluster_resolve_power(struct service *svc, struct cluster *c)
{
	TRY(resolve_feeds(svc, c));
	return resolve_needs(svc, c);
}

static struct err *forget_need(struct service *svc, struct cluster *c, int64_t id)
{
	for (size_t i = json_array_size(c->depends_on); i-- > 0;)
		if (json_integer_value(json_array_get(c->depends_on, i)) == id)
			json_array_remove(c->depends_on, i);
	return store_update(svc->store, &cluster_type, c);
}

struct err *cluster_forget_power(struct service *svc, int64_t id)
{
	struct store_query q = {0};
	struct store_rows rows = {0};

	store_where_within(&q, "depends_on", &id, 1);
	struct err *e = store_list(svc->store, &cluster_type, &q, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++)
		e = forget_need(svc, store_row(&rows, i), id);
	store_rows_done(&rows);
	return e;
}
