/* Owns the comparison of a cluster with what a file says of it. The order of the steps: the
 * inventory first, then nodes join, nodes leave, the version goes up, addons change; so there are
 * never fewer voters than the way needs. Pure. */
#include "service/desired.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/desired.h"
#include "service/desired_plan_int.h"

#define HA_CONTROL_PLANES 3
#define SSH_PORT 22

/* ---- what is said ---- */

void plan_say(json_t *list, const char *action, char *take_object, char *take_reason)
{
	json_array_append_new(list,
		json_pack("{s:s*, s:s, s:s}", "action", action, "object", take_object, "reason",
			take_reason));
	mem_free(take_object);
	mem_free(take_reason);
}

char *plan_cluster_text(const struct plan *p)
{
	return mem_printf("cluster %s", p->name);
}

static char *node_text(const char *hostname)
{
	return mem_printf("node %s", hostname);
}

/* A value for people. Owned. */
char *plan_value_text(const json_t *value)
{
	if (value == NULL || json_is_null(value))
		return mem_strdup("nothing");
	if (json_is_string(value))
		return mem_strdup(json_string_value(value));
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	char *own = mem_strdup(text);
	free(text);
	return own;
}

/* "a, b, c". Owned. */
static char *names_text(const json_t *names)
{
	struct str s = STR_INIT;
	size_t i;
	const json_t *name;

	json_array_foreach(names, i, name)
		str_addf(&s, "%s%s", i > 0 ? ", " : "", json_string_value(name));
	return str_take(&s);
}

void plan_refuse(struct plan *p, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cleanup(mem_freep) char *text = mem_vprintf(fmt, ap);
	va_end(ap);
	p->refused = err_field(p->refused, path, "%s", text);
}

static void refuse_node(struct plan *p, size_t i, const char *word, const char *text)
{
	cleanup(mem_freep) char *path = mem_printf("spec.nodes[%zu].%s", i, word);

	plan_refuse(p, path, "%s", text);
}

/* ---- steps ---- */

void plan_step_record(struct plan *p, char *take_name, const char *record, const char *target,
	json_t *take_body)
{
	json_array_append_new(p->steps,
		json_pack("{s:s, s:s, s:s?, s:o}", "name", take_name, "record", record, "target",
			target, "body", take_body));
	mem_free(take_name);
}

/* @take_params object */
static void step_operation(struct plan *p, char *take_name, const char *type, json_t *take_params)
{
	json_array_append_new(p->steps,
		json_pack("{s:s, s:s, s:s, s:o}", "name", take_name, "type", type, "target",
			p->name, "params", take_params));
	mem_free(take_name);
}

static json_t *guarded(const struct plan *p, json_t *take_params)
{
	if (p->options->allow_quorum_loss)
		json_object_set_new(take_params, "allow_quorum_loss", json_true());
	return take_params;
}

/* ---- fields that differ ---- */

/* Fields of want that the record has otherwise, as a body for a change. @have JSON of the record
 * @ret_text "ssh_port 22 -> 2222, ...": NULL when none does; owned   Returns owned. */
json_t *plan_differences(const json_t *want, const json_t *have, const struct desired_word *words,
	char **ret_text)
{
	json_t *body = json_object();
	struct str s = STR_INIT;

	for (; words->word != NULL; words++) {
		json_t *value = json_object_get(want, words->field);
		const json_t *old = json_object_get(have, words->field);
		if (value == NULL || json_equal(value, old))
			continue;
		json_object_set(body, words->field, value);
		cleanup(mem_freep) char *from = plan_value_text(old);
		cleanup(mem_freep) char *to = plan_value_text(value);
		str_addf(&s, "%s%s %s -> %s", s.len > 0 ? ", " : "", words->word, from, to);
	}
	*ret_text = json_object_size(body) > 0 ? str_take(&s) : NULL;
	str_done(&s);
	return body;
}

/* ---- nodes ---- */

static const struct node *find_node(const struct plan *p, const char *hostname)
{
	for (size_t i = 0; i < p->now->n_nodes; i++)
		if (strcmp(p->now->nodes[i].hostname, hostname) == 0)
			return &p->now->nodes[i];
	return NULL;
}

static bool is_ours(const struct plan *p, const struct node *n)
{
	return p->now->cluster != NULL && n->cluster_id == p->now->cluster->id;
}

static bool is_member(const struct plan *p, const struct node *n)
{
	return p->running && is_ours(p, n) && desired_member(p->now->cluster, n->hostname) != NULL;
}

