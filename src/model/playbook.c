/* Owns the form of playbook metadata. */
#include "model/playbook.h"

#include <string.h>

#include "base/mem.h"
#include "model/yaml.h"

#define VARS_MAX 50
#define CHOICES_MAX 100
#define TIMEOUT_MAX_S 86400

static const char *const var_type_texts[] = {"text", "integer", "boolean", "choice", NULL};
const struct enum_table playbook_var_type_table = {"playbook_var_type", var_type_texts};
static const char *const target_texts[] = {"node", "cluster", NULL};
const struct enum_table playbook_target_table = {"playbook_target", target_texts};
static const char *const risk_texts[] = {"read", "change", "disrupt", "destroy", NULL};
const struct enum_table playbook_risk_table = {"playbook_risk", risk_texts};

static bool word(const char *text, const char *rest, size_t max)
{
	size_t len = strlen(text);

	return len >= 1 && len <= max && text[0] >= 'a' && text[0] <= 'z' &&
		strspn(text, rest) == len;
}

struct err *playbook_check_name(const char *text)
{
	if (word(text, "abcdefghijklmnopqrstuvwxyz0123456789_-", 41))
		return NULL;
	return err_new(ERR_INVALID,
		"must be a word of a-z, 0-9, _ and -, beginning with a letter, at most 41 characters");
}

/* Names that mean something to Ansible or to us are not for users' variables. */
static struct err *check_var_name(const char *text)
{
	static const char *const taken[] = {"ansible_", "mko_", "group_names", "groups", "hostvars",
		"inventory_hostname", "inventory_dir", "inventory_file", "playbook_dir",
		"role_path", "omit", "keep", "allow_quorum_loss"};

	if (!word(text, "abcdefghijklmnopqrstuvwxyz0123456789_", 64))
		return err_new(ERR_INVALID,
			"must be a word of a-z, 0-9 and _, beginning with a letter");
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strncmp(text, taken[i], strlen(taken[i])) == 0)
			return err_new(ERR_INVALID, "names that begin with %s are taken", taken[i]);
	return NULL;
}

/* The title becomes part of a pattern. */
static struct err *check_title(const char *text)
{
	if (strchr(text, '%') != NULL)
		return err_new(ERR_INVALID, "must not contain %%");
	return check_line(text);
}

static struct err *check_texts(const json_t *value)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(value))
		return err_new(ERR_INVALID, "must be a list");
	json_array_foreach(value, i, item) {
		const char *text = json_string_value(item);
		if (text == NULL || strlen(text) > 128)
			return err_new(ERR_INVALID,
				"must be a list of texts of at most 128 bytes (quote numbers)");
		TRY(check_line(text));
	}
	return NULL;
}

#define V struct playbook_var
static const struct field var_fields[] = {
	ROW_TEXT(V, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 64,
		.check = check_var_name, .help = "Name in the playbook."),
	ROW_ENUM(V, type, FIELD_CREATE, .choices = &playbook_var_type_table, .def = "text",
		.help = "Type."),
	ROW_BOOL(V, required, FIELD_CREATE, .def = "false", .help = "Whether it must be given."),
	ROW_TEXT(V, help, FIELD_CREATE, .max = 500, .check = check_line, .help = "Purpose."),
	ROW_I64(V, min, FIELD_CREATE, .help = "Smallest number, or fewest characters."),
	ROW_I64(V, max, FIELD_CREATE, .help = "Largest number, or most characters."),
	ROW_JSON(V, choices, FIELD_CREATE, .max = CHOICES_MAX, .check_json = check_texts,
		.help = "Allowed texts."),
};
static const struct record_type var_type = {
	.name = "variable",
	.table = "variables",
	.size = sizeof(V),
	.fields = var_fields,
	.n_fields = ARRAY_LEN(var_fields),
};

