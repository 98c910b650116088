/* Owns how figures are averaged into tiers, and when they are written. What is read:
 * history_read.c.
 */
#include "service/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "service/history_int.h"
#include "service/query.h"

#define FLUSH_MS 600000
#define PRUNE_MS 3600000
#define DONE_MAX 50000    /* blocks that wait to be written */
#define BLOCKS_MAX 200000 /* some 60 MB; the finest and oldest go first */

int64_t history_block_ms(size_t tier)
{
	return sample_tiers[tier].step_s * 1000 * SAMPLE_SLOTS;
}

/* ---- life ---- */

static void tier_done(struct history_tier *t)
{
	mem_free(t->series);
	*t = (struct history_tier){.block = -1};
}

static void subject_free(struct history_subject *s)
{
	for (size_t i = 0; i < SAMPLE_TIERS; i++)
		tier_done(&s->tiers[i]);
	mem_free(s->name);
	mem_free(s);
}

static void done_free(struct history *h)
{
	for (size_t i = 0; i < h->n_done; i++) {
		mem_free(h->done[i].subject);
		json_decref(h->done[i].series);
	}
	mem_free(h->done);
	h->done = NULL;
	h->n_done = 0;
}

void history_start(struct service *svc)
{
	svc->history = mem_zalloc(sizeof(*svc->history));
	svc->history->flushed_at = clock_utc(svc->clock);
}

/* ---- subjects ---- */

