/* Owns what handlers use: typed parameters and bodies, replies, lists. */
#include <string.h>

#include "api/reply.h"
#include "api/route.h"
#include "base/mem.h"
#include "service/query.h"

#define LIST_LIMIT_DEFAULT 100
#define LIST_LIMIT_MAX 1000
#define FIELDS_MAX 64

struct err *call_query(const struct call *call, void *ret_obj)
{
	const struct record_type *type = call->route->query;
	struct err *all = NULL;

	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		const char *text = decode_query_get(&call->query, f->name);
		if (text == NULL) {
			if (f->flags & FIELD_REQUIRED)
				all = err_field(all, f->name, "is required");
			continue;
		}
		/* "?force" means true */
		struct err *e = field_from_text(f, ret_obj,
			f->kind == FIELD_BOOL && text[0] == '\0' ? "true" : text);
		if (e != NULL)
			all = err_field(all, f->name, "%s", err_message(e));
		err_free(e);
	}
	return all;
}

struct err *call_body(const struct call *call, void *ret_obj)
{
	return record_from_json(call->route->body_type, ret_obj, call->body,
		call->route->body_mode);
}

struct err *call_task(struct call *call,
	struct err *(*task)(const json_t *input, json_t **ret_output), json_t *take_input,
	json_t **ret_json)
{
	const struct api_work *done = call->req->work;

	*ret_json = done != NULL && done->error == NULL ? json_deep_copy(done->output) : NULL;
	if (done == NULL) {
		struct api_work *work = mem_zalloc(sizeof(*work));
		*work = (struct api_work){.task = task, .input = take_input};
		call->reply->work = work;
		return NULL;
	}
	json_decref(take_input);
	return err_copy(done->error);
}

struct err *call_json(struct call *call, json_t *take_json)
{
	reply_json(call->reply, call->route->status, take_json);
	return NULL;
}

struct err *call_created(struct call *call, const char *collection, int64_t id, json_t *take_json)
{
	call->reply->location = mem_printf("/api/%s/%lld", collection, (long long)id);
	return call_json(call, take_json);
}

static bool is_filter(const struct record_type *type, const char *name)
{
	const struct field *f = record_field(type, name);

	return f != NULL && (f->flags & FIELD_FILTER) != 0 && (f->flags & FIELD_HIDDEN) == 0;
}

/* One key of a sort order: "-created_at". */
static struct err *sort_key(const struct record_type *type, const char *word,
	struct store_sort *ret)
{
	bool descending = word[0] == '-';
	const struct field *f = record_field(type, word + descending);

	if (f == NULL || (f->flags & FIELD_SORT) == 0)
		return err_field(NULL, "sort", "lists of %s cannot be sorted by \"%s\"",
			type->table, word + descending);
	*ret = (struct store_sort){f->name, descending};
	return NULL;
}

/* "status,-hostname": by status, equal ones by hostname downwards. */
static struct err *list_sort(const struct record_type *type, const char *value,
	struct store_query *q)
{
	cleanup(mem_freep) char *copy = mem_strdup(value);
	struct store_sort keys[STORE_SORTS_MAX] = {{NULL, false}};
	char *rest = copy;
	size_t n = 0;

	while (rest != NULL) {
		if (n == STORE_SORTS_MAX)
			return err_field(NULL, "sort", "has more than %d fields", STORE_SORTS_MAX);
		TRY(sort_key(type, strsep(&rest, ","), &keys[n++]));
	}
	q->sort = keys[0].field;
	q->descending = keys[0].descending;
	q->n_more = n - 1;
	for (size_t i = 1; i < n; i++)
		q->more[i - 1] = keys[i];
	return NULL;
}

/* One pair of the query; names were checked by the dispatcher, so what is left belongs to
 * route->query. */
static struct err *list_pair(const struct record_type *type, const char *name, const char *value,
	struct store_query *q)
{
	if (strcmp(name, "limit") == 0) {
		struct err *e = parse_i64(value, 1, LIST_LIMIT_MAX, &q->limit);
		struct err *out = e != NULL ? err_field(NULL, "limit", "%s", err_message(e)) : NULL;
		err_free(e);
		return out;
	}
	if (strcmp(name, "sort") == 0)
		return list_sort(type, value, q);
	if (strcmp(name, "cursor") == 0)
		q->after = value;
	else if (strcmp(name, "q") == 0)
		q->search = value[0] != '\0' ? value : NULL;
	else if (is_filter(type, name))
		return query_filter(type, q, name, value);
	return NULL;
}

