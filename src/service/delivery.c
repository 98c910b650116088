/* Owns the queue of deliveries: what is due, and what becomes of an attempt. The sending:
 * delivery_send.c. */
#include "service/delivery.h"

#include <stdio.h>

#include "base/cron.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/zone.h"
#include "service/alert.h"
#include "service/audit.h"
#include "service/event.h"
#include "service/find.h"

#define DAY_MS INT64_C(86400000)
#define GIVE_UP_MS (2 * DAY_MS)
#define DUE_MAX 1000 /* waiting deliveries that are looked at in one go */

/* Waits between attempts; the last one goes on. */
static const int64_t waits_s[] = {10, 30, 60, 300, 900, 1800};

/* ---- queue ---- */

static bool wants(const struct notifier *n, const struct alert *a, enum delivery_event event)
{
	if (!n->enabled || a->severity < n->min_severity)
		return false;
	if (n->cluster_id != I64_NONE && n->cluster_id != a->cluster_id)
		return false;
	return event != DELIVERY_RESOLVED || n->recovered;
}

/* Not before its quiet hours end, unless it is critical. A window that cannot be read holds nothing
 * up. */
static int64_t not_before(const struct notifier *n, bool critical, int64_t at)
{
	struct cron_window window;
	cleanup(zone_freep) struct zone *zone = NULL;

	if (critical || n->quiet == NULL)
		return at;
	struct err *e = cron_window_parse(n->quiet, &window);
	if (e == NULL)
		e = zone_open(n->timezone, &zone);
	if (e != NULL) {
		log_warn("quiet hours of notifier %s: %s", n->name, err_message(e));
		err_free(e);
		return at;
	}
	const struct cron_zone in = zone_cron(zone);
	int64_t end = 1000 * cron_window_end(&window, &in, at / 1000);
	return end > at ? end : at;
}

static json_t *message_of(struct service *svc, const struct alert *a, enum delivery_event event)
{
	json_t *alert = alert_json(a);
	json_t *message = json_pack("{s:s, s:I}", "event", enum_text(&delivery_event_table, event),
		"alert_id", (json_int_t)a->id);
	static const char *const keys[] = {"title", "reason", "severity", "name", "rule", "since",
		"next", "members", "cluster_id", "node_id"};
	char at[CLOCK_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_set(message, keys[i], json_object_get(alert, keys[i]));
	clock_format(clock_utc(svc->clock), at);
	json_object_set_new(message, "at", json_string(at));
	json_decref(alert);
	return message;
}

static struct err *publish(struct service *svc, const struct delivery *d)
{
	return event_publish(svc, "deliveries", "delivery.update", d->id,
		record_to_json(&delivery_type, d));
}

static struct err *queue_one(struct service *svc, const struct notifier *n, const struct alert *a,
	enum delivery_event event)
{
	struct delivery d;
	int64_t now = clock_utc(svc->clock);

	record_init(&delivery_type, &d);
	d.notifier_id = n->id;
	field_set_text(&d.notifier, n->name);
	d.alert_id = a->id;
	d.event = event;
	json_decref(d.message);
	d.message = message_of(svc, a, event);
	d.created_at = now;
	d.next_at = not_before(n, a->severity == ALERT_CRITICAL, now);
	struct err *e = store_insert(svc->store, &delivery_type, &d);
	if (e == NULL)
		e = publish(svc, &d);
	record_done(&delivery_type, &d);
	return e;
}

struct err *delivery_queue(struct service *svc, const struct alert *a, enum delivery_event event)
{
	struct store_query q = {.sort = "id"};
	struct store_rows rows = {0};

	if (a->silenced_until != I64_NONE && a->silenced_until > clock_utc(svc->clock))
		return NULL;
	TRY(store_list(svc->store, &notifier_type, &q, &rows));
	struct err *e = NULL;
	for (size_t i = 0; e == NULL && i < rows.n; i++)
		if (wants(store_row(&rows, i), a, event))
			e = queue_one(svc, store_row(&rows, i), a, event);
	store_rows_done(&rows);
	return e;
}

/* ---- ends ---- */

static struct err *end(struct service *svc, struct delivery *d, enum delivery_state state)
{
	d->state = state;
	d->next_at = I64_NONE;
	d->finished_at = clock_utc(svc->clock);
	TRY(store_update(svc->store, &delivery_type, d));
	return publish(svc, d);
}

struct err *delivery_give_up(struct service *svc, int64_t notifier_id, const char *why)
{
	struct store_query q = {.sort = "id"};
	struct store_rows rows = {0};
	struct err *e = NULL;

	store_where_number(&q, "notifier_id", STORE_EQ, notifier_id);
	store_where_number(&q, "state", STORE_EQ, DELIVERY_WAITING);
	TRY(store_list(svc->store, &delivery_type, &q, &rows));
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		struct delivery *d = store_row(&rows, i);
		field_set_text(&d->error, why);
		e = end(svc, d, DELIVERY_FAILED);
	}
	store_rows_done(&rows);
	return e;
}

