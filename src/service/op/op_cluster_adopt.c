/* Owns what a scan does about members that the inventory does not have: they are named, or, when
 * the operation is asked to adopt them, added as nodes. Names and addresses come from the cluster,
 * so they pass the same checks as what a person types. */
#include <string.h>

#include "base/mem.h"
#include "service/node.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

#define MEMBERS_MAX 1000

static const char *text_of(const json_t *member, const char *key)
{
	return json_string_value(json_object_get(member, key));
}

/* The first thing that is wrong, as one text. @take_err owned   Owned. */
static char *why_not(struct err *take_err)
{
	const char *message = NULL;
	const char *field = err_field_count(take_err) > 0 ? err_field_at(take_err, 0, &message)
							  : NULL;
	char *text = field != NULL ? mem_printf("%s %s", field, message)
				   : mem_strdup(err_message(take_err));

	err_free(take_err);
	return text;
}

/* What a person may mend is told with the member; anything else is an error of the operation. */
static struct err *tell(struct err *take_err, char **ret_why)
{
	static const enum err_code told[] = {ERR_INVALID, ERR_EXISTS, ERR_LOCKED, ERR_PRECONDITION,
		ERR_CONFLICT};

	for (size_t i = 0; take_err != NULL && i < ARRAY_LEN(told); i++) {
		if (err_code(take_err) != told[i])
			continue;
		*ret_why = why_not(take_err);
		return NULL;
	}
	return take_err;
}

/* A new node is reached as the one that told of it. */
static struct err *add_node(struct service *svc, const struct actor *who, const struct op_run *run,
	const struct node *reporter, const json_t *member)
{
	struct node node = {.id = 0};
	json_t *body = json_pack("{s:s*, s:s*, s:s, s:I, s:s*, s:I, s:s*}", "hostname",
		text_of(member, "name"), "ip_address", text_of(member, "address"), "ssh_user",
		reporter->ssh_user, "ssh_port", (json_int_t)reporter->ssh_port, "ssh_key_path",
		reporter->ssh_key_path, "cluster_id", (json_int_t)run->cluster->id, "role",
		text_of(member, "role"));
	struct err *e = node_create(svc, who, body, &node);

	json_decref(body);
	TRY(e);
	field_set_text(&node.become_password, reporter->become_password);
	field_set_text(&node.microk8s_version, text_of(member, "version"));
	e = store_update(svc->store, &node_type, &node);
	record_done(&node_type, &node);
	return e;
}

/* A node of the inventory that is in no cluster yet, and at the member's address, belongs here. */
static struct err *take_node(struct service *svc, const struct actor *who, const struct op_run *run,
	const struct node *node, const json_t *member)
{
	const char *address = text_of(member, "address");
	cleanup(mem_freep) char *id = mem_printf("%lld", (long long)node->id);
	struct node after = {.id = 0};

	if (node->cluster_id == run->cluster->id)
		return NULL; /* by an earlier result of this operation */
	if (node->cluster_id != I64_NONE)
		return err_new(ERR_CONFLICT, "the inventory has it in another cluster");
	if (address == NULL || strcmp(address, node->ip_address) != 0)
		return err_new(ERR_CONFLICT, "the inventory has it with the address %s",
			node->ip_address);
	json_t *body = json_pack("{s:I, s:s*}", "cluster_id", (json_int_t)run->cluster->id, "role",
		text_of(member, "role"));
	struct err *e = node_edit(svc, who, id, body, &after);
	json_decref(body);
	TRY(e);
	record_done(&node_type, &after);
	return NULL;
}

/* @ret_why set when it cannot be adopted; owned */
static struct err *adopt(struct service *svc, const struct op_run *run, const struct node *reporter,
	const json_t *member, char **ret_why)
{
	const struct actor who = {.name = run->op->requested_by,
		.role = run->type->role,
		.via = run->op->requested_via,
		.user_id = I64_NONE};
	const char *name = text_of(member, "name");
	struct node node = {.id = 0};

	struct err *e = name == NULL
		? err_new(ERR_INVALID, "it has no name")
		: store_get_by(svc->store, &node_type, "hostname", name, &node);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_free(e);
		return tell(add_node(svc, &who, run, reporter, member), ret_why);
	}
	if (e == NULL) {
		e = take_node(svc, &who, run, &node, member);
		record_done(&node_type, &node);
	}
	return tell(e, ret_why);
}