/* Whether another machine of the inventory has the address and port already. */
static bool address_taken(const struct plan *p, const json_t *want, const struct node *row)
{
	const char *hostname = json_string_value(json_object_get(want, "hostname"));
	const char *address = json_string_value(json_object_get(want, "ip_address"));
	const json_t *given = json_object_get(want, "ssh_port");
	int64_t port = given != NULL ? json_integer_value(given)
		: row != NULL        ? row->ssh_port
				     : SSH_PORT;

	for (size_t i = 0; i < p->now->n_nodes; i++) {
		const struct node *n = &p->now->nodes[i];
		if (strcmp(n->ip_address, address) == 0 && n->ssh_port == port &&
			strcmp(n->hostname, hostname) != 0)
			return true;
	}
	return false;
}

static void join_later(struct plan *p, const char *hostname, const json_t *want,
	const struct node *row)
{
	const char *text = json_string_value(json_object_get(want, "role"));
	int64_t role = text != NULL ? enum_value(&node_role_table, text)
		: row != NULL       ? row->role
				    : NODE_ROLE_NONE;

	if (p->running)
		json_array_append_new(p->join[role], json_string(hostname));
}

static void plan_new_node(struct plan *p, const json_t *want)
{
	const char *hostname = json_string_value(json_object_get(want, "hostname"));
	const char *role = json_string_value(json_object_get(want, "role"));
	json_t *body = json_deep_copy(want);

	json_object_del(body, "labels");
	json_object_set_new(body, "cluster_id", json_string(p->name));
	plan_say(p->changes, "add", node_text(hostname),
		mem_printf("is not in the inventory yet (%s%s%s)",
			json_string_value(json_object_get(want, "ip_address")),
			role != NULL ? ", " : "", role != NULL ? role : ""));
	plan_step_record(p, mem_printf("add node %s to the inventory", hostname), "node.create",
		NULL, body);
	join_later(p, hostname, want, NULL);
}

static void plan_member(struct plan *p, size_t i, const json_t *body)
{
	if (json_object_get(body, "ip_address") != NULL)
		refuse_node(p, i, "address",
			"the address of a member cannot change: it leaves (mko cluster leave) and joins again with the other one");
	if (json_object_get(body, "role") != NULL)
		refuse_node(p, i, "role",
			"the role of a member cannot change: it leaves (mko cluster leave) and joins again in the other one");
}

static void plan_known_node(struct plan *p, size_t i, const json_t *want, const struct node *row)
{
	cleanup(mem_freep) char *text = NULL;
	bool member = is_member(p, row);
	bool moves = !is_ours(p, row);
	json_t *have = record_to_json(&node_type, row);
	json_t *body = plan_differences(want, have, desired_node_words, &text);

	json_decref(have);
	if (member)
		plan_member(p, i, body);
	else if (p->running || moves)
		plan_say(p->changes, "add", node_text(row->hostname),
			mem_strdup("is in the inventory, and not in the cluster"));
	if (text != NULL)
		plan_say(p->changes, "change", node_text(row->hostname), mem_strdup(text));
	if (moves)
		json_object_set_new(body, "cluster_id", json_string(p->name));
	if (!member)
		join_later(p, row->hostname, want, row);
	if (json_object_size(body) == 0) {
		json_decref(body);
		return;
	}
	plan_step_record(p, mem_printf("change node %s in the inventory", row->hostname),
		"node.update", row->hostname, body);
}

/* Labels that are not as they shall be; those of a node that joins first are all to be set. */
static void plan_labels(struct plan *p, const json_t *want, const char *hostname)
{
	const json_t *have = p->now->cluster != NULL
		? json_object_get(desired_member(p->now->cluster, hostname), "labels")
		: NULL;
	json_t *body = json_object();
	struct str s = STR_INIT;
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(want, "labels"), key, value) {
		const json_t *old = json_object_get(have, key);
		if (json_is_null(value) ? old == NULL : json_equal(value, old))
			continue;
		cleanup(mem_freep) char *from = plan_value_text(old);
		cleanup(mem_freep) char *to = plan_value_text(value);
		str_addf(&s, "%s%s %s -> %s", s.len > 0 ? ", label " : "label ", key, from, to);
		json_object_set(body, key, value);
	}
	if (json_object_size(body) > 0) {
		plan_say(p->changes, "change", node_text(hostname), mem_strdup(str_get(&s)));
		json_object_set(p->labels, hostname, body);
	}
	json_decref(body);
	str_done(&s);
}

