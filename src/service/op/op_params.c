/* Owns the check of an operation's parameters against its type, by the same rules as record fields.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/suggest.h"
#include "service/op/op_run.h"

/* Every type takes these. */
static const struct op_param common_params[] = {
	{.name = "keep",
		.kind = FIELD_BOOL,
		.help = "Keep the generated inventory and variables (they may contain secrets)."},
};

static const struct op_param *find_param(const struct op_type *type, const char *name)
{
	for (size_t i = 0; i < type->n_params; i++)
		if (strcmp(type->params[i].name, name) == 0)
			return &type->params[i];
	for (size_t i = 0; i < ARRAY_LEN(common_params); i++)
		if (strcmp(common_params[i].name, name) == 0)
			return &common_params[i];
	return NULL;
}

static struct err *param_choice(const struct op_param *p, const char *text)
{
	struct str all = STR_INIT;
	bool found = false;

	for (size_t i = 0; p->choices[i] != NULL; i++) {
		found |= strcmp(p->choices[i], text) == 0;
		str_addf(&all, "%s%s", i > 0 ? ", " : "", p->choices[i]);
	}
	struct err *e = found ? NULL : err_new(ERR_INVALID, "must be one of: %s", str_get(&all));
	str_done(&all);
	return e;
}

static struct err *param_text(const struct op_param *p, const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t max = p->max > 0 ? p->max : 4096;

	if (text == NULL)
		return err_new(ERR_INVALID, "must be a text");
	if ((int64_t)strlen(text) > max || (int64_t)strlen(text) < p->min)
		return err_new(ERR_INVALID, "must have %lld to %lld characters", (long long)p->min,
			(long long)max);
	if (p->choices != NULL)
		return param_choice(p, text);
	return p->check != NULL ? p->check(text) : NULL;
}

static struct err *param_number(const struct op_param *p, const json_t *value)
{
	if (!json_is_integer(value))
		return err_new(ERR_INVALID, "must be a whole number");
	if ((p->min != 0 || p->max != 0) &&
		(json_integer_value(value) < p->min || json_integer_value(value) > p->max))
		return err_new(ERR_INVALID, "must be between %lld and %lld", (long long)p->min,
			(long long)p->max);
	return NULL;
}

static struct err *param_value(const struct op_param *p, const json_t *value)
{
	if (p->kind == FIELD_BOOL)
		return json_is_boolean(value) ? NULL
					      : err_new(ERR_INVALID, "must be true or false");
	if (p->kind == FIELD_I64)
		return param_number(p, value);
	if (p->kind == FIELD_JSON)
		return json_is_array(value) || json_is_object(value)
			? NULL
			: err_new(ERR_INVALID, "must be a list or an object");
	return param_text(p, value);
}

static struct err *add_wrong(struct err *take_so_far, const char *name, struct err *take_bad)
{
	if (take_bad == NULL)
		return take_so_far;
	struct err *e = err_field(take_so_far, name, "%s", err_message(take_bad));
	err_free(take_bad);
	return e;
}

static struct err *check_given(const struct op_type *type, const json_t *params)
{
	struct err *e = NULL;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)params, name, value) {
		const struct op_param *p = find_param(type, name);
		e = add_wrong(e, name,
			p != NULL ? param_value(p, value)
				  : err_new(ERR_INVALID, "%s has no such parameter", type->name));
	}
	return e;
}

static json_t *default_value(const struct op_param *p)
{
	if (p->kind == FIELD_BOOL)
		return json_boolean(strcmp(p->def, "true") == 0);
	if (p->kind == FIELD_TEXT)
		return json_string(p->def);
	return json_loads(p->def, JSON_DECODE_ANY, NULL);
}

struct err *op_params_check(const struct op_type *type, const json_t *params, json_t **ret_params)
{
	struct err *e = NULL;

	if (params != NULL && !json_is_object(params))
		return err_field(NULL, "params", "must be an object");
	json_t *all = params != NULL ? json_deep_copy(params) : json_object();
	e = check_given(type, all);
	for (size_t i = 0; i < type->n_params; i++) {
		const struct op_param *p = &type->params[i];
		if (json_object_get(all, p->name) != NULL)
			continue;
		if (p->required)
			e = err_field(e, p->name, "is required");
		else if (p->def != NULL)
			json_object_set_new(all, p->name, default_value(p));
	}
	if (e != NULL) {
		json_decref(all);
		return e;
	}
	*ret_params = all;
	return NULL;
}

static json_t *choices_json(const struct op_param *p)
{
	json_t *choices = json_array();

	for (size_t i = 0; p->choices[i] != NULL; i++)
		json_array_append_new(choices, json_string(p->choices[i]));
	return choices;
}

json_t *op_param_json(const struct op_param *p)
{
	static const char *const kinds[FIELD_KIND_N_] = {
		[FIELD_I64] = "integer",
		[FIELD_BOOL] = "boolean",
		[FIELD_TEXT] = "text",
		[FIELD_ENUM] = "choice",
		[FIELD_TIME] = "time",
		[FIELD_JSON] = "json",
	};
	json_t *json = json_pack("{ss ss sb ss? ss?}", "name", p->name, "kind", kinds[p->kind],
		"required", p->required, "default", p->def, "help", p->help);

	if (p->min != 0 || p->max != 0) {
		json_object_set_new(json, "min", json_integer(p->min));
		json_object_set_new(json, "max", json_integer(p->max));
	}
	if (p->choices != NULL)
		json_object_set_new(json, "choices", choices_json(p));
	return json;
}

json_t *op_type_json(const struct op_type *t)
{
	json_t *params = json_array();

	for (size_t i = 0; i < t->n_params; i++)
		json_array_append_new(params, op_param_json(&t->params[i]));
	return json_pack("{ss ss ss? ss? ss ss sb sb sI ss? so}", "name", t->name, "title",
		t->title, "summary", t->summary, "target", enum_text(&op_target_table, t->target),
		"role", enum_text(&role_table, t->role), "risk", enum_text(&op_risk_table, t->risk),
		"exclusive", t->exclusive, "check_mode", t->check_mode, "timeout_s",
		(json_int_t)t->timeout_s, "playbook", t->playbook, "params", params);
}
