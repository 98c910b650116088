/* Owns how cluster files are read and written: their keys become fields of records. */
#include "model/desired_int.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "model/cluster.h"
#include "model/yaml.h"

#define HOOK_PREFIX "cluster."

/* ---- reading ---- */

/* Every wrong key of one mapping, added to those before. */
static struct err *check_mapping(struct err *take_all, const char *prefix,
	const struct record_type *type, const json_t *json)
{
	max_align_t room[32];

	must(type->size <= sizeof(room));
	if (!json_is_object(json))
		return yaml_join(take_all, prefix, err_new(ERR_INVALID, "must be a mapping"));
	record_init(type, room);
	struct err *e = record_from_json(type, room, json, RECORD_CREATE);
	record_done(type, room);
	return e != NULL ? yaml_join(take_all, prefix, e) : take_all;
}

/* "dns", "metallb:RANGE" and {"name", "args"} in one form. Owned. */
static json_t *addon_object(const json_t *item)
{
	const char *text = json_string_value(item);

	if (text != NULL) {
		size_t n = strcspn(text, ":");
		json_t *args = json_array();
		if (text[n] == ':')
			json_array_append_new(args, json_string(text + n + 1));
		return json_pack("{s:s%, s:o}", "name", text, n, "args", args);
	}
	json_t *own = json_deep_copy(item);
	json_t *args = json_object_get(own, "args");
	if (json_is_string(args))
		json_object_set_new(own, "args", json_pack("[O]", args));
	else if (json_is_object(own) && (args == NULL || json_is_null(args)))
		json_object_set_new(own, "args", json_array());
	return own;
}

/* Two of a list with the same text under a key. */
static struct err *check_twice(struct err *take_all, const char *list, const json_t *items,
	const char *key)
{
	json_t *seen = json_object();
	size_t i;
	const json_t *item;

	json_array_foreach(items, i, item) {
		const char *text = json_string_value(json_object_get(item, key));
		if (text == NULL)
			continue;
		cleanup(mem_freep) char *path = mem_printf("spec.%s[%zu].%s", list, i, key);
		const json_t *first = json_object_get(seen, text);
		if (first != NULL)
			take_all = err_field(take_all, path, "%s is in spec.%s[%lld] already", text,
				list, (long long)json_integer_value(first));
		else
			json_object_set_new(seen, text, json_integer((json_int_t)i));
	}
	json_decref(seen);
	return take_all;
}

static struct err *check_list(struct err *take_all, const char *list, const json_t *items,
	const struct record_type *type)
{
	size_t i;
	const json_t *item;

	json_array_foreach(items, i, item) {
		cleanup(mem_freep) char *prefix = mem_printf("spec.%s[%zu].", list, i);
		take_all = check_mapping(take_all, prefix, type, item);
	}
	return take_all;
}

/* The values of a mapping under the names of the record's fields; null is as good as absent. */
static void take_words(json_t *want, const json_t *json, const struct desired_word *words)
{
	for (; words->word != NULL; words++) {
		json_t *value = json_object_get(json, words->word);
		if (value != NULL && !json_is_null(value))
			json_object_set(want, words->field, value);
	}
}

/* What is 0 is not said. Owned. */
static json_t *want_keep(const json_t *keep)
{
	json_t *own = json_object();

	for (const struct desired_word *w = desired_keep_words; w->word != NULL; w++) {
		json_t *n = json_object_get(keep, w->word);
		if (json_integer_value(n) > 0)
			json_object_set(own, w->word, n);
	}
	return own;
}

static json_t *want_backup(const json_t *json)
{
	json_t *backup = json_object();

	take_words(backup, json, desired_backup_words);
	if (json_object_get(backup, "keep") != NULL)
		json_object_set_new(backup, "keep", want_keep(json_object_get(json, "keep")));
	return backup;
}

static json_t *want_node(const json_t *json)
{
	json_t *node = json_object();
	const json_t *power = json_object_get(json, "power");
	json_t *wol = json_object_get(power, "wol");

	take_words(node, json, desired_node_words);
	take_words(node, power, desired_node_words);
	if (json_is_string(wol))
		json_object_set(node, "mac_address", wol);
	const char *role = json_string_value(json_object_get(node, "role"));
	if (role != NULL && strcmp(role, "voter") == 0)
		json_object_set_new(node, "role", json_string("control_plane"));
	json_t *labels = json_object_get(json, "labels");
	if (json_is_object(labels))
		json_object_set(node, "labels", labels);
	return node;
}

