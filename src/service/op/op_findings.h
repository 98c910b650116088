/* What the checks say about the nodes of an operation that has read them. Domain worker only. */
#pragma once

#include <jansson.h>

#include "model/operation.h"

struct service;

/** Ask the checks of the operation's type about what its hosts have reported so far.
 * @op one that the caller may see   @problems_only leave out what is well
 * @ret_items as of check_evaluate(), owned. Errors: ERR_NOT_FOUND (the operation is no check).
 */
struct err *op_findings(struct service *svc, const struct operation *op, bool problems_only,
	json_t **ret_items) ERR_RESULT;
