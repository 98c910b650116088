/* cluster.backup, restore: the datastore, proven. Backups lie in
 * DATA_DIR/backups/CLUSTER/OPERATION; one without manifest.json is none. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "service/backup.h"
#include "service/op/op_cluster_state.h"
#include "service/op/op_run.h"
#include "service/scope.h"

/* Rows for which backups of the same kind are kept after a good one. */
#define KEEP_PARAMS                                                                                                                                                       \
	{.name = "keep_backups",                                                                                                                                          \
		.kind = FIELD_I64,                                                                                                                                        \
		.min = 0,                                                                                                                                                 \
		.max = 10000,                                                                                                                                             \
		.def = "0",                                                                                                                                               \
		.help = "How many of the newest backups of this kind are kept; what none of the three keeps is removed after a good one. All three at 0: all are kept."}, \
		{.name = "keep_daily",                                                                                                                                    \
			.kind = FIELD_I64,                                                                                                                                \
			.min = 0,                                                                                                                                         \
			.max = 1000,                                                                                                                                      \
			.def = "0",                                                                                                                                       \
			.help = "Keep the newest backup of each of so many days (UTC) that have one."},                                                                   \
	{                                                                                                                                                                 \
		.name = "keep_weekly", .kind = FIELD_I64, .min = 0, .max = 1000, .def = "0",                                                                              \
		.help = "Keep the newest backup of each of so many weeks (Monday to Sunday, UTC) that have one."                                                          \
	}

static const struct op_param backup_params[] = {
	KEEP_PARAMS,
};

/* Where a backup that this operation makes will lie. */
static void set_fresh(struct service *svc, struct op_run *run)
{
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)run->op->id);
	cleanup(mem_freep) char *folder = backup_folder(svc, run->cluster->name, id);
	op_run_set_text(run, "mko_backup_folder", folder);
	op_run_set_text(run, "mko_backup_id", id);
	op_run_set_text(run, "mko_cluster_name", run->cluster->name);
}

static void set_keep(struct op_run *run)
{
	static const struct {
		const char *param, *word;
	} rows[] = {{"keep_backups", "last"}, {"keep_daily", "daily"}, {"keep_weekly", "weekly"}};
	json_t *keep = json_object();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_object_set_new(keep, rows[i].word,
			json_deep_copy(op_run_param(run, rows[i].param)));
	op_run_set(run, "mko_backup_keep", keep);
}

static struct err *plan_backup(struct service *svc, struct op_run *run)
{
	TRY(op_run_keep_planes(run));
	set_fresh(svc, run);
	set_keep(run);
	return NULL;
}

const struct op_type op_cluster_backup = {
	.name = "cluster.backup",
	.title = "Back up cluster %s",
	.summary =
		"Save the datastore to the controller, open the archive and count what is in it. Volumes are not part of it.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_READ,
	.timeout_s = 3600,
	.playbook = "backup_cluster",
	.params = backup_params,
	.n_params = ARRAY_LEN(backup_params),
	.plan = plan_backup,
};

static const struct op_param physical_params[] = {
	KEEP_PARAMS,
	OP_PARAM_ALLOW_QUORUM_LOSS,
};

static struct err *plan_physical(struct service *svc, struct op_run *run)
{
	const json_t *allow = op_run_param(run, "allow_quorum_loss");

	if (allow != NULL)
		op_run_set(run, "mko_allow_quorum_loss", json_deep_copy(allow));
	return plan_backup(svc, run);
}

/* One control plane stops meanwhile, one that the others can spare; which one, the playbook sees.
 */
const struct op_type op_cluster_backup_physical = {
	.name = "cluster.backup_physical",
	.title = "Copy the datastore of cluster %s",
	.summary =
		"Stop MicroK8s on the control plane that is missed least, copy the folder of the datastore with certificates and settings to the controller, and open the copy.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_OPERATOR,
	.risk = OP_RISK_DISRUPT,
	.down = OP_DOWN_EACH,
	.exclusive = true,
	.timeout_s = 3600,
	.playbook = "backup_physical",
	.params = physical_params,
	.n_params = ARRAY_LEN(physical_params),
	.plan = plan_physical,
};

static const struct op_param restore_params[] = {
	{.name = "backup",
		.kind = FIELD_TEXT,
		.required = true,
		.max = 90,
		.check = backup_check_name,
		.example = "\"prod/1\"",
		.help = "Number of a backup of this cluster, or CLUSTER/NUMBER."},
};

