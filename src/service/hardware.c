/* Owns how long hardware reports are kept, how two are compared, and their sums. */
#include "service/hardware.h"

#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "hardware/export.h"
#include "model/cluster.h"
#include "service/cluster.h"
#include "service/scope.h"

#define KEEP 50 /* reports of a node */

/* ---- keep ---- */

/* @before_ms only those taken at or before this time, I64_NONE = all */
static struct err *newest(struct service *svc, int64_t node_id, int64_t before_ms, int64_t limit,
	struct store_rows *ret_rows)
{
	struct store_query q = {.sort = "id", .descending = true, .limit = limit};

	store_where_number(&q, "node_id", STORE_EQ, node_id);
	if (before_ms != I64_NONE)
		store_where_number(&q, "taken_at", STORE_LE, before_ms);
	return store_list(svc->store, &hardware_type, &q, ret_rows);
}

static struct err *drop_old(struct service *svc, int64_t node_id)
{
	struct store_query q = {.sort = "id"};
	int64_t n = 0;

	store_where_number(&q, "node_id", STORE_EQ, node_id);
	TRY(store_count(svc->store, &hardware_type, &q, &n));
	q.limit = n - KEEP;
	return n > KEEP ? store_delete_where(svc->store, &hardware_type, &q, NULL) : NULL;
}

struct err *hardware_take(struct service *svc, int64_t node_id, int64_t operation_id,
	json_t *take_report)
{
	struct hardware h;

	record_init(&hardware_type, &h);
	h.node_id = node_id;
	h.operation_id = operation_id;
	h.taken_at = clock_utc(svc->clock);
	json_decref(h.report);
	h.report = take_report;
	struct err *e = store_insert(svc->store, &hardware_type, &h);
	record_done(&hardware_type, &h);
	return e != NULL ? e : drop_old(svc, node_id);
}

/* ---- refresh ---- */

static void refresh(json_t *report, const json_t *usage, int64_t now)
{
	static const char *const whole[] = {"usage", "filesystems", "sensors", "raspberry_pi"};
	char at[CLOCK_TEXT_SIZE];
	json_t *memory = json_object_get(report, "memory");

	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (json_object_get(usage, whole[i]) != NULL)
			json_object_set(report, whole[i], json_object_get(usage, whole[i]));
	if (json_is_object(memory))
		json_object_update(memory, json_object_get(usage, "memory"));
	clock_format(now, at);
	json_object_set_new(report, "usage_at", json_string(at));
}

struct err *hardware_refresh(struct service *svc, int64_t node_id, const json_t *usage)
{
	struct store_rows rows = {0};
	struct err *e = NULL;

	TRY(newest(svc, node_id, I64_NONE, 1, &rows));
	if (rows.n == 0) {
		e = err_hint(err_new(ERR_PRECONDITION, "there is no hardware report yet"),
			"mko hardware collect");
	} else {
		struct hardware *h = store_row(&rows, 0);
		refresh(h->report, usage, clock_utc(svc->clock));
		e = store_update(svc->store, &hardware_type, h);
	}
	store_rows_done(&rows);
	return e;
}

/* ---- show ---- */

static struct err *none_yet(const struct node *node)
{
	return err_hint(err_new(ERR_NOT_FOUND, "no hardware report of node %s yet", node->hostname),
		"mko hardware collect %s", node->hostname);
}

struct err *hardware_show(struct service *svc, const struct node *node, json_t **ret_json)
{
	struct store_rows rows = {0};

	TRY(newest(svc, node->id, I64_NONE, 1, &rows));
	if (rows.n == 0) {
		store_rows_done(&rows);
		return none_yet(node);
	}
	*ret_json = record_to_json(&hardware_type, store_row(&rows, 0));
	json_object_set_new(*ret_json, "hostname", json_string(node->hostname));
	store_rows_done(&rows);
	return NULL;
}

struct err *hardware_export(struct service *svc, const struct node *node, const char *format,
	struct str *out)
{
	json_t *json = NULL;

	TRY(hardware_show(svc, node, &json));
	struct err *e = hardware_write(json, format, out);
	json_decref(json);
	return e;
}

static json_t *head_json(const struct hardware *h)
{
	json_t *json = record_to_json(&hardware_type, h);

	json_object_set_new(json, "complete",
		json_boolean(json_is_true(json_object_get(h->report, "complete"))));
	json_object_del(json, "report");
	return json;
}

struct err *hardware_history(struct service *svc, const struct node *node, json_t **ret_list)
{
	struct store_rows rows = {0};

	TRY(newest(svc, node->id, I64_NONE, KEEP, &rows));
	*ret_list = json_array();
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(*ret_list, head_json(store_row(&rows, i)));
	store_rows_done(&rows);
	return NULL;
}

/* ---- diff ---- */

static void add_changes(json_t *changes, const json_t *before, const json_t *after, bool gone)
{
	const char *path = NULL;
	json_t *value = NULL;

	json_object_foreach((json_t *)(uintptr_t)(gone ? before : after), path, value) {
		json_t *other = json_object_get(gone ? after : before, path);
		if (gone ? other != NULL : json_equal(value, other))
			continue;
		json_t *change = json_pack("{s:s}", "fact", path);
		json_object_set_new(change, "before",
			gone                    ? json_incref(value)
				: other != NULL ? json_incref(other)
						: json_null());
		json_object_set_new(change, "after", gone ? json_null() : json_incref(value));
		json_array_append_new(changes, change);
	}
}

static json_t *changes_of(const json_t *before, const json_t *after)
{
	json_t *a = hardware_flatten(before, false);
	json_t *b = hardware_flatten(after, false);
	json_t *changes = json_array();

	add_changes(changes, a, b, true);
	add_changes(changes, a, b, false);
	json_decref(a);
	json_decref(b);
	return changes;
}

