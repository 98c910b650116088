/* Schedules: operations that are asked for at times of the clock on the wall. Only a server fires
 * them (schedule_tick); a command without a server never does. */
#pragma once

#include <jansson.h>

#include "model/operation.h"
#include "model/schedule.h"
#include "service/service.h"

/** Find a schedule by id or name. Errors: ERR_NOT_FOUND with a hint. */
struct err *schedule_find(struct service *svc, const char *id_or_name,
	struct schedule *ret) ERR_RESULT;
/** Check and store a new schedule. Errors: ERR_INVALID (fields, parameters of the operation),
 * ERR_EXISTS, ERR_NOT_FOUND (target), ERR_FORBIDDEN (the operation needs more than the caller may).
 */
struct err *schedule_create(struct service *svc, const struct actor *who, const json_t *body,
	struct schedule *ret) ERR_RESULT;
/** Change the given fields; who changes it owns it from then on. Errors as schedule_create(). */
struct err *schedule_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct schedule *ret) ERR_RESULT;
/** Remove; operations that it started stay. Errors: ERR_NOT_FOUND. */
struct err *schedule_remove(struct service *svc, const struct actor *who,
	const char *id_or_name) ERR_RESULT;
/** Ask for its operation now, whatever the time; its plan stays as it is. @ret_op record_done() it.
 * Errors as op_submit(). */
struct err *schedule_run(struct service *svc, const struct actor *who, const char *id_or_name,
	struct operation *ret_op) ERR_RESULT;
/** As the API shows it: the record, and next_runs: the next five times, local with their offset.
 * Owned. */
struct err *schedule_json(struct service *svc, const struct schedule *s,
	json_t **ret_json) ERR_RESULT;
/** The next times of a plan that is not stored: {"next_runs":[...]}. @plan cron, timezone and
 * window count   @count 1 to 100 Errors: ERR_INVALID. */
struct err *schedule_preview(struct service *svc, const struct schedule *plan, int64_t count,
	json_t **ret_json) ERR_RESULT;

/** Fire what is due. Opens its own transactions: in one and the same the time is marked as dealt
 * with and the operation is stored, so a crash neither loses nor doubles a run. @ret_next_ms UTC
 * time of the earliest next run, I64_NONE: none. May be NULL. Domain worker, outside of a
 * transaction. */
struct err *schedule_tick(struct service *svc, int64_t *ret_next_ms) ERR_RESULT;
