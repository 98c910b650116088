/* Owns how operations and their hosts are stored and shown. */
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "service/event.h"
#include "service/op/op_int.h"

char *op_path(const struct service *svc, int64_t id, const char *name)
{
	return mem_printf("%s/operations/%lld%s%s", svc->data_dir, (long long)id,
		name != NULL ? "/" : "", name != NULL ? name : "");
}

void op_move(struct operation *op, int64_t status)
{
	must(op_status_may(op->status, status));
	op->status = status;
}

struct err *op_hosts_list(struct service *svc, int64_t op_id, struct store_rows *ret_rows)
{
	struct store_query q = {0};

	store_where_number(&q, "operation_id", STORE_EQ, op_id);
	return store_list(svc->store, &op_host_type, &q, ret_rows);
}

static struct err *insert_host(struct service *svc, const struct op_run *run,
	const struct node *node)
{
	struct op_host h;

	record_init(&op_host_type, &h);
	h.operation_id = run->op->id;
	h.node_id = node->id;
	h.updated_at = clock_utc(svc->clock);
	field_set_text(&h.hostname, node->hostname);
	struct err *e = store_insert(svc->store, &op_host_type, &h);
	record_done(&op_host_type, &h);
	return e;
}

struct err *op_hosts_reset(struct service *svc, const struct op_run *run)
{
	struct store_query q = {0};

	store_where_number(&q, "operation_id", STORE_EQ, run->op->id);
	TRY(store_delete_where(svc->store, &op_host_type, &q, NULL));
	for (size_t i = 0; i < run->n_nodes; i++)
		TRY(insert_host(svc, run, &run->nodes[i]));
	return NULL;
}

struct err *op_save(struct service *svc, struct operation *op, const char *kind)
{
	json_t *json = NULL;

	store_want(svc->store, STORE_FULL);
	TRY(store_update(svc->store, &operation_type, op));
	TRY(op_json(svc, op, true, &json));
	return event_publish(svc, "operations", kind, op->id, json);
}

struct err *op_save_progress(struct service *svc, struct operation *op)
{
	json_t *json = NULL;

	TRY(store_update(svc->store, &operation_type, op));
	TRY(op_json(svc, op, false, &json));
	return event_publish(svc, "operations", "operation.progress", op->id, json);
}

/* Moves keys of the row into a nested object, as CONTRACT.md section 4 wants them. */
static void nest(json_t *json, const char *name, const char *const keys[][2], size_t n)
{
	json_t *inner = json_object();

	for (size_t i = 0; i < n; i++) {
		json_object_set(inner, keys[i][1], json_object_get(json, keys[i][0]));
		json_object_del(json, keys[i][0]);
	}
	json_object_set_new(json, name, inner);
}

static json_t *duration_json(const struct service *svc, const struct operation *op)
{
	if (op->started_at == I64_NONE)
		return json_null();
	int64_t end = op->finished_at != I64_NONE ? op->finished_at : clock_utc(svc->clock);
	return json_integer(end - op->started_at);
}

static struct err *hosts_json(struct service *svc, int64_t op_id, json_t **ret)
{
	struct store_rows rows = {0};
	json_t *hosts = json_array();

	struct err *e = op_hosts_list(svc, op_id, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		json_t *host = record_to_json(&op_host_type, store_row(&rows, i));
		json_object_del(host, "id");
		json_object_del(host, "operation_id");
		json_array_append_new(hosts, host);
	}
	store_rows_done(&rows);
	if (e != NULL) {
		json_decref(hosts);
		return e;
	}
	*ret = hosts;
	return NULL;
}

/* The step of an operation made of others that failed last, else the operation itself: whose log
 * says more. */
static json_int_t telling_id(const struct operation *op)
{
	json_int_t id = op->id;
	size_t i;
	const json_t *step;

	json_array_foreach(json_object_get(op->result, "steps"), i, step) {
		const json_t *child = json_object_get(step, "operation_id");
		const char *status = json_string_value(json_object_get(step, "status"));
		if (json_is_integer(child) && status != NULL && strcmp(status, "failed") == 0)
			id = json_integer_value(child);
	}
	return id;
}

/* What to type after an operation that did not succeed. */
static json_t *next_json(const struct operation *op)
{
	const struct op_type *type = op_type_find(op->type);
	struct str s = STR_INIT;

	if (!op_status_final(op->status) || op->status == OP_SUCCEEDED)
		return json_null();
	str_addf(&s, "mko operation logs %lld    (what happened), ", (long long)telling_id(op));
	if (type == NULL || type->next == NULL)
		str_addf(&s, "mko operation retry %lld    (the hosts that did not succeed)",
			(long long)op->id);
	for (const char *p = type != NULL ? type->next : NULL; p != NULL && *p != '\0';) {
		const char *mark = strstr(p, "%s");
		size_t n = mark != NULL ? (size_t)(mark - p) : strlen(p);
		str_addf(&s, "%.*s%s", (int)n, p,
			mark != NULL && op->target_name != NULL ? op->target_name : "");
		p += n + (mark != NULL ? 2 : 0);
	}
	json_t *text = json_string(str_get(&s));
	str_done(&s);
	return text;
}

struct err *op_json(struct service *svc, const struct operation *op, bool with_hosts,
	json_t **ret_json)
{
	static const char *const target_keys[][2] = {{"target_kind", "kind"}, {"target_id", "id"},
		{"target_name", "name"}};
	static const char *const progress_keys[][2] = {{"progress_done", "done"},
		{"progress_total", "total"}, {"current_task", "task"}};
	json_t *hosts = NULL;
	json_t *children = NULL;

	if (with_hosts)
		TRY(op_children_json(svc, op, &children));
	struct err *e = with_hosts ? hosts_json(svc, op->id, &hosts) : NULL;
	if (e != NULL) {
		json_decref(children);
		return e;
	}
	json_t *json = record_to_json(&operation_type, op);
	nest(json, "target", target_keys, ARRAY_LEN(target_keys));
	nest(json, "progress", progress_keys, ARRAY_LEN(progress_keys));
	json_object_set_new(json, "duration_ms", duration_json(svc, op));
	json_object_set_new(json, "next", next_json(op));
	if (hosts != NULL)
		json_object_set_new(json, "hosts", hosts);
	if (children != NULL)
		json_object_set_new(json, "children", children);
	*ret_json = json;
	return NULL;
}

static struct err *prune_one(struct service *svc, const struct operation *op)
{
	cleanup(mem_freep) char *dir = op_path(svc, op->id, NULL);
	struct store_query q = {0};

	store_where_number(&q, "operation_id", STORE_EQ, op->id);
	TRY(store_delete_where(svc->store, &op_host_type, &q, NULL));
	TRY(store_delete(svc->store, &operation_type, op->id));
	return fs_remove_tree(dir);
}

struct err *op_prune(struct service *svc, const struct actor *who, int64_t keep_days,
	int64_t *ret_n)
{
	struct store_query q = {.limit = 1000};
	struct store_rows rows = {0};

	(void)who;
	store_where_number(&q, "finished_at", STORE_NOT_NULL, 0);
	store_where_number(&q, "finished_at", STORE_LT,
		clock_utc(svc->clock) - keep_days * 86400000);
	TRY(store_list(svc->store, &operation_type, &q, &rows));
	struct err *e = NULL;
	for (size_t i = 0; e == NULL && i < rows.n; i++)
		e = prune_one(svc, store_row(&rows, i));
	*ret_n = (int64_t)rows.n;
	store_rows_done(&rows);
	return e;
}
