/* Owns the inventory of nodes: creating, changing, forgetting, and how a node looks to clients. */
#include "service/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/operation.h"
#include "service/alert.h"
#include "service/audit.h"
#include "service/cluster.h"
#include "service/event.h"
#include "service/find.h"
#include "service/history.h"
#include "service/op/op.h"
#include "service/scope.h"

#define PASSWORD_MAX 1024

struct err *node_find(struct service *svc, const char *id_or_name, struct node *ret_node)
{
	return err_hint(find_record(svc, &node_type, id_or_name, ret_node), "mko node list");
}

/* Reads "cluster_id" given by name, and takes the write-only "sudo_password" out of the body. */
static struct err *prepare_body(struct service *svc, json_t *body, char **ret_password)
{
	const json_t *cluster = json_object_get(body, "cluster_id");
	const json_t *password = json_object_get(body, "sudo_password");

	if (json_is_string(cluster)) {
		struct cluster c;
		struct err *e = cluster_find(svc, json_string_value(cluster), &c);
		if (e != NULL) {
			struct err *wrong = err_field(NULL, "cluster_id", "%s", err_message(e));
			err_free(e);
			return err_hint(wrong, "mko cluster list");
		}
		json_object_set_new(body, "cluster_id", json_integer(c.id));
		record_done(&cluster_type, &c);
	}
	if (json_is_string(password)) {
		if (strlen(json_string_value(password)) > PASSWORD_MAX)
			return err_field(NULL, "sudo_password", "must have at most %d characters",
				PASSWORD_MAX);
		*ret_password = mem_strdup(json_string_value(password));
	}
	json_object_del(body, "sudo_password");
	return NULL;
}

char *node_key_path(const char *path)
{
	const char *home = getenv("HOME");

	if (path == NULL || strncmp(path, "~/", 2) != 0 || home == NULL)
		return mem_strdup(path);
	return mem_printf("%s/%s", home, path + 2);
}

/* A key that cannot be read now will not work at 3 a.m. either: say so at once. */
static struct err *check_key_file(struct err *take_so_far, const struct node *node)
{
	cleanup(mem_freep) char *path = node_key_path(node->ssh_key_path);

	if (path == NULL || access(path, R_OK) == 0)
		return take_so_far;
	return err_field(take_so_far, "ssh_key_path", "%s cannot be read: %s", path,
		strerror(errno));
}

/* The address (with its port) is as much an identity as the name: two rows for one machine would
 * break locks. */
static struct err *check_address_free(struct service *svc, struct err *take_so_far,
	const struct node *node)
{
	struct store_query q = {0};
	struct store_rows rows = {0};

	store_where_text(&q, "ip_address", STORE_EQ, node->ip_address);
	store_where_number(&q, "id", STORE_NE, node->id);
	struct err *e = store_list(svc->store, &node_type, &q, &rows);
	for (size_t i = 0; e == NULL && i < rows.n; i++) {
		const struct node *other = store_row(&rows, i);
		if (other->ssh_port == node->ssh_port) {
			/* the name of a foreign node is not told */
			bool seen = scope_sees(svc, &node_type, other);
			take_so_far = err_recode(err_field(take_so_far, "ip_address",
							 "%s is node %s already", node->ip_address,
							 seen ? other->hostname : "(of others)"),
				ERR_EXISTS);
			break;
		}
	}
	store_rows_done(&rows);
	if (e != NULL) {
		err_free(take_so_far);
		return e;
	}
	return take_so_far;
}

static struct err *check_cluster_exists(struct service *svc, struct err *take_so_far,
	const struct node *node)
{
	struct cluster c;

	if (node->cluster_id == I64_NONE && svc->scope == NULL)
		return take_so_far;
	if (node->cluster_id == I64_NONE)
		return err_field(take_so_far, "cluster_id",
			"is required: this account is limited to some clusters");
	struct err *e = find_by_id(svc, &cluster_type, node->cluster_id, &c);
	if (e == NULL) {
		record_done(&cluster_type, &c);
		return take_so_far;
	}
	if (err_code(e) != ERR_NOT_FOUND) {
		err_free(take_so_far);
		return e;
	}
	take_so_far = err_field(take_so_far, "cluster_id", "%s", err_message(e));
	err_free(e);
	return take_so_far;
}