/* "upgrade" is "cluster.upgrade". Owned. */
static json_t *want_hooks(const json_t *hooks)
{
	json_t *own = json_object();
	const char *when, *word;
	json_t *types, *names;

	json_object_foreach((json_t *)(uintptr_t)hooks, when, types) {
		json_t *full = json_object();
		json_object_foreach(types, word, names) {
			cleanup(mem_freep) char *type =
				mem_printf("%s%s", strchr(word, '.') ? "" : HOOK_PREFIX, word);
			json_object_set(full, type, names);
		}
		if (json_object_size(full) > 0)
			json_object_set(own, when, full);
		json_decref(full);
	}
	return own;
}

static json_t *want_of(const json_t *doc, const json_t *addons)
{
	const json_t *spec = json_object_get(doc, "spec");
	json_t *want = json_object();
	json_t *nodes = json_array();
	size_t i;
	const json_t *item;

	take_words(want, json_object_get(doc, "metadata"), desired_cluster_words);
	take_words(want, spec, desired_cluster_words);
	take_words(want, json_object_get(spec, "power"), desired_cluster_words);
	if (json_object_get(want, "hooks") != NULL)
		json_object_set_new(want, "hooks", want_hooks(json_object_get(spec, "hooks")));
	if (json_object_get(json_object_get(spec, "cni"), "name") != NULL)
		json_object_set(want, "cni", json_object_get(json_object_get(spec, "cni"), "name"));
	if (json_is_object(json_object_get(spec, "backup")))
		json_object_set_new(want, "backup", want_backup(json_object_get(spec, "backup")));
	json_array_foreach(json_object_get(spec, "nodes"), i, item)
		json_array_append_new(nodes, want_node(item));
	json_object_set_new(want, "nodes", nodes);
	if (json_object_get(want, "addons") != NULL)
		json_object_set(want, "addons", (json_t *)(uintptr_t)addons);
	return want;
}

static struct err *check_overlap(struct err *take_all, const json_t *spec)
{
	const char *network = json_string_value(json_object_get(spec, "network_cidr"));
	const char *service = json_string_value(json_object_get(spec, "service_cidr"));

	if (take_all != NULL || network == NULL || service == NULL ||
		!cidr_overlap(network, service))
		return take_all;
	return err_field(NULL, "spec.service_cidr", "%s overlaps with the pod network %s", service,
		network);
}

static struct err *check_power(struct err *take_all, const json_t *nodes)
{
	size_t i;
	const json_t *node;

	json_array_foreach(nodes, i, node) {
		const json_t *power = json_object_get(node, "power");
		cleanup(mem_freep) char *prefix = mem_printf("spec.nodes[%zu].power.", i);
		if (!json_is_object(power))
			continue;
		take_all = check_mapping(take_all, prefix, &desired_node_power_type, power);
		if (json_is_string(json_object_get(power, "wol")) &&
			json_is_string(json_object_get(node, "mac")))
			take_all = yaml_join(take_all, prefix,
				err_field(NULL, "wol", "is another word for mac, which is given"));
	}
	return take_all;
}

/* What hooks name is looked up when the plan is made. */
static struct err *check_hooks(struct err *take_all, const json_t *hooks)
{
	struct err *e = take_all == NULL && json_is_object(hooks) ? cluster_check_hooks(hooks)
								  : NULL;

	if (e == NULL)
		return take_all;
	take_all = err_field(take_all, "spec.hooks", "%s", err_message(e));
	err_free(e);
	return take_all;
}

static struct err *check_sections(struct err *take_all, const json_t *spec)
{
	for (const struct desired_section *s = desired_sections; s->word != NULL; s++) {
		const json_t *json = json_object_get(spec, s->word);
		if (json_is_object(json))
			take_all = check_mapping(take_all, s->prefix, s->type, json);
	}
	return take_all;
}

/* The same document without short forms: "keep: 7" is "keep: {last: 7}". Owned. */
static json_t *long_form(const json_t *doc)
{
	json_t *own = json_deep_copy(doc);
	json_t *backup = json_object_get(json_object_get(own, "spec"), "backup");
	json_t *keep = json_object_get(backup, "keep");

	if (json_is_integer(keep))
		json_object_set_new(backup, "keep", json_pack("{s:O}", "last", keep));
	return own;
}

static struct err *read_long(const json_t *doc, json_t **ret_want)
{
	const json_t *spec = json_object_get(doc, "spec");
	const json_t *nodes = json_object_get(spec, "nodes");
	json_t *addons = json_array();
	size_t i;
	const json_t *item, *keep;

