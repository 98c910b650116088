/* Events: a service says what changed, in the same transaction; streams read them afterwards in
 * order. */
#pragma once

#include <jansson.h>

#include "service/service.h"

/** Record an event. @topic "nodes", "clusters", "operations" ...   @kind "node.updated" @object_id
 * or I64_NONE
 * @take_data owned object or NULL. Domain worker, inside a transaction. */
struct err *event_publish(struct service *svc, const char *topic, const char *kind,
	int64_t object_id, json_t *take_data) ERR_RESULT;

#define EVENT_KEEP 100000 /**< rows kept; a client that was away longer gets a reset */

/** Sequence number of the newest and the oldest event that is kept; 0 when there are none. */
struct err *event_range(struct service *svc, int64_t *ret_oldest, int64_t *ret_newest) ERR_RESULT;
struct store_rows;
/** Events after a sequence number, oldest first. @ret_rows of struct event, free with
 * store_rows_done() */
struct err *event_list(struct service *svc, int64_t after, int64_t limit,
	struct store_rows *ret_rows) ERR_RESULT;
