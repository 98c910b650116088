/* Owns the rule of who sees what: a row is seen when all its clusters are in the caller's set. */
#include "service/scope.h"

#include <stdio.h>

#include "base/mem.h"
#include "service/cluster.h"

static void add(struct scope *s, int64_t id)
{
	s->ids = mem_realloc_array(s->ids, s->n + 1, sizeof(*s->ids));
	s->ids[s->n++] = id;
}

struct scope *scope_new(const json_t *ids)
{
	return scope_narrow(NULL, ids);
}

static bool listed(const json_t *ids, int64_t id)
{
	size_t i;
	const json_t *item;

	json_array_foreach(ids, i, item)
		if (json_integer_value(item) == id)
			return true;
	return false;
}

struct scope *scope_narrow(struct scope *take_scope, const json_t *ids)
{
	struct scope *s = take_scope;
	size_t i;
	const json_t *item;
	size_t kept = 0;

	if (ids == NULL)
		return s;
	if (s == NULL) {
		s = mem_zalloc(sizeof(*s));
		json_array_foreach(ids, i, item)
			add(s, json_integer_value(item));
		return s;
	}
	for (size_t k = 0; k < s->n; k++)
		if (listed(ids, s->ids[k]))
			s->ids[kept++] = s->ids[k];
	s->n = kept;
	return s;
}

struct scope *scope_copy(const struct scope *scope)
{
	if (scope == NULL)
		return NULL;
	struct scope *s = mem_zalloc(sizeof(*s));
	for (size_t i = 0; i < scope->n; i++)
		add(s, scope->ids[i]);
	return s;
}

void scope_free(struct scope *scope)
{
	if (scope == NULL)
		return;
	mem_free(scope->ids);
	mem_free(scope);
}

bool scope_has(const struct scope *scope, int64_t cluster_id)
{
	if (scope == NULL)
		return true;
	for (size_t i = 0; i < scope->n; i++)
		if (scope->ids[i] == cluster_id)
			return true;
	return false;
}

bool scope_has_all(const struct scope *scope, const json_t *ids)
{
	size_t i;
	const json_t *item;

	if (scope == NULL)
		return true;
	json_array_foreach(ids, i, item)
		if (!scope_has(scope, json_integer_value(item)))
			return false;
	return json_array_size(ids) > 0;
}

bool scope_covers(const struct scope *scope, const struct scope *of)
{
	if (scope == NULL)
		return true;
	for (size_t i = 0; i < of->n; i++)
		if (!scope_has(scope, of->ids[i]))
			return false;
	return of->n > 0;
}

bool scope_narrower(const struct scope *scope, const struct scope *than)
{
	if (scope == NULL)
		return false;
	return than == NULL || (than->n > 0 && !scope_covers(scope, than));
}

json_t *scope_json(const struct scope *scope)
{
	if (scope == NULL)
		return NULL;
	json_t *ids = json_array();
	for (size_t i = 0; i < scope->n; i++)
		json_array_append_new(ids, json_integer(scope->ids[i]));
	return ids;
}

bool scope_sees(const struct service *svc, const struct record_type *type, const void *obj)
{
	if (svc->scope == NULL)
		return true;
	if (type->scope == NULL)
		return false;
	json_t *value = field_to_json(record_field(type, type->scope), obj);
	bool sees = json_is_array(value)
		? scope_has_all(svc->scope, value)
		: json_is_integer(value) && scope_has(svc->scope, json_integer_value(value));
	json_decref(value);
	return sees;
}

struct err *scope_need_none(const struct service *svc, const char *what)
{
	if (svc->scope == NULL)
		return NULL;
	return err_new(ERR_FORBIDDEN, "%s: this account is limited to some clusters", what);
}

struct err *scope_where(const struct service *svc, const struct record_type *type,
	struct store_query *q)
{
	if (svc->scope == NULL)
		return NULL;
	if (type->scope == NULL)
		return scope_need_none(svc, type->table);
	if (q->n_filters == STORE_FILTERS_MAX)
		return err_new(ERR_INVALID, "more than %d filters", STORE_FILTERS_MAX - 1);
	store_where_within(q, type->scope, svc->scope->ids, svc->scope->n);
	return NULL;
}

static struct err *resolve_one(struct service *svc, const json_t *item, json_t *ids)
{
	char number[24];
	const char *name = json_string_value(item);
	struct cluster c;

	if (json_is_integer(item)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(item));
		name = number;
	}
	if (name == NULL)
		return err_field(NULL, "clusters", "must be a list of names or ids of clusters");
	struct err *e = cluster_find(svc, name, &c);
	if (e != NULL) {
		struct err *wrong = err_field(NULL, "clusters", "%s", err_message(e));
		err_free(e);
		return err_hint(wrong, "mko cluster list");
	}
	json_array_append_new(ids, json_integer(c.id));
	record_done(&cluster_type, &c);
	return NULL;
}

struct err *scope_resolve(struct service *svc, json_t *body)
{
	const json_t *given = json_object_get(body, "clusters");
	size_t i;
	const json_t *item;

	if (!json_is_array(given))
		return NULL; /* absent, null, or refused by the field's check */
	json_t *ids = json_array();
	json_array_foreach(given, i, item) {
		struct err *e = resolve_one(svc, item, ids);
		if (e != NULL) {
			json_decref(ids);
			return e;
		}
	}
	json_object_set_new(body, "clusters", ids);
	return NULL;
}