static void plan_node(struct plan *p, size_t i, const json_t *want)
{
	const char *hostname = json_string_value(json_object_get(want, "hostname"));
	const struct node *row = find_node(p, hostname);

	if (address_taken(p, want, row))
		refuse_node(p, i, "address",
			"is the address of a node that has another name in the inventory");
	if (row != NULL && row->cluster_id != I64_NONE && !is_ours(p, row))
		refuse_node(p, i, "name", "this node belongs to another cluster");
	else if (row == NULL)
		plan_new_node(p, want);
	else
		plan_known_node(p, i, want, row);
	plan_labels(p, want, hostname);
}

/* ---- nodes that are not in the file ---- */

static bool is_wanted(const struct plan *p, const char *hostname)
{
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(p->want, "nodes"), i, item)
		if (strcmp(json_string_value(json_object_get(item, "hostname")), hostname) == 0)
			return true;
	return false;
}

static void plan_other_node(struct plan *p, const struct node *row)
{
	if (!p->options->prune) {
		plan_say(p->notes, NULL, node_text(row->hostname),
			mem_strdup("is not in the file; --prune takes it out of the cluster"));
		return;
	}
	plan_say(p->changes, "remove", node_text(row->hostname), mem_strdup("is not in the file"));
	if (is_member(p, row))
		json_array_append_new(p->leave, json_string(row->hostname));
	else
		plan_step_record(p, mem_printf("take node %s out of the cluster", row->hostname),
			"node.update", row->hostname,
			json_pack("{s:n, s:s}", "cluster_id", "role", "none"));
}

static void note_strangers(struct plan *p)
{
	const struct cluster *c = p->now->cluster;
	size_t i;
	const json_t *member;

	json_array_foreach(c != NULL ? json_object_get(c->scan, "nodes") : NULL, i, member) {
		const char *name = json_string_value(json_object_get(member, "name"));
		if (name != NULL && find_node(p, name) == NULL && !is_wanted(p, name))
			plan_say(p->notes, NULL, node_text(name),
				mem_strdup(
					"is a member, and neither in the file nor in the inventory"));
	}
}

static void plan_nodes(struct plan *p)
{
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(p->want, "nodes"), i, item)
		plan_node(p, i, item);
	for (size_t k = 0; k < p->now->n_nodes; k++)
		if (is_ours(p, &p->now->nodes[k]) && !is_wanted(p, p->now->nodes[k].hostname))
			plan_other_node(p, &p->now->nodes[k]);
	note_strangers(p);
}

/* ---- control planes ---- */

/* Nodes that are, or may become, control planes when all is done. */
static size_t count_planes(const struct plan *p)
{
	size_t n = 0;
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(p->want, "nodes"), i, item) {
		const char *role = json_string_value(json_object_get(item, "role"));
		const struct node *row =
			find_node(p, json_string_value(json_object_get(item, "hostname")));
		n += role != NULL ? strcmp(role, "control_plane") == 0
				  : row == NULL || row->role != NODE_ROLE_WORKER;
	}
	for (size_t k = 0; k < p->now->n_nodes; k++)
		n += !p->options->prune && is_ours(p, &p->now->nodes[k]) &&
			!is_wanted(p, p->now->nodes[k].hostname) &&
			p->now->nodes[k].role == NODE_ROLE_CONTROL_PLANE;
	return n;
}

static void check_planes(struct plan *p)
{
	const json_t *given = json_object_get(p->want, "ha_enabled");
	bool ha = given != NULL ? json_is_true(given)
				: p->now->cluster != NULL && p->now->cluster->ha_enabled;
	size_t n = count_planes(p);

	if (n == 0)
		plan_refuse(p, "spec.nodes",
			"a cluster needs a control plane, and these are workers only");
	else if (ha && n < HA_CONTROL_PLANES)
		plan_refuse(p, given != NULL ? "spec.ha" : "spec.nodes",
			"high availability needs %d control planes, and this leads to %zu",
			HA_CONTROL_PLANES, n);
}

/* ---- set-up, joins, leaves ---- */

static void plan_joins(struct plan *p)
{
	static const int64_t order[] = {NODE_ROLE_CONTROL_PLANE, NODE_ROLE_NONE, NODE_ROLE_WORKER};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		json_t *names = p->join[order[i]];
		cleanup(mem_freep) char *text = names_text(names);
		const char *role =
			order[i] == NODE_ROLE_NONE ? "auto" : enum_text(&node_role_table, order[i]);
		if (json_array_size(names) > 0)
			step_operation(p, mem_printf("join %s", text), "cluster.join",
				json_pack("{s:O, s:s}", "nodes", names, "role", role));
	}
}

