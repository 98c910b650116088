/* Owns how the monitor shows what it knows. */
#include "base/mem.h"
#include "model/metric.h"
#include "service/power_int.h"
#include "service/query.h"
#include "service/ups.h"

static json_t *time_json(int64_t utc_ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (utc_ms == I64_NONE)
		return json_null();
	clock_format(utc_ms, text);
	return json_string(text);
}

static json_t *text_json(const char *text)
{
	return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static const char *power_text(const struct power_ups_view *view)
{
	static const char *const texts[] = {
		[POWER_LINE_UNKNOWN] = "unknown",
		[POWER_LINE_ONLINE] = "online",
		[POWER_LINE_ONBATT] = "on_battery",
	};

	return texts[view->line];
}

static void add_engine(struct service *svc, const struct power_ups_view *view, json_t *json)
{
	int64_t since = view->line == POWER_LINE_ONBATT ? view->battery_from : view->mains_from;

	json_object_set_new(json, "power", json_string(power_text(view)));
	json_object_set_new(json, "power_since", time_json(power_utc(svc, since)));
	json_object_set_new(json, "contact", json_boolean(!view->lost && !view->blind));
	json_object_set_new(json, "outage", json_boolean(view->outage));
	json_object_set_new(json, "outage_number", json_integer(view->episode));
	json_object_set_new(json, "flapping", json_boolean(view->flapping));
	json_object_set_new(json, "forced_shutdown", json_boolean(view->fsd));
	json_object_set_new(json, "output_off", json_boolean(view->off));
}

static void add_word(struct service *svc, const struct power_word *word, json_t *json)
{
	struct power_reading none;
	bool ever = word != NULL && word->ever;

	power_reading_init(&none);
	const struct power_reading *reading = ever ? &word->reading : &none;
	json_t *values = power_reading_to_json(reading);
	json_object_update(json, values);
	json_decref(values);
	json_object_set_new(json, "ups_status", text_json(reading->status));
	json_object_set_new(json, "doubt", text_json(ever ? power_reading_doubt(reading) : NULL));
	json_object_set_new(json, "heard_at",
		time_json(ever ? power_utc(svc, word->at) : I64_NONE));
	json_object_set_new(json, "age_s",
		ever ? json_real((double)(clock_mono(svc->clock) - word->at) / 1000) : json_null());
	json_object_set_new(json, "problem", text_json(word != NULL ? word->miss : NULL));
}

/* What the rules of the UPS wait for. */
static struct err *waiting_json(struct service *svc, int64_t ups_id, json_t **ret)
{
	struct store_query q = {0};
	struct store_rows rows = {0};

	if (ups_id != I64_NONE)
		store_where_number(&q, "ups_id", STORE_EQ, ups_id);
	store_where_number(&q, "finished_at", STORE_IS_NULL, 0);
	TRY(store_list(svc->store, &ups_firing_type, &q, &rows));
	*ret = json_array();
	for (size_t i = 0; i < rows.n; i++) {
		const struct ups_firing *firing = store_row(&rows, i);
		struct power_rule_view view = {.held = false};
		if (svc->power != NULL)
			(void)power_engine_rule(svc->power->engine, firing->engine_id, &view);
		json_t *json = record_to_json(&ups_firing_type, firing);
		json_object_set_new(json, "held", json_boolean(view.held));
		json_array_append_new(*ret, json);
	}
	store_rows_done(&rows);
	return NULL;
}

static bool is_running(const struct service *svc)
{
	return svc->power != NULL && !svc->power->stopped;
}

struct err *power_status_json(struct service *svc, const struct ups_device *ups, json_t **ret_json)
{
	struct power_ups_view view = {.last_sample = I64_NONE,
		.battery_from = I64_NONE,
		.mains_from = I64_NONE};
	const struct power_word *word = NULL;
	json_t *waiting = NULL;
	char id[POWER_ID_SIZE];

	TRY(waiting_json(svc, ups->id, &waiting));
	power_id(id, ups->id);
	bool watched = is_running(svc) && power_engine_ups(svc->power->engine, id, &view) &&
		ups->enabled;
	if (is_running(svc))
		word = power_word_of(svc->power, ups->id);
	json_t *json = json_pack("{s:I, s:s, s:b}", "id", (json_int_t)ups->id, "name", ups->name,
		"watched", watched);
	add_engine(svc, &view, json);
	if (word == NULL || !word->ever)
		json_object_set_new(json, "contact", json_false());
	add_word(svc, word, json);
	json_object_set_new(json, "firings", waiting);
	json_t *plan = NULL;
	struct err *e = power_plan_json(svc, ups->id, &plan);
	if (e != NULL) {
		json_decref(json);
		return e;
	}
	json_object_set_new(json, "plan", plan);
	*ret_json = json;
	return NULL;
}

/* ---- metrics ---- */

static const struct {
	enum metric_id metric;
	enum power_quantity quantity;
} gauges[] = {
	{METRIC_UPS_CHARGE, POWER_CHARGE},
	{METRIC_UPS_RUNTIME, POWER_RUNTIME},
	{METRIC_UPS_LOAD, POWER_LOAD},
	{METRIC_UPS_POWER, POWER_REAL},
};

static void set_gauges(const struct power_word *word, const char *name)
{
	const char *const *labels = METRIC_LABELS(name);

	if (word->status != UPS_ONLINE && word->status != UPS_ON_BATTERY)
		return;
	metric_set(METRIC_UPS_ON_MAINS, labels, word->status == UPS_ONLINE ? 1 : 0);
	for (size_t i = 0; i < ARRAY_LEN(gauges); i++)
		if (word->reading.values[gauges[i].quantity] != I64_NONE)
			metric_set(gauges[i].metric, labels,
				(double)word->reading.values[gauges[i].quantity] / 1000);
}

struct err *power_metrics(struct service *svc)
{
	struct store_rows rows = {0};

	metric_clear(METRIC_UPS_ON_MAINS);
	for (size_t i = 0; i < ARRAY_LEN(gauges); i++)
		metric_clear(gauges[i].metric);
	if (!is_running(svc))
		return NULL;
	TRY(store_list(svc->store, &ups_device_type, NULL, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct ups_device *ups = store_row(&rows, i);
		const struct power_word *word = power_word_of(svc->power, ups->id);
		if (word != NULL && word->ever)
			set_gauges(word, ups->name);
	}
	store_rows_done(&rows);
	return NULL;
}

struct err *power_monitor_json(struct service *svc, json_t **ret_json)
{
	struct power_memory memory;
	json_t *waiting = NULL;
	bool stopped = false;

	TRY(waiting_json(svc, I64_NONE, &waiting));
	struct err *e = store_get(svc->store, &power_memory_type, 1, &memory);
	if (e == NULL) {
		stopped = memory.stopped;
		record_done(&power_memory_type, &memory);
	} else if (err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* it never ran */
	} else {
		json_decref(waiting);
		return e;
	}
	*ret_json = json_pack("{s:b, s:b, s:I, s:o}", "running", is_running(svc), "wanted",
		!stopped, "ups_count", (json_int_t)(svc->power != NULL ? svc->power->n_words : 0),
		"firings", waiting);
	return NULL;
}
