/* Owns the form of cluster files: their keys, how they become fields of records, and the schema
 * that editors check them by. */
#include "model/desired.h"

#include <stdio.h>
#include <string.h>

#include "base/cron.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/zone.h"
#include "model/power.h"
#include "model/yaml.h"

#define ADDONS_MAX 64
#define ARGS_MAX 16
#define ARG_BYTES_MAX 255

/* A voter is a control plane: which of them vote is the datastore's own choice. */
static const char *const role_texts[] = {"control_plane", "worker", "voter", NULL};
static const struct enum_table role_table = {"desired_role", role_texts};

const struct desired_word desired_cluster_words[] = {
	{"name", "name"},
	{"description", "description"},
	{"channel", "channel"},
	{"ha", "ha_enabled"},
	{"network_cidr", "network_cidr"},
	{"service_cidr", "service_cidr"},
	{"addons", "addons"},
	{"feeds", "feeds"},
	{"policy", "feed_policy"},
	{"min_feeds", "min_feeds"},
	{NULL, NULL},
};
const struct desired_word desired_node_words[] = {
	{"name", "hostname"},
	{"address", "ip_address"},
	{"role", "role"},
	{"user", "ssh_user"},
	{"port", "ssh_port"},
	{"key_path", "ssh_key_path"},
	{"mac", "mac_address"},
	{"tags", "tags"},
	{"notes", "notes"},
	{NULL, NULL},
};
const struct desired_word desired_backup_words[] = {
	{"schedule", "cron"},
	{"timezone", "timezone"},
	{"window", "window"},
	{"keep", "keep_backups"},
	{NULL, NULL},
};

/* ---- tables ---- */

static struct err *check_version(const char *text)
{
	return strcmp(text, DESIRED_VERSION) == 0
		? NULL
		: err_new(ERR_INVALID, "must be %s: this mko knows no other", DESIRED_VERSION);
}

static struct err *check_kind(const char *text)
{
	return strcmp(text, DESIRED_KIND) == 0 ? NULL
					       : err_new(ERR_INVALID, "must be %s", DESIRED_KIND);
}

static struct err *check_refresh(const char *text)
{
	return strcmp(text, "hold") == 0
		? NULL
		: err_new(ERR_INVALID,
			  "must be hold: mko never lets snapd refresh a node by itself; a new channel is an upgrade, node by node");
}

static struct err *check_args(const json_t *value)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(value))
		return err_new(ERR_INVALID, "must be a text or a list of texts");
	json_array_foreach(value, i, item) {
		const char *text = json_string_value(item);
		if (text == NULL || strlen(text) > ARG_BYTES_MAX)
			return err_new(ERR_INVALID,
				"must be texts of at most %d bytes (quote numbers)", ARG_BYTES_MAX);
		TRY(check_line(text));
	}
	return NULL;
}