static struct err *check_hostname_free(struct service *svc, struct err *take_so_far,
	const struct node *node)
{
	struct node other;
	struct err *e = store_get_by(svc->store, &node_type, "hostname", node->hostname, &other);

	if (e != NULL) {
		if (err_code(e) == ERR_NOT_FOUND) {
			err_ignore(e); /* free: good */
			return take_so_far;
		}
		err_free(take_so_far);
		return e;
	}
	bool same = other.id == node->id;
	record_done(&node_type, &other);
	if (same)
		return take_so_far;
	return err_recode(err_field(take_so_far, "hostname", "%s is taken", node->hostname),
		ERR_EXISTS);
}

static struct err *check_node(struct service *svc, const struct node *node)
{
	struct err *e = check_hostname_free(svc, NULL, node);

	e = check_address_free(svc, e, node);
	e = check_cluster_exists(svc, e, node);
	return check_key_file(e, node);
}

/* Publishes and audits a change of a node. @take_before how it looked, NULL: it was not there */
static struct err *node_changed(struct service *svc, const struct actor *who, const char *action,
	const struct node *node, json_t *take_before)
{
	bool gone = strcmp(action, "node.remove") == 0;
	json_t *json = NULL;
	char object[320];
	struct err *e = node_json(svc, node, &json);

	snprintf(object, sizeof(object), "node/%lld %s", (long long)node->id, node->hostname);
	if (e == NULL)
		e = audit_write(svc, who, action, object,
			json_pack("{s:o*, s:O}", "before", take_before, gone ? "before" : "after",
				json),
			"ok");
	else
		json_decref(take_before);
	if (e == NULL)
		e = event_publish(svc, "nodes", action, node->id, json_incref(json));
	json_decref(json);
	return e;
}

static struct err *create_in(struct service *svc, json_t *body, struct node *node)
{
	cleanup(seal_wipe_freep) char *password = NULL;

	TRY(prepare_body(svc, body, &password));
	if (json_object_get(body, "ssh_user") == NULL)
		field_set_text(&node->ssh_user, svc->config->ssh_default_user);
	TRY(record_from_json(&node_type, node, body, RECORD_CREATE));
	node->id = 0;
	TRY(check_node(svc, node));
	if (password != NULL)
		node->become_password = seal_text(svc->key, password);
	node->created_at = node->updated_at = clock_utc(svc->clock);
	return store_insert(svc->store, &node_type, node);
}

struct err *node_create(struct service *svc, const struct actor *who, const json_t *body,
	struct node *ret_node)
{
	json_t *copy = json_deep_copy(body);
	struct node node;

	record_init(&node_type, &node);
	struct err *e = create_in(svc, copy, &node);
	json_decref(copy);
	if (e == NULL)
		e = node_changed(svc, who, "node.create", &node, NULL);
	if (e != NULL) {
		record_done(&node_type, &node);
		return err_wrap(e, "add node");
	}
	*ret_node = node;
	return NULL;
}

struct err *node_check_free(struct service *svc, const struct node *node)
{
	cleanup(mem_freep) char *resource = mem_printf("node:%lld", (long long)node->id);
	cleanup(mem_freep) char *by = NULL;
	bool locked = false;

	TRY(op_target_locked(svc, resource, &locked, &by));
	if (locked)
		return err_hint(err_new(ERR_LOCKED, "node %s is held by %s", node->hostname, by),
			"mko operation list --status running");
	return NULL;
}

static struct err *edit_in(struct service *svc, json_t *body, struct node *node)
{
	cleanup(seal_wipe_freep) char *password = NULL;
	cleanup(mem_freep) char *old_address = mem_strdup(node->ip_address);
	int64_t old_port = node->ssh_port;

	TRY(node_check_free(svc, node));
	TRY(prepare_body(svc, body, &password));
	TRY(record_from_json(&node_type, node, body, RECORD_UPDATE));
	TRY(check_node(svc, node));
	if (password != NULL) {
		mem_free(node->become_password);
		node->become_password = *password != '\0' ? seal_text(svc->key, password) : NULL;
	}
	if (strcmp(old_address, node->ip_address) != 0 || old_port != node->ssh_port) {
		field_set_text(&node->host_key, NULL);
		field_set_text(&node->host_key_fingerprint, NULL);
	}
	node->updated_at = clock_utc(svc->clock);
	return store_update(svc->store, &node_type, node);
}

struct err *node_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct node *ret_node)
{
	struct node node;

	json_t *before = NULL;

