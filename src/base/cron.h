/* Times that come again: five-field cron expressions and weekly windows, in any zone. Pure: the
 * zone is a function that the caller gives, so tests can make up one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/** Offset of a zone: local time is UTC plus this. @zone as given in struct cron_zone   @utc_s
 * seconds since 1970 */
typedef int64_t (*cron_offset_fn)(const void *zone, int64_t utc_s);
/** A zone. */
struct cron_zone {
	cron_offset_fn offset_s; /**< NULL: UTC */
	const void *zone;        /**< borrowed */
};

/** A parsed expression: a bit for each value. */
struct cron {
	uint64_t minutes;          /**< 0 to 59 */
	uint32_t hours;            /**< 0 to 23 */
	uint32_t days;             /**< of the month, 1 to 31 */
	uint32_t months;           /**< 1 to 12 */
	uint32_t weekdays;         /**< 0 to 6, 0 is Sunday */
	bool any_day, any_weekday; /**< the field begins with *: then only the other one decides */
	bool any_hour; /**< the hour begins with *: also runs in the hour that comes twice when
			  clocks go back */
};

/** Parse "MINUTE HOUR DAY MONTH WEEKDAY" with lists, ranges, steps and names ("0 3 * * mon-fri"),
 * or @hourly, @daily, @weekly,
 * @monthly, @yearly. Errors: ERR_INVALID, also for a date that never comes (31 February). Any
 * thread. */
struct err *cron_parse(const char *text, struct cron *ret) ERR_RESULT;
/** check_fn for an expression. */
struct err *cron_check(const char *text) ERR_RESULT;
/** The first time after a moment. A local time that does not exist (clocks go forward) counts as
 * the moment of the change; one that comes twice (clocks go back) counts once, the first time,
 * unless any_hour. @after_s UTC seconds. Any thread. */
int64_t cron_next(const struct cron *c, const struct cron_zone *zone, int64_t after_s);

/** Hours in which something may be done: opens at times of a cron, stays open for a length of real
 * time. */
struct cron_window {
	struct cron opens;
	int64_t length_s; /**< 1 minute to 24 hours */
};
/** Parse "[DAYS] HH:MM-HH:MM", days as in cron: "sat,sun 01:00-05:00", "22:00-06:00". Errors:
 * ERR_INVALID. Any thread. */
struct err *cron_window_parse(const char *text, struct cron_window *ret) ERR_RESULT;
/** check_fn for a window. */
struct err *cron_window_check(const char *text) ERR_RESULT;
/** The moment itself when the window is open then, else its next opening. @utc_s UTC seconds. Any
 * thread. */
int64_t cron_window_next(const struct cron_window *w, const struct cron_zone *zone, int64_t utc_s);
/** When the window that is open at this moment closes; the moment itself when it is closed. Any
 * thread. */
int64_t cron_window_end(const struct cron_window *w, const struct cron_zone *zone, int64_t utc_s);
