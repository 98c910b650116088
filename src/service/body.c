/* Owns how a secret is read from a body. */
#include "service/body.h"

#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

#define SECRET_MAX 500

struct err *body_take_secret(json_t *body, const char *key, char **ret_secret)
{
	const json_t *value = json_object_get(body, key);
	const char *text = json_string_value(value);
	struct err *e = NULL;

	*ret_secret = NULL;
	if (value == NULL)
		return NULL;
	if (!json_is_string(value) && !json_is_null(value))
		e = err_field(NULL, key, "must be a text");
	else if (text != NULL && strlen(text) > SECRET_MAX)
		e = err_field(NULL, key, "must have at most %d characters", SECRET_MAX);
	else if (text != NULL)
		e = check_line(text);
	if (e != NULL && err_field_count(e) == 0)
		e = err_field(err_recode(e, ERR_INVALID), key, "must be one line of text");
	if (e == NULL)
		*ret_secret = mem_strdup(text != NULL ? text : "");
	(void)json_object_del(body, key);
	return e;
}

struct err *body_join_errors(struct err *take_a, struct err *take_b)
{
	if (take_a == NULL || take_b == NULL)
		return take_a != NULL ? take_a : take_b;
	for (size_t i = 0; i < err_field_count(take_b); i++) {
		const char *message = NULL;
		const char *field = err_field_at(take_b, i, &message);
		take_a = err_field(take_a, field, "%s", message);
	}
	err_free(take_b);
	return take_a;
}
