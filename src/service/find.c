/* Owns the rule how a typed text names an object. */
#include "service/find.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "service/scope.h"

/* What the caller may not see is not there. @take_err of reading it */
static struct err *only_seen(struct service *svc, const struct record_type *type, const char *name,
	struct err *take_err, void *obj)
{
	if (take_err != NULL || scope_sees(svc, type, obj))
		return take_err;
	record_done(type, obj);
	return err_new(ERR_NOT_FOUND, "no %s %s", type->name, name);
}

struct err *find_by_id(struct service *svc, const struct record_type *type, int64_t id,
	void *ret_obj)
{
	char name[24];

	snprintf(name, sizeof(name), "%lld", (long long)id);
	return only_seen(svc, type, name, store_get(svc->store, type, id, ret_obj), ret_obj);
}

static struct err *find_by_name(struct service *svc, const struct record_type *type,
	const char *name, void *ret_obj)
{
	cleanup(mem_freep) char *quoted = mem_printf("\"%s\"", name);

	return only_seen(svc, type, quoted,
		store_get_by(svc->store, type, type->key, name, ret_obj), ret_obj);
}

struct err *find_record(struct service *svc, const struct record_type *type, const char *id_or_name,
	void *ret_obj)
{
	int64_t id = 0;

	if (*id_or_name == '\0')
		return err_new(ERR_INVALID, "which %s? The name is empty", type->name);
	bool named = id_or_name[strspn(id_or_name, "0123456789")] != '\0';
	if (named && type->key == NULL)
		return err_new(ERR_NOT_FOUND, "no %s \"%s\": it has only a number", type->name,
			id_or_name);
	if (named)
		return find_by_name(svc, type, id_or_name, ret_obj);
	struct err *e = parse_i64(id_or_name, 1, INT64_MAX, &id);
	if (e != NULL)
		return err_recode(err_wrap(e, "no %s %s", type->name, id_or_name), ERR_NOT_FOUND);
	return find_by_id(svc, type, id, ret_obj);
}
