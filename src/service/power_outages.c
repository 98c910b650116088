/* Owns how events of UPSes become outages: when each began and ended, how long and how deep it was.
 */
#include "base/mem.h"
#include "service/power_int.h"

#define EVENTS_MAX 2000 /* the newest that are looked at */

/* An outage in the work; times UTC ms. */
static json_t *time_or_null(int64_t at)
{
	char text[CLOCK_TEXT_SIZE];

	if (at == I64_NONE)
		return json_null();
	clock_format(at, text);
	return json_string(text);
}

static json_t *number_or_null(int64_t n)
{
	return n == I64_NONE ? json_null() : json_integer(n);
}

static json_t *begun(const struct ups_event *event)
{
	int64_t began = event->since != I64_NONE ? event->since : event->at;

	return json_pack("{s:s, s:I, s:I, s:o, s:n, s:n, s:o, s:n, s:n, s:b}", "ups",
		event->ups_name, "ups_id", (json_int_t)event->ups_id, "number",
		(json_int_t)event->episode, "began", time_or_null(began), "ended", "length_s",
		"charge_begin", number_or_null(event->charge), "charge_end", "depth_percent",
		"critical", 0);
}

static bool is_of(const json_t *outage, const struct ups_event *event)
{
	return json_integer_value(json_object_get(outage, "ups_id")) == event->ups_id &&
		json_integer_value(json_object_get(outage, "number")) == event->episode;
}

/* The newest outage of the event, NULL: its beginning is not known. */
static json_t *outage_of(json_t *outages, const struct ups_event *event)
{
	for (size_t i = json_array_size(outages); i-- > 0;)
		if (is_of(json_array_get(outages, i), event))
			return json_array_get(outages, i);
	return NULL;
}

static void end(json_t *outage, const struct ups_event *event)
{
	int64_t began = 0;
	int64_t ended = event->since != I64_NONE ? event->since : event->at;
	const char *text = json_string_value(json_object_get(outage, "began"));
	const json_t *charge = json_object_get(outage, "charge_begin");

	json_object_set_new(outage, "ended", time_or_null(ended));
	if (text != NULL && clock_parse(text, &began) == 0)
		json_object_set_new(outage, "length_s", json_integer((ended - began) / 1000));
	json_object_set_new(outage, "charge_end", number_or_null(event->charge));
	if (json_is_integer(charge) && event->charge != I64_NONE)
		json_object_set_new(outage, "depth_percent",
			json_integer(json_integer_value(charge) - event->charge));
}

static void take(json_t *outages, const struct ups_event *event)
{
	json_t *outage = outage_of(outages, event);

	if (event->event == POWER_EVENT_LOSS && outage == NULL)
		json_array_append_new(outages, begun(event));
	else if (event->event == POWER_EVENT_RESTORED && outage != NULL)
		end(outage, event);
	else if (event->event == POWER_EVENT_CRITICAL && outage != NULL)
		json_object_set_new(outage, "critical", json_true());
}

struct err *power_outages(struct service *svc, int64_t ups_id, json_t **ret_list)
{
	struct store_query q = {.sort = "id", .descending = true, .limit = EVENTS_MAX};
	struct store_rows rows = {0};
	json_t *rising = json_array();

	if (ups_id != I64_NONE)
		store_where_number(&q, "ups_id", STORE_EQ, ups_id);
	struct err *e = store_list(svc->store, &ups_event_type, &q, &rows);
	for (size_t i = rows.n; e == NULL && i-- > 0;)
		take(rising, store_row(&rows, i));
	store_rows_done(&rows);
	if (e != NULL) {
		json_decref(rising);
		return e;
	}
	*ret_list = json_array();
	for (size_t i = json_array_size(rising); i-- > 0;)
		json_array_append(*ret_list, json_array_get(rising, i));
	json_decref(rising);
	return NULL;
}
