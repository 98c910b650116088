/* Owns the way between a cluster file and what is stored: reading the state that plans compare,
 * exporting it, and the changes of the inventory that a plan asks for. */
#include "service/desired.h"

#include <string.h>

#include "base/mem.h"
#include "model/desired.h"
#include "model/yaml.h"
#include "service/cluster.h"
#include "service/desired_int.h"
#include "service/node.h"

/* ---- how a running cluster is read ---- */

bool desired_scanned(const struct cluster *c, const char *hostname)
{
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(c->scan, "nodes"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		if (name != NULL && strcmp(name, hostname) == 0)
			return true;
	}
	return false;
}

const char *desired_channel_of(const struct desired_state *now)
{
	const struct cluster *c = now->cluster;

	if (c->channel != NULL)
		return c->channel;
	for (size_t i = 0; i < now->n_nodes; i++)
		if (now->nodes[i].cluster_id == c->id && now->nodes[i].channel != NULL &&
			desired_scanned(c, now->nodes[i].hostname))
			return now->nodes[i].channel;
	return now->channel;
}

/* "core/dns" is "dns" of the repository core. */
static const char *plain_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash != NULL ? slash + 1 : name;
}

static const char *addon_name(const json_t *addon)
{
	return json_string_value(json_is_object(addon) ? json_object_get(addon, "name") : addon);
}

const json_t *desired_addon_find(const json_t *addons, const char *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach(addons, i, item) {
		const char *other = addon_name(item);
		if (other != NULL && strcmp(plain_name(other), plain_name(name)) == 0)
			return item;
	}
	return NULL;
}

bool desired_addon_on(const struct cluster *c, const char *name)
{
	const json_t *seen = json_object_get(c->scan, "addons");
	const json_t *addon = desired_addon_find(seen, name);
	const char *status = json_string_value(json_object_get(addon, "status"));

	if (!json_is_array(seen))
		return desired_addon_find(c->addons, name) != NULL;
	return status != NULL && strcmp(status, "enabled") == 0;
}

