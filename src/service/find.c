/* Owns the rule how a typed text names an object. */
#include "service/find.h"

#include <string.h>

#include "base/parse.h"

struct err *find_record(struct service *svc, const struct record_type *type, const char *id_or_name,
	void *ret_obj)
{
	int64_t id = 0;

	if (*id_or_name == '\0')
		return err_new(ERR_INVALID, "which %s? The name is empty", type->name);
	if (id_or_name[strspn(id_or_name, "0123456789")] != '\0')
		return store_get_by(svc->store, type, type->key, id_or_name, ret_obj);
	struct err *e = parse_i64(id_or_name, 1, INT64_MAX, &id);
	if (e != NULL)
		return err_recode(err_wrap(e, "no %s %s", type->name, id_or_name), ERR_NOT_FOUND);
	return store_get(svc->store, type, id, ret_obj);
}

void seal_wipe_freep(char **text)
{
	seal_wipe_free(*text);
	*text = NULL;
}
