/* The tables of operations and the one table of allowed moves. Clients change none of it: services
 * do. */
#include "model/operation.h"

#include "base/mem.h"

static const char *const op_status_texts[] = {
	[OP_QUEUED] = "queued",
	[OP_RUNNING] = "running",
	[OP_SUCCEEDED] = "succeeded",
	[OP_PARTIAL] = "partial",
	[OP_FAILED] = "failed",
	[OP_CANCELLED] = "cancelled",
	[OP_TIMED_OUT] = "timed_out",
	[OP_INTERRUPTED] = "interrupted",
	[OP_STATUS_N_] = NULL,
};
const struct enum_table op_status_table = {"op_status", op_status_texts};

static const char *const op_target_texts[] = {
	[OP_TARGET_NONE] = "none",
	[OP_TARGET_NODE] = "node",
	[OP_TARGET_CLUSTER] = "cluster",
	[OP_TARGET_NODES] = "nodes",
	[OP_TARGET_NODES + 1] = NULL,
};
const struct enum_table op_target_table = {"op_target", op_target_texts};

static const char *const op_via_texts[] = {
	[OP_VIA_CLI] = "cli",
	[OP_VIA_API] = "api",
	[OP_VIA_WEB] = "web",
	[OP_VIA_RULE] = "rule",
	[OP_VIA_SCHEDULE] = "schedule",
	[OP_VIA_SCHEDULE + 1] = NULL,
};
const struct enum_table op_via_table = {"op_via", op_via_texts};

static const char *const op_host_status_texts[] = {
	[OP_HOST_PENDING] = "pending",
	[OP_HOST_RUNNING] = "running",
	[OP_HOST_OK] = "ok",
	[OP_HOST_CHANGED] = "changed",
	[OP_HOST_FAILED] = "failed",
	[OP_HOST_UNREACHABLE] = "unreachable",
	[OP_HOST_SKIPPED] = "skipped",
	[OP_HOST_CANCELLED] = "cancelled",
	[OP_HOST_UNKNOWN] = "unknown",
	[OP_HOST_UNKNOWN + 1] = NULL,
};
const struct enum_table op_host_status_table = {"op_host_status", op_host_status_texts};

#define BIT(status) (1U << (status))
/* Where an operation may go from each status; a status without a way out is final.
 * A queued one fails when its preconditions no longer hold at its start, and times out when it
 * waited too long for a lock. Only a running one can be interrupted: a queued one has no runner
 * that could be lost. */
static const unsigned moves[OP_STATUS_N_] = {
	[OP_QUEUED] = BIT(OP_RUNNING) | BIT(OP_FAILED) | BIT(OP_CANCELLED) | BIT(OP_TIMED_OUT),
	[OP_RUNNING] = BIT(OP_SUCCEEDED) | BIT(OP_PARTIAL) | BIT(OP_FAILED) | BIT(OP_CANCELLED) |
		BIT(OP_TIMED_OUT) | BIT(OP_INTERRUPTED),
};

static bool known(int64_t status)
{
	return status >= 0 && status < OP_STATUS_N_;
}

bool op_status_final(int64_t status)
{
	return known(status) && moves[status] == 0;
}

bool op_status_may(int64_t from, int64_t to)
{
	return known(from) && known(to) && (moves[from] & BIT(to)) != 0;
}

