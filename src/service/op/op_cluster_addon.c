/* cluster.addon_enable, addon_disable: addons of a running cluster; what the cluster shall have is
 * remembered, so that the next set-up keeps it. */
#include <string.h>

#include "base/mem.h"
#include "service/cluster.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"

static const struct op_param params[] = {
	{.name = "addons",
		.kind = FIELD_JSON,
		.required = true,
		.example = "[\"dns\"]",
		.help = "Addons: names, \"metallb:RANGE\", or objects with name and args."},
	{.name = "addon_timeout_s",
		.kind = FIELD_I64,
		.min = 1,
		.max = 86400,
		.help = "Seconds for one addon. Default: microk8s.addon_timeout_s."},
};

static struct err *plan(struct service *svc, struct op_run *run)
{
	const json_t *given = op_run_param(run, "addons");
	const json_t *seconds = op_run_param(run, "addon_timeout_s");
	bool on = strcmp(run->type->name, "cluster.addon_enable") == 0;
	json_t *addons = NULL;

	if (!json_is_array(given) || json_array_size(given) == 0 || json_array_size(given) > 64)
		return err_field(NULL, "addons", "must be a list of 1 to 64 addons");
	TRY(cluster_addons_normal(given, &addons));
	op_run_set(run, "mko_addons", addons);
	op_run_set_text(run, "mko_addon_state", on ? "enabled" : "disabled");
	op_run_set(run, "mko_addon_timeout_s",
		json_integer(seconds != NULL ? json_integer_value(seconds)
					     : svc->config->microk8s_addon_timeout_s));
	return op_run_keep_planes(run);
}

static size_t find_addon(const json_t *addons, const char *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach(addons, i, item)
		if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
			break;
	return i;
}

/* Into what the cluster shall have, or out of it. */
static struct err *remember(struct service *svc, struct op_run *run, bool on)
{
	struct cluster *c = run->cluster;
	json_t *wanted = NULL;
	json_t *have = NULL;
	size_t i;
	json_t *addon;

	TRY(cluster_addons_normal(op_run_param(run, "addons"), &wanted));
	struct err *e = cluster_addons_normal(c->addons, &have);
	if (e != NULL) {
		json_decref(wanted);
		return e;
	}
	json_array_foreach(wanted, i, addon) {
		const char *name = json_string_value(json_object_get(addon, "name"));
		size_t at = find_addon(have, name);
		if (at < json_array_size(have))
			json_array_remove(have, at);
		if (on)
			json_array_append(have, addon);
	}
	json_decref(wanted);
	json_decref(c->addons);
	c->addons = have;
	c->updated_at = clock_utc(svc->clock);
	return store_update(svc->store, &cluster_type, c);
}

static struct err *finish_enable(struct service *svc, struct op_run *run)
{
	return run->op->status == OP_SUCCEEDED ? remember(svc, run, true) : NULL;
}

static struct err *finish_disable(struct service *svc, struct op_run *run)
{
	return run->op->status == OP_SUCCEEDED ? remember(svc, run, false) : NULL;
}

const struct op_type op_cluster_addon_enable = {
	.name = "cluster.addon_enable",
	.title = "Enable addons of cluster %s",
	.summary = "Enable addons one after another, each with a time limit, and verify them.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 7200,
	.playbook = "switch_addons",
	.params = params,
	.n_params = ARRAY_LEN(params),
	.plan = plan,
	.host_result = cluster_state_host,
	.finish = finish_enable,
};

const struct op_type op_cluster_addon_disable = {
	.name = "cluster.addon_disable",
	.title = "Disable addons of cluster %s",
	.summary = "Disable addons one after another, each with a time limit, and verify that.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 7200,
	.playbook = "switch_addons",
	.params = params,
	.n_params = ARRAY_LEN(params),
	.plan = plan,
	.host_result = cluster_state_host,
	.finish = finish_disable,
};
