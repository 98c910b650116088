/* An operation and its parts. CONTRACT.md section 4, DESIGN.md section 2. */
#pragma once

#include "model/record.h"

/** Life of an operation; the allowed moves are in op_state_allowed(). */
enum op_status {
	OP_QUEUED,
	OP_RUNNING,
	OP_SUCCEEDED,
	OP_PARTIAL,
	OP_FAILED,
	OP_CANCELLED,
	OP_TIMED_OUT,
	OP_INTERRUPTED,
	OP_STATUS_N_
};
/** What an operation acts on. OP_TARGET_NODES: several nodes at once (`--all`). */
enum op_target { OP_TARGET_NONE, OP_TARGET_NODE, OP_TARGET_CLUSTER, OP_TARGET_NODES };
/** By what way it was asked for. */
enum op_via { OP_VIA_CLI, OP_VIA_API, OP_VIA_WEB, OP_VIA_RULE, OP_VIA_SCHEDULE };
/** State of one host in an operation; OP_HOST_UNKNOWN: it was cut off and nobody knows. */
enum op_host_status {
	OP_HOST_PENDING,
	OP_HOST_RUNNING,
	OP_HOST_OK,
	OP_HOST_CHANGED,
	OP_HOST_FAILED,
	OP_HOST_UNREACHABLE,
	OP_HOST_SKIPPED,
	OP_HOST_CANCELLED,
	OP_HOST_UNKNOWN
};

extern const struct enum_table op_status_table;
extern const struct enum_table op_target_table;
extern const struct enum_table op_via_table;
extern const struct enum_table op_host_status_table;

/** A row of `operations`. */
struct operation {
	int64_t id;
	char *type; /**< name of the op_type, for example "cluster.setup" */
	char *name; /**< for people: "Set up cluster prod" */
	int64_t status;
	int64_t target_kind;
	int64_t target_id; /**< I64_NONE for NONE and NODES */
	char *target_name;
	json_t *clusters; /**< ids of the clusters of its nodes, 0 for nodes without one */
	json_t *params;   /**< object, checked against the type's parameters */
	char *requested_by;
	int64_t requested_via;
	char *request_id;
	int64_t priority;  /**< lower runs first; 100 usual, 10 power */
	bool check_mode;   /**< --check: nothing is changed on the nodes */
	char *waiting_for; /**< while queued: which lock of which operation, for people */
	bool cancel_requested;
	int64_t attempt; /**< runs started so far */
	int64_t timeout_s;
	int64_t progress_done;
	int64_t progress_total;
	char *current_task;
	int64_t event_seq;    /**< last event taken into the store */
	int64_t event_offset; /**< bytes of events.jsonl taken in */
	json_t *error;        /**< {"summary","host","task","detail"}, NULL: none */
	json_t *result;       /**< object given by the type, NULL: none */
	bool log_cut;         /**< output passed its cap */
	int64_t parent_id;
	int64_t retry_of;
	int64_t schedule_id; /**< schedule that asked for it, I64_NONE: none */
	int64_t rule_id;     /**< rule of power that asked for it, I64_NONE: none */
	int64_t firing_id;   /**< and its firing */
	int64_t created_at;
	int64_t started_at;
	int64_t finished_at;
};
extern const struct record_type operation_type;

/** A row of `operation_hosts`: the state of one host in one operation. */
struct op_host {
	int64_t id;
	int64_t operation_id;
	int64_t node_id;
	char *hostname;
	int64_t status;
	int64_t ok, changed, failed, skipped, unreachable; /**< task counts */
	char *task;                                        /**< current or last task */
	char *message;                                     /**< of the failure */
	json_t *data; /**< result of the playbook for this host */
	int64_t started_at;
	int64_t updated_at;
};
extern const struct record_type op_host_type;

/** A row of `operation_locks`: a resource held by a running operation; removed with its final
 * status. */
struct op_lock {
	int64_t id;
	int64_t operation_id;
	char *resource; /**< "cluster:3", "node:5" */
	bool exclusive;
	int64_t created_at;
};
extern const struct record_type op_lock_type;

/** True for a status that never changes again. */
bool op_status_final(int64_t status);
/** True when an operation may move from one status to the other. */
bool op_status_may(int64_t from, int64_t to);
