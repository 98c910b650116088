/* Owns which rows and files go into a support bundle. Masking and packing: bundle_make.c. */
#include "service/bundle.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/encrypt.h"
#include "gen/version.h"
#include "model/cluster.h"
#include "model/node.h"
#include "model/schedule.h"
#include "model/ups.h"
#include "model/workflow.h"
#include "service/cluster.h"
#include "service/doctor.h"
#include "service/op/op.h"
#include "service/op/op_findings.h"

#define OPERATIONS_MAX 200
#define LOGS_MAX 50
#define CHECKS_MAX 5

/** The tables, each a file of its own; what FIELD_HIDDEN says stays out. */
static const struct section {
	const char *file;
	const struct record_type *type;
	const char *cluster_field; /**< NULL: of no single cluster */
	int64_t limit;             /**< of the newest rows, 0 = all */
} sections[] = {
	{"clusters.json", &cluster_type, "id", 0},
	{"nodes.json", &node_type, "cluster_id", 0},
	{"ups_devices.json", &ups_device_type, NULL, 0},
	{"ups_rules.json", &ups_rule_type, NULL, 0},
	{"ups_events.json", &ups_event_type, NULL, 500},
	{"schedules.json", &schedule_type, NULL, 0},
	{"workflows.json", &workflow_type, NULL, 0},
};

static struct err *add_section(struct service *svc, const struct section *s, int64_t cluster_id,
	json_t *files)
{
	struct store_query q = {.sort = "id", .descending = s->limit > 0, .limit = s->limit};
	struct store_rows rows = {0};
	json_t *list = json_array();

	if (cluster_id != I64_NONE && s->cluster_field != NULL)
		store_where_number(&q, s->cluster_field, STORE_EQ, cluster_id);
	struct err *e = store_list(svc->store, s->type, &q, &rows);
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(list, record_to_json(s->type, store_row(&rows, i)));
	store_rows_done(&rows);
	json_object_set_new(files, s->file, list);
	return e;
}

/* ---- operations ---- */

/** What is collected of them. */
struct operations {
	json_t *list, *logs, *findings;
	size_t checks;
};

static bool concerns(struct service *svc, const struct operation *op, int64_t cluster_id)
{
	struct node node;

	if (cluster_id == I64_NONE || op->target_id == I64_NONE)
		return true;
	if (op->target_kind == OP_TARGET_CLUSTER)
		return op->target_id == cluster_id;
	if (op->target_kind != OP_TARGET_NODE)
		return true;
	struct err *e = store_get(svc->store, &node_type, op->target_id, &node);
	bool same = e == NULL && node.cluster_id == cluster_id;
	if (e == NULL)
		record_done(&node_type, &node);
	err_free(e);
	return same;
}

/* The verdict as it is today: a newer mko judges what an older one has read. */
static void add_findings(struct service *svc, const struct operation *op, struct operations *to)
{
	json_t *items = NULL;
	struct err *e = op_findings(svc, op, true, &items);

	if (e == NULL) {
		json_array_append_new(to->findings,
			json_pack("{sI ss so}", "operation", op->id, "type", op->type, "items",
				items));
		to->checks++;
	}
	err_free(e); /* no check of nodes */
}

static void add_operation(struct service *svc, const struct operation *op, struct operations *to)
{
	cleanup(mem_freep) char *path = op_path(svc, op->id, "log.txt");
	cleanup(mem_freep) char *name = mem_printf("operations/%lld.log", (long long)op->id);

	json_array_append_new(to->list, record_to_json(&operation_type, op));
	if (json_array_size(to->logs) < LOGS_MAX)
		json_array_append_new(to->logs, json_pack("{ss ss}", "name", name, "path", path));
	if (to->checks < CHECKS_MAX)
		add_findings(svc, op, to);
}

static struct err *add_operations(struct service *svc, int64_t cluster_id, json_t *files,
	json_t **ret_logs)
{
	struct store_query q = {.sort = "id", .descending = true, .limit = OPERATIONS_MAX};
	struct store_rows rows = {0};
	struct operations all = {.list = json_array(),
		.logs = json_array(),
		.findings = json_array()};
	struct err *e = store_list(svc->store, &operation_type, &q, &rows);

	for (size_t i = 0; i < rows.n; i++)
		if (concerns(svc, store_row(&rows, i), cluster_id))
			add_operation(svc, store_row(&rows, i), &all);
	store_rows_done(&rows);
	json_object_set_new(files, "operations.json", all.list);
	json_object_set_new(files, "findings.json", all.findings);
	*ret_logs = all.logs;
	return e;
}

/* ---- all ---- */

static json_t *settings_json(const struct service *svc)
{
	json_t *settings = json_object();

	for (size_t i = 0; i < config_type.n_fields; i++)
		if ((config_type.fields[i].flags & FIELD_HIDDEN) == 0)
			json_object_set_new(settings, config_type.fields[i].name,
				field_to_json(&config_type.fields[i], svc->config));
	return settings;
}

static struct err *find_inspection(struct service *svc, int64_t id, char **ret_folder)
{
	struct operation op;

	*ret_folder = NULL;
	if (id == I64_NONE)
		return NULL;
	TRY(store_get(svc->store, &operation_type, id, &op));
	bool fits = strcmp(op.type, "cluster.inspect") == 0;
	record_done(&operation_type, &op);
	if (!fits)
		return err_field(NULL, "inspection", "is no operation cluster.inspect");
	*ret_folder = op_path(svc, id, "inspect");
	return NULL;
}

static struct err *find_cluster_id(struct service *svc, const char *cluster, int64_t *ret_id)
{
	struct cluster c;

	*ret_id = I64_NONE;
	if (cluster == NULL)
		return NULL;
	TRY(cluster_find(svc, cluster, &c));
	*ret_id = c.id;
	record_done(&cluster_type, &c);
	return NULL;
}

static struct err *check(const struct bundle_request *request)
{
	if (request->recipient == NULL)
		return NULL;
	struct err *wrong = encrypt_check_recipient(request->recipient);
	if (wrong == NULL)
		return NULL;
	struct err *e = err_hint(err_field(NULL, "recipient", "%s", err_message(wrong)), "%s",
		err_hint_text(wrong));
	err_free(wrong);
	return e;
}

static struct err *collect(struct service *svc, int64_t cluster_id, json_t *files,
	json_t **ret_logs)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		TRY(add_section(svc, &sections[i], cluster_id, files));
	json_object_set_new(files, "settings.json", settings_json(svc));
	json_object_set_new(files, "version.json",
		json_pack("{ss si}", "mko", MKO_VERSION, "schema",
			store_schema_version(svc->store)));
	return add_operations(svc, cluster_id, files, ret_logs);
}

struct err *bundle_input(struct service *svc, const struct bundle_request *request,
	json_t **ret_input)
{
	cleanup(mem_freep) char *inspect = NULL;
	json_t *doctor = NULL;
	json_t *logs = NULL;
	int64_t cluster_id = I64_NONE;

	TRY(check(request));
	TRY(find_cluster_id(svc, request->cluster, &cluster_id));
	TRY(find_inspection(svc, request->inspection, &inspect));
	TRY(doctor_input(svc, &doctor));
	json_t *files = json_object();
	struct err *e = collect(svc, cluster_id, files, &logs);
	*ret_input = json_pack("{sI ss ss? ss? ss? so so so*}", "now", clock_utc(svc->clock),
		"data_dir", svc->data_dir, "cluster", request->cluster, "recipient",
		request->recipient, "inspect", inspect, "doctor", doctor, "files", files, "logs",
		logs);
	if (e != NULL)
		json_decref(*ret_input);
	return e;
}
