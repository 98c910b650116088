/* What is known of a running operation, from its row and its events, and how that looks. No I/O:
 * text in, text out. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/** A host of the operation. */
struct progress_host {
	char *name;
	int64_t status;   /**< enum op_host_status */
	char *task;       /**< current or last one, NULL = none yet */
	char *item;       /**< of a loop, NULL = none */
	int64_t since_ms; /**< UTC, when the task began, 0 = unknown */
	int64_t attempt;  /**< of a task that is retried, 0 = first */
	int64_t changed, failed;
};

/** An operation as its followers see it. Zero-initialise; progress_done() frees. */
struct progress {
	int64_t id;
	char *name;        /**< "Set up cluster prod" */
	char *status;      /**< of the operation */
	char *waiting_for; /**< NULL = not waiting */
	char *play;
	int64_t started_ms, finished_ms; /**< UTC, 0 = not yet */
	int64_t done, total;             /**< tasks */
	int64_t tasks_seen;
	struct progress_host *hosts;
	size_t n_hosts;
	size_t steps_begun, steps_ended; /**< of an operation made of others, that were told */
	json_t *tasks;                   /**< task_id -> name */
	bool started;                    /**< the first line was written */
};

/** Which events become lines. */
enum progress_lines {
	PROGRESS_LIVE,  /**< drawn in place: only what must stay readable: failures, warnings,
			   differences */
	PROGRESS_PLAIN, /**< no terminal: plays, tasks, changes too */
	PROGRESS_ALL    /**< --verbose: every result of every host */
};
/** How to draw. */
struct progress_frame {
	int width, height; /**< of the terminal, >= 1 */
	int64_t now_ms;    /**< UTC */
	bool color;
	enum progress_lines lines;
	bool diff; /**< show differences */
};

/** Free what it holds. */
void progress_done(struct progress *p);
/** Take in the operation's row as GET /api/operations/ID gives it. */
void progress_take_operation(struct progress *p, const json_t *operation);
/** Take in the steps of an operation that is made of others. @out a line for each that began or
 * went wrong since, escaped */
void progress_take_steps(struct progress *p, const json_t *operation, struct str *out);
/** Take in an event. @out lines for people are appended (escaped), by frame->lines */
void progress_take_event(struct progress *p, const json_t *event,
	const struct progress_frame *frame, struct str *out);
/** Append the block to draw: title, a line per host, a bar; at most frame->height - 1 lines, none
 * wider than frame->width. */
void progress_draw(const struct progress *p, const struct progress_frame *frame, struct str *out);
/** True when the operation's status is final. */
bool progress_is_final(const struct progress *p);
