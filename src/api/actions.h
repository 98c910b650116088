/* Operations asked for through the API: one decoder for "node.X", "cluster.X" and `operation run`.
 */
#pragma once

#include "api/route.h"
#include "service/op/op.h"

/** Query of everything that starts an operation. */
struct action_query {
	int64_t id;
	bool dry_run;
};
extern const struct record_type action_query_type;
/** Body of an action, only to describe it: parameters of the type stand beside these keys. */
extern const struct record_type action_body_type;
/** Body of an action for several nodes. */
extern const struct record_type actions_body_type;

/** Handler: POST /api/{nodes,clusters}/{id}/{action}. */
struct err *action_one(struct call *call) ERR_RESULT;
/** Handler: POST /api/nodes/actions/{action} with "nodes". */
struct err *action_many(struct call *call) ERR_RESULT;
/** Submit or, with ?dry_run=true, preview. */
struct err *action_submit(struct call *call, const struct op_request *req) ERR_RESULT;
/** Answer {"operation": {...}} with Location. @op borrowed */
struct err *action_reply(struct call *call, const struct operation *op) ERR_RESULT;