/* Part of MicroK8s itself, or another word for an addon: nobody asks for them. */
static bool always_on(const char *name)
{
	static const char *const names[] = {"ha-cluster", "helm", "helm3", "storage"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

json_t *desired_addons_of(const struct cluster *c)
{
	json_t *list = json_array();
	size_t i;
	json_t *item;

	json_array_foreach(c->addons, i, item)
		if (addon_name(item) != NULL && desired_addon_on(c, addon_name(item)))
			json_array_append(list, item);
	json_array_foreach(json_object_get(c->scan, "addons"), i, item) {
		const char *name = addon_name(item);
		if (name == NULL || always_on(name) || !desired_addon_on(c, name) ||
			desired_addon_find(list, name) != NULL)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:[]}", "name", name, "args"));
	}
	return list;
}

/* ---- export ---- */

static json_t *words_of_record(const json_t *record, const struct desired_word *words)
{
	json_t *json = json_object();

	for (; words->word != NULL; words++) {
		json_t *value = json_object_get(record, words->field);
		bool empty = value == NULL || json_is_null(value) ||
			(json_is_array(value) && json_array_size(value) == 0);
		if (!empty)
			json_object_set(json, words->field, value);
	}
	return json;
}

static json_t *node_of(const struct node *n)
{
	json_t *record = record_to_json(&node_type, n);
	json_t *json = words_of_record(record, desired_node_words);

	json_decref(record);
	if (n->role == NODE_ROLE_NONE)
		json_object_del(json, "role");
	return json;
}

json_t *desired_of(const struct desired_state *now)
{
	const struct cluster *c = now->cluster;
	json_t *record = record_to_json(&cluster_type, c);
	json_t *want = words_of_record(record, desired_cluster_words);
	json_t *nodes = json_array();
	bool running = c->scanned_at != I64_NONE;

	json_decref(record);
	for (size_t i = 0; i < now->n_nodes; i++)
		if (now->nodes[i].cluster_id == c->id &&
			(!running || desired_scanned(c, now->nodes[i].hostname)))
			json_array_append_new(nodes, node_of(&now->nodes[i]));
	json_object_set_new(want, "nodes", nodes);
	if (running)
		json_object_set_new(want, "addons", desired_addons_of(c));
	if (running)
		json_object_set_new(want, "channel", json_string(desired_channel_of(now)));
	return want;
}

/* ---- the store ---- */

static struct err *open_state(struct service *svc, const struct cluster *c,
	struct store_rows *ret_nodes, struct desired_state *ret)
{
	TRY(store_list(svc->store, &node_type, NULL, ret_nodes));
	*ret = (struct desired_state){
		.cluster = c,
		.nodes = ret_nodes->n > 0 ? store_row(ret_nodes, 0) : NULL,
		.n_nodes = ret_nodes->n,
		.channel = svc->config->microk8s_channel,
	};
	return NULL;
}

static struct err *plan_for(struct service *svc, const struct cluster *c, const json_t *want,
	const struct desired_options *options, json_t **ret_plan)
{
	struct store_rows rows = {0};
	struct desired_state now;

	TRY(open_state(svc, c, &rows, &now));
	struct err *e = desired_plan(&now, want, options, ret_plan);
	store_rows_done(&rows);
	return e;
}

/* @ret_found false: there is none with this name */
static struct err *find(struct service *svc, const json_t *want, struct cluster *ret,
	bool *ret_found)
{
	struct err *e = cluster_find(svc, json_string_value(json_object_get(want, "name")), ret);

	*ret_found = e == NULL;
	if (e != NULL && err_code(e) == ERR_NOT_FOUND && svc->scope == NULL) {
		err_ignore(e); /* it will be made */
		return NULL;
	}
	return e;
}

struct err *desired_plan_doc(struct service *svc, const json_t *doc,
	const struct desired_options *options, json_t **ret_plan)
{
	struct cluster c;
	json_t *want = NULL;
	bool found = false;

	TRY(desired_read(doc, &want));
	struct err *e = find(svc, want, &c, &found);
	if (e == NULL)
		e = plan_for(svc, found ? &c : NULL, want, options, ret_plan);
	if (found)
		record_done(&cluster_type, &c);
	json_decref(want);
	return e;
}

struct err *desired_export(struct service *svc, const struct cluster *c, json_t **ret_doc)
{
	struct store_rows rows = {0};
	struct desired_state now;

	TRY(open_state(svc, c, &rows, &now));
	json_t *want = desired_of(&now);
	store_rows_done(&rows);
	*ret_doc = desired_write(want);
	json_decref(want);
	return NULL;
}

/* ---- changes ---- */

struct err *desired_cluster(struct service *svc, const struct actor *who, const json_t *doc,
	struct cluster *ret_cluster)
{
	json_t *want = NULL;
	bool found = false;

	TRY(desired_read(doc, &want));
	struct err *e = find(svc, want, ret_cluster, &found);
	if (e == NULL && !found) {
		json_object_del(want, "nodes");
		e = cluster_create(svc, who, want, ret_cluster);
		if (e != NULL && err_field_count(e) > 0)
			e = yaml_join(NULL, "spec.", e);
	}
	json_decref(want);
	return e;
}

struct err *desired_record(struct service *svc, const struct actor *who, const json_t *step)
{
	const char *record = json_string_value(json_object_get(step, "record"));
	const char *target = json_string_value(json_object_get(step, "target"));
	const json_t *body = json_object_get(step, "body");
	struct cluster c;
	struct node n;

	if (record != NULL && strcmp(record, "cluster.update") == 0) {
		TRY(cluster_edit(svc, who, target, body, &c));
		record_done(&cluster_type, &c);
		return NULL;
	}
	must(record != NULL);
	if (strcmp(record, "node.create") == 0)
		TRY(node_create(svc, who, body, &n));
	else
		TRY(node_edit(svc, who, target, body, &n));
	record_done(&node_type, &n);
	return NULL;
}

/* ---- drift ---- */

struct err *desired_drift(struct service *svc, const struct cluster *c, json_t **ret_drift)
{
	static const struct desired_options none = {.prune = false};
	json_t *plan = NULL;

	*ret_drift = NULL;
	if (c->desired == NULL)
		return NULL;
	json_t *want = NULL;
	struct err *e = desired_read(json_object_get(c->desired, "doc"), &want);
	if (e == NULL)
		e = plan_for(svc, c, want, &none, &plan);
	json_decref(want);
	if (e != NULL && err_code(e) != ERR_PRECONDITION && err_code(e) != ERR_INVALID)
		return e;
	json_t *drift = json_deep_copy(c->desired);
	json_object_del(drift, "doc");
	json_t *changes = json_object_get(plan, "changes");
	json_t *notes = json_object_get(plan, "notes");
	json_object_set_new(drift, "changes",
		changes != NULL ? json_incref(changes) : json_array());
	json_object_set_new(drift, "notes", notes != NULL ? json_incref(notes) : json_array());
	const char *why = NULL;
	if (e != NULL && err_field_count(e) > 0)
		(void)err_field_at(e, 0, &why);
	json_object_set_new(drift, "refused",
		e != NULL ? json_string(why != NULL ? why : err_message(e)) : json_null());
	err_free(e);
	json_decref(plan);
	*ret_drift = drift;
	return NULL;
}
