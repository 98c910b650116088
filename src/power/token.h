/* Status words of NUT's ups.status: whole words, any case, never substrings. */
#pragma once

#include <stdint.h>

/** One bit for each word that we know. */
enum power_token {
	POWER_OL = 1 << 0,
	POWER_OB = 1 << 1,
	POWER_LB = 1 << 2,
	POWER_HB = 1 << 3,
	POWER_RB = 1 << 4,
	POWER_CHRG = 1 << 5,
	POWER_DISCHRG = 1 << 6,
	POWER_BYPASS = 1 << 7,
	POWER_CAL = 1 << 8,
	POWER_OFF = 1 << 9,
	POWER_OVER = 1 << 10,
	POWER_TRIM = 1 << 11,
	POWER_BOOST = 1 << 12,
	POWER_FSD = 1 << 13,
	POWER_ALARM = 1 << 14,
	POWER_ECO = 1 << 15,
	POWER_TEST = 1 << 16,
	POWER_WAIT = 1 << 17,
	POWER_OTHER = 1 << 18, /**< a word that is not in the list */
};

/** The words of a text as bits; 0 for an empty text. @status may be NULL. Any thread.
 * Source: NUT docs/new-drivers.txt. */
int64_t power_tokens(const char *status);
/** The text of one bit, NULL when there is none. */
const char *power_token_text(int64_t token);
