/* Operations: durable rows, locks, queue, runners. DESIGN.md section 2. Domain worker only.
 * The engine is one pump: op_engine_tick() looks at rows and files and moves what can be moved;
 * calling it too often costs little and calling it again after a crash continues where it was. */
#pragma once

#include <jansson.h>

#include "model/operation.h"
#include "service/op/op_type.h"
#include "service/service.h"

#define OP_PRIORITY_POWER 10 /**< needs no free place: power does not wait */

/** What a client asks for. Zero-initialise. */
struct op_request {
	const char *type;     /**< "node.status" */
	const char *target;   /**< id or name of the node or cluster; NULL for OP_TARGET_NODES = all
				 nodes, or by `nodes` */
	const json_t *nodes;  /**< array of ids or names for OP_TARGET_NODES, NULL = all */
	const json_t *params; /**< object, NULL = {} */
	bool check_mode;      /**< nothing is changed on the nodes */
	int64_t timeout_s;    /**< 0 = the type's */
	bool no_wait;         /**< refuse with ERR_LOCKED instead of queueing behind a lock */
	int64_t retry_of;     /**< 0 = none */
	int64_t schedule_id;  /**< 0 = none */
	int64_t rule_id;      /**< of power, 0 = none */
	int64_t firing_id;    /**< of that rule, 0 = none */
	int64_t parent_id;    /**< operation that this one is a part of, 0 = none */
	int64_t priority;     /**< 0 = the usual 100; lower runs first */
};

/** Make the engine; opens no files. @self_exe path of the mko binary for `op-runner`. Freed by
 * op_engine_free(). */
struct op_engine *op_engine_new(const char *self_exe);
/** Free; running runners go on. NULL is fine. */
void op_engine_free(struct op_engine *engine);
/** At start of a server: find each running operation's runner alive, finished or dead, remove stale
 * private folders. */
struct err *op_engine_reconcile(struct service *svc) ERR_RESULT;
/** Move what can be moved: take in new events of running operations, finish, expire, start queued
 * ones. @ret_busy whether any operation is queued or running (call again soon), may be NULL. Must
 * run in its own transaction-free context: it opens its own transactions. */
struct err *op_engine_tick(struct service *svc, bool *ret_busy) ERR_RESULT;

/** Check a request and store the operation as queued; nothing starts before the caller's commit and
 * the next tick. Errors: ERR_INVALID (parameters), ERR_NOT_FOUND, ERR_PRECONDITION, ERR_LOCKED
 * (no_wait), ERR_FORBIDDEN (role). */
struct err *op_submit(struct service *svc, const struct actor *who, const struct op_request *req,
	struct operation *ret_op) ERR_RESULT;
/** What op_submit() would do: type, name, target, hosts, locks with who holds them now, playbook,
 * risk, command, inventory, vars, timeout_s, why it would be refused now (null: it would not), and
 * expected_duration_ms from the median of the latest
 * runs of this type that succeeded (null: there was none). Owned. */
struct err *op_preview(struct service *svc, const struct actor *who, const struct op_request *req,
	json_t **ret_json) ERR_RESULT;
/** Ask to cancel. A queued one is cancelled at once; a final one is ERR_CONFLICT. */
struct err *op_cancel(struct service *svc, const struct actor *who, int64_t id,
	struct operation *ret_op) ERR_RESULT;
/** New operation for the hosts that did not succeed. Errors: ERR_CONFLICT when it is not final or
 * nothing failed. */
struct err *op_retry(struct service *svc, const struct actor *who, int64_t id,
	struct operation *ret_op) ERR_RESULT;
/** As the API shows an operation (CONTRACT.md section 4). @with_hosts whether hosts[] is read.
 * Owned. */
struct err *op_json(struct service *svc, const struct operation *op, bool with_hosts,
	json_t **ret_json) ERR_RESULT;
/** Delete final operations older than keep_days with their files. @ret_n how many. */
struct err *op_prune(struct service *svc, const struct actor *who, int64_t keep_days,
	int64_t *ret_n) ERR_RESULT;
/** Path of a file of an operation ("events.jsonl", "log.txt"); the caller frees. */
char *op_path(const struct service *svc, int64_t id, const char *name);
/** True when an operation that is not final holds this node or cluster exclusively; @ret_by text
 * for people, may be NULL, caller frees. */
struct err *op_target_locked(struct service *svc, const char *resource, bool *ret_locked,
	char **ret_by) ERR_RESULT;
