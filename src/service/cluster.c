/* Owns clusters as objects: creating, changing, forgetting, and how a cluster looks to clients. */
#include "model/ups.h"
#include "service/cluster.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "model/node.h"
#include "model/operation.h"
#include "service/audit.h"
#include "service/desired.h"
#include "service/event.h"
#include "service/find.h"
#include "service/history.h"
#include "service/op/op.h"
#include "service/op/op_custom.h"

struct err *cluster_find(struct service *svc, const char *id_or_name, struct cluster *ret_cluster)
{
	return err_hint(find_record(svc, &cluster_type, id_or_name, ret_cluster),
		"mko cluster list");
}

/* An addon is "dns", "metallb:10.0.0.1-10.0.0.9" or {"name": "dns", "args": [...]}: stored in the
 * last form. */
static struct err *addon_normal(const json_t *item, json_t **ret)
{
	const json_t *name = json_is_object(item) ? json_object_get(item, "name") : item;
	const json_t *args = json_is_object(item) ? json_object_get(item, "args") : NULL;
	const char *text = json_string_value(name);

	if (text == NULL || (args != NULL && !json_is_array(args)))
		return err_new(ERR_INVALID,
			"each must be a name or {\"name\": ..., \"args\": [...]}");
	size_t n = strcspn(text, ":");
	cleanup(mem_freep) char *plain = mem_strndup(text, n);
	TRY_WRAP(check_addon(plain), "%s", plain);
	TRY_WRAP(check_line(text), "%s", plain);
	json_t *list = args != NULL ? json_deep_copy(args) : json_array();
	if (text[n] == ':')
		json_array_append_new(list, json_string(text + n + 1));
	size_t i;
	const json_t *arg;
	json_array_foreach(list, i, arg) {
		if (json_is_string(arg) && json_string_length(arg) < 256)
			continue;
		json_decref(list);
		return err_new(ERR_INVALID, "%s: arguments must be short texts", plain);
	}
	*ret = json_pack("{s:s, s:o}", "name", plain, "args", list);
	return NULL;
}

struct err *cluster_addons_normal(const json_t *addons, json_t **ret_addons)
{
	json_t *list = json_array();
	size_t i;
	const json_t *item;

	json_array_foreach(addons, i, item) {
		json_t *addon = NULL;
		struct err *e = addon_normal(item, &addon);
		if (e != NULL) {
			struct err *wrong = err_field(NULL, "addons", "%s", err_message(e));
			err_free(e);
			json_decref(list);
			return wrong;
		}
		json_array_append_new(list, addon);
	}
	*ret_addons = list;
	return NULL;
}

static struct err *normalise_addons(struct cluster *c)
{
	json_t *list = NULL;

	TRY(cluster_addons_normal(c->addons, &list));
	json_decref(c->addons);
	c->addons = list;
	return NULL;
}

static struct err *check_cluster(struct service *svc, struct cluster *c)
{
	struct cluster other;
	struct err *e = NULL;

	if (cidr_overlap(c->network_cidr, c->service_cidr))
		e = err_field(e, "service_cidr", "%s overlaps with the pod network %s",
			c->service_cidr, c->network_cidr);
	struct err *found = store_get_by(svc->store, &cluster_type, "name", c->name, &other);
	if (found == NULL) {
		if (other.id != c->id)
			e = err_recode(err_field(e, "name", "%s is taken", c->name), ERR_EXISTS);
		record_done(&cluster_type, &other);
	} else if (err_code(found) != ERR_NOT_FOUND) {
		err_free(e);
		return found;
	} else {
		err_ignore(found); /* free: good */
	}
	return e != NULL ? e : normalise_addons(c);
}

/* Publishes and audits a change. @take_before how it looked, NULL: it was not there */
static struct err *cluster_changed(struct service *svc, const struct actor *who, const char *action,
	const struct cluster *c, json_t *take_before)
{
	bool gone = strcmp(action, "cluster.remove") == 0;
	json_t *json = NULL;
	char object[128];
	struct err *e = cluster_json(svc, c, &json);

	snprintf(object, sizeof(object), "cluster/%lld %s", (long long)c->id, c->name);
	if (e == NULL)
		e = audit_write(svc, who, action, object,
			json_pack("{s:o*, s:O}", "before", take_before, gone ? "before" : "after",
				json),
			"ok");
	else
		json_decref(take_before);
	if (e == NULL)
		e = event_publish(svc, "clusters", action, c->id, json_incref(json));
	json_decref(json);
	return e;
}