/* Move the wrong fields of one error behind those of another. */
static struct err *join_fields(struct err *take_all, struct err *take_more)
{
	for (size_t i = 0; i < err_field_count(take_more); i++) {
		const char *message = NULL;
		const char *field = err_field_at(take_more, i, &message);
		take_all = err_field(take_all, field, "%s", message);
	}
	err_free(take_more);
	return take_all;
}

static struct err *list_query(const struct call *call, struct store_query *q)
{
	struct err *all = NULL;

	for (size_t i = 0; i < call->query.n; i++) {
		struct err *e = list_pair(call->route->list_of, call->query.pairs[i].name,
			call->query.pairs[i].value, q);
		if (e != NULL && err_field_count(e) == 0) {
			err_free(all);
			return e;
		}
		if (e != NULL)
			all = join_fields(all, e);
	}
	return all;
}

static struct err *write_item(struct call *call, const struct record_type *type, const void *obj,
	call_item_fn item, struct record_writer *w)
{
	struct err *e = NULL;

	record_write_begin(w);
	if (item != NULL)
		e = item(call->svc, obj, w);
	else
		record_write_fields(w, type, obj);
	record_write_end(w);
	return e;
}

struct err *call_item(struct call *call, const void *obj, call_item_fn item)
{
	struct record_writer w = {.out = &call->reply->body};

	struct err *e = write_item(call, call->route->reply_type, obj, item, &w);
	json_decref(w.seen);
	if (e != NULL)
		return e;
	call->reply->status = call->route->status;
	call->reply->content_type = "application/json";
	return NULL;
}

static struct err *write_items(struct call *call, const struct store_rows *rows, call_item_fn item,
	struct record_writer *w)
{
	for (size_t i = 0; i < rows->n; i++) {
		if (i > 0 && w->out != NULL)
			str_addc(w->out, ',');
		TRY(write_item(call, rows->type, query_row(rows, i), item, w));
	}
	return NULL;
}

static struct err *write_text(struct call *call, const struct store_rows *rows, call_item_fn item,
	const char *cursor, struct record_writer *w)
{
	w->out = &call->reply->body;
	str_adds(w->out, "{\"items\":[");
	TRY(write_items(call, rows, item, w));
	str_adds(w->out, "],\"next_cursor\":");
	if (cursor != NULL)
		str_add_json(w->out, cursor);
	else
		str_adds(w->out, "null");
	str_addc(w->out, '}');
	return NULL;
}

static struct err *write_values(struct call *call, const struct store_rows *rows, call_item_fn item,
	const char *cursor, struct record_writer *w)
{
	w->items = json_array();
	call->reply->json = json_pack("{s:o, s:s?}", "items", w->items, "next_cursor", cursor);
	return write_items(call, rows, item, w);
}

/* Writes the page. What nobody reads costs most of a long list: ?fields=a,b names what is wanted.
 */
static struct err *write_page(struct call *call, const struct store_rows *rows, call_item_fn item,
	const char *cursor)
{
	cleanup(mem_freep) char *fields = mem_strdup(decode_query_get(&call->query, "fields"));
	const char *names[FIELDS_MAX];
	struct record_writer w = {.out = NULL};
	char *rest = fields;

	if (fields != NULL)
		w.only = names;
	while (rest != NULL && w.n_only < FIELDS_MAX)
		names[w.n_only++] = strsep(&rest, ",");
	call->reply->status = call->route->status;
	call->reply->content_type = "application/json";
	struct err *e =
		(call->req->takes_json ? write_values : write_text)(call, rows, item, cursor, &w);
	json_decref(w.seen);
	return e;
}

struct err *call_list(struct call *call, const struct store_query *base, call_item_fn item)
{
	struct store_query q = {.n_filters = 0};
	cleanup(mem_freep) char *cursor = NULL;
	struct store_rows rows;

	if (base != NULL)
		q = *base;
	q.limit = LIST_LIMIT_DEFAULT;
	TRY(list_query(call, &q));
	TRY(query_page(call->svc, call->route->list_of, &q, &rows, &cursor));
	struct err *e = write_page(call, &rows, item, cursor);
	if (e == NULL && call->reply->body.overflowed)
		e = err_hint(err_new(ERR_TOO_LARGE, "the page is larger than %d MiB",
				     (int)(STR_MAX_DEFAULT >> 20)),
			"ask for fewer rows (limit) or fewer fields (fields)");
	query_rows_done(&rows);
	return e;
}