#define O struct operation
static const struct field operation_fields[] = {
	ROW_I64(O, id, FIELD_FIND, .help = "Number of the operation, never reused."),
	ROW_TEXT(O, type, FIELD_FIND | FIELD_SEARCH, .help = "Type, for example cluster.setup."),
	ROW_TEXT(O, name, FIELD_SEARCH, .help = "What it does, for people."),
	ROW_ENUM(O, status, FIELD_FIND, .choices = &op_status_table, .def = "queued",
		.help = "State."),
	ROW_ENUM(O, target_kind, FIELD_FIND, .choices = &op_target_table, .def = "none",
		.help = "Kind of what it acts on."),
	ROW_I64(O, target_id, FIELD_FIND, .help = "Number of the node or cluster it acts on."),
	ROW_TEXT(O, target_name, FIELD_FIND | FIELD_SEARCH, .help = "Name of what it acts on."),
	ROW_JSON(O, clusters, 0, .def = "[]",
		.help = "Numbers of the clusters of its nodes; 0: nodes that belong to none."),
	ROW_JSON(O, params, 0, .def = "{}", .help = "Parameters."),
	ROW_TEXT(O, requested_by, FIELD_FIND | FIELD_SEARCH, .help = "Who asked for it."),
	ROW_ENUM(O, requested_via, FIELD_FIND, .choices = &op_via_table, .def = "cli",
		.help = "By what way it was asked for."),
	ROW_TEXT(O, request_id, FIELD_FILTER, .help = "Request that asked for it."),
	ROW_I64(O, priority, FIELD_FIND, .def = "100",
		.help = "Lower runs first; 100 is usual, 10 power."),
	ROW_BOOL(O, check_mode, FIELD_FILTER, .def = "false",
		.help = "Whether nothing is changed on the nodes."),
	ROW_TEXT(O, waiting_for, 0, .help = "What a queued operation waits for."),
	ROW_BOOL(O, cancel_requested, FIELD_FILTER, .def = "false",
		.help = "Whether it was asked to stop."),
	ROW_I64(O, attempt, 0, .def = "0", .help = "Runs started so far."),
	ROW_I64(O, timeout_s, 0, .def = "0", .help = "Seconds that it may run."),
	ROW_I64(O, progress_done, 0, .def = "0", .help = "Tasks done."),
	ROW_I64(O, progress_total, 0, .def = "0", .help = "Tasks in all."),
	ROW_TEXT(O, current_task, 0, .help = "Task that runs now."),
	ROW_I64(O, event_seq, FIELD_HIDDEN, .def = "0", .help = "Last event taken in."),
	ROW_I64(O, event_offset, FIELD_HIDDEN, .def = "0",
		.help = "Bytes of the event file taken in."),
	ROW_JSON(O, error, 0, .help = "What went wrong: summary, host, task, detail."),
	ROW_JSON(O, result, 0, .help = "Result that the type gives."),
	ROW_BOOL(O, log_cut, 0, .def = "false",
		.help = "Whether the log passed its cap and was cut."),
	ROW_I64(O, parent_id, FIELD_FIND, .help = "Operation that this one is a part of."),
	ROW_I64(O, retry_of, FIELD_FIND, .help = "Operation that this one tries again."),
	ROW_I64(O, schedule_id, FIELD_FIND, .help = "Schedule that asked for it."),
	ROW_I64(O, rule_id, FIELD_FIND, .help = "Rule of power that asked for it."),
	ROW_I64(O, firing_id, FIELD_FIND, .help = "Firing of that rule."),
	ROW_TIME(O, created_at, FIELD_FIND, .help = "When it was asked for."),
	ROW_TIME(O, started_at, FIELD_FIND, .help = "When it started to run."),
	ROW_TIME(O, finished_at, FIELD_FIND, .help = "When it got its final status."),
};
#undef O

const struct record_type operation_type = {
	.name = "operation",
	.table = "operations",
	.size = sizeof(struct operation),
	.fields = operation_fields,
	.n_fields = ARRAY_LEN(operation_fields),
	.scope = "clusters",
};

#define H struct op_host
static const struct field op_host_fields[] = {
	ROW_I64(H, id, FIELD_FIND, .help = "Number of the row."),
	ROW_I64(H, operation_id, FIELD_FIND, .help = "The operation."),
	ROW_I64(H, node_id, FIELD_FIND, .help = "The node, while it is in the inventory."),
	ROW_TEXT(H, hostname, FIELD_FIND | FIELD_SEARCH, .help = "Name of the host."),
	ROW_ENUM(H, status, FIELD_FIND, .choices = &op_host_status_table, .def = "pending",
		.help = "State of the host in the operation."),
	ROW_I64(H, ok, 0, .def = "0", .help = "Tasks that changed nothing."),
	ROW_I64(H, changed, 0, .def = "0", .help = "Tasks that changed something."),
	ROW_I64(H, failed, 0, .def = "0", .help = "Tasks that failed."),
	ROW_I64(H, skipped, 0, .def = "0", .help = "Tasks that were not needed."),
	ROW_I64(H, unreachable, 0, .def = "0", .help = "Tasks that did not reach the host."),
	ROW_TEXT(H, task, 0, .help = "Current or last task."),
	ROW_TEXT(H, message, FIELD_SEARCH, .help = "Message of the failure."),
	ROW_JSON(H, data, 0, .help = "Result of the playbook for this host."),
	ROW_TIME(H, started_at, FIELD_FIND, .help = "When the host began."),
	ROW_TIME(H, updated_at, FIELD_FIND, .help = "When the row last changed."),
};
#undef H

const struct record_type op_host_type = {
	.name = "operation host",
	.table = "operation_hosts",
	.size = sizeof(struct op_host),
	.fields = op_host_fields,
	.n_fields = ARRAY_LEN(op_host_fields),
};

static const struct field op_lock_fields[] = {
	ROW_I64(struct op_lock, id, FIELD_FIND, .help = "Number of the row."),
	ROW_I64(struct op_lock, operation_id, FIELD_FIND, .help = "Operation that holds the lock."),
	ROW_TEXT(struct op_lock, resource, FIELD_FIND,
		.help = "What is held, for example cluster:3."),
	ROW_BOOL(struct op_lock, exclusive, FIELD_FILTER, .def = "true",
		.help = "Whether it is held alone; else shared."),
	ROW_TIME(struct op_lock, created_at, FIELD_FIND, .help = "Since when."),
};

const struct record_type op_lock_type = {
	.name = "operation lock",
	.table = "operation_locks",
	.size = sizeof(struct op_lock),
	.fields = op_lock_fields,
	.n_fields = ARRAY_LEN(op_lock_fields),
};