static void plan_members(struct plan *p)
{
	if (!p->running) {
		if (p->now->cluster != NULL)
			plan_say(p->changes, "add", plan_cluster_text(p),
				mem_strdup("is not set up yet"));
		step_operation(p, mem_printf("set up cluster %s", p->name), "cluster.setup",
			json_object());
		return;
	}
	plan_joins(p);
	cleanup(mem_freep) char *text = names_text(p->leave);
	if (json_array_size(p->leave) > 0)
		step_operation(p, mem_printf("remove %s", text), "cluster.leave",
			guarded(p, json_pack("{s:O}", "nodes", p->leave)));
}

static void plan_label_step(struct plan *p)
{
	if (json_object_size(p->labels) > 0)
		step_operation(p, mem_strdup("label nodes"), "cluster.label",
			json_pack("{s:O}", "labels", p->labels));
}

/* ---- the version ---- */

/* Whether a member follows another channel than the wanted one. */
static bool channel_differs(const struct plan *p, const char *wanted)
{
	if (strcmp(desired_channel_of(p->now), wanted) != 0)
		return true;
	for (size_t i = 0; i < p->now->n_nodes; i++) {
		const struct node *n = &p->now->nodes[i];
		if (is_member(p, n) && is_wanted(p, n->hostname) && n->channel != NULL &&
			strcmp(n->channel, wanted) != 0)
			return true;
	}
	return false;
}

/* Kubernetes goes up by one minor version, and never back. */
static bool refuse_jump(struct plan *p, const char *wanted)
{
	int64_t want = cluster_minor(wanted);
	int64_t least = -1;
	int64_t most = -1;

	for (size_t i = 0; i < p->now->n_nodes; i++) {
		int64_t minor = is_member(p, &p->now->nodes[i])
			? cluster_minor(p->now->nodes[i].microk8s_version)
			: -1;
		least = minor >= 0 && (least < 0 || minor < least) ? minor : least;
		most = minor > most ? minor : most;
	}
	if (want < 0)
		plan_refuse(p, "spec.channel", "must name a version, such as 1.33/stable");
	else if (most > want)
		plan_refuse(p, "spec.channel",
			"cluster %s runs 1.%lld, and Kubernetes cannot go back to 1.%lld", p->name,
			(long long)most, (long long)want);
	else if (least >= 0 && want > least + 1)
		plan_refuse(p, "spec.channel",
			"cluster %s runs 1.%lld, and 1.%lld would skip a version: go to 1.%lld first",
			p->name, (long long)least, (long long)want, (long long)least + 1);
	return p->refused != NULL;
}

static void plan_resume(struct plan *p, const char *wanted, const char *halted)
{
	if (halted == NULL || strcmp(halted, wanted) != 0) {
		plan_refuse(p, "spec.channel",
			"an upgrade to %s is halted: mko cluster upgrade resume %s, or: mko cluster upgrade abort %s",
			halted != NULL ? halted : "?", p->name, p->name);
		return;
	}
	plan_say(p->changes, "change", plan_cluster_text(p),
		mem_printf("the upgrade to %s was halted and goes on", wanted));
	step_operation(p, mem_printf("go on with the upgrade to %s", wanted), "cluster.upgrade",
		json_pack("{s:b}", "resume", true));
}

static void plan_version(struct plan *p)
{
	const char *wanted = json_string_value(json_object_get(p->want, "channel"));
	const json_t *upgrade = p->running ? p->now->cluster->upgrade : NULL;
	const char *status = json_string_value(json_object_get(upgrade, "status"));

	if (!p->running || wanted == NULL)
		return;
	if (status != NULL && strcmp(status, "halted") == 0) {
		plan_resume(p, wanted, json_string_value(json_object_get(upgrade, "channel")));
		return;
	}
	if (!channel_differs(p, wanted) || refuse_jump(p, wanted))
		return;
	plan_say(p->changes, "change", plan_cluster_text(p),
		mem_printf("channel %s -> %s: an upgrade, node by node", desired_channel_of(p->now),
			wanted));
	step_operation(p, mem_printf("upgrade to %s", wanted), "cluster.upgrade",
		guarded(p, json_pack("{s:s}", "to", wanted)));
}

/* ---- addons ---- */

