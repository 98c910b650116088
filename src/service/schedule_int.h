/* Inside of schedules. */
#pragma once

#include "base/cron.h"
#include "base/zone.h"
#include "service/schedule.h"

/** The times of a schedule, parsed. Zero-initialise; schedule_plan_done() frees. */
struct schedule_plan {
	struct cron cron;
	struct cron_window window;
	bool has_window;
	struct zone *zone;
};
/** Parse cron, timezone and window. Errors: ERR_INVALID. */
struct err *schedule_plan_open(const struct schedule *s, struct schedule_plan *ret) ERR_RESULT;
/** Free. */
void schedule_plan_done(struct schedule_plan *plan);
/** The first run after a moment: times outside of the window become its next opening. UTC
 * milliseconds. */
int64_t schedule_plan_next(const struct schedule_plan *plan, int64_t after_ms);
/** Store the operation of a schedule. @who with whose rights   Errors as op_submit(). */
struct err *schedule_submit(struct service *svc, const struct actor *who, const struct schedule *s,
	struct operation *ret_op) ERR_RESULT;
/** Tell clients and the log of changes about it. @kind "schedule.update" */
struct err *schedule_publish(struct service *svc, const char *kind,
	const struct schedule *s) ERR_RESULT;