/* Only checked: what is kept is the JSON. */
struct file {
	int64_t id;
	char *version, *kind;
	json_t *metadata, *spec;
};
static const struct field file_fields[] = {
	{.name = "apiVersion",
		.kind = FIELD_TEXT,
		.offset = offsetof(struct file, version),
		.flags = FIELD_CREATE | FIELD_REQUIRED,
		.check = check_version,
		.help = "Version of this form: " DESIRED_VERSION "."},
	ROW_TEXT(struct file, kind, FIELD_CREATE | FIELD_REQUIRED, .check = check_kind,
		.help = "What the document describes: " DESIRED_KIND "."),
	ROW_JSON(struct file, metadata, FIELD_CREATE | FIELD_REQUIRED,
		.check_json = check_json_object, .help = "Name and description."),
	ROW_JSON(struct file, spec, FIELD_CREATE | FIELD_REQUIRED, .check_json = check_json_object,
		.help = "How the cluster shall be. What is not said is left as it is."),
};
struct metadata {
	int64_t id;
	char *name, *description;
};
static const struct field metadata_fields[] = {
	ROW_TEXT(struct metadata, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 63,
		.check = check_name, .help = "Name of the cluster."),
	ROW_TEXT(struct metadata, description, FIELD_CREATE, .max = 4096, .check = check_text,
		.help = "Free text."),
};
struct spec {
	int64_t id;
	char *channel;
	bool ha;
	char *network_cidr, *service_cidr;
	json_t *nodes, *addons, *refresh, *power, *backup;
};
static const struct field spec_fields[] = {
	ROW_TEXT(struct spec, channel, FIELD_CREATE, .min = 1, .max = 64, .check = check_channel,
		.help = "Snap channel, for example 1.32/stable. A running cluster goes up by one minor version at a time."),
	ROW_BOOL(struct spec, ha, FIELD_CREATE,
		.help = "Whether it shall survive the loss of a control plane (needs three)."),
	ROW_TEXT(struct spec, network_cidr, FIELD_CREATE, .max = 49, .check = check_cidr,
		.help = "Network of the pods; fixed once the cluster is set up."),
	ROW_TEXT(struct spec, service_cidr, FIELD_CREATE, .max = 49, .check = check_cidr,
		.help = "Network of the services; fixed once the cluster is set up."),
	ROW_JSON(struct spec, nodes, FIELD_CREATE | FIELD_REQUIRED, .min = 1,
		.max = DESIRED_NODES_MAX, .check_json = check_json_list,
		.help = "The machines. One that is left out stays in the cluster unless --prune is given."),
	ROW_JSON(struct spec, addons, FIELD_CREATE, .max = ADDONS_MAX,
		.check_json = check_json_list,
		.help = "Addons: names, NAME:ARGUMENT, or objects with name and args. Without the key they are left alone."),
	ROW_JSON(struct spec, refresh, FIELD_CREATE, .check_json = check_json_object,
		.help = "How the snap is refreshed."),
	ROW_JSON(struct spec, power, FIELD_CREATE, .check_json = check_json_object,
		.help = "The UPSes that feed the cluster."),
	ROW_JSON(struct spec, backup, FIELD_CREATE, .check_json = check_json_object,
		.help = "A schedule of backups, called backup-CLUSTER."),
};
struct refresh {
	int64_t id;
	char *policy;
};
static const struct field refresh_fields[] = {
	ROW_TEXT(struct refresh, policy, FIELD_CREATE | FIELD_REQUIRED, .check = check_refresh,
		.help = "hold: only mko refreshes, when the channel changes."),
};
struct power {
	int64_t id;
	json_t *feeds;
	int64_t policy, min_feeds;
};
static const struct field power_fields[] = {
	ROW_JSON(struct power, feeds, FIELD_CREATE | FIELD_REQUIRED, .max = 8,
		.check_json = check_json_tags, .help = "Names of UPSes (mko ups list)."),
	ROW_ENUM(struct power, policy, FIELD_CREATE, .choices = &power_policy_table,
		.help = "all: the feeds are redundant; any: each feeds a part."),
	ROW_I64(struct power, min_feeds, FIELD_CREATE, .min = 1, .max = 8,
		.help = "How many of redundant feeds it needs."),
};
struct backup {
	int64_t id;
	char *schedule, *timezone, *window;
	int64_t keep;
};
static const struct field backup_fields[] = {
	ROW_TEXT(struct backup, schedule, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 200,
		.check = cron_check,
		.help = "When: MINUTE HOUR DAY MONTH WEEKDAY, or @daily and the like."),
	ROW_TEXT(struct backup, timezone, FIELD_CREATE, .max = 64, .check = zone_check,
		.help = "Its time zone, for example Europe/Berlin; without it that of the server."),
	ROW_TEXT(struct backup, window, FIELD_CREATE, .max = 100, .check = cron_window_check,
		.help = "Maintenance window, [DAYS] HH:MM-HH:MM."),
	ROW_I64(struct backup, keep, FIELD_CREATE, .min = 0, .max = 10000,
		.help = "How many backups are kept; 0 keeps all."),
};
struct one_node {
	int64_t id;
	char *name, *address;
	int64_t role;
	char *user;
	int64_t port;
	char *key_path, *mac;
	json_t *tags, *labels;
	char *notes;
};
static const struct field node_fields[] = {
	ROW_TEXT(struct one_node, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 253,
		.check = check_hostname, .help = "Host name of the machine."),
	ROW_TEXT(struct one_node, address, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 45,
		.check = check_ip, .help = "Address, IPv4 or IPv6."),
	ROW_ENUM(struct one_node, role, FIELD_CREATE, .choices = &role_table,
		.help = "control_plane (voter is another word for it) or worker; without it mko decides."),
	ROW_TEXT(struct one_node, user, FIELD_CREATE, .min = 1, .max = 32, .check = check_user,
		.help = "Login name for SSH."),
	ROW_I64(struct one_node, port, FIELD_CREATE, .min = 1, .max = 65535,
		.help = "TCP port of the SSH server."),
	ROW_TEXT(struct one_node, key_path, FIELD_CREATE, .min = 1, .max = 500,
		.check = check_key_path, .help = "File of the private SSH key, on the server."),
	ROW_TEXT(struct one_node, mac, FIELD_CREATE, .min = 1, .max = 17, .check = check_mac,
		.help = "MAC address for Wake-on-LAN."),
	ROW_JSON(struct one_node, tags, FIELD_CREATE, .max = 64, .check_json = check_json_tags,
		.help = "Words to find the node by."),
	ROW_JSON(struct one_node, labels, FIELD_CREATE, .check_json = check_json_labels,
		.help = "Labels in Kubernetes; null takes one away. Those that are not named stay."),
	ROW_TEXT(struct one_node, notes, FIELD_CREATE, .max = 4096, .check = check_text,
		.help = "Free text."),
};
struct addon {
	int64_t id;
	char *name;
	json_t *args;
};
static const struct field addon_fields[] = {
	ROW_TEXT(struct addon, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 128,
		.check = check_addon, .help = "Name, or REPOSITORY/NAME."),
	ROW_JSON(struct addon, args, FIELD_CREATE, .max = ARGS_MAX, .check_json = check_args,
		.help = "What it is enabled with: a text or a list of texts."),
};

