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
#include "service/op/op_custom.h"
#include "service/schedule.h"

/* ---- how a running cluster is read ---- */

const json_t *desired_member(const struct cluster *c, const char *hostname)
{
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(c->scan, "nodes"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		if (name != NULL && strcmp(name, hostname) == 0)
			return item;
	}
	return NULL;
}

const char *desired_channel_of(const struct desired_state *now)
{
	const struct cluster *c = now->cluster;

	if (c->channel != NULL)
		return c->channel;
	for (size_t i = 0; i < now->n_nodes; i++)
		if (now->nodes[i].cluster_id == c->id && now->nodes[i].channel != NULL &&
			desired_member(c, now->nodes[i].hostname) != NULL)
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

/* ---- what is kept beside the cluster ---- */

json_t *desired_feeds_of(const struct desired_state *now)
{
	json_t *names = json_array();
	size_t i;
	const json_t *id;

	json_array_foreach(now->cluster->feeds, i, id)
		for (size_t k = 0; k < now->n_upses; k++)
			if (now->upses[k].id == json_integer_value(id))
				json_array_append_new(names, json_string(now->upses[k].name));
	return names;
}

char *desired_backup_name(const char *cluster)
{
	return mem_printf("backup-%s", cluster);
}

json_t *desired_backup_of(const struct desired_state *now)
{
	if (now->backup == NULL)
		return NULL;
	json_t *json = json_pack("{s:s, s:s*, s:s*}", "cron", now->backup->cron, "timezone",
		now->backup->timezone, "window", now->backup->window);
	json_t *keep = json_object();
	for (const struct desired_word *w = desired_keep_words; w->word != NULL; w++) {
		json_t *n = json_object_get(now->backup->params, w->field);
		if (json_integer_value(n) > 0)
			json_object_set(keep, w->word, n);
	}
	if (json_object_size(keep) > 0)
		json_object_set(json, "keep", keep);
	json_decref(keep);
	return json;
}

/* ---- export ---- */

static json_t *words_of_record(const json_t *record, const struct desired_word *words)
{
	json_t *json = json_object();

	for (; words->word != NULL; words++) {
		json_t *value = json_object_get(record, words->field);
		bool empty = value == NULL || json_is_null(value) ||
			(json_is_array(value) && json_array_size(value) == 0) ||
			(json_is_object(value) && json_object_size(value) == 0);
		if (!empty)
			json_object_set(json, words->field, value);
	}
	return json;
}

static json_t *node_of(const struct cluster *c, const struct node *n)
{
	json_t *labels = json_object_get(desired_member(c, n->hostname), "labels");
	json_t *record = record_to_json(&node_type, n);
	json_t *json = words_of_record(record, desired_node_words);

	json_decref(record);
	if (n->role == NODE_ROLE_NONE)
		json_object_del(json, "role");
	if (n->power_tier == 0)
		json_object_del(json, "power_tier");
	if (json_object_size(labels) > 0)
		json_object_set(json, "labels", labels);
	return json;
}

/* The feeds by their names; without any, nothing is said of power. */
static void put_power(json_t *want, const struct desired_state *now)
{
	json_t *names = desired_feeds_of(now);

	if (json_array_size(names) > 0) {
		json_object_set(want, "feeds", names);
	} else {
		json_object_del(want, "feeds");
		json_object_del(want, "feed_policy");
		json_object_del(want, "min_feeds");
	}
	json_decref(names);
}

json_t *desired_of(const struct desired_state *now)
{
	const struct cluster *c = now->cluster;

	must(c != NULL);
	json_t *record = record_to_json(&cluster_type, c);
	json_t *want = words_of_record(record, desired_cluster_words);
	json_t *nodes = json_array();
	bool running = c->scanned_at != I64_NONE;

	json_decref(record);
	for (size_t i = 0; i < now->n_nodes; i++)
		if (now->nodes[i].cluster_id == c->id &&
			(!running || desired_member(c, now->nodes[i].hostname)))
			json_array_append_new(nodes, node_of(c, &now->nodes[i]));
	json_object_set_new(want, "nodes", nodes);
	put_power(want, now);
	json_t *backup = desired_backup_of(now);
	if (backup != NULL)
		json_object_set_new(want, "backup", backup);
	if (running)
		json_object_set_new(want, "addons", desired_addons_of(c));
	if (running)
		json_object_set_new(want, "channel", json_string(desired_channel_of(now)));
	return want;
}

/* ---- the store ---- */

/* What a state borrows. */
struct held {
	struct store_rows nodes, upses, backups;
	json_t *playbooks;
	struct desired_state now;
};

static struct err *list_backups(struct service *svc, const struct cluster *c,
	struct store_rows *ret)
{
	cleanup(mem_freep) char *name = desired_backup_name(c->name);
	struct store_query q = {.limit = 1};

	store_where_text(&q, "name", STORE_EQ, name);
	return store_list(svc->store, &schedule_type, &q, ret);
}

static void close_state(struct held *h)
{
	store_rows_done(&h->nodes);
	store_rows_done(&h->upses);
	store_rows_done(&h->backups);
	json_decref(h->playbooks);
}

static void add_playbook(void *user, const char *name, const struct op_type *type,
	const struct err *why)
{
	(void)why; /* a wrong one is told when it is looked at */
	if (type != NULL)
		json_array_append_new(user, json_string(name));
}

/* @c NULL: there is no cluster yet   @ret close_state() it */
static struct err *open_state(struct service *svc, const struct cluster *c, struct held *ret)
{
	*ret = (struct held){.nodes = {0}, .playbooks = json_array()};
	struct err *e = store_list(svc->store, &node_type, NULL, &ret->nodes);
	if (e == NULL)
		e = store_list(svc->store, &ups_device_type, NULL, &ret->upses);
	if (e == NULL && c != NULL)
		e = list_backups(svc, c, &ret->backups);
	if (e == NULL)
		e = op_custom_each(svc, add_playbook, ret->playbooks);
	if (e != NULL) {
		close_state(ret);
		return e;
	}
	ret->now = (struct desired_state){
		.cluster = c,
		.nodes = ret->nodes.n > 0 ? store_row(&ret->nodes, 0) : NULL,
		.n_nodes = ret->nodes.n,
		.channel = svc->config->microk8s_channel,
		.upses = ret->upses.n > 0 ? store_row(&ret->upses, 0) : NULL,
		.n_upses = ret->upses.n,
		.playbooks = ret->playbooks,
		.backup = ret->backups.n > 0 ? store_row(&ret->backups, 0) : NULL,
	};
	return NULL;
}

static struct err *plan_for(struct service *svc, const struct cluster *c, const json_t *want,
	const struct desired_options *options, json_t **ret_plan)
{
	struct held held;

	TRY(open_state(svc, c, &held));
	struct err *e = desired_plan(&held.now, want, options, ret_plan);
	close_state(&held);
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
	struct held held;

	TRY(open_state(svc, c, &held));
	json_t *want = desired_of(&held.now);
	close_state(&held);
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
		json_object_del(want, "backup");
		json_object_del(want, "cni");
		e = cluster_create(svc, who, want, ret_cluster);
		if (e != NULL && err_field_count(e) > 0)
			e = yaml_join(NULL, "spec.", e);
	}
	json_decref(want);
	return e;
}