	TRY(node_find(svc, id_or_name, &node));
	json_t *copy = json_deep_copy(body);
	struct err *e = node_json(svc, &node, &before);
	if (e == NULL)
		e = edit_in(svc, copy, &node);
	json_decref(copy);
	if (e == NULL)
		e = node_changed(svc, who, "node.update", &node, MOVE(before));
	json_decref(before);
	if (e != NULL) {
		record_done(&node_type, &node);
		return err_wrap(e, "change node %s", id_or_name);
	}
	*ret_node = node;
	return NULL;
}

static struct err *remove_in(struct service *svc, const struct actor *who, const struct node *node,
	bool force)
{
	TRY(node_check_free(svc, node));
	bool member = node->cluster_id != I64_NONE && node->microk8s_status == MICROK8S_RUNNING;
	if (member && !force)
		return err_hint(err_new(ERR_PRECONDITION,
					"node %s runs MicroK8s as a member of a cluster",
					node->hostname),
			"take it out of the cluster first, or use --force to forget it here without touching the machine");
	TRY(node_changed(svc, who, "node.remove", node, NULL));
	TRY(alert_forget_node(svc, node->id));
	TRY(history_forget(svc, "node", node->id));
	return store_delete(svc->store, &node_type, node->id);
}

struct err *node_remove(struct service *svc, const struct actor *who, const char *id_or_name,
	bool force)
{
	struct node node;

	TRY(node_find(svc, id_or_name, &node));
	struct err *e = remove_in(svc, who, &node, force);
	record_done(&node_type, &node);
	return err_wrap(e, "remove node %s", id_or_name);
}

/* All that a node shows of its cluster; the whole row has its last scan, and lists ask for every
 * node. */
struct cluster_name {
	int64_t id;
	char *name;
};
static const struct field cluster_name_fields[] = {
	ROW_I64(struct cluster_name, id, 0, .help = "Number of the cluster."),
	ROW_TEXT(struct cluster_name, name, 0, .help = "Name of the cluster."),
};
static const struct record_type cluster_name_type = {
	.name = "cluster",
	.table = "clusters",
	.size = sizeof(struct cluster_name),
	.key = "name",
	.fields = cluster_name_fields,
	.n_fields = ARRAY_LEN(cluster_name_fields),
};

/* Name of a node's cluster, NULL in none; owned. */
static struct err *name_of_cluster(struct service *svc, const struct node *node, char **ret_name)
{
	struct cluster_name c;

	*ret_name = NULL;
	if (node->cluster_id == I64_NONE)
		return NULL;
	TRY(store_get(svc->store, &cluster_name_type, node->cluster_id, &c));
	*ret_name = c.name;
	return NULL;
}

struct err *node_json(struct service *svc, const struct node *node, json_t **ret_json)
{
	cleanup(mem_freep) char *cluster_name = NULL;

	TRY(name_of_cluster(svc, node, &cluster_name));
	json_t *json = record_to_json(&node_type, node);
	json_object_set_new(json, "cluster_name",
		cluster_name != NULL ? json_string(cluster_name) : json_null());
	json_object_set_new(json, "has_sudo_password", json_boolean(node->become_password != NULL));
	*ret_json = json;
	return NULL;
}

/* The name of a node's cluster among those that were looked up already. @ret_name NULL in none;
 * borrowed */
static struct err *seen_cluster(struct service *svc, const struct node *node,
	struct record_writer *w, const char **ret_name)
{
	cleanup(mem_freep) char *name = NULL;
	char key[32];

	*ret_name = NULL;
	if (node->cluster_id == I64_NONE)
		return NULL;
	snprintf(key, sizeof(key), "%lld", (long long)node->cluster_id);
	if (w->seen == NULL)
		w->seen = json_object();
	if (json_object_get(w->seen, key) == NULL) {
		TRY(name_of_cluster(svc, node, &name));
		json_object_set_new(w->seen, key, json_string(name));
	}
	*ret_name = json_string_value(json_object_get(w->seen, key));
	return NULL;
}

struct err *node_write(struct service *svc, const struct node *node, struct record_writer *w)
{
	const char *cluster_name = NULL;

	if (record_write_wants(w, "cluster_name"))
		TRY(seen_cluster(svc, node, w, &cluster_name));
	record_write_fields(w, &node_type, node);
	record_write_text(w, "cluster_name", cluster_name);
	record_write_bool(w, "has_sudo_password", node->become_password != NULL);
	return NULL;
}