static struct err *try_later(struct service *svc, struct delivery *d)
{
	size_t i = (size_t)d->attempts - 1;
	int64_t wait_s = waits_s[i < ARRAY_LEN(waits_s) ? i : ARRAY_LEN(waits_s) - 1];

	d->next_at = clock_utc(svc->clock) + 1000 * wait_s;
	TRY(store_update(svc->store, &delivery_type, d));
	return publish(svc, d);
}

static struct err *take_one(struct service *svc, const json_t *result)
{
	const char *error = json_string_value(json_object_get(result, "error"));
	int64_t status = json_integer_value(json_object_get(result, "status"));
	int64_t id = json_integer_value(json_object_get(result, "id"));
	struct delivery d;
	struct err *e = NULL;

	TRY(store_get(svc->store, &delivery_type, id, &d));
	if (d.state != DELIVERY_WAITING) { /* its notifier was removed meanwhile */
		record_done(&delivery_type, &d);
		return NULL;
	}
	d.attempts++;
	d.status = status > 0 ? status : I64_NONE;
	field_set_text(&d.error, error);
	if (json_is_true(json_object_get(result, "sent")))
		e = end(svc, &d, DELIVERY_SENT);
	else if (clock_utc(svc->clock) - d.created_at >= GIVE_UP_MS)
		e = end(svc, &d, DELIVERY_FAILED);
	else
		e = try_later(svc, &d);
	if (d.state == DELIVERY_FAILED || (d.state == DELIVERY_WAITING && d.attempts == 1))
		log_warn("notifier %s: delivery %lld, attempt %lld: %s", d.notifier,
			(long long)d.id, (long long)d.attempts, error != NULL ? error : "failed");
	record_done(&delivery_type, &d);
	return e;
}

struct err *delivery_take(struct service *svc, const json_t *output)
{
	const json_t *result = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(output, "results"), i, result)
		TRY(take_one(svc, result));
	return NULL;
}

struct err *delivery_prune(struct service *svc)
{
	struct store_query q = {.n_filters = 0};

	store_where_number(&q, "state", STORE_NE, DELIVERY_WAITING);
	store_where_number(&q, "finished_at", STORE_LT,
		clock_utc(svc->clock) - svc->config->alert_keep_days * DAY_MS);
	return store_delete_where(svc->store, &delivery_type, &q, NULL);
}

/* ---- people ---- */

struct err *delivery_find(struct service *svc, const char *id, struct delivery *ret)
{
	return err_hint(find_record(svc, &delivery_type, id, ret), "mko notify log");
}

static struct err *again_in(struct service *svc, const struct actor *who, struct delivery *d)
{
	struct notifier n;
	char object[64];

	if (d->state == DELIVERY_WAITING)
		return err_new(ERR_CONFLICT, "delivery %lld waits already", (long long)d->id);
	struct err *e = store_get(svc->store, &notifier_type, d->notifier_id, &n);
	if (e != NULL)
		return err_recode(err_wrap(e, "notifier %s is gone", d->notifier), ERR_CONFLICT);
	record_done(&notifier_type, &n);
	d->state = DELIVERY_WAITING;
	d->attempts = 0;
	d->created_at = d->next_at = clock_utc(svc->clock);
	d->finished_at = I64_NONE;
	TRY(store_update(svc->store, &delivery_type, d));
	(void)snprintf(object, sizeof(object), "delivery/%lld", (long long)d->id);
	TRY(audit_write(svc, who, "delivery.again", object, NULL, "ok"));
	return publish(svc, d);
}