/* What a hook runs, runs with every right: who may not run it may not make it a hook. */
static struct err *check_hook(struct service *svc, const struct actor *who, const char *path,
	const char *name)
{
	cleanup(mem_freep) char *type_name = mem_printf(OP_CUSTOM_PREFIX "%s", name);
	const struct op_type *type = NULL;
	struct err *e = op_type_need(svc, type_name, &type);

	if (e != NULL) {
		struct err *wrong = err_field(NULL, "hooks", "%s: %s", path, err_message(e));
		err_free(e);
		return err_hint(wrong, "mko playbook list");
	}
	if (who->role < type->role)
		return err_new(ERR_FORBIDDEN, "the hook %s needs the role %s", name,
			enum_text(&role_table, type->role));
	return NULL;
}

static struct err *check_hooks_of(struct service *svc, const struct actor *who, const char *when,
	const char *type, const json_t *names)
{
	cleanup(mem_freep) char *path = mem_printf("%s: %s", when, type);
	const struct op_type *hooked = op_type_find(type);
	size_t i;
	const json_t *name;

	if (hooked == NULL || hooked->target != OP_TARGET_CLUSTER)
		return err_hint(err_field(NULL, "hooks", "%s is no operation on a cluster", path),
			"mko operation types");
	json_array_foreach(names, i, name)
		TRY(check_hook(svc, who, path, json_string_value(name)));
	return NULL;
}

static struct err *check_hooks(struct service *svc, const struct actor *who, const json_t *body,
	const struct cluster *c)
{
	const char *when, *type;
	json_t *types, *names;

	if (json_object_get(body, "hooks") == NULL)
		return NULL;
	json_object_foreach(c->hooks, when, types)
		json_object_foreach(types, type, names)
			TRY(check_hooks_of(svc, who, when, type, names));
	return NULL;
}

static struct err *create_in(struct service *svc, const struct actor *who, const json_t *body,
	struct cluster *c)
{
	field_set_text(&c->network_cidr, svc->config->microk8s_network_cidr);
	field_set_text(&c->service_cidr, svc->config->microk8s_service_cidr);
	TRY(record_from_json(&cluster_type, c, body, RECORD_CREATE));
	c->id = 0;
	if (json_object_get(body, "addons") == NULL) {
		/* as MicroK8s itself does for a fresh node: without names nothing in a cluster
		 * works */
		json_decref(c->addons);
		c->addons = json_pack("[s]", "dns");
	}
	TRY(check_cluster(svc, c));
	TRY(check_hooks(svc, who, body, c));
	TRY(cluster_resolve_power(svc, c));
	c->created_at = c->updated_at = clock_utc(svc->clock);
	return store_insert(svc->store, &cluster_type, c);
}

struct err *cluster_create(struct service *svc, const struct actor *who, const json_t *body,
	struct cluster *ret_cluster)
{
	struct cluster c;

	record_init(&cluster_type, &c);
	struct err *e = create_in(svc, who, body, &c);
	if (e == NULL)
		e = cluster_changed(svc, who, "cluster.create", &c, NULL);
	if (e != NULL) {
		record_done(&cluster_type, &c);
		return err_wrap(e, "add cluster");
	}
	*ret_cluster = c;
	return NULL;
}

static struct err *check_free(struct service *svc, const struct cluster *c)
{
	cleanup(mem_freep) char *resource = mem_printf("cluster:%lld", (long long)c->id);
	cleanup(mem_freep) char *by = NULL;
	bool locked = false;

	TRY(op_target_locked(svc, resource, &locked, &by));
	if (locked)
		return err_hint(err_new(ERR_LOCKED, "cluster %s is held by %s", c->name, by),
			"mko operation list --status running");
	return NULL;
}

