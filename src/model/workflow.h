/* A workflow: operations in order, each under a condition, with approvals between them. */
#pragma once

#include "model/record.h"

/** When a step runs: all before it went well, one went wrong, or anyway. */
enum workflow_when { WORKFLOW_ON_SUCCESS, WORKFLOW_ON_FAILURE, WORKFLOW_ALWAYS };
extern const struct enum_table workflow_when_table;

/** State of a step in a run. */
enum workflow_step_status {
	WORKFLOW_PENDING,
	WORKFLOW_RUNNING,
	WORKFLOW_WAITING, /**< for an approval */
	WORKFLOW_SUCCEEDED,
	WORKFLOW_FAILED,
	WORKFLOW_SKIPPED,
	WORKFLOW_TIMED_OUT, /**< nobody approved */
	WORKFLOW_REJECTED,
	WORKFLOW_CANCELLED
};
extern const struct enum_table workflow_step_status_table;

/** A row of `workflows`. */
struct workflow {
	int64_t id;
	char *name;
	char *description;
	json_t *steps; /**< array, checked by workflow_check_steps() */
	int64_t role;  /**< least role to run it: what its steps need */
	char *changed_by;
	int64_t created_at;
	int64_t updated_at;
};
extern const struct record_type workflow_type;

/** One step as written. */
struct workflow_step {
	int64_t id; /**< unused, records start with one */
	char *name;
	int64_t when;
	char *type; /**< of the operation; NULL for an approval */
	char *target;
	json_t *nodes, *params;
	bool check_mode;
	int64_t timeout_s; /**< of the operation, 0 = as its type; of the approval */
	char *approval;    /**< what is to be approved; NULL for an operation */
};
extern const struct record_type workflow_step_type;

/** check_json_fn: the steps of a workflow by their form; what an operation needs is checked by the
 * service. */
struct err *workflow_check_steps(const json_t *steps) ERR_RESULT;