/* The report that was the newest then; the oldest when there was none yet. */
static struct err *report_at(struct service *svc, const struct node *node, int64_t at_ms,
	struct store_rows *ret_rows)
{
	struct store_query q = {.sort = "id", .limit = 1};

	TRY(newest(svc, node->id, at_ms, 1, ret_rows));
	if (ret_rows->n > 0)
		return NULL;
	store_rows_done(ret_rows);
	store_where_number(&q, "node_id", STORE_EQ, node->id);
	return store_list(svc->store, &hardware_type, &q, ret_rows);
}

static struct err *time_of(struct service *svc, const char *since, int64_t *ret_ms)
{
	int64_t back = 0;

	if (clock_parse(since, ret_ms) == 0)
		return NULL;
	struct err *e = parse_duration_ms(since, &back);
	if (e != NULL)
		return err_field(err_recode(e, ERR_INVALID), "since",
			"is a time (2026-01-31T12:00:00Z) or a duration (7d)");
	*ret_ms = clock_utc(svc->clock) - back;
	return NULL;
}

struct err *hardware_diff(struct service *svc, const struct node *node, const char *since,
	json_t **ret_json)
{
	struct store_rows last = {0};
	struct store_rows then = {0};
	int64_t at_ms = 0;

	if (since != NULL)
		TRY(time_of(svc, since, &at_ms));
	TRY(newest(svc, node->id, I64_NONE, 2, &last));
	struct err *e = last.n == 0 ? none_yet(node) : NULL;
	if (e == NULL && since != NULL)
		e = report_at(svc, node, at_ms, &then);
	if (e == NULL) {
		const struct hardware *to = store_row(&last, 0);
		const struct hardware *from = since != NULL ? store_row(&then, 0)
			: last.n > 1                        ? store_row(&last, 1)
							    : to;
		*ret_json = json_pack("{s:o, s:o, s:o}", "from", head_json(from), "to",
			head_json(to), "changes", changes_of(from->report, to->report));
	}
	store_rows_done(&last);
	store_rows_done(&then);
	return e;
}

/* ---- totals ---- */

static const struct {
	const char *key;
	const char *group, *field; /* where it is in a report */
} summed[] = {
	{"cores", "cpu", "cores"},
	{"threads", "cpu", "threads"},
	{"memory_bytes", "memory", "total_bytes"},
	{"disk_bytes", NULL, "disk_total_bytes"},
};
static const char *const counted[] = {"disks", "gpus"};

static json_t *value_of(const json_t *report, const char *group, const char *field)
{
	return json_object_get(group != NULL ? json_object_get(report, group) : report, field);
}

static void add_to(json_t *totals, const char *key, const json_t *value)
{
	json_int_t sum = json_integer_value(json_object_get(totals, key));
	json_int_t n = json_integer_value(value);

	if (n > 0 && n < INT64_MAX / 1024 - sum)
		sum += n;
	json_object_set_new(totals, key, json_integer(sum));
}

static json_t *row_of(const struct node *node, const struct hardware *h, json_t *totals)
{
	json_t *row =
		json_pack("{s:I, s:s}", "id", (json_int_t)node->id, "hostname", node->hostname);
	const json_t *report = h != NULL ? h->report : NULL;
	json_t *model = value_of(report, "cpu", "model");
	json_t *head = h != NULL ? head_json(h) : json_object();

	json_object_set_new(row, "taken_at",
		h != NULL ? json_incref(json_object_get(head, "taken_at")) : json_null());
	json_object_set_new(row, "model", model != NULL ? json_incref(model) : json_null());
	for (size_t i = 0; i < ARRAY_LEN(summed); i++) {
		json_t *value = value_of(report, summed[i].group, summed[i].field);
		add_to(totals, summed[i].key, value);
		json_object_set_new(row, summed[i].key,
			json_is_integer(value) ? json_incref(value) : json_null());
	}
	for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
		json_t *n = json_integer((json_int_t)json_array_size(json_object_get(report,
			counted[i])));
		add_to(totals, counted[i], n);
		json_object_set_new(row, counted[i], h != NULL ? json_incref(n) : json_null());
		json_decref(n);
	}
	json_decref(head);
	return row;
}

static struct err *add_row(struct service *svc, const struct node *node, json_t *rows,
	json_t *totals)
{
	struct store_rows last = {0};

	TRY(newest(svc, node->id, I64_NONE, 1, &last));
	json_array_append_new(rows, row_of(node, last.n > 0 ? store_row(&last, 0) : NULL, totals));
	store_rows_done(&last);
	return NULL;
}

struct err *hardware_totals(struct service *svc, const char *cluster, json_t **ret_json)
{
	struct store_query q = {.sort = "id"};
	struct store_rows nodes = {0};
	struct cluster c;

	if (cluster != NULL) {
		TRY(cluster_find(svc, cluster, &c));
		store_where_number(&q, "cluster_id", STORE_EQ, c.id);
		record_done(&cluster_type, &c);
	}
	TRY(scope_where(svc, &node_type, &q));
	TRY(store_list(svc->store, &node_type, &q, &nodes));
	json_t *rows = json_array();
	json_t *totals = json_object();
	struct err *e = NULL;
	for (size_t i = 0; e == NULL && i < nodes.n; i++)
		e = add_row(svc, store_row(&nodes, i), rows, totals);
	store_rows_done(&nodes);
	*ret_json = json_pack("{s:O, s:O}", "nodes", rows, "totals", totals);
	json_decref(rows);
	json_decref(totals);
	if (e != NULL)
		json_decref(*ret_json);
	return e;
}