static struct err *edit_in(struct service *svc, const struct actor *who, const json_t *body,
	struct cluster *c)
{
	bool networks = json_object_get(body, "network_cidr") != NULL ||
		json_object_get(body, "service_cidr") != NULL;

	TRY(check_free(svc, c));
	if (networks && c->scanned_at != I64_NONE)
		return err_hint(
			err_new(ERR_PRECONDITION,
				"the networks of a cluster that is set up cannot be changed"),
			"make a new cluster with the other networks");
	TRY(record_from_json(&cluster_type, c, body, RECORD_UPDATE));
	TRY(check_cluster(svc, c));
	TRY(check_hooks(svc, who, body, c));
	TRY(cluster_resolve_power(svc, c));
	c->updated_at = clock_utc(svc->clock);
	return store_update(svc->store, &cluster_type, c);
}

struct err *cluster_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct cluster *ret_cluster)
{
	struct cluster c;

	json_t *before = NULL;

	TRY(cluster_find(svc, id_or_name, &c));
	struct err *e = cluster_json(svc, &c, &before);
	if (e == NULL)
		e = edit_in(svc, who, body, &c);
	if (e == NULL)
		e = cluster_changed(svc, who, "cluster.update", &c, MOVE(before));
	json_decref(before);
	if (e != NULL) {
		record_done(&cluster_type, &c);
		return err_wrap(e, "change cluster %s", id_or_name);
	}
	*ret_cluster = c;
	return NULL;
}

struct err *cluster_nodes(struct service *svc, int64_t cluster_id, struct store_rows *ret_rows)
{
	struct store_query q = {0};

	store_where_number(&q, "cluster_id", STORE_EQ, cluster_id);
	return store_list(svc->store, &node_type, &q, ret_rows);
}

static struct err *release_nodes(struct service *svc, const struct cluster *c)
{
	struct store_rows nodes = {0};
	struct err *e = cluster_nodes(svc, c->id, &nodes);

	for (size_t i = 0; e == NULL && i < nodes.n; i++) {
		struct node *n = store_row(&nodes, i);
		n->cluster_id = I64_NONE;
		n->role = NODE_ROLE_NONE;
		n->updated_at = clock_utc(svc->clock);
		e = store_update(svc->store, &node_type, n);
	}
	store_rows_done(&nodes);
	return e;
}

static struct err *remove_in(struct service *svc, const struct actor *who, const struct cluster *c,
	bool force)
{
	TRY(check_free(svc, c));
	bool alive = c->status == CLUSTER_ACTIVE || c->status == CLUSTER_DEGRADED ||
		c->status == CLUSTER_PAUSED;
	if (alive && !force)
		return err_hint(err_new(ERR_PRECONDITION, "cluster %s is %s", c->name,
					enum_text(&cluster_status_table, c->status)),
			"use --force to forget it here; the machines go on as they are");
	TRY(cluster_changed(svc, who, "cluster.remove", c, NULL));
	TRY(release_nodes(svc, c));
	TRY(history_forget(svc, "cluster", c->id));
	TRY(cluster_forget_power(svc, c->id));
	return store_delete(svc->store, &cluster_type, c->id);
}

struct err *cluster_remove(struct service *svc, const struct actor *who, const char *id_or_name,
	bool force)
{
	struct cluster c;

	TRY(cluster_find(svc, id_or_name, &c));
	struct err *e = remove_in(svc, who, &c, force);
	record_done(&cluster_type, &c);
	return err_wrap(e, "remove cluster %s", id_or_name);
}

static struct err *count_role(struct service *svc, int64_t cluster_id, int64_t role, int64_t *ret)
{
	struct store_query q = {0};

	store_where_number(&q, "cluster_id", STORE_EQ, cluster_id);
	if (role != I64_NONE)
		store_where_number(&q, "role", STORE_EQ, role);
	return store_count(svc->store, &node_type, &q, ret);
}

struct err *cluster_json(struct service *svc, const struct cluster *c, json_t **ret_json)
{
	int64_t all = 0;
	int64_t planes = 0;
	int64_t workers = 0;