#define TYPE(id, text, strct)                                                                      \
	static const struct record_type id##_type = {                                              \
		.name = (text),                                                                    \
		.table = (text),                                                                   \
		.size = sizeof(strct),                                                             \
		.fields = id##_fields,                                                             \
		.n_fields = ARRAY_LEN(id##_fields),                                                \
	}
TYPE(file, "document", struct file);
TYPE(metadata, "metadata", struct metadata);
TYPE(spec, "spec", struct spec);
TYPE(node, "node", struct one_node);
TYPE(addon, "addon", struct addon);
TYPE(refresh, "refresh", struct refresh);
TYPE(power, "power", struct power);
TYPE(backup, "backup", struct backup);

/* Mappings inside of spec. */
static const struct section {
	const char *word, *prefix;
	const struct record_type *type;
} sections[] = {
	{"refresh", "spec.refresh.", &refresh_type},
	{"power", "spec.power.", &power_type},
	{"backup", "spec.backup.", &backup_type},
};

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

static json_t *want_node(const json_t *json)
{
	json_t *node = json_object();

	take_words(node, json, desired_node_words);
	const char *role = json_string_value(json_object_get(node, "role"));
	if (role != NULL && strcmp(role, "voter") == 0)
		json_object_set_new(node, "role", json_string("control_plane"));
	json_t *labels = json_object_get(json, "labels");
	if (json_is_object(labels))
		json_object_set(node, "labels", labels);
	return node;
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
	if (json_is_object(json_object_get(spec, "backup"))) {
		json_t *backup = json_object();
		take_words(backup, json_object_get(spec, "backup"), desired_backup_words);
		json_object_set_new(want, "backup", backup);
	}
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

static struct err *check_sections(struct err *take_all, const json_t *spec)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const json_t *json = json_object_get(spec, sections[i].word);
		if (json_is_object(json))
			take_all =
				check_mapping(take_all, sections[i].prefix, sections[i].type, json);
	}
	return take_all;
}

struct err *desired_read(const json_t *doc, json_t **ret_want)
{
	const json_t *spec = json_object_get(doc, "spec");
	const json_t *nodes = json_object_get(spec, "nodes");
	json_t *addons = json_array();
	size_t i;
	const json_t *item;

