/* The table of clusters. */
#include "model/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HOOKS_MAX 64
#define HOOK_BYTES_MAX 64

static const char *const cluster_status_texts[] = {
	[CLUSTER_INITIALIZING] = "initializing",
	[CLUSTER_ACTIVE] = "active",
	[CLUSTER_DEGRADED] = "degraded",
	[CLUSTER_OFFLINE] = "offline",
	[CLUSTER_ERROR] = "error",
	[CLUSTER_PAUSED] = "paused",
	[CLUSTER_PAUSED + 1] = NULL,
};
const struct enum_table cluster_status_table = {"cluster_status", cluster_status_texts};

int64_t cluster_minor(const char *text)
{
	char *end = NULL;

	if (text == NULL)
		return -1;
	text += text[0] == 'v';
	if (strncmp(text, "1.", 2) != 0 || text[2] < '0' || text[2] > '9')
		return -1;
	long n = strtol(text + 2, &end, 10);
	bool whole = *end == '\0' || *end == '/' || *end == '.' || *end == '-';
	return whole && n >= 0 && n < 1000 ? n : -1;
}

static struct err *check_addon_args(const json_t *args)
{
	size_t i;
	const json_t *arg;

	if (args != NULL && !json_is_array(args))
		return err_new(ERR_INVALID, "args must be an array of texts");
	json_array_foreach(args, i, arg) {
		const char *text = json_string_value(arg);
		if (text == NULL || strlen(text) > 512)
			return err_new(ERR_INVALID, "args must be texts of at most 512 bytes");
		TRY_WRAP(check_line(text), "args");
	}
	return NULL;
}

/* One addon: "dns", or {"name":"dns","args":["10.0.0.2"]}. */
static struct err *check_addon_json(const json_t *addon)
{
	size_t known = 1;

	if (json_is_string(addon))
		return check_addon(json_string_value(addon));
	const char *name = json_string_value(json_object_get(addon, "name"));
	if (name == NULL)
		return err_new(ERR_INVALID, "must be a name or {\"name\": ..., \"args\": [...]}");
	known += json_object_get(addon, "args") != NULL;
	if (json_object_size(addon) != known)
		return err_new(ERR_INVALID, "has only name and args");
	TRY(check_addon(name));
	return check_addon_args(json_object_get(addon, "args"));
}

static struct err *check_addons(const json_t *value)
{
	size_t i;
	const json_t *addon;

	json_array_foreach(value, i, addon)
		TRY_WRAP(check_addon_json(addon), "element %zu", i);
	return NULL;
}

struct err *cluster_check_labels(const json_t *labels)
{
	const char *key;
	json_t *value;

	TRY(check_json_labels(labels));
	json_object_foreach((json_t *)(uintptr_t)labels, key, value)
		if (json_is_null(value))
			return err_new(ERR_INVALID, "%s: must be a text", key);
	return NULL;
}

/* ["trim", "smoke"] */
static struct err *check_hook_names(const json_t *names)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(names) || json_array_size(names) > HOOKS_MAX)
		return err_new(ERR_INVALID, "must be a list of at most %d playbooks", HOOKS_MAX);
	json_array_foreach(names, i, item) {
		const char *name = json_string_value(item);
		if (name == NULL || strlen(name) > HOOK_BYTES_MAX)
			return err_new(ERR_INVALID, "must be names of playbooks");
		TRY(check_name(name));
	}
	return NULL;
}

struct err *cluster_check_hooks(const json_t *hooks)
{
	const char *when, *type;
	json_t *types, *names;

	if (!json_is_object(hooks))
		return err_new(ERR_INVALID, "must be an object with before and after");
	json_object_foreach((json_t *)(uintptr_t)hooks, when, types) {
		if (strcmp(when, "before") != 0 && strcmp(when, "after") != 0)
			return err_new(ERR_INVALID, "%s: there is only before and after", when);
		if (!json_is_object(types) || json_object_size(types) > HOOKS_MAX)
			return err_new(ERR_INVALID,
				"%s: must be an object of at most %d operation types", when,
				HOOKS_MAX);
		json_object_foreach(types, type, names)
			TRY_WRAP(check_hook_names(names), "%s: %s", when, type);
	}
	return NULL;
}

