/* Owns the keys of cluster files: what each means and how it is checked, and the schema that
 * editors check them by. */
#include <string.h>

#include "base/cron.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/zone.h"
#include "model/cluster.h"
#include "model/desired_int.h"
#include "model/node.h"
#include "model/power.h"

#define ARGS_MAX 16
#define ARG_BYTES_MAX 255
#define KEEP_MAX 10000
#define KEEP_PERIODS_MAX 1000

/* A voter is a control plane: which of them vote is the datastore's own choice. */
static const char *const role_texts[] = {"control_plane", "worker", "voter", NULL};
static const struct enum_table role_table = {"desired_role", role_texts};

const struct desired_word desired_cluster_words[] = {
	{"name", "name"},
	{"description", "description"},
	{"labels", "labels"},
	{"channel", "channel"},
	{"ha", "ha_enabled"},
	{"network_cidr", "network_cidr"},
	{"service_cidr", "service_cidr"},
	{"addons", "addons"},
	{"hooks", "hooks"},
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
	{"tier", "power_tier"},
	{"tags", "tags"},
	{"notes", "notes"},
	{NULL, NULL},
};
const struct desired_word desired_backup_words[] = {
	{"schedule", "cron"},
	{"timezone", "timezone"},
	{"window", "window"},
	{"keep", "keep"},
	{NULL, NULL},
};
const struct desired_word desired_keep_words[] = {
	{"last", "keep_backups"},
	{"daily", "keep_daily"},
	{"weekly", "keep_weekly"},
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

static struct err *check_cni(const char *text)
{
	return strcmp(text, "calico") == 0
		? NULL
		: err_new(ERR_INVALID,
			  "must be calico, with which MicroK8s comes; another one is an addon that takes its place: name it under addons");
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
	json_t *labels;
};
static const struct field metadata_fields[] = {
	ROW_TEXT(struct metadata, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 63,
		.check = check_name, .help = "Name of the cluster."),
	ROW_TEXT(struct metadata, description, FIELD_CREATE, .max = 4096, .check = check_text,
		.help = "Free text."),
	ROW_JSON(struct metadata, labels, FIELD_CREATE, .check_json = cluster_check_labels,
		.help = "Words to find the cluster by, as key and value; all of them."),
};
struct spec {
	int64_t id;
	char *channel;
	bool ha;
	char *network_cidr, *service_cidr;
	json_t *nodes, *addons, *cni, *refresh, *power, *backup, *hooks;
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
	ROW_JSON(struct spec, addons, FIELD_CREATE, .max = DESIRED_ADDONS_MAX,
		.check_json = check_json_list,
		.help = "Addons: names, NAME:ARGUMENT, or objects with name and args. Without the key they are left alone."),
	ROW_JSON(struct spec, cni, FIELD_CREATE, .check_json = check_json_object,
		.help = "The network of the pods."),
	ROW_JSON(struct spec, refresh, FIELD_CREATE, .check_json = check_json_object,
		.help = "How the snap is refreshed."),
	ROW_JSON(struct spec, power, FIELD_CREATE, .check_json = check_json_object,
		.help = "The UPSes that feed the cluster."),
	ROW_JSON(struct spec, backup, FIELD_CREATE, .check_json = check_json_object,
		.help = "A schedule of backups, called backup-CLUSTER."),
	ROW_JSON(struct spec, hooks, FIELD_CREATE, .check_json = check_json_object,
		.help = "Custom playbooks around operations; all of them."),
};
struct cni {
	int64_t id;
	char *name;
};
static const struct field cni_fields[] = {
	ROW_TEXT(struct cni, name, FIELD_CREATE | FIELD_REQUIRED, .check = check_cni,
		.help = "calico, with which MicroK8s comes."),
};
struct hooks {
	int64_t id;
	json_t *before, *after;
};
static const struct field hooks_fields[] = {
	ROW_JSON(struct hooks, before, FIELD_CREATE, .check_json = check_json_object,
		.help = "Playbooks to run before an operation: {upgrade: [trim]}. When one fails, the operation is not done."),
	ROW_JSON(struct hooks, after, FIELD_CREATE, .check_json = check_json_object,
		.help = "Playbooks to run after an operation that succeeded."),
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
	json_t *keep;
};
static const struct field backup_fields[] = {
	ROW_TEXT(struct backup, schedule, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 200,
		.check = cron_check,
		.help = "When: MINUTE HOUR DAY MONTH WEEKDAY, or @daily and the like."),
	ROW_TEXT(struct backup, timezone, FIELD_CREATE, .max = 64, .check = zone_check,
		.help = "Its time zone, for example Europe/Berlin; without it that of the server."),
	ROW_TEXT(struct backup, window, FIELD_CREATE, .max = 100, .check = cron_window_check,
		.help = "Maintenance window, [DAYS] HH:MM-HH:MM."),
	ROW_JSON(struct backup, keep, FIELD_CREATE, .check_json = check_json_object,
		.help = "Which backups are kept: so many of the newest, or a mapping. 0 and {} keep all."),
};
struct keep {
	int64_t id, last, daily, weekly;
};
static const struct field keep_fields[] = {
	ROW_I64(struct keep, last, FIELD_CREATE, .min = 0, .max = KEEP_MAX,
		.help = "So many of the newest."),
	ROW_I64(struct keep, daily, FIELD_CREATE, .min = 0, .max = KEEP_PERIODS_MAX,
		.help = "The newest of each of so many days that have one."),
	ROW_I64(struct keep, weekly, FIELD_CREATE, .min = 0, .max = KEEP_PERIODS_MAX,
		.help = "The newest of each of so many weeks that have one."),
};
struct one_node {
	int64_t id;
	char *name, *address;
	int64_t role;
	char *user;
	int64_t port;
	char *key_path, *mac;
	json_t *power, *tags, *labels;
	char *notes;
};
static const struct field one_node_fields[] = {
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
	ROW_JSON(struct one_node, power, FIELD_CREATE, .check_json = check_json_object,
		.help = "How it goes down and comes back."),
	ROW_JSON(struct one_node, tags, FIELD_CREATE, .max = 64, .check_json = check_json_tags,
		.help = "Words to find the node by."),
	ROW_JSON(struct one_node, labels, FIELD_CREATE, .check_json = check_json_labels,
		.help = "Labels in Kubernetes; null takes one away. Those that are not named stay."),
	ROW_TEXT(struct one_node, notes, FIELD_CREATE, .max = 4096, .check = check_text,
		.help = "Free text."),
};
struct node_power {
	int64_t id, tier;
	char *wol;
};
static const struct field node_power_fields[] = {
	ROW_I64(struct node_power, tier, FIELD_CREATE, .min = 0, .max = NODE_POWER_TIER_MAX,
		.help = "Nodes of higher tiers go down first and come back last."),
	ROW_TEXT(struct node_power, wol, FIELD_CREATE, .min = 1, .max = 17, .check = check_mac,
		.help = "Another word for mac: MAC address for Wake-on-LAN."),
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
	const struct record_type desired_##id##_type = {                                           \
		.name = (text),                                                                    \
		.table = (text),                                                                   \
		.size = sizeof(strct),                                                             \
		.fields = id##_fields,                                                             \
		.n_fields = ARRAY_LEN(id##_fields),                                                \
	}
TYPE(file, "document", struct file);
TYPE(metadata, "metadata", struct metadata);
TYPE(spec, "spec", struct spec);
TYPE(one_node, "node", struct one_node);
TYPE(addon, "addon", struct addon);
TYPE(node_power, "power of a node", struct node_power);
TYPE(cni, "cni", struct cni);
TYPE(hooks, "hooks", struct hooks);
TYPE(refresh, "refresh", struct refresh);
TYPE(power, "power", struct power);
TYPE(backup, "backup", struct backup);
TYPE(keep, "keep", struct keep);

/* Mappings inside of spec. */
const struct desired_section desired_sections[] = {
	{"cni", "spec.cni.", &desired_cni_type},
	{"hooks", "spec.hooks.", &desired_hooks_type},
	{"refresh", "spec.refresh.", &desired_refresh_type},
	{"power", "spec.power.", &desired_power_type},
	{"backup", "spec.backup.", &desired_backup_type},
	{NULL, NULL, NULL},
};

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
	json_t *schema = schema_of(&desired_file_type);
	json_t *spec = schema_of(&desired_spec_type);
	json_t *addon = schema_of(&desired_addon_type);
	json_t *backup = schema_of(&desired_backup_type);
	json_t *node = schema_of(&desired_one_node_type);

	refine(schema, "apiVersion", "const", json_string(DESIRED_VERSION));
	refine(schema, "kind", "const", json_string(DESIRED_KIND));
	refine(addon, "args", "type", json_pack("[s, s, s]", "string", "array", "null"));
	refine(addon, "args", "items",
		json_pack("{s:s, s:i}", "type", "string", "maxLength", ARG_BYTES_MAX));
	refine(spec, "nodes", "items", node);
	refine(spec, "addons", "items",
		json_pack("{s:[{s:s}, o]}", "anyOf", "type", "string", addon));
	nest(backup, "keep",
		json_pack("{s:[{s:s, s:i, s:i}, o]}", "anyOf", "type", "integer", "minimum", 0,
			"maximum", KEEP_MAX, schema_of(&desired_keep_type)));
	nest(node, "power", schema_of(&desired_node_power_type));
	for (const struct desired_section *s = desired_sections; s->word != NULL; s++)
		nest(spec, s->word, s->type == &desired_backup_type ? backup : schema_of(s->type));
	nest(schema, "metadata", schema_of(&desired_metadata_type));
	nest(schema, "spec", spec);
	json_object_set_new(schema, "$schema",
		json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(schema, "title", json_string("Cluster file of mko"));
	return schema;
}
