/* A schedule: an operation that is asked for again and again at times of the clock on the wall. */
#pragma once

#include "model/record.h"

/** What is done about runs whose time passed while no server ran. */
enum schedule_missed { SCHEDULE_MISSED_SKIP, SCHEDULE_MISSED_ONCE, SCHEDULE_MISSED_ALL };
extern const struct enum_table schedule_missed_table;

/** A row of `schedules`. */
struct schedule {
	int64_t id;
	char *name;
	char *description;
	bool enabled;
	char *cron;
	char *timezone; /**< NULL: of the server */
	char *window;   /**< NULL: at any time */
	int64_t missed;
	int64_t missed_max; /**< most runs made up for with SCHEDULE_MISSED_ALL */
	char *type;         /**< of the operation */
	char *target;       /**< node or cluster, NULL for types of several nodes */
	json_t *nodes;      /**< NULL: all */
	json_t *params;
	bool check_mode;
	int64_t timeout_s; /**< 0: as the type says */
	char *owner;       /**< who changed it last; its operations run with this right */
	int64_t owner_id;  /**< I64_NONE: at a local door */
	int64_t owner_role;
	int64_t planned_at; /**< what the clock said when next_run_at was found */
	int64_t next_run_at;
	int64_t last_due_at; /**< newest time that was dealt with; never twice */
	int64_t last_operation_id;
	char *last_outcome;
	int64_t runs;
	int64_t skipped;
	int64_t created_at;
	int64_t updated_at;
};
extern const struct record_type schedule_type;