static bool is_known(struct op_run *run, const json_t *member)
{
	const char *name = text_of(member, "name");
	const struct node *node = name != NULL ? op_run_node(run, name) : NULL;

	return node != NULL && node->cluster_id == run->cluster->id;
}

/* Addons that each cluster of MicroK8s has from the start. */
static bool comes_by_itself(const char *addon)
{
	static const char *const names[] = {"ha-cluster", "helm", "helm3"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(addon, names[i]) == 0)
			return true;
	return false;
}

/* The enabled addons; arguments that we know are kept. Owned. */
static json_t *enabled_addons(const struct cluster *c, const json_t *scan)
{
	json_t *list = json_array();
	size_t i;
	size_t k;
	const json_t *addon;
	json_t *ours;

	json_array_foreach(json_object_get(scan, "addons"), i, addon) {
		const char *name = text_of(addon, "name");
		const char *status = text_of(addon, "status");
		if (name == NULL || status == NULL || strcmp(status, "enabled") != 0 ||
			comes_by_itself(name))
			continue;
		json_t *one = json_pack("{s:s, s:[]}", "name", name, "args");
		json_array_foreach(c->addons, k, ours) {
			const char *known = text_of(ours, "name");
			if (known != NULL && strcmp(known, name) == 0)
				json_object_update(one, ours);
		}
		json_array_append_new(list, one);
	}
	return list;
}

/* The settings of an adopted cluster are what the cluster is. What does not fit is left alone. */
static void take_settings(struct cluster *c, const struct node *reporter, const json_t *scan)
{
	static const char *const keys[] = {"network_cidr", "service_cidr"};
	json_t *addons = enabled_addons(c, scan);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const json_t *value = json_object_get(scan, keys[i]);
		if (json_is_string(value))
			err_ignore(field_from_json(record_field(&cluster_type, keys[i]), c, value));
	}
	err_ignore(field_from_json(record_field(&cluster_type, "addons"), c, addons));
	json_decref(addons);
	if (reporter->channel != NULL)
		field_set_text(&c->channel, reporter->channel);
	c->ha_enabled = json_is_true(json_object_get(scan, "high_availability"));
}

/* What earlier results of this operation adopted already. Owned array. */
static json_t *adopted_before(const struct op_run *run)
{
	const struct cluster *c = run->cluster;
	const json_t *before = json_object_get(c->scan, "adopted");
	bool same = c->scanned_at != I64_NONE && c->scanned_at >= run->op->started_at;

	return same && json_is_array(before) ? json_deep_copy(before) : json_array();
}

static void add_once(json_t *names, json_t *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach(names, i, item)
		if (json_equal(item, name))
			return;
	json_array_append(names, name);
}

struct err *cluster_adopt(struct service *svc, struct op_run *run, const struct node *reporter,
	json_t *scan)
{
	bool wanted = json_is_true(op_run_param(run, "adopt"));
	json_t *unknown = json_array();
	json_t *adopted = adopted_before(run);
	struct err *e = NULL;
	size_t i;
	json_t *member;

	json_array_foreach(json_object_get(scan, "nodes"), i, member) {
		cleanup(mem_freep) char *why = NULL;
		if (e != NULL || i >= MEMBERS_MAX || is_known(run, member))
			continue;
		if (wanted)
			e = adopt(svc, run, reporter, member, &why);
		if (wanted && why == NULL) {
			add_once(adopted, json_object_get(member, "name"));
			continue;
		}
		json_t *one = json_deep_copy(member);
		json_object_set_new(one, "why", why != NULL ? json_string(why) : json_null());
		json_array_append_new(unknown, one);
	}
	json_object_set_new(scan, "unknown", unknown);
	json_object_set_new(scan, "adopted", adopted);
	if (e == NULL && wanted)
		take_settings(run->cluster, reporter, scan);
	return e;
}
