/* The tables of workflows. */
#include "model/workflow.h"

#include "base/mem.h"
#include "model/account.h"
#include "model/yaml.h"

static const char *const when_texts[] = {"success", "failure", "always", NULL};
const struct enum_table workflow_when_table = {"workflow_when", when_texts};

static const char *const step_status_texts[] = {
	[WORKFLOW_PENDING] = "pending",
	[WORKFLOW_RUNNING] = "running",
	[WORKFLOW_WAITING] = "waiting",
	[WORKFLOW_SUCCEEDED] = "succeeded",
	[WORKFLOW_FAILED] = "failed",
	[WORKFLOW_SKIPPED] = "skipped",
	[WORKFLOW_TIMED_OUT] = "timed_out",
	[WORKFLOW_REJECTED] = "rejected",
	[WORKFLOW_CANCELLED] = "cancelled",
	[WORKFLOW_CANCELLED + 1] = NULL,
};
const struct enum_table workflow_step_status_table = {"workflow_step_status", step_status_texts};

#define P struct workflow_step
static const struct field step_fields[] = {
	ROW_TEXT(P, name, FIELD_CREATE | FIELD_REQUIRED, .min = 1, .max = 63, .check = check_line,
		.help = "Name of the step."),
	ROW_ENUM(P, when, FIELD_CREATE, .choices = &workflow_when_table, .def = "success",
		.help = "Under which condition it runs."),
	ROW_TEXT(P, type, FIELD_CREATE, .max = 128, .check = check_line, .help = "Operation type."),
	ROW_TEXT(P, target, FIELD_CREATE, .max = 253, .check = check_line,
		.help = "Node or cluster."),
	ROW_JSON(P, nodes, FIELD_CREATE, .max = 1000, .check_json = check_json_list,
		.help = "Several nodes."),
	ROW_JSON(P, params, FIELD_CREATE, .check_json = check_json_object,
		.help = "Parameters of the operation."),
	ROW_BOOL(P, check_mode, FIELD_CREATE, .def = "false",
		.help = "Whether nothing is changed."),
	ROW_I64(P, timeout_s, FIELD_CREATE, .min = 0, .max = 604800, .def = "0",
		.help = "Seconds that the operation may take, or that is waited for an approval (default a day)."),
	ROW_TEXT(P, approval, FIELD_CREATE, .max = 500, .check = check_line,
		.help = "What somebody has to approve."),
};
#undef P
const struct record_type workflow_step_type = {
	.name = "workflow step",
	.table = "workflow_steps",
	.size = sizeof(struct workflow_step),
	.fields = step_fields,
	.n_fields = ARRAY_LEN(step_fields),
};

static struct err *check_step(const json_t *json)
{
	struct workflow_step step;

	record_init(&workflow_step_type, &step);
	struct err *e = record_from_json(&workflow_step_type, &step, json, RECORD_CREATE);
	if (e == NULL && (step.type == NULL) == (step.approval == NULL))
		e = err_field(NULL, "type", "a step has either a type or an approval");
	if (e == NULL && step.approval != NULL &&
		(step.target != NULL || step.nodes != NULL || step.params != NULL))
		e = err_field(NULL, "approval", "an approval acts on nothing");
	record_done(&workflow_step_type, &step);
	return e;
}

struct err *workflow_check_steps(const json_t *steps)
{
	struct err *all = NULL;
	size_t i;
	const json_t *step;

	if (!json_is_array(steps) || json_array_size(steps) == 0)
		return err_new(ERR_INVALID, "must be a list of at least one step");
	json_array_foreach(steps, i, step) {
		cleanup(mem_freep) char *prefix = mem_printf("steps[%zu].", i);
		all = yaml_join(all, prefix, check_step(step));
	}
	return all;
}

#define W struct workflow
static const struct field fields[] = {
	ROW_I64(W, id, FIELD_FIND, .help = "Number of the workflow, never reused."),
	ROW_TEXT(W, name, FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE,
		.min = 1, .max = 63, .check = check_name, .help = "Name."),
	ROW_TEXT(W, description, FIELD_EDIT | FIELD_SEARCH, .max = 4096, .check = check_text,
		.help = "Free text."),
	ROW_JSON(W, steps, FIELD_EDIT | FIELD_REQUIRED, .max = 50, .check_json = check_json_list,
		.help = "Steps in order: name, when (success, failure, always), and type, target, nodes, params, or approval, timeout_s."),
	ROW_ENUM(W, role, FIELD_FIND, .choices = &role_table, .def = "operator",
		.help = "Least role to run it: what its steps need."),
	ROW_TEXT(W, changed_by, FIELD_FIND | FIELD_SEARCH, .help = "Who changed it last."),
	ROW_TIME(W, created_at, FIELD_FIND, .help = "When it was added."),
	ROW_TIME(W, updated_at, FIELD_FIND, .help = "When it was last changed."),
};

const struct record_type workflow_type = {
	.name = "workflow",
	.table = "workflows",
	.size = sizeof(W),
	.key = "name",
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
};