	if (!json_is_object(doc)) {
		json_decref(addons);
		return err_field(NULL, "", "must be a mapping: apiVersion, kind, metadata, spec");
	}
	json_array_foreach(json_object_get(spec, "addons"), i, item)
		json_array_append_new(addons, addon_object(item));
	struct err *all = check_mapping(NULL, "", &desired_file_type, doc);
	if (json_is_object(json_object_get(doc, "metadata")))
		all = check_mapping(all, "metadata.", &desired_metadata_type,
			json_object_get(doc, "metadata"));
	if (json_is_object(spec))
		all = check_mapping(all, "spec.", &desired_spec_type, spec);
	if (json_array_size(nodes) <= DESIRED_NODES_MAX) {
		all = check_list(all, "nodes", nodes, &desired_one_node_type);
		all = check_power(all, nodes);
		all = check_twice(all, "nodes", nodes, "name");
		all = check_twice(all, "nodes", nodes, "address");
	}
	if (json_array_size(addons) <= DESIRED_ADDONS_MAX) {
		all = check_list(all, "addons", addons, &desired_addon_type);
		all = check_twice(all, "addons", addons, "name");
	}
	all = check_sections(all, spec);
	keep = json_object_get(json_object_get(spec, "backup"), "keep");
	if (json_is_object(keep))
		all = check_mapping(all, "spec.backup.keep.", &desired_keep_type, keep);
	all = check_overlap(all, spec);
	all = check_hooks(all, json_object_get(spec, "hooks"));
	if (all == NULL)
		*ret_want = want_of(doc, addons);
	json_decref(addons);
	return all;
}

struct err *desired_read(const json_t *doc, json_t **ret_want)
{
	json_t *own = long_form(doc);
	struct err *e = read_long(own, ret_want);

	json_decref(own);
	return e;
}

/* ---- writing ---- */

static json_t *words_of(const json_t *want, const struct desired_word *words,
	const struct record_type *type)
{
	json_t *json = json_object();

	for (; words->word != NULL; words++) {
		json_t *value = json_object_get(want, words->field);
		if (value != NULL && record_field(type, words->word) != NULL)
			json_object_set(json, words->word, value);
	}
	return json;
}

/* The shortest form of an addon. */
static json_t *addon_words(const json_t *addon)
{
	json_t *args = json_object_get(addon, "args");
	json_t *json = json_pack("{s:O}", "name", json_object_get(addon, "name"));

	if (json_array_size(args) == 1)
		json_object_set(json, "args", json_array_get(args, 0));
	else if (json_array_size(args) > 1)
		json_object_set(json, "args", args);
	return json;
}

/* A mapping inside of another, unless there is nothing to say. */
static void put_section(json_t *json, const char *word, json_t *take_section)
{
	if (json_object_size(take_section) > 0)
		json_object_set(json, word, take_section);
	json_decref(take_section);
}

static json_t *node_words(const json_t *node)
{
	json_t *json = words_of(node, desired_node_words, &desired_one_node_type);
	json_t *labels = json_object_get(node, "labels");

	put_section(json, "power", words_of(node, desired_node_words, &desired_node_power_type));

	if (labels != NULL)
		json_object_set(json, "labels", labels);
	return json;
}

static json_t *backup_words(const json_t *backup)
{
	json_t *json = words_of(backup, desired_backup_words, &desired_backup_type);
	json_t *keep = json_object_get(json, "keep");
	json_t *last = json_object_get(keep, "last");

	if (last != NULL && json_object_size(keep) == 1)
		json_object_set(json, "keep", last);
	return json;
}

/* The hooks as a file says them. Owned. */
static json_t *hooks_words(const json_t *hooks)
{
	static const size_t n = sizeof(HOOK_PREFIX) - 1;
	json_t *json = json_object();
	const char *when, *type;
	json_t *types, *names;

	json_object_foreach((json_t *)(uintptr_t)hooks, when, types) {
		json_t *words = json_object();
		json_object_foreach(types, type, names)
			json_object_set(words, strncmp(type, HOOK_PREFIX, n) == 0 ? type + n : type,
				names);
		put_section(json, when, words);
	}
	return json;
}

json_t *desired_write(const json_t *want)
{
	json_t *spec = words_of(want, desired_cluster_words, &desired_spec_type);
	json_t *nodes = json_array();
	json_t *addons = json_array();
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(want, "nodes"), i, item)
		json_array_append_new(nodes, node_words(item));
	json_array_foreach(json_object_get(want, "addons"), i, item)
		json_array_append_new(addons, addon_words(item));
	json_object_del(spec, "addons");
	json_object_set_new(spec, "nodes", nodes);
	if (json_object_get(want, "cni") != NULL)
		json_object_set_new(spec, "cni",
			json_pack("{s:O}", "name", json_object_get(want, "cni")));
	json_object_del(spec, "hooks");
	put_section(spec, "hooks", hooks_words(json_object_get(want, "hooks")));
	put_section(spec, "power", words_of(want, desired_cluster_words, &desired_power_type));
	put_section(spec, "backup", backup_words(json_object_get(want, "backup")));
	if (json_object_get(want, "addons") != NULL)
		json_object_set(spec, "addons", addons);
	json_decref(addons);
	return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", DESIRED_VERSION, "kind",
		DESIRED_KIND, "metadata",
		words_of(want, desired_cluster_words, &desired_metadata_type), "spec", spec);
}
