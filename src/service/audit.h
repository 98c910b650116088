/* The audit log: hash-chained rows of who did what. */
#pragma once

#include <jansson.h>

#include "service/service.h"

/** Add a row. @action "node.create"   @object "node/3 n1"   @take_detail owned, may be NULL; secrets must be masked already
 * @outcome "ok" or an error slug. Domain worker, inside a transaction. */
struct err *audit_write(struct service *svc, const struct actor *who, const char *action, const char *object,
			json_t *take_detail, const char *outcome) ERR_RESULT;
