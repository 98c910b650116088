/* Workflows as objects. What a run does is service/op/op_workflow.c's business. Closed to accounts
 * limited to clusters. */
#pragma once

#include <jansson.h>

#include "model/workflow.h"
#include "service/service.h"

/** Find a workflow by id or name. Errors: ERR_NOT_FOUND with a hint. */
struct err *workflow_find(struct service *svc, const char *id_or_name,
	struct workflow *ret) ERR_RESULT;
/** Check and store a new workflow. Errors: ERR_INVALID (every wrong step), ERR_EXISTS,
 * ERR_FORBIDDEN (a step needs more than the caller may). */
struct err *workflow_create(struct service *svc, const struct actor *who, const json_t *body,
	struct workflow *ret) ERR_RESULT;
/** Change the given fields; runs that have started keep their steps. Errors as workflow_create().
 */
struct err *workflow_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct workflow *ret) ERR_RESULT;
/** Remove; its runs stay. Errors: ERR_NOT_FOUND. */
struct err *workflow_remove(struct service *svc, const struct actor *who,
	const char *id_or_name) ERR_RESULT;

/** Answer the approval that a run waits for. @op_id the run   @yes approve or reject   @comment may
 * be NULL Errors: ERR_CONFLICT when it waits for none. */
struct err *workflow_approve(struct service *svc, const struct actor *who, int64_t op_id, bool yes,
	const char *comment) ERR_RESULT;
