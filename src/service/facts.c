/* Owns what counts as a fact of a node, how long snapshots are kept, and how two are compared. */
#include "service/facts.h"

#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "service/find.h"

#define KEEP 100 /* snapshots of a node */

/* What counts: key in a playbook's result. What changes by itself (clock, load) is no fact. */
static const struct {
	const char *key;
	bool of_snap; /* goes with MicroK8s */
} kept[] = {
	{"hostname", false},
	{"os_version", false},
	{"kernel_version", false},
	{"architecture", false},
	{"cpu_cores", false},
	{"memory_bytes", false},
	{"disk_bytes", false},
	{"mac_address", false},
	{"machine_id", false},
	{"python", false},
	{"interfaces", false},
	{"disks", false},
	{"packages", false},
	{"microk8s_version", true},
	{"channel", true},
	{"revision", true},
	{"role", true},
	{"certificates", true},
};

static const char *text_of(const json_t *data, const char *key)
{
	const char *text = json_string_value(json_object_get(data, key));

	return text != NULL ? text : "";
}

/* The facts of a result put over those known before. Owned. */
static json_t *merge(const json_t *before, const json_t *data)
{
	json_t *facts = before != NULL ? json_deep_copy(before) : json_object();
	bool gone = strcmp(text_of(data, "microk8s_status"), "not_installed") == 0;
	json_t *os_name = json_object_get(json_object_get(data, "os"), "name");

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		json_t *value = json_object_get(data, kept[i].key);
		if (gone && kept[i].of_snap)
			json_object_del(facts, kept[i].key);
		else if (value != NULL && !json_is_null(value))
			json_object_set_new(facts, kept[i].key, json_deep_copy(value));
	}
	if (json_is_string(os_name))
		json_object_set(facts, "os_version", os_name);
	return facts;
}

/* The snapshots of a node, the newest first. @before_ms only those taken at or before this time,
 * I64_NONE = all */
static struct err *newest(struct service *svc, int64_t node_id, int64_t before_ms, int64_t limit,
	struct store_rows *ret_rows)
{
	struct store_query q = {.sort = "id", .descending = true, .limit = limit};

	store_where_number(&q, "node_id", STORE_EQ, node_id);
	if (before_ms != I64_NONE)
		store_where_number(&q, "taken_at", STORE_LE, before_ms);
	return store_list(svc->store, &facts_type, &q, ret_rows);
}

static struct err *drop_old(struct service *svc, int64_t node_id)
{
	struct store_query q = {.sort = "id"};
	int64_t n = 0;

	store_where_number(&q, "node_id", STORE_EQ, node_id);
	TRY(store_count(svc->store, &facts_type, &q, &n));
	q.limit = n - KEEP;
	return n > KEEP ? store_delete_where(svc->store, &facts_type, &q, NULL) : NULL;
}

/* Keep changed facts: an operation has one snapshot, which grows while it reads. */
static struct err *keep(struct service *svc, struct facts *last, bool is_new, json_t *take_facts)
{
	json_decref(last->facts);
	last->facts = take_facts;
	last->taken_at = clock_utc(svc->clock);
	if (!is_new)
		return store_update(svc->store, &facts_type, last);
	TRY(store_insert(svc->store, &facts_type, last));
	return drop_old(svc, last->node_id);
}

struct err *facts_take(struct service *svc, int64_t node_id, int64_t operation_id,
	const json_t *data)
{
	struct store_rows rows = {0};
	struct facts next;

	TRY(newest(svc, node_id, I64_NONE, 1, &rows));
	const struct facts *last = rows.n > 0 ? store_row(&rows, 0) : NULL;
	json_t *merged = merge(last != NULL ? last->facts : NULL, data);
	bool same = last != NULL ? json_equal(merged, last->facts) : json_object_size(merged) == 0;
	bool is_new = last == NULL || last->operation_id != operation_id;
	if (last != NULL)
		record_copy(&facts_type, &next, last);
	else
		record_init(&facts_type, &next);
	store_rows_done(&rows);
	next.node_id = node_id;
	next.operation_id = operation_id;
	struct err *e = NULL;
	if (same)
		json_decref(merged);
	else
		e = keep(svc, &next, is_new, merged);
	record_done(&facts_type, &next);
	return e;
}