	if (!json_is_object(doc)) {
		json_decref(addons);
		return err_field(NULL, "", "must be a mapping: apiVersion, kind, metadata, spec");
	}
	json_array_foreach(json_object_get(spec, "addons"), i, item)
		json_array_append_new(addons, addon_object(item));
	struct err *all = check_mapping(NULL, "", &file_type, doc);
	if (json_is_object(json_object_get(doc, "metadata")))
		all = check_mapping(all, "metadata.", &metadata_type,
			json_object_get(doc, "metadata"));
	if (json_is_object(spec))
		all = check_mapping(all, "spec.", &spec_type, spec);
	if (json_array_size(nodes) <= DESIRED_NODES_MAX) {
		all = check_list(all, "nodes", nodes, &node_type);
		all = check_twice(all, "nodes", nodes, "name");
		all = check_twice(all, "nodes", nodes, "address");
	}
	if (json_array_size(addons) <= ADDONS_MAX) {
		all = check_list(all, "addons", addons, &addon_type);
		all = check_twice(all, "addons", addons, "name");
	}
	all = check_sections(all, spec);
	all = check_overlap(all, spec);
	if (all == NULL)
		*ret_want = want_of(doc, addons);
	json_decref(addons);
	return all;
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

static json_t *node_words(const json_t *node)
{
	json_t *json = words_of(node, desired_node_words, &node_type);
	json_t *labels = json_object_get(node, "labels");

	if (labels != NULL)
		json_object_set(json, "labels", labels);
	return json;
}

/* A mapping inside of spec, unless there is nothing to say. */
static void put_section(json_t *spec, const char *word, json_t *take_json)
{
	if (json_object_size(take_json) > 0)
		json_object_set(spec, word, take_json);
	json_decref(take_json);
}

json_t *desired_write(const json_t *want)
{
	json_t *spec = words_of(want, desired_cluster_words, &spec_type);
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
	put_section(spec, "power", words_of(want, desired_cluster_words, &power_type));
	put_section(spec, "backup",
		words_of(json_object_get(want, "backup"), desired_backup_words, &backup_type));
	if (json_object_get(want, "addons") != NULL)
		json_object_set(spec, "addons", addons);
	json_decref(addons);
	return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", DESIRED_VERSION, "kind",
		DESIRED_KIND, "metadata", words_of(want, desired_cluster_words, &metadata_type),
		"spec", spec);
}

/* ---- schema ---- */

static json_t *schema_of(const struct record_type *type)
{
	return record_schema(type, RECORD_CREATE, false);
}

/* Put more into the schema of a property. @take_value owned */
static void refine(json_t *schema, const char *property, const char *key, json_t *take_value)
{
	json_object_set_new(json_object_get(json_object_get(schema, "properties"), property), key,
		take_value);
}

/* A mapping or a list of mappings in place of the plain property; its help stays. */
static void nest(json_t *schema, const char *property, json_t *take_inner)
{
	json_t *properties = json_object_get(schema, "properties");
	json_t *help = json_object_get(json_object_get(properties, property), "description");

	json_object_set(take_inner, "description", help);
	json_object_set_new(properties, property, take_inner);
}

json_t *desired_schema(void)
{
	json_t *schema = schema_of(&file_type);
	json_t *spec = schema_of(&spec_type);
	json_t *addon = schema_of(&addon_type);

	refine(schema, "apiVersion", "const", json_string(DESIRED_VERSION));
	refine(schema, "kind", "const", json_string(DESIRED_KIND));
	refine(addon, "args", "type", json_pack("[s, s, s]", "string", "array", "null"));
	refine(addon, "args", "items",
		json_pack("{s:s, s:i}", "type", "string", "maxLength", ARG_BYTES_MAX));
	refine(spec, "nodes", "items", schema_of(&node_type));
	refine(spec, "addons", "items",
		json_pack("{s:[{s:s}, o]}", "anyOf", "type", "string", addon));
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		nest(spec, sections[i].word, schema_of(sections[i].type));
	nest(schema, "metadata", schema_of(&metadata_type));
	nest(schema, "spec", spec);
	json_object_set_new(schema, "$schema",
		json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(schema, "title", json_string("Cluster file of mko"));
	return schema;
}
