/* Owns what is known of playbooks. The operation types are the metadata of the built-in ones, so
 * nothing is written twice. */
#include "service/playbook.h"

#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "service/op/op_custom.h"
#include "service/op/op_type.h"

#define BUILTIN_DIR "ansible_collections/mko/microk8s/playbooks"

/* "Install MicroK8s on %s" -> "Install MicroK8s on NODE" */
static char *title_of(const struct op_type *type)
{
	const char *mark = strstr(type->title, "%s");

	must(mark != NULL);
	return mem_printf("%.*s%s%s", (int)(mark - type->title), type->title,
		type->target == OP_TARGET_CLUSTER ? "CLUSTER" : "NODE", mark + 2);
}

static json_t *type_as_playbook(const struct op_type *type, const char *name, const char *source)
{
	cleanup(mem_freep) char *title = title_of(type);
	json_t *variables = json_array();

	for (size_t i = 0; i < type->n_params; i++)
		json_array_append_new(variables, op_param_json(&type->params[i]));
	return json_pack("{ss ss ss? ss s[s] ss ss ss sb sI so}", "name", name, "title", title,
		"summary", type->summary, "source", source, "operation_types", type->name, "target",
		enum_text(&op_target_table, type->target), "risk",
		enum_text(&op_risk_table, type->risk), "role", enum_text(&role_table, type->role),
		"check_mode", type->check_mode, "timeout_s", (json_int_t)type->timeout_s,
		"variables", variables);
}

static json_t *find_item(const json_t *items, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach(items, i, item)
		if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
			return item;
	return NULL;
}

/* Where an item belongs in the order of names. */
static size_t place_of(const json_t *items, const char *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach(items, i, item)
		if (strcmp(json_string_value(json_object_get(item, "name")), name) > 0)
			break;
	return i;
}

static void add_type(json_t *items, const struct op_type *type)
{
	json_t *item = find_item(items, type->playbook);

	if (item != NULL)
		json_array_append_new(json_object_get(item, "operation_types"),
			json_string(type->name));
	else
		json_array_insert_new(items, place_of(items, type->playbook),
			type_as_playbook(type, type->playbook, "builtin"));
}

/* What is wrong, a text for each place. */
static json_t *problems_of(const struct err *why)
{
	json_t *problems = json_array();

	for (size_t i = 0; i < err_field_count(why); i++) {
		const char *message = NULL;
		const char *field = err_field_at(why, i, &message);
		json_array_append_new(problems, json_sprintf("%s: %s", field, message));
	}
	if (json_array_size(problems) == 0)
		json_array_append_new(problems, json_string(err_message(why)));
	return problems;
}

/* A user's own; a wrong one is shown with what is wrong, and no operation type runs it. */
static void add_custom(void *user, const char *name, const struct op_type *type,
	const struct err *why)
{
	cleanup(mem_freep) char *full = mem_printf(OP_CUSTOM_PREFIX "%s", name);
	json_t *items = user;

	if (type != NULL) {
		json_array_append_new(items, type_as_playbook(type, full, "custom"));
		return;
	}
	json_array_append_new(items,
		json_pack("{ss ss sn ss s[] ss ss ss sb si s[] so}", "name", full, "title",
			"(not usable)", "summary", "source", "custom", "operation_types", "target",
			"none", "risk", "read", "role", "admin", "check_mode", 0, "timeout_s", 0,
			"variables", "problems", problems_of(why)));
}

struct err *playbook_list(struct service *svc, json_t **ret_items)
{
	json_t *items = json_array();

	for (size_t i = 0; op_types[i] != NULL; i++)
		if (op_types[i]->playbook != NULL)
			add_type(items, op_types[i]);
	struct err *e = op_custom_each(svc, add_custom, items);
	if (e != NULL) {
		json_decref(items);
		return e;
	}
	*ret_items = items;
	return NULL;
}

/* The text of a user's own playbook; of a wrong one there may be none. */
static struct err *read_custom(struct service *svc, json_t *item)
{
	const char *name = json_string_value(json_object_get(item, "name"));
	char *text = NULL;
	char *meta = NULL;

	struct err *e = op_custom_read(svc, name + strlen(OP_CUSTOM_PREFIX), &text, &meta);
	json_t *json = text != NULL ? json_string(text) : NULL;
	json_object_set_new(item, "text", json != NULL ? json : json_string(""));
	json = meta != NULL ? json_string(meta) : NULL;
	json_object_set_new(item, "metadata", json != NULL ? json : json_string(""));
	mem_free(text);
	mem_free(meta);
	if (e != NULL && json_object_get(item, "problems") != NULL) {
		err_ignore(e); /* the problems say so */
		return NULL;
	}
	return e;
}

static struct err *read_text(struct service *svc, json_t *item)
{
	cleanup(mem_freep) char *path = mem_printf("%s/" BUILTIN_DIR "/%s.yml",
		svc->config->ansible_collections_path,
		json_string_value(json_object_get(item, "name")));
	cleanup(mem_freep) char *text = NULL;

	if (strcmp(json_string_value(json_object_get(item, "source")), "custom") == 0)
		return read_custom(svc, item);
	TRY(fs_read(path, PLAYBOOK_TEXT_MAX, &text, NULL));
	json_t *json = json_string(text);
	if (json == NULL)
		return err_new(ERR_IO, "%s is not UTF-8", path);
	json_object_set_new(item, "text", json);
	return NULL;
}

struct err *playbook_get(struct service *svc, const char *name, json_t **ret_json)
{
	json_t *items = NULL;

	TRY(playbook_list(svc, &items));
	cleanup(mem_freep) char *full = mem_printf(OP_CUSTOM_PREFIX "%s", name);
	json_t *item = find_item(items, name);
	item = json_incref(item != NULL ? item : find_item(items, full));
	json_decref(items);
	if (item == NULL)
		return err_hint(err_new(ERR_NOT_FOUND, "no playbook \"%s\"", name),
			"mko playbook list");
	struct err *e = read_text(svc, item);
	if (e != NULL) {
		json_decref(item);
		return err_recode(err_wrap(e, "playbook %s", name), ERR_IO);
	}
	*ret_json = item;
	return NULL;
}