	TRY(count_role(svc, c->id, I64_NONE, &all));
	TRY(count_role(svc, c->id, NODE_ROLE_CONTROL_PLANE, &planes));
	TRY(count_role(svc, c->id, NODE_ROLE_WORKER, &workers));
	json_t *json = record_to_json(&cluster_type, c);
	json_object_del(json, "scan"); /* long; /status shows it in order */
	json_object_set_new(json, "node_count", json_integer(all));
	json_object_set_new(json, "control_plane_count", json_integer(planes));
	json_object_set_new(json, "worker_count", json_integer(workers));
	json_object_set_new(json, "has_kubeconfig", json_boolean(c->kubeconfig != NULL));
	*ret_json = json;
	return NULL;
}

/* The member of the last scan with this name, NULL when the cluster does not know the node. */
static const json_t *scanned_node(const struct cluster *c, const char *hostname)
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

static json_t *member_json(const struct cluster *c, const struct node *n)
{
	const json_t *seen = scanned_node(c, n->hostname);

	return json_pack("{s:I, s:s, s:s, s:s, s:b, s:O?, s:b, s:s, s:s, s:s?}", "id",
		(json_int_t)n->id, "hostname", n->hostname, "ip_address", n->ip_address, "role",
		enum_text(&node_role_table, n->role), "member", seen != NULL, "labels",
		json_object_get(seen, "labels"), "ready",
		json_is_true(json_object_get(seen, "ready")), "status",
		enum_text(&node_status_table, n->status), "microk8s_status",
		enum_text(&microk8s_status_table, n->microk8s_status), "microk8s_version",
		n->microk8s_version);
}

static void copy_scan(json_t *json, const struct cluster *c)
{
	static const char *const keys[] = {"dqlite", "leader", "addons", "findings",
		"score_reasons", "unknown", "adopted"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		json_t *value = json_object_get(c->scan, keys[i]);
		json_object_set_new(json, keys[i],
			value != NULL ? json_incref(value) : json_null());
	}
	json_t *watched = json_object_get(c->scan, "health_reasons");
	json_t *reasons = json_object_get(json, "score_reasons");
	if (json_array_size(watched) > 0 && json_is_array(reasons)) {
		reasons = json_copy(reasons); /* the scan keeps its own */
		json_array_extend(reasons, watched);
		json_object_set_new(json, "score_reasons", reasons);
	}
}

struct err *cluster_status_json(struct service *svc, const struct cluster *c, json_t **ret_json)
{
	struct store_rows nodes = {0};
	json_t *json = NULL;
	json_t *drift = NULL;
	json_t *members = json_array();

	struct err *e = cluster_json(svc, c, &json);
	if (e == NULL)
		e = desired_drift(svc, c, &drift);
	if (e == NULL)
		e = cluster_nodes(svc, c->id, &nodes);
	if (e != NULL) {
		json_decref(json);
		json_decref(drift);
		json_decref(members);
		return e;
	}
	for (size_t i = 0; i < nodes.n; i++)
		json_array_append_new(members, member_json(c, store_row(&nodes, i)));
	store_rows_done(&nodes);
	json_object_set_new(json, "ha", json_boolean(c->ha_active));
	json_object_set(json, "control_planes", json_object_get(json, "control_plane_count"));
	json_object_set(json, "workers", json_object_get(json, "worker_count"));
	json_object_set_new(json, "nodes", members);
	json_object_set_new(json, "desired", drift != NULL ? drift : json_null());
	copy_scan(json, c);
	*ret_json = json;
	return NULL;
}

struct err *cluster_kubeconfig(struct service *svc, const struct actor *who,
	const struct cluster *c, char **ret_text)
{
	char object[128];

	if (c->kubeconfig == NULL)
		return err_hint(err_new(ERR_NOT_FOUND, "no kubeconfig of cluster %s is known yet",
					c->name),
			"mko cluster setup %s", c->name);
	snprintf(object, sizeof(object), "cluster/%lld %s", (long long)c->id, c->name);
	TRY(audit_write(svc, who, "cluster.kubeconfig", object, NULL, "ok"));
	return err_wrap(seal_open_text(svc->key, c->kubeconfig, ret_text),
		"kubeconfig of cluster %s", c->name);
}
