/* Facts of nodes over time: what a node was when it was last looked at, what it was before, and
 * what changed. Domain worker only. */
#pragma once

#include "model/facts.h"
#include "model/node.h"
#include "service/service.h"

/** Take what an operation read of a node. A new snapshot is kept only when something differs from
 * the newest one; facts that were not read this time stay as they were. What does not fit is left
 * out. In the caller's transaction. @data result of a playbook, from outside
 * Errors: store errors. */
struct err *facts_take(struct service *svc, int64_t node_id, int64_t operation_id,
	const json_t *data) ERR_RESULT;
/** Snapshots of a node, the newest first. @limit most of them, > 0   @ret_list owned array */
struct err *facts_list(struct service *svc, const struct node *node, int64_t limit,
	json_t **ret_list) ERR_RESULT;
/** What changed: {"from":{id,taken_at},"to":{id,taken_at},"changes":[{fact,before,after}]}.
 * @since RFC 3339 or a duration back from now ("7d"); NULL: since the snapshot before the newest
 * @ret_json owned. Errors: ERR_INVALID (since), ERR_NOT_FOUND when nothing was read yet. */
struct err *facts_diff(struct service *svc, const struct node *node, const char *since,
	json_t **ret_json) ERR_RESULT;
