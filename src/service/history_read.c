/* Owns how blocks become one row of figures, from a time until now. */
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "model/cluster.h"
#include "model/node.h"
#include "model/ups.h"
#include "service/cluster.h"
#include "service/history_int.h"
#include "service/node.h"
#include "service/ups.h"

#define DEFAULT_MS INT64_C(3600000)

/* A range of a tier that is filled with values. */
struct range {
	size_t tier;
	int64_t begin;  /* UTC ms, a multiple of the step */
	size_t n;       /* steps */
	json_t *series; /* {name: [values]} */
};

static int64_t step_ms(const struct range *r)
{
	return sample_tiers[r->tier].step_s * 1000;
}

/* ---- subjects ---- */

static struct err *node_id(struct service *svc, const char *name, int64_t *ret)
{
	struct node node;

	TRY(node_find(svc, name, &node));
	*ret = node.id;
	record_done(&node_type, &node);
	return NULL;
}

static struct err *cluster_id(struct service *svc, const char *name, int64_t *ret)
{
	struct cluster c;

	TRY(cluster_find(svc, name, &c));
	*ret = c.id;
	record_done(&cluster_type, &c);
	return NULL;
}

static struct err *ups_id(struct service *svc, const char *name, int64_t *ret)
{
	struct ups_device ups;

	TRY(ups_find(svc, name, &ups));
	*ret = ups.id;
	record_done(&ups_device_type, &ups);
	return NULL;
}

static const struct {
	const char *prefix;
	struct err *(*find)(struct service *svc, const char *name, int64_t *ret);
} kinds[] = {{"node/", node_id}, {"cluster/", cluster_id}, {"ups/", ups_id}};

/* "node/n1" becomes "node/3". */
static struct err *subject_of(struct service *svc, const char *text, char **ret)
{
	int64_t id = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);
		if (strncmp(text, kinds[i].prefix, len) != 0)
			continue;
		TRY(kinds[i].find(svc, text + len, &id));
		*ret = mem_printf("%s%lld", kinds[i].prefix, (long long)id);
		return NULL;
	}
	return err_field(NULL, "subject", "must be node/NAME, cluster/NAME or ups/NAME");
}

/* ---- values ---- */

static json_t *list_of(struct range *r, const char *name)
{
	json_t *list = json_object_get(r->series, name);

	if (list != NULL)
		return list;
	list = json_array();
	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(list, json_null());
	json_object_set_new(r->series, name, list);
	return list;
}

static void put_block(struct range *r, int64_t begin, const json_t *series)
{
	const char *name = NULL;
	json_t *values = NULL;
	const json_t *value = NULL;
	size_t k = 0;

	json_object_foreach((json_t *)(uintptr_t)series, name, values) {
		json_t *list = list_of(r, name);
		json_array_foreach(values, k, value) {
			int64_t at = (begin - r->begin) / step_ms(r) + (int64_t)k;
			if (at >= 0 && (size_t)at < r->n && !json_is_null(value))
				json_array_set(list, (size_t)at, (json_t *)(uintptr_t)value);
		}
	}
}

static struct err *put_rows(struct service *svc, const char *subject, struct range *r)
{
	struct store_query q = {.sort = "begin"};
	struct store_rows rows = {0};

	store_where_text(&q, "subject", STORE_EQ, subject);
	store_where_number(&q, "tier", STORE_EQ, (int64_t)r->tier);
	store_where_number(&q, "begin", STORE_GT, r->begin - history_block_ms(r->tier));
	TRY(store_list(svc->store, &sample_block_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct sample_block *block = store_row(&rows, i);
		put_block(r, block->begin, block->series);
	}
	store_rows_done(&rows);
	return NULL;
}

/* What is not written yet. */
static void put_memory(const struct service *svc, const char *subject, struct range *r)
{
	const struct history *h = svc->history;
	const struct history_subject *s = h != NULL ? history_find(h, subject) : NULL;

	for (size_t i = 0; h != NULL && i < h->n_done; i++)
		if (h->done[i].tier == (int64_t)r->tier && strcmp(h->done[i].subject, subject) == 0)
			put_block(r, h->done[i].begin, h->done[i].series);
	if (s == NULL || s->tiers[r->tier].block == -1)
		return;
	json_t *now = history_series_json(&s->tiers[r->tier]);
	put_block(r, s->tiers[r->tier].block, now);
	json_decref(now);
}

/* Watt hours: each step with the power of then. */
static json_t *energy_of(const struct range *r)
{
	const json_t *list = json_object_get(r->series, "power_w");
	const json_t *value = NULL;
	double wh = 0;
	size_t i = 0;

	json_array_foreach(list, i, value)
		wh += json_number_value(value) * (double)sample_tiers[r->tier].step_s / 3600;
	return list != NULL ? json_real(wh) : json_null();
}

static json_t *range_json(const struct range *r, const char *subject)
{
	json_t *series = json_array();
	char at[CLOCK_TEXT_SIZE];

	for (const struct sample_series *s = sample_series; s->name != NULL; s++) {
		json_t *values = json_object_get(r->series, s->name);
		if (values != NULL)
			json_array_append_new(series,
				json_pack("{s:s, s:s?, s:s, s:O}", "name", s->name, "unit", s->unit,
					"help", s->help, "values", values));
	}
	clock_format(r->begin, at);
	return json_pack("{s:s, s:I, s:s, s:o, s:o}", "subject", subject, "step_s",
		(json_int_t)sample_tiers[r->tier].step_s, "begin", at, "series", series,
		"energy_wh", energy_of(r));
}

static struct err *range_of(const char *since, int64_t now, struct range *r)
{
	int64_t back = DEFAULT_MS;

	if (since != NULL) {
		struct err *e = parse_duration_ms(since, &back);
		if (e != NULL)
			return err_field(err_recode(e, ERR_INVALID), "since",
				"is a duration back from now (1h, 7d)");
	}
	while (r->tier < SAMPLE_TIERS - 1 && back > sample_tiers[r->tier].keep_s * 1000)
		r->tier++;
	if (back > sample_tiers[r->tier].keep_s * 1000)
		back = sample_tiers[r->tier].keep_s * 1000;
	r->n = (size_t)(back / step_ms(r)) + 1;
	r->begin = now - now % step_ms(r) - (int64_t)(r->n - 1) * step_ms(r);
	return NULL;
}

struct err *history_json(struct service *svc, const char *subject, const char *since,
	json_t **ret_json)
{
	struct range r = {.tier = 0};
	cleanup(mem_freep) char *name = NULL;

	TRY(range_of(since, clock_utc(svc->clock), &r));
	TRY(subject_of(svc, subject, &name));
	must(name != NULL);
	r.series = json_object();
	struct err *e = put_rows(svc, name, &r);
	if (e == NULL) {
		put_memory(svc, name, &r);
		*ret_json = range_json(&r, subject);
	}
	json_decref(r.series);
	return e;
}