static const struct field fields[] = {
	ROW_I64(struct cluster, id, FIELD_FIND, .help = "Number of the cluster, never reused."),
	ROW_TEXT(struct cluster, name,
		FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE, .min = 1,
		.max = 63, .check = check_name, .help = "Name."),
	ROW_TEXT(struct cluster, description, FIELD_EDIT | FIELD_SEARCH, .max = 4096,
		.check = check_text, .help = "Free text."),
	ROW_BOOL(struct cluster, ha_enabled, FIELD_EDIT | FIELD_FIND, .def = "false",
		.help = "Whether it shall survive the loss of a control plane (needs three)."),
	ROW_TEXT(struct cluster, channel, FIELD_EDIT | FIELD_FIND, .max = 64,
		.check = check_channel,
		.help = "Snap channel of its nodes; without it the configured one."),
	ROW_JSON(struct cluster, addons, FIELD_EDIT, .max = 64, .check_json = check_addons,
		.def = "[]", .help = "Addons to enable: names, or objects with name and args."),
	ROW_TEXT(struct cluster, network_cidr, FIELD_EDIT | FIELD_FILTER, .max = 49,
		.check = check_cidr, .def = "10.1.0.0/16", .help = "Network of the pods."),
	ROW_TEXT(struct cluster, service_cidr, FIELD_EDIT | FIELD_FILTER, .max = 49,
		.check = check_cidr, .def = "10.152.183.0/24", .help = "Network of the services."),
	ROW_JSON(struct cluster, feeds, FIELD_EDIT, .max = 8, .check_json = check_json_list,
		.def = "[]",
		.help = "UPSes that feed it: numbers; names are taken too. Without: each rule looks at its own UPS."),
	ROW_ENUM(struct cluster, feed_policy, FIELD_EDIT, .choices = &power_policy_table,
		.def = "all",
		.help = "all: the feeds are redundant, a rule acts when too few are left; any: each feeds a part, a rule looks at its own UPS."),
	ROW_I64(struct cluster, min_feeds, FIELD_EDIT, .min = 1, .max = 8, .def = "1",
		.help = "How many of redundant feeds it needs."),
	ROW_ENUM(struct cluster, status, FIELD_FIND, .choices = &cluster_status_table,
		.def = "initializing", .help = "State of the cluster."),
	ROW_TEXT(struct cluster, status_reason, 0, .help = "Why the status is what it is."),
	ROW_I64(struct cluster, health_score, FIELD_FIND, .min = 0, .max = 100,
		.help = "Health from 0 to 100."),
	ROW_I64(struct cluster, quorum_margin, FIELD_FIND,
		.help = "Voters that may be lost before the cluster stops."),
	ROW_BOOL(struct cluster, ha_active, FIELD_FIND, .def = "false",
		.help = "Whether MicroK8s reports high availability."),
	ROW_TIME(struct cluster, scanned_at, FIELD_FIND, .help = "When it was last scanned."),
	ROW_TIME(struct cluster, created_at, FIELD_FIND, .help = "When it was added."),
	ROW_TIME(struct cluster, updated_at, FIELD_FIND, .help = "When its row last changed."),
	ROW_JSON(struct cluster, labels, FIELD_EDIT | FIELD_SEARCH,
		.check_json = cluster_check_labels, .def = "{}",
		.help = "Words to find it by, as key and value: {\"site\": \"attic\"}."),
	ROW_JSON(struct cluster, hooks, FIELD_EDIT, .check_json = cluster_check_hooks, .def = "{}",
		.help = "Custom playbooks that run before and after its operations: {\"before\": {\"cluster.upgrade\": [\"trim\"]}}."),
	ROW_JSON(struct cluster, depends_on, FIELD_EDIT, .max = 8, .check_json = check_json_list,
		.def = "[]",
		.help = "Clusters that it needs, such as one with its storage: rules of power take it down before them, and bring it up after them. Numbers; names are taken too."),
	ROW_BOOL(struct cluster, power_maintenance, FIELD_EDIT, .def = "false",
		.help = "Whether rules of power leave it alone."),
	ROW_JSON(struct cluster, upgrade, 0,
		.help = "The last upgrade: where it led, how far it came, what is left to do."),
	ROW_JSON(struct cluster, scan, FIELD_HIDDEN, .help = "Result of the last scan."),
	ROW_JSON(struct cluster, desired, FIELD_HIDDEN,
		.help = "The file that was applied last, and by which operation."),
	ROW_JSON(struct cluster, saved, FIELD_HIDDEN,
		.help = "What it needs to come back as it was before a shutdown, a pause or a suspension."),
	ROW_TEXT(struct cluster, kubeconfig, FIELD_HIDDEN,
		.help = "Sealed kubeconfig of the administrator."),
};

const struct record_type cluster_type = {
	.name = "cluster",
	.table = "clusters",
	.size = sizeof(struct cluster),
	.key = "name",
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
	.scope = "id",
};