typedef struct err *(*record_fn)(struct service *svc, const struct actor *who, const char *target,
	const json_t *body);

static struct err *update_cluster(struct service *svc, const struct actor *who, const char *target,
	const json_t *body)
{
	struct cluster c;

	TRY(cluster_edit(svc, who, target, body, &c));
	record_done(&cluster_type, &c);
	return NULL;
}

static struct err *create_node(struct service *svc, const struct actor *who, const char *target,
	const json_t *body)
{
	struct node n;

	(void)target;
	TRY(node_create(svc, who, body, &n));
	record_done(&node_type, &n);
	return NULL;
}

static struct err *update_node(struct service *svc, const struct actor *who, const char *target,
	const json_t *body)
{
	struct node n;

	TRY(node_edit(svc, who, target, body, &n));
	record_done(&node_type, &n);
	return NULL;
}

static struct err *create_schedule(struct service *svc, const struct actor *who, const char *target,
	const json_t *body)
{
	struct schedule s;

	(void)target;
	TRY(schedule_create(svc, who, body, &s));
	record_done(&schedule_type, &s);
	return NULL;
}

static struct err *update_schedule(struct service *svc, const struct actor *who, const char *target,
	const json_t *body)
{
	struct schedule s;

	TRY(schedule_edit(svc, who, target, body, &s));
	record_done(&schedule_type, &s);
	return NULL;
}

static const struct {
	const char *record;
	record_fn change;
} record_rows[] = {
	{"cluster.update", update_cluster},
	{"node.create", create_node},
	{"node.update", update_node},
	{"schedule.create", create_schedule},
	{"schedule.update", update_schedule},
};

struct err *desired_record(struct service *svc, const struct actor *who, const json_t *step)
{
	const char *record = json_string_value(json_object_get(step, "record"));

	for (size_t i = 0; record != NULL && i < ARRAY_LEN(record_rows); i++)
		if (strcmp(record_rows[i].record, record) == 0)
			return record_rows[i].change(svc, who,
				json_string_value(json_object_get(step, "target")),
				json_object_get(step, "body"));
	return err_new(ERR_INTERNAL, "a step changes %s, which nobody can", record);
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
