/* Time. Waits use monotonic milliseconds, records use UTC epoch milliseconds; both come from a
 * clock that tests can move. */
#pragma once

#include <stdint.h>

/** A source of time; pass it in, never call the system clock elsewhere. */
struct clock {
	int64_t (*mono_ms)(const struct clock
			*c); /**< milliseconds since an unknown start, never goes back */
	int64_t (*utc_ms)(const struct clock *c); /**< milliseconds since 1970-01-01T00:00:00Z */
	int64_t fake_ms;                          /**< only used by clock_fake */
};

/** The system's clock. */
extern const struct clock clock_system;
/** Make a clock that stands still at utc_ms until fake_ms is changed. */
struct clock clock_fake(int64_t utc_ms);
/** Monotonic milliseconds of a clock. */
int64_t clock_mono(const struct clock *c);
/** UTC milliseconds of a clock. */
int64_t clock_utc(const struct clock *c);

#define CLOCK_TEXT_SIZE 32
/** Write "2026-11-23T08:55:59.123Z" (RFC 3339, UTC, milliseconds). @utc_ms year 0 to 9999 */
void clock_format(int64_t utc_ms, char text[static CLOCK_TEXT_SIZE]);
/** Parse RFC 3339 with Z or an offset. Returns 0 and sets ret_utc_ms, or -1. */
int clock_parse(const char *text, int64_t *ret_utc_ms);
/** Write a duration as a person reads it: "0.8s", "12s", "3m04s", "2h07m", "5d3h". @ms >= 0 */
void clock_format_duration(int64_t ms, char text[static CLOCK_TEXT_SIZE]);