struct err *delivery_again(struct service *svc, const struct actor *who, const char *id,
	struct delivery *ret)
{
	TRY(delivery_find(svc, id, ret));
	struct err *e = again_in(svc, who, ret);
	if (e != NULL)
		record_done(&delivery_type, ret);
	return e;
}

/* ---- what is due ---- */

static json_t *item_of(const struct notifier *n, const json_t *message, int64_t id)
{
	json_t *item = json_object();
	json_t *copy = json_copy((json_t *)(uintptr_t)message);

	json_object_set_new(copy, "id", json_integer(id));
	json_object_set_new(item, "id", json_integer(id));
	json_object_set_new(item, "notifier", record_to_json(&notifier_type, n));
	json_object_set_new(item, "secret",
		n->secret != NULL ? json_string(n->secret) : json_null());
	json_object_set_new(item, "message", copy);
	return item;
}

static json_t *input_of(const struct service *svc, json_t *take_items)
{
	cleanup(mem_freep) char *key = fs_join(svc->data_dir, "secret.key");

	return json_pack("{s:s, s:I, s:o}", "secret_key", key, "now_s",
		(json_int_t)(clock_utc(svc->clock) / 1000), "items", take_items);
}

static bool has_number(const json_t *numbers, int64_t n)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(numbers, i, one)
		if (json_integer_value(one) == n)
			return true;
	return false;
}

/* The oldest of a notifier: send it when it is due, else remember when that is. */
static struct err *look_at(struct service *svc, const struct delivery *d, json_t *items,
	int64_t *next_at)
{
	struct notifier n;

	if (d->next_at > clock_utc(svc->clock)) {
		*next_at = *next_at == I64_NONE || d->next_at < *next_at ? d->next_at : *next_at;
		return NULL;
	}
	TRY(store_get(svc->store, &notifier_type, d->notifier_id, &n));
	json_array_append_new(items, item_of(&n, d->message, d->id));
	record_done(&notifier_type, &n);
	return NULL;
}

struct err *delivery_due(struct service *svc, json_t **ret_input, int64_t *ret_wait_ms)
{
	struct store_query q = {.sort = "id", .limit = DUE_MAX};
	struct store_rows rows = {0};
	json_t *seen = json_array();
	json_t *items = json_array();
	int64_t next_at = I64_NONE;
	struct err *e = NULL;

	*ret_input = NULL;
	store_where_number(&q, "state", STORE_EQ, DELIVERY_WAITING);
	e = store_list(svc->store, &delivery_type, &q, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		const struct delivery *d = store_row(&rows, i);
		if (has_number(seen, d->notifier_id))
			continue;
		json_array_append_new(seen, json_integer(d->notifier_id));
		e = look_at(svc, d, items, &next_at);
	}
	store_rows_done(&rows);
	json_decref(seen);
	*ret_wait_ms = next_at != I64_NONE ? next_at - clock_utc(svc->clock) : I64_NONE;
	if (e == NULL && json_array_size(items) > 0)
		*ret_input = input_of(svc, json_incref(items));
	json_decref(items);
	return e;
}

struct err *delivery_test_input(struct service *svc, const struct notifier *n, json_t **ret_input)
{
	json_t *items = json_array();
	char at[CLOCK_TEXT_SIZE];

	clock_format(clock_utc(svc->clock), at);
	json_t *message = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "event", "test", "title",
		"This is a test of mko", "reason",
		"Nothing is wrong. When you read this, alerts arrive here.", "severity", "info",
		"name", n->name, "at", at);
	json_array_append_new(items, item_of(n, message, 0));
	json_decref(message);
	*ret_input = input_of(svc, items);
	return NULL;
}
