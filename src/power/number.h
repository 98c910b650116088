/* Numbers as UPSes tell them: plain decimals, anything else is "missing". */
#pragma once

#include <stdint.h>

#include "model/record.h"

/** Read [0-9]+(\.[0-9]+)? (blanks around it are fine) as thousandths.
 * @text may be NULL   @max largest value accepted, in whole units
 * Returns thousandths (further digits are cut), I64_NONE when it is no such number or above max.
 * Any thread. */
int64_t power_number(const char *text, int64_t max);

/** Battery charge in thousandths of a percent, 0 to 100 %; I64_NONE = missing. */
int64_t power_charge(const char *text);
/** Battery runtime in milliseconds, 0 to 604 800 s; I64_NONE = missing. */
int64_t power_runtime_ms(const char *text);
