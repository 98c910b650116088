/* Owns what a plan does to the settings of a cluster and to its schedule of backups, and which of
 * them it refuses. Pure. */
#include <string.h>

#include "base/mem.h"
#include "model/desired.h"
#include "service/desired_plan_int.h"
#include "service/op/op_type.h"

/* ---- the cluster itself ---- */

static void refuse_networks(struct plan *p, const json_t *have)
{
	static const char *const words[] = {"network_cidr", "service_cidr"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const json_t *value = json_object_get(p->want, words[i]);
		const json_t *old = json_object_get(have, words[i]);
		cleanup(mem_freep) char *path = mem_printf("spec.%s", words[i]);
		cleanup(mem_freep) char *from = plan_value_text(old);
		if (value != NULL && !json_equal(value, old))
			plan_refuse(p, path,
				"cluster %s runs with %s: the network of a running cluster cannot change; make a new cluster with the other network",
				p->name, from);
	}
}

static void refuse_feeds(struct plan *p)
{
	size_t i;
	const json_t *name;

	json_array_foreach(json_object_get(p->want, "feeds"), i, name) {
		bool found = false;
		for (size_t k = 0; k < p->now->n_upses; k++)
			found |= strcmp(p->now->upses[k].name, json_string_value(name)) == 0;
		cleanup(mem_freep) char *path = mem_printf("spec.power.feeds[%zu]", i);
		if (!found)
			plan_refuse(p, path, "there is no UPS %s: mko ups add",
				json_string_value(name));
	}
}

/* MicroK8s comes with Calico, which an addon can replace. */
static void refuse_cni(struct plan *p)
{
	static const char *const others[] = {"cilium", "kube-ovn"};

	if (json_object_get(p->want, "cni") == NULL || p->now->cluster == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (desired_addon_on(p->now->cluster, others[i]))
			plan_refuse(p, "spec.cni.name",
				"the addon %s is enabled, which takes the place of Calico: leave the key out, or disable the addon first (mko cluster addon disable %s %s)",
				others[i], p->name, others[i]);
}

static bool knows_playbook(const struct plan *p, const char *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach(p->now->playbooks, i, item)
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	return false;
}

static void refuse_hook(struct plan *p, const char *when, const char *type, const json_t *names)
{
	const struct op_type *hooked = op_type_find(type);
	const char *word = strncmp(type, "cluster.", 8) == 0 ? type + 8 : type;
	cleanup(mem_freep) char *path = mem_printf("spec.hooks.%s.%s", when, word);
	size_t i;
	const json_t *name;

	if (hooked == NULL || hooked->target != OP_TARGET_CLUSTER)
		plan_refuse(p, path, "is no operation on a cluster: mko operation types");
	json_array_foreach(names, i, name)
		if (!knows_playbook(p, json_string_value(name)))
			plan_refuse(p, path, "there is no playbook %s: mko playbook list",
				json_string_value(name));
}

static void refuse_hooks(struct plan *p)
{
	const char *when, *type;
	json_t *types, *names;

	json_object_foreach(json_object_get(p->want, "hooks"), when, types)
		json_object_foreach(types, type, names)
			refuse_hook(p, when, type, names);
}

static void plan_cluster(struct plan *p)
{
	static const struct desired_word of_running[] = {{"description", "description"},
		{"labels", "labels"}, {"ha", "ha_enabled"}, {"hooks", "hooks"}, {"feeds", "feeds"},
		{"policy", "feed_policy"}, {"min_feeds", "min_feeds"}, {NULL, NULL}};
	cleanup(mem_freep) char *text = NULL;

	if (p->now->cluster == NULL) {
		plan_say(p->changes, "add", plan_cluster_text(p), mem_strdup("is not there yet"));
		return;
	}
	json_t *have = record_to_json(&cluster_type, p->now->cluster);
	json_object_set_new(have, "feeds", desired_feeds_of(p->now));
	json_t *body = plan_differences(p->want, have,
		p->running ? of_running : desired_cluster_words, &text);
	if (p->running)
		refuse_networks(p, have);
	json_decref(have);
	if (text == NULL) {
		json_decref(body);
		return;
	}
	plan_say(p->changes, "change", plan_cluster_text(p), mem_strdup(text));
	plan_step_record(p, mem_printf("change the settings of cluster %s", p->name),
		"cluster.update", p->name, body);
}

/* ---- the schedule of backups ---- */

/* The fields of a schedule that "backup" of a file stands for. @params those that its operation has
 * now, NULL: none   Owned. */
static json_t *schedule_body(const json_t *backup, const json_t *params)
{
	json_t *body = json_deep_copy(backup);
	const json_t *keep = json_object_get(backup, "keep");

	json_object_del(body, "keep");
	if (keep == NULL)
		return body;
	json_t *fresh = params != NULL ? json_deep_copy(params) : json_object();
	for (const struct desired_word *w = desired_keep_words; w->word != NULL; w++) {
		json_object_del(fresh, w->field);
		if (json_object_get(keep, w->word) != NULL)
			json_object_set(fresh, w->field, json_object_get(keep, w->word));
	}
	json_object_set_new(body, "params", fresh);
	return body;
}

static void plan_new_backup(struct plan *p, const json_t *backup, const char *name)
{
	json_t *body = schedule_body(backup, NULL);

	json_object_update_new(body,
		json_pack("{s:s, s:s, s:s}", "name", name, "type", "cluster.backup", "target",
			p->name));
	plan_say(p->changes, "add", mem_printf("schedule %s", name),
		mem_strdup("is not there yet"));
	plan_step_record(p, mem_printf("add schedule %s", name), "schedule.create", NULL, body);
}

static void plan_backup(struct plan *p)
{
	const json_t *backup = json_object_get(p->want, "backup");
	cleanup(mem_freep) char *name = desired_backup_name(p->name);
	cleanup(mem_freep) char *text = NULL;

	if (backup == NULL)
		return;
	if (p->now->backup == NULL) {
		plan_new_backup(p, backup, name);
		return;
	}
	json_t *have = desired_backup_of(p->now);
	if (json_object_get(have, "keep") == NULL)
		json_object_set_new(have, "keep", json_object()); /* all */
	json_t *body = plan_differences(backup, have, desired_backup_words, &text);
	json_decref(have);
	if (text != NULL) {
		plan_say(p->changes, "change", mem_printf("schedule %s", name), mem_strdup(text));
		plan_step_record(p, mem_printf("change schedule %s", name), "schedule.update", name,
			schedule_body(body, p->now->backup->params));
	}
	json_decref(body);
}

void plan_settings(struct plan *p)
{
	plan_cluster(p);
	refuse_feeds(p);
	refuse_cni(p);
	refuse_hooks(p);
	plan_backup(p);
}