#define M struct playbook_meta
static const struct field meta_fields[] = {
	ROW_TEXT(M, title, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 100,
		.check = check_title, .help = "What it does, for people."),
	ROW_TEXT(M, summary, FIELD_CREATE, .max = 500, .check = check_line,
		.help = "A sentence for help and forms."),
	ROW_ENUM(M, target, FIELD_CREATE | FIELD_REQUIRED, .choices = &playbook_target_table,
		.def = "node", .help = "What it acts on."),
	ROW_ENUM(M, risk, FIELD_CREATE | FIELD_REQUIRED, .choices = &playbook_risk_table,
		.def = "change", .help = "How dangerous it is."),
	ROW_TEXT(M, timeout, FIELD_CREATE, .max = 20, .def = "30m",
		.help = "How long it may take."),
	ROW_BOOL(M, check_mode, FIELD_CREATE, .def = "false",
		.help = "Whether it can be tried with --check."),
	ROW_JSON(M, before, FIELD_CREATE, .max = 20, .check_json = check_texts,
		.help = "Operation types before which it runs."),
	ROW_JSON(M, after, FIELD_CREATE, .max = 20, .check_json = check_texts,
		.help = "Operation types after which it runs."),
	ROW_JSON(M, variables, FIELD_CREATE, .max = VARS_MAX, .check_json = check_json_list,
		.help = "Variables."),
};
static const struct record_type meta_type = {
	.name = "playbook metadata",
	.table = "playbook_meta",
	.size = sizeof(M),
	.fields = meta_fields,
	.n_fields = ARRAY_LEN(meta_fields),
};

/* ---- variables ---- */

static struct err *default_text(const V *v, const json_t *value, char **ret)
{
	bool good = v->type == PLAYBOOK_VAR_INTEGER ? json_is_integer(value)
		: v->type == PLAYBOOK_VAR_BOOLEAN   ? json_is_boolean(value)
						    : json_is_string(value);
	if (!good)
		return err_new(ERR_INVALID, "is no %s",
			enum_text(&playbook_var_type_table, v->type));
	*ret = json_is_string(value)     ? mem_strdup(json_string_value(value))
		: json_is_integer(value) ? mem_printf("%lld", (long long)json_integer_value(value))
					 : mem_strdup(json_is_true(value) ? "true" : "false");
	return NULL;
}

static struct err *check_default(const V *v)
{
	size_t i;
	const json_t *item;

	if (v->def == NULL)
		return NULL;
	if (v->required)
		return err_field(NULL, "default", "what is required has no default");
	if (v->type != PLAYBOOK_VAR_CHOICE)
		return NULL;
	json_array_foreach(v->choices, i, item)
		if (strcmp(json_string_value(item), v->def) == 0)
			return NULL;
	return err_field(NULL, "default", "is none of the choices");
}

static struct err *check_var(const V *v)
{
	bool choice = v->type == PLAYBOOK_VAR_CHOICE;
	bool limited = v->min != I64_NONE || v->max != I64_NONE;

	if (choice && json_array_size(v->choices) == 0)
		return err_field(NULL, "choices", "is required for the type choice");
	if (!choice && v->choices != NULL)
		return err_field(NULL, "choices", "only the type choice has them");
	if (limited && (choice || v->type == PLAYBOOK_VAR_BOOLEAN))
		return err_field(NULL, v->min != I64_NONE ? "min" : "max",
			"only texts and integers have limits");
	if (v->min != I64_NONE && v->max != I64_NONE && v->min > v->max)
		return err_field(NULL, "max", "is below min");
	return check_default(v);
}

static struct err *read_var(const json_t *json, V *v)
{
	json_t *own = json_is_object(json) ? json_copy((json_t *)(uintptr_t)json) : json_object();
	const json_t *def = json_object_get(json, "default");

	/* a default may be of any type: the table knows only one for each field */
	json_object_del(own, "default");
	struct err *e = json_is_object(json) ? record_from_json(&var_type, v, own, RECORD_CREATE)
					     : err_new(ERR_INVALID, "must be a mapping");
	json_decref(own);
	TRY(e);
	if (def != NULL && !json_is_null(def))
		e = default_text(v, def, &v->def);
	if (e != NULL)
		return yaml_join(NULL, "default", e);
	return check_var(v);
}

