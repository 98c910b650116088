/* Time zones by name, for schedules that do not follow the server's zone. The only file that knows
 * who reads the zone database (ADR: schedules and time zones). */
#pragma once

#include "base/cron.h"

/** A zone; opaque, immutable. */
struct zone;

/** Open a zone. @name "Europe/Berlin", "UTC"; NULL: the zone of this process (TZ, else
 * /etc/localtime). @ret_zone owned Errors: ERR_INVALID when this machine knows no such zone. Any
 * thread. */
struct err *zone_open(const char *name, struct zone **ret_zone) ERR_RESULT;
/** Free; NULL is fine. */
void zone_free(struct zone *zone);
/** zone_free() for cleanup(). */
void zone_freep(struct zone **zone);
/** As cron.h wants it; borrows the zone. */
struct cron_zone zone_cron(const struct zone *zone);
/** check_fn for the name of a zone. */
struct err *zone_check(const char *text) ERR_RESULT;
/** Write "2026-03-29T03:00:00+02:00". @utc_ms UTC milliseconds of the years 1 to 9999. The caller
 * frees. Any thread. */
char *zone_format(const struct zone *zone, int64_t utc_ms);
