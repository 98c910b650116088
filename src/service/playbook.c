/* Owns what is known of playbooks. The operation types are the metadata of the built-in ones, so
 * nothing is written twice. */
#include "service/playbook.h"

#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
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

static json_t *builtin_json(const struct op_type *type)
{
	cleanup(mem_freep) char *title = title_of(type);
	json_t *variables = json_array();

	for (size_t i = 0; i < type->n_params; i++)
		json_array_append_new(variables, op_param_json(&type->params[i]));
	return json_pack("{ss ss ss? ss s[s] ss ss ss sb sI so}", "name", type->playbook, "title",
		title, "summary", type->summary, "source", "builtin", "operation_types", type->name,
		"target", enum_text(&op_target_table, type->target), "risk",
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
		json_array_insert_new(items, place_of(items, type->playbook), builtin_json(type));
}

struct err *playbook_list(struct service *svc, json_t **ret_items)
{
	json_t *items = json_array();

	(void)svc;
	for (size_t i = 0; op_types[i] != NULL; i++)
		if (op_types[i]->playbook != NULL)
			add_type(items, op_types[i]);
	*ret_items = items;
	return NULL;
}

static struct err *read_text(const struct service *svc, json_t *item)
{
	cleanup(mem_freep) char *path = mem_printf("%s/" BUILTIN_DIR "/%s.yml",
		svc->config->ansible_collections_path,
		json_string_value(json_object_get(item, "name")));
	cleanup(mem_freep) char *text = NULL;

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
	json_t *item = json_incref(find_item(items, name));
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