/* Where it is, or would be. */
static size_t place_of(const struct history *h, const char *name)
{
	size_t low = 0;
	size_t high = h->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (strcmp(h->subjects[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct history_subject *history_find(const struct history *h, const char *name)
{
	size_t at = place_of(h, name);

	return at < h->n && strcmp(h->subjects[at]->name, name) == 0 ? h->subjects[at] : NULL;
}

static struct history_subject *subject_of(struct history *h, const char *name)
{
	struct history_subject *s = history_find(h, name);

	if (s != NULL)
		return s;
	size_t at = place_of(h, name);
	s = mem_zalloc(sizeof(*s));
	s->name = mem_strdup(name);
	for (size_t i = 0; i < SAMPLE_TIERS; i++)
		s->tiers[i].block = -1;
	h->subjects = mem_realloc_array(h->subjects, h->n + 1, sizeof(struct history_subject *));
	memmove(&h->subjects[at + 1], &h->subjects[at],
		(h->n - at) * sizeof(struct history_subject *));
	h->subjects[at] = s;
	h->n++;
	return s;
}

static void forget(struct history *h, const char *name)
{
	size_t at = place_of(h, name);

	if (at >= h->n || strcmp(h->subjects[at]->name, name) != 0)
		return;
	subject_free(h->subjects[at]);
	h->n--;
	memmove(&h->subjects[at], &h->subjects[at + 1],
		(h->n - at) * sizeof(struct history_subject *));
}

/* ---- averages ---- */

static struct history_series *series_of(struct history_tier *t, const struct sample_series *of)
{
	for (size_t i = 0; i < t->n_series; i++)
		if (t->series[i].of == of)
			return &t->series[i];
	if (t->n_series >= SAMPLE_SERIES_MAX)
		return NULL;
	t->series = mem_realloc_array(t->series, t->n_series + 1, sizeof(*t->series));
	struct history_series *s = &t->series[t->n_series++];
	*s = (struct history_series){.of = of};
	for (size_t i = 0; i < SAMPLE_SLOTS; i++)
		s->values[i] = NAN;
	return s;
}

static float average(const struct history_series *s)
{
	return s->n > 0 ? (float)(s->sum / (double)s->n) : NAN;
}

/* The slot is over: what was measured in it is one value. */
static void close_slot(struct history_tier *t)
{
	for (size_t i = 0; i < t->n_series; i++) {
		struct history_series *s = &t->series[i];
		if (s->n == 0)
			continue;
		s->values[t->slot] = average(s);
		s->sum = 0;
		s->n = 0;
		t->dirty = true;
	}
}

json_t *history_series_json(const struct history_tier *t)
{
	json_t *json = json_object();

	for (size_t i = 0; i < t->n_series; i++) {
		const struct history_series *s = &t->series[i];
		json_t *list = json_array();
		for (int64_t k = 0; k < SAMPLE_SLOTS; k++) {
			float value = s->values[k];
			if (k == t->slot && s->n > 0)
				value = average(s);
			/* Two digits behind the point are enough, and pack well. */
			json_array_append_new(list,
				isfinite(value) ? json_real(round((double)value * 100) / 100)
						: json_null());
		}
		json_object_set_new(json, s->of->name, list);
	}
	return json;
}

/* ---- blocks ---- */

/* The store has not taken anything for a long time. */
static void drop_oldest(struct history *h)
{
	mem_free(h->done[0].subject);
	json_decref(h->done[0].series);
	h->n_done--;
	memmove(&h->done[0], &h->done[1], h->n_done * sizeof(*h->done));
}

/* Put the block aside until it is written. */
static void put_aside(struct history *h, const struct history_subject *s, size_t tier)
{
	const struct history_tier *t = &s->tiers[tier];

	if (!t->dirty)
		return;
	if (h->n_done >= DONE_MAX)
		drop_oldest(h);
	h->done = mem_realloc_array(h->done, h->n_done + 1, sizeof(*h->done));
	h->done[h->n_done++] = (struct history_done){.subject = mem_strdup(s->name),
		.tier = (int64_t)tier,
		.begin = t->block,
		.row_id = t->row_id,
		.series = history_series_json(t)};
}

static void take_values(struct history_tier *t, const struct sample_block *block)
{
	const char *name = NULL;
	json_t *list = NULL;

	json_object_foreach(block->series, name, list) {
		const struct sample_series *of = sample_series_get(name);
		struct history_series *s = of != NULL ? series_of(t, of) : NULL;
		for (size_t k = 0; s != NULL && k < SAMPLE_SLOTS; k++) {
			const json_t *value = json_array_get(list, k);
			if (json_is_number(value))
				s->values[k] = (float)json_number_value(value);
		}
	}
}

/* After a restart, or a step of the clock back, a block may have been begun already. */
static struct err *begin_block(struct service *svc, struct history_subject *s, size_t tier,
	int64_t begin)
{
	struct history_tier *t = &s->tiers[tier];
	struct store_query q = {.limit = 1};
	struct store_rows rows = {0};

	store_where_text(&q, "subject", STORE_EQ, s->name);
	store_where_number(&q, "tier", STORE_EQ, (int64_t)tier);
	store_where_number(&q, "begin", STORE_EQ, begin);
	TRY(store_list(svc->store, &sample_block_type, &q, &rows));
	tier_done(t);
	t->block = begin;
	if (rows.n > 0) {
		const struct sample_block *block = store_row(&rows, 0);
		t->row_id = block->id;
		take_values(t, block);
	}
	store_rows_done(&rows);
	return NULL;
}

static struct err *move_to(struct service *svc, struct history_subject *s, size_t tier, int64_t now)
{
	struct history_tier *t = &s->tiers[tier];
	int64_t length = history_block_ms(tier);
	int64_t block = now - now % length;
	int64_t slot = now % length / (sample_tiers[tier].step_s * 1000);

	if (t->block == block && t->slot == slot)
		return NULL;
	if (t->block != -1)
		close_slot(t);
	if (t->block != block) {
		put_aside(svc->history, s, tier);
		TRY(begin_block(svc, s, tier, block));
	}
	t->slot = slot;
	return NULL;
}

struct err *history_add(struct service *svc, const char *subject,
	const struct history_value *values, size_t n)
{
	int64_t now = clock_utc(svc->clock);

	if (svc->history == NULL || now <= 0)
		return NULL;
	struct history_subject *s = subject_of(svc->history, subject);
	for (size_t tier = 0; tier < SAMPLE_TIERS; tier++) {
		TRY(move_to(svc, s, tier, now));
		for (size_t i = 0; i < n; i++) {
			const struct sample_series *of = sample_series_get(values[i].series);
			struct history_series *series = of != NULL ? series_of(&s->tiers[tier], of)
								   : NULL;
			if (series == NULL || !isfinite(values[i].value))
				continue;
			series->sum += values[i].value;
			series->n++;
		}
	}
	return NULL;
}

/* ---- writing ---- */

/* @id of its row; 0: it has none, and gets one */
static struct err *write_block(struct service *svc, const struct history_done *done, int64_t *id)
{
	struct sample_block block = {.id = done->row_id,
		.subject = done->subject,
		.tier = done->tier,
		.begin = done->begin,
		.series = done->series};

	if (block.id == 0)
		TRY(store_insert(svc->store, &sample_block_type, &block));
	else
		TRY(store_update(svc->store, &sample_block_type, &block));
	*id = block.id;
	return NULL;
}

/* A block that goes on. The finest tier is written when its block is over: that is the time of a
 * flush. @last it is the last time */
static struct err *write_tier(struct service *svc, struct history_subject *s, size_t tier,
	bool last)
{
	struct history_tier *t = &s->tiers[tier];

	if (last && t->block != -1)
		close_slot(t);
	if (!t->dirty || (tier == 0 && !last))
		return NULL;
	struct history_done done = {.subject = s->name,
		.tier = (int64_t)tier,
		.begin = t->block,
		.row_id = t->row_id,
		.series = history_series_json(t)};
	struct err *e = write_block(svc, &done, &t->new_id);
	json_decref(done.series);
	return e;
}

static struct err *write_all(struct service *svc, bool last)
{
	struct history *h = svc->history;
	int64_t id = 0;

	for (size_t i = 0; i < h->n_done; i++)
		TRY(write_block(svc, &h->done[i], &id));
	for (size_t i = 0; i < h->n; i++)
		for (size_t tier = 0; tier < SAMPLE_TIERS; tier++)
			TRY(write_tier(svc, h->subjects[i], tier, last));
	return NULL;
}

static struct err *prune_tier(struct service *svc, size_t tier)
{
	struct store_query q = {.n_filters = 0};
	int64_t oldest = clock_utc(svc->clock) - sample_tiers[tier].keep_s * 1000 -
		history_block_ms(tier);

	store_where_number(&q, "tier", STORE_EQ, (int64_t)tier);
	store_where_number(&q, "begin", STORE_LT, oldest);
	return store_delete_where(svc->store, &sample_block_type, &q, NULL);
}

static struct err *prune(struct service *svc)
{
	struct store_query q = {.sort = "tier", .more = {{"begin", false}}, .n_more = 1};
	int64_t n = 0;

	for (size_t tier = 0; tier < SAMPLE_TIERS; tier++)
		TRY(prune_tier(svc, tier));
	TRY(store_count(svc->store, &sample_block_type, NULL, &n));
	q.limit = n - BLOCKS_MAX;
	return q.limit > 0 ? store_delete_where(svc->store, &sample_block_type, &q, NULL) : NULL;
}

static struct err *flush_in(struct service *svc, bool last)
{
	int64_t now = clock_utc(svc->clock);
	int64_t since = now - svc->history->pruned_at;

	TRY(write_all(svc, last));
	if (since >= 0 && since < PRUNE_MS)
		return NULL;
	TRY(prune(svc));
	svc->history->pruned_at = now;
	return NULL;
}

/* Only now it is written for sure; what is not is tried again. */
static void settle(struct history *h, bool written)
{
	for (size_t i = 0; i < h->n; i++)
		for (size_t tier = 0; tier < SAMPLE_TIERS; tier++) {
			struct history_tier *t = &h->subjects[i]->tiers[tier];
			if (written && t->new_id != 0) {
				t->row_id = t->new_id;
				t->dirty = false;
			}
			t->new_id = 0;
		}
	if (written)
		done_free(h);
}

static struct err *flush(struct service *svc, bool last)
{
	TRY(tx_begin(svc));
	struct err *e = flush_in(svc, last);
	if (e != NULL)
		tx_rollback(svc);
	else
		e = tx_commit(svc);
	settle(svc->history, e == NULL);
	return err_wrap(e, "write the history of figures");
}

struct err *history_flush(struct service *svc)
{
	int64_t now = clock_utc(svc->clock);

	if (svc->history == NULL)
		return NULL;
	int64_t since = now - svc->history->flushed_at;
	if (since >= 0 && since < FLUSH_MS)
		return NULL;
	svc->history->flushed_at = now;
	return flush(svc, false);
}

void history_stop(struct service *svc)
{
	struct history *h = svc->history;

	if (h == NULL)
		return;
	struct err *e = flush(svc, true);
	if (e != NULL)
		log_error("%s: the last ten minutes are lost", err_message(e));
	err_free(e);
	for (size_t i = 0; i < h->n; i++)
		subject_free(h->subjects[i]);
	mem_free(h->subjects);
	done_free(h);
	mem_free(h);
	svc->history = NULL;
}

struct err *history_forget(struct service *svc, const char *kind, int64_t id)
{
	cleanup(mem_freep) char *subject = mem_printf("%s/%lld", kind, (long long)id);
	struct store_query q = {.n_filters = 0};

	if (svc->history != NULL)
		forget(svc->history, subject);
	store_where_text(&q, "subject", STORE_EQ, subject);
	return store_delete_where(svc->store, &sample_block_type, &q, NULL);
}