static void plan_addon(struct plan *p, const json_t *want, json_t *off, json_t *on)
{
	const struct cluster *c = p->now->cluster;
	const char *name = json_string_value(json_object_get(want, "name"));
	json_t *args = json_object_get(want, "args");
	const json_t *kept = desired_addon_find(c->addons, name);
	const json_t *old = json_object_get(kept, "args");

	if (!desired_addon_on(c, name)) {
		plan_say(p->changes, "add", mem_printf("addon %s", name),
			mem_strdup("is not enabled"));
		json_array_append(on, (json_t *)(uintptr_t)want);
		return;
	}
	/* nobody knows what an addon that mko did not enable was enabled with */
	if (json_equal(args, old) ||
		(json_array_size(args) == 0 && (kept == NULL || json_array_size(old) == 0)))
		return;
	cleanup(mem_freep) char *from = plan_value_text(old);
	cleanup(mem_freep) char *to = plan_value_text(args);
	plan_say(p->changes, "change", mem_printf("addon %s", name),
		mem_printf("args %s -> %s: disabled and enabled again", from, to));
	json_array_append_new(off, json_string(name));
	json_array_append(on, (json_t *)(uintptr_t)want);
}

/* Addons that are on and not in the file: what mko enabled goes, what somebody else did, or another
 * addon brought along, stays. */
static void plan_other_addons(struct plan *p, const json_t *wanted, json_t *off)
{
	json_t *have = desired_addons_of(p->now->cluster);
	size_t i;
	const json_t *item;

	json_array_foreach(have, i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		bool ours = desired_addon_find(p->now->cluster->addons, name) != NULL;
		if (desired_addon_find(wanted, name) != NULL)
			continue;
		if (!ours) {
			plan_say(p->notes, NULL, mem_printf("addon %s", name),
				mem_strdup("is enabled, and not in the file"));
			continue;
		}
		plan_say(p->changes, "remove", mem_printf("addon %s", name),
			mem_strdup("is not in the file"));
		json_array_append_new(off, json_string(name));
	}
	json_decref(have);
}

static void plan_addons(struct plan *p)
{
	const json_t *wanted = json_object_get(p->want, "addons");
	json_t *off = json_array();
	json_t *on = json_array();
	size_t i;
	const json_t *item;

	if (p->running && wanted != NULL) {
		json_array_foreach(wanted, i, item)
			plan_addon(p, item, off, on);
		plan_other_addons(p, wanted, off);
	}
	if (json_array_size(off) > 0)
		step_operation(p, mem_strdup("disable addons"), "cluster.addon_disable",
			json_pack("{s:O}", "addons", off));
	if (json_array_size(on) > 0)
		step_operation(p, mem_strdup("enable addons"), "cluster.addon_enable",
			json_pack("{s:O}", "addons", on));
	json_decref(off);
	json_decref(on);
}

/* ---- the whole ---- */

static struct err *refusal(struct plan *p)
{
	if (p->refused == NULL)
		return NULL;
	struct err *e = err_recode(MOVE(p->refused), ERR_PRECONDITION);
	return p->now->cluster != NULL
		? err_hint(e, "mko cluster export %s    (the file of the cluster as it is)",
			  p->name)
		: e;
}

static void done(struct plan *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->join); i++)
		json_decref(p->join[i]);
	json_decref(p->leave);
	json_decref(p->labels);
	json_decref(p->changes);
	json_decref(p->notes);
	json_decref(p->steps);
}

struct err *desired_plan(const struct desired_state *now, const json_t *want,
	const struct desired_options *options, json_t **ret_plan)
{
	struct plan p = {.now = now,
		.want = want,
		.options = options,
		.name = json_string_value(json_object_get(want, "name")),
		.running = now->cluster != NULL && now->cluster->scanned_at != I64_NONE,
		.changes = json_array(),
		.notes = json_array(),
		.steps = json_array(),
		.leave = json_array(),
		.labels = json_object()};

	for (size_t i = 0; i < ARRAY_LEN(p.join); i++)
		p.join[i] = json_array();
	plan_settings(&p);
	plan_nodes(&p);
	check_planes(&p);
	plan_members(&p);
	plan_label_step(&p);
	plan_version(&p);
	plan_addons(&p);
	struct err *e = refusal(&p);
	if (e == NULL)
		*ret_plan = json_pack("{s:s, s:b, s:O, s:O, s:O}", "cluster", p.name, "exists",
			now->cluster != NULL, "changes", p.changes, "notes", p.notes, "steps",
			p.steps);
	done(&p);
	return e;
}
