/* Events: a service says what changed, in the same transaction; streams read them afterwards in order. */
#pragma once

#include <jansson.h>

#include "service/service.h"

/** Record an event. @topic "nodes", "clusters", "operations" ...   @kind "node.updated"   @object_id or I64_NONE
 * @take_data owned object or NULL. Domain worker, inside a transaction. */
struct err *event_publish(struct service *svc, const char *topic, const char *kind, int64_t object_id,
			  json_t *take_data) ERR_RESULT;
