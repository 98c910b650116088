/* Figures over time, in tiers: 10 s for an hour up to 8 h for a year. What is measured is averaged
 * in memory and written each ten minutes, so a crash loses at most that. It lives in a server only
 * (svc->history). Domain worker only. */
#pragma once

#include <jansson.h>

#include "model/sample.h"
#include "service/service.h"

struct history;

/** A figure. */
struct history_value {
	const char *series; /**< a name of sample_series */
	double value;
};

/** Make svc->history. */
void history_start(struct service *svc);
/** Write what is not written yet, and free svc->history; NULL is fine. What cannot be written is
 * told in the log. */
void history_stop(struct service *svc);
/** Take figures of one subject that were measured now. @subject "node/3"   Errors: of the store,
 * which is read when a subject is new or a block begins; outside of a transaction or in one. */
struct err *history_add(struct service *svc, const char *subject,
	const struct history_value *values, size_t n) ERR_RESULT;
/** Write what is due: nothing but each ten minutes. Errors: of the store; outside of a transaction.
 */
struct err *history_flush(struct service *svc) ERR_RESULT;
/** A subject is gone: its figures too. In a transaction. */
struct err *history_forget(struct service *svc, const char *kind, int64_t id) ERR_RESULT;
/** Figures of a subject since a time, from the finest tier that goes back so far: {"subject",
 * "step_s", "begin", "series":[{name, unit, values:[number or null]}], "energy_wh"}.
 * @subject "node/NAME or number", "cluster/...", "ups/..."   @since duration back from now ("1d"),
 * NULL = an hour   @ret_json owned. Errors: ERR_INVALID, ERR_NOT_FOUND. */
struct err *history_json(struct service *svc, const char *subject, const char *since,
	json_t **ret_json) ERR_RESULT;