static struct err *check_twice(const M *m, struct err *take_all)
{
	const char *name = m->vars[m->n_vars - 1].name;

	for (size_t i = 0; name != NULL && i + 1 < m->n_vars; i++)
		if (m->vars[i].name != NULL && strcmp(m->vars[i].name, name) == 0) {
			cleanup(mem_freep) char *path =
				mem_printf("variables[%zu].name", m->n_vars - 1);
			return err_field(take_all, path, "%s is there twice", name);
		}
	return take_all;
}

static struct err *read_vars(M *m)
{
	struct err *all = NULL;
	size_t i;
	const json_t *item;

	m->vars = mem_zalloc((json_array_size(m->variables) + 1) * sizeof(*m->vars));
	json_array_foreach(m->variables, i, item) {
		cleanup(mem_freep) char *prefix = mem_printf("variables[%zu].", i);
		V *v = &m->vars[m->n_vars++];
		record_init(&var_type, v);
		all = yaml_join(all, prefix, read_var(item, v));
		all = check_twice(m, all);
	}
	return all;
}

/* The same playbook before and after one type could not be told apart. */
static struct err *check_hooks(const M *m, struct err *take_all)
{
	size_t i;
	const json_t *item;
	size_t k;
	const json_t *other;

	json_array_foreach(m->after, i, item)
		json_array_foreach(m->before, k, other)
			if (json_equal(item, other)) {
				cleanup(mem_freep) char *path = mem_printf("after[%zu]", i);
				take_all = err_field(take_all, path, "%s is in before already",
					json_string_value(item));
			}
	for (i = 0; (m->before != NULL || m->after != NULL) && i < m->n_vars; i++)
		if (m->vars[i].required) {
			cleanup(mem_freep) char *path = mem_printf("variables[%zu].required", i);
			take_all = err_field(take_all, path,
				"nobody gives variables to a hook: give it a default");
		}
	return take_all;
}

static struct err *check_timeout(M *m, struct err *take_all)
{
	int64_t ms = 0;
	struct err *e = parse_duration_ms(m->timeout, &ms);

	if (e == NULL && (ms < 1000 || ms > TIMEOUT_MAX_S * (int64_t)1000))
		e = err_new(ERR_INVALID, "must be between 1s and 24h");
	m->timeout_s = ms / 1000;
	return yaml_join(take_all, "timeout", e);
}

/* "timeout: 600" is a number to YAML. */
static json_t *with_timeout_text(const json_t *json)
{
	json_t *own = json_copy((json_t *)(uintptr_t)json);
	const json_t *timeout = json_object_get(own, "timeout");

	if (json_is_integer(timeout)) {
		cleanup(mem_freep) char *text =
			mem_printf("%lld", (long long)json_integer_value(timeout));
		json_object_set_new(own, "timeout", json_string(text));
	}
	return own;
}

struct err *playbook_meta_read(const json_t *json, struct playbook_meta *ret_meta)
{
	M m;

	if (!json_is_object(json))
		return err_field(NULL, "", "must be a mapping: title, target, risk ...");
	record_init(&meta_type, &m);
	m.vars = NULL;
	m.n_vars = 0;
	json_t *own = with_timeout_text(json);
	struct err *e = record_from_json(&meta_type, &m, own, RECORD_CREATE);
	json_decref(own);
	e = check_timeout(&m, e);
	e = yaml_join(e, "", read_vars(&m));
	e = check_hooks(&m, e);
	if (e != NULL) {
		playbook_meta_done(&m);
		return e;
	}
	*ret_meta = m;
	return NULL;
}

void playbook_meta_done(struct playbook_meta *meta)
{
	for (size_t i = 0; i < meta->n_vars; i++) {
		mem_free(meta->vars[i].def);
		record_done(&var_type, &meta->vars[i]);
	}
	mem_free(meta->vars);
	record_done(&meta_type, meta);
	*meta = (struct playbook_meta){.id = 0};
}