/* Tell the playbook where the backup lies that the parameter `backup` names. */
static struct err *set_backup(struct service *svc, struct op_run *run, json_t **ret_manifest)
{
	const char *name = op_run_param_text(run, "backup");
	const char *slash = strchr(name, '/');
	cleanup(mem_freep) char *cluster = slash != NULL ? mem_strndup(name, (size_t)(slash - name))
							 : mem_strdup(run->cluster->name);

	if (strcmp(cluster, run->cluster->name) != 0)
		TRY(scope_need_none(svc, "restore a backup of another cluster"));
	const char *id = slash != NULL ? slash + 1 : name;
	TRY(backup_manifest(svc, cluster, id, ret_manifest));
	cleanup(mem_freep) char *folder = backup_folder(svc, cluster, id);
	op_run_set_text(run, "mko_backup_folder", folder);
	return NULL;
}

static struct err *plan_restore(struct service *svc, struct op_run *run)
{
	json_t *manifest = NULL;

	if (run->n_nodes != 1)
		return err_hint(
			err_new(ERR_PRECONDITION,
				"a backup is restored onto a single fresh node, and cluster %s has %zu nodes",
				run->cluster->name, run->n_nodes),
			"make a cluster of one fresh node, restore there, then join the others");
	TRY(set_backup(svc, run, &manifest));
	json_decref(manifest);
	return NULL;
}

const struct op_type op_cluster_restore = {
	.name = "cluster.restore",
	.title = "Restore a backup onto cluster %s",
	.summary =
		"Put a backup of the datastore onto a fresh single node of the same version, and compare what is there afterwards.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_ADMIN,
	.risk = OP_RISK_DESTROY,
	.exclusive = true,
	.check_mode = true,
	.timeout_s = 7200,
	.playbook = "restore_cluster",
	.params = restore_params,
	.n_params = ARRAY_LEN(restore_params),
	.plan = plan_restore,
};

static const struct op_param drill_params[] = {
	{.name = "nodes",
		.kind = FIELD_JSON,
		.required = true,
		.example = "[\"n1\"]",
		.help = "The spare machine, as a list of one: a node of no cluster, without MicroK8s."},
	{.name = "backup",
		.kind = FIELD_TEXT,
		.max = 90,
		.check = backup_check_name,
		.help = "Number of a backup of this cluster, or CLUSTER/NUMBER; absent: a fresh one is made."},
};

static struct err *check_spare(const struct op_run *run)
{
	if (json_array_size(op_run_param(run, "nodes")) != 1)
		return err_field(NULL, "nodes", "must be a list of one node");
	for (size_t i = 0; i < run->n_nodes; i++)
		if (op_run_named(run, &run->nodes[i]) && run->nodes[i].cluster_id != I64_NONE)
			return err_hint(
				err_new(ERR_PRECONDITION,
					"node %s belongs to a cluster; a drill needs a spare machine, and leaves nothing on it",
					run->nodes[i].hostname),
				"mko node list");
	return NULL;
}

/* A backup of another time has no need of the control planes. */
static struct err *plan_old_backup(struct service *svc, struct op_run *run)
{
	json_t *manifest = NULL;

	op_run_keep(run, op_run_named);
	TRY(set_backup(svc, run, &manifest));
	const char *kind = json_string_value(json_object_get(manifest, "kind"));
	bool logical = kind != NULL && strcmp(kind, "datastore") == 0;
	json_decref(manifest);
	return logical
		? NULL
		: err_hint(
			  err_new(ERR_PRECONDITION,
				  "a physical backup shows what is in it only when it runs, so it cannot be drilled harmlessly"),
			  "mko cluster backup list %s, and take one of the kind datastore",
			  run->cluster->name);
}

static struct err *plan_drill(struct service *svc, struct op_run *run)
{
	bool fresh = op_run_param_text(run, "backup") == NULL;

	op_run_set(run, "mko_drill_hosts", op_run_named_hosts(run));
	op_run_set(run, "mko_drill_fresh", json_boolean(fresh));
	TRY(check_spare(run));
	if (!fresh)
		return plan_old_backup(svc, run);
	TRY(op_run_keep_planes(run));
	set_fresh(svc, run);
	return NULL;
}

const struct op_type op_cluster_backup_drill = {
	.name = "cluster.backup_drill",
	.title = "Restore a backup of cluster %s on a spare machine",
	.summary =
		"Make a backup, restore it on a spare machine where nothing of it runs, read every object back through the API, and remove MicroK8s there again.",
	.target = OP_TARGET_CLUSTER,
	.role = ROLE_ADMIN,
	.risk = OP_RISK_CHANGE,
	.exclusive = true,
	.timeout_s = 7200,
	.playbook = "drill_backup",
	.params = drill_params,
	.n_params = ARRAY_LEN(drill_params),
	.plan = plan_drill,
};