struct err *facts_list(struct service *svc, const struct node *node, int64_t limit,
	json_t **ret_list)
{
	struct store_rows rows = {0};

	TRY(newest(svc, node->id, I64_NONE, limit, &rows));
	*ret_list = json_array();
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(*ret_list, record_to_json(&facts_type, store_row(&rows, i)));
	store_rows_done(&rows);
	return NULL;
}

static void add_change(json_t *changes, const char *group, const char *fact, json_t *before,
	json_t *after)
{
	if (json_equal(before, after))
		return;
	cleanup(mem_freep) char *name = group != NULL ? mem_printf("%s.%s", group, fact)
						      : mem_strdup(fact);
	json_t *change = json_pack("{s:s}", "fact", name);
	json_object_set_new(change, "before", before != NULL ? json_incref(before) : json_null());
	json_object_set_new(change, "after", after != NULL ? json_incref(after) : json_null());
	json_array_append_new(changes, change);
}

/* Compare two objects and the objects in them. */
static void compare(json_t *changes, const char *group, json_t *before, json_t *after)
{
	const char *key;
	json_t *value;
	json_t *all = json_object();

	json_object_update(all, before);
	json_object_update(all, after);
	json_object_foreach(all, key, value) {
		json_t *old = json_object_get(before, key);
		json_t *now = json_object_get(after, key);
		if (group == NULL && json_is_object(value))
			compare(changes, key, old, now);
		else
			add_change(changes, group, key, old, now);
	}
	json_decref(all);
}

static json_t *point(const struct facts *f)
{
	json_t *json = record_to_json(&facts_type, f);

	json_object_del(json, "facts");
	return json;
}

static struct err *parse_since(struct service *svc, const char *since, int64_t *ret_ms)
{
	int64_t ago = 0;

	if (clock_parse(since, ret_ms) == 0)
		return NULL;
	struct err *e = parse_duration_ms(since, &ago);
	if (e != NULL) {
		err_free(e);
		return err_field(NULL, "since",
			"must be a time (2026-01-31T12:00:00Z) or a duration back from now (7d)");
	}
	*ret_ms = clock_utc(svc->clock) - ago;
	return NULL;
}

/* The newest snapshot at that time; where the history begins later, its first one. */
static struct err *snapshot_at(struct service *svc, const struct node *node, int64_t at_ms,
	struct store_rows *ret_rows)
{
	struct store_query first = {.sort = "id", .limit = 1};

	TRY(newest(svc, node->id, at_ms, 1, ret_rows));
	if (ret_rows->n > 0)
		return NULL;
	store_rows_done(ret_rows);
	store_where_number(&first, "node_id", STORE_EQ, node->id);
	return store_list(svc->store, &facts_type, &first, ret_rows);
}

static struct err *need_facts(const struct store_rows *rows, const struct node *node)
{
	return rows->n > 0 ? NULL
			   : err_hint(err_new(ERR_NOT_FOUND, "nothing was read of node %s yet",
					      node->hostname),
				     "mko node facts %s --refresh", node->hostname);
}

struct err *facts_diff(struct service *svc, const struct node *node, const char *since,
	json_t **ret_json)
{
	struct store_rows now = {0};
	struct store_rows then = {0};
	int64_t at = 0;

	if (since != NULL)
		TRY(parse_since(svc, since, &at));
	TRY(newest(svc, node->id, I64_NONE, 2, &now));
	struct err *e = need_facts(&now, node);
	if (e == NULL && since != NULL)
		e = snapshot_at(svc, node, at, &then);
	if (e == NULL) {
		struct facts *to = store_row(&now, 0);
		struct facts *from = since != NULL ? store_row(&then, 0)
						   : store_row(&now, now.n - 1);
		json_t *changes = json_array();
		compare(changes, NULL, from->facts, to->facts);
		*ret_json = json_pack("{s:o, s:o, s:o}", "from", point(from), "to", point(to),
			"changes", changes);
	}
	store_rows_done(&now);
	store_rows_done(&then);
	return e;
}
