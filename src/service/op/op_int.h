/* Inside of operations. */
#pragma once

/** Member of the data of a host whose result was refused: why. */
#define OP_REFUSED "refused"

#include "service/op/op_run.h"
#include "service/quorum.h"

struct op_custom;

/** The engine keeps no state of operations: rows and files are the state. */
struct op_engine {
	char *self_exe;
	struct op_custom *custom; /**< types that users added */
};

/* --- op_submit.c --- */
/** What submit and preview share: check a request, make an unstored operation and its planned run.
 * @ret_op record_done()   @ret_run op_run_close()   Errors: as op_submit(). */
struct err *op_prepare(struct service *svc, const struct actor *who, const struct op_request *req,
	struct operation *ret_op, struct op_run *ret_run) ERR_RESULT;

/* --- op_locks.c --- */
/** Who holds what a want needs. @op_id the asking operation   @ret_holder its id, 0 = nobody */
struct err *op_lock_holder(struct service *svc, int64_t op_id, const struct op_want *want,
	int64_t *ret_holder) ERR_RESULT;
/** Whether these wants can be had now. @op_id the asking operation (its own locks do not count)
 * @ret_by whom it waits for, for people; NULL when free; caller frees. */
struct err *op_locks_blocked(struct service *svc, int64_t op_id, const struct op_want *wants,
	size_t n, char **ret_by) ERR_RESULT;
/** Store the locks of an operation. */
struct err *op_locks_take(struct service *svc, int64_t op_id, const struct op_want *wants,
	size_t n) ERR_RESULT;
/** Remove all locks of an operation. */
struct err *op_locks_release(struct service *svc, int64_t op_id) ERR_RESULT;
/** True when two lists of wants cannot be held together. */
bool op_wants_conflict(const struct op_want *a, size_t na, const struct op_want *b, size_t nb);

/* --- op_guard.c --- */
/** Refuse a planned run that would leave a cluster too few voters (unless its parameter
 * allow_quorum_loss is true), or that would change a paused one. Errors: ERR_QUORUM,
 * ERR_PRECONDITION, both with a hint, store errors. */
struct err *op_guard(struct service *svc, const struct op_run *run) ERR_RESULT;
/** The voters of a cluster at the worst moment of a planned run, by the last scan. */
struct err *op_guard_look(struct service *svc, const struct op_run *run, const struct cluster *c,
	struct quorum *ret_quorum) ERR_RESULT;

/** True when a planned run takes this node of it down. */
bool op_guard_falls(const struct op_run *run, const struct node *node);
/** True when node i of a run has a cluster, and is the first of it in the run. */
bool op_guard_first(const struct op_run *run, size_t i);

/* --- op_impact.c --- */
/** What a planned run that takes nodes down would cost, by the last scan: a list with, for each
 * cluster, its voters and what each of these nodes holds; empty when no node goes down.
 * @ret_json owned. Errors: store errors. */
struct err *op_impact(struct service *svc, const struct op_run *run, json_t **ret_json) ERR_RESULT;

/* --- op_ingest.c --- */
/** Take new events of a running operation into the store, at most about 1 MiB. @ret_more whether
 * more is waiting In the caller's transaction. Errors: ERR_IO, store errors. */
struct err *op_ingest(struct service *svc, struct operation *op, bool *ret_more) ERR_RESULT;

/** Take the facts of a playbook's result into a node record; what does not fit is left out. */
void op_take_node_facts(struct node *node, const json_t *data);

/* --- op_finish.c --- */
/** Move to a final status: hosts, locks, target, event. @error JSON or NULL, borrowed. In the
 * caller's transaction. */
struct err *op_finish(struct service *svc, struct operation *op, int64_t status,
	json_t *error) ERR_RESULT;
/** Take in result.json and finish. */
struct err *op_finish_result(struct service *svc, struct operation *op) ERR_RESULT;

/* --- op_hooks.c --- */
/** Whether the hooks before a queued operation are over; asks for the next one. In the caller's
 * transaction. @ret_waiting what it waits for, NULL = nothing; caller frees   Errors:
 * ERR_PRECONDITION when one failed, those of op_submit(). */
struct err *op_hooks_before(struct service *svc, const struct operation *op,
	char **ret_waiting) ERR_RESULT;
/** An operation has its final status: ask for the hooks after it, or tell that it was a hook that
 * failed. In the caller's transaction. */
struct err *op_hooks_after(struct service *svc, const struct operation *op) ERR_RESULT;
/** Cancel the parts of an operation that are not over. */
struct err *op_children_cancel(struct service *svc, const struct actor *who,
	const struct operation *op) ERR_RESULT;
/** The parts of an operation: [{"id","type","name","status"}]. Owned. */
struct err *op_children_json(struct service *svc, const struct operation *op,
	json_t **ret_json) ERR_RESULT;

/* --- op_rows.c --- */
/** Store a changed operation and publish it. */
struct err *op_save(struct service *svc, struct operation *op, const char *kind) ERR_RESULT;
/** Store how far an operation is and publish it, without its hosts: those have their own stream of
 * events. Not forced to the disk: what a power cut takes is taken in again from the runner's file,
 * effects and offset together. */
struct err *op_save_progress(struct service *svc, struct operation *op) ERR_RESULT;
/** Hosts rows of an operation in their order. */
struct err *op_hosts_list(struct service *svc, int64_t op_id,
	struct store_rows *ret_rows) ERR_RESULT;
/** Replace the hosts rows by the hosts of the run, all pending. */
struct err *op_hosts_reset(struct service *svc, const struct op_run *run) ERR_RESULT;
/** Move the status; a move that is not allowed is a bug. */
void op_move(struct operation *op, int64_t status);

/* --- op_workflow.c --- */
/** Give an operation its steps, all pending. @take_result owned object with what else its result
 * says, "role" at least: the right that the steps run with   @steps array, copied */
void op_workflow_steps(struct operation *op, json_t *take_result, const json_t *steps);
/** op_type.drive of what has steps: an operation, an approval, or a change of the inventory each.
 */
struct err *op_workflow_drive(struct service *svc, struct operation *op) ERR_RESULT;
