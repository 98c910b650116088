/* What one UPS says, typed and with units, from the variables of NUT. Pure; takes whatever a driver
 * makes up: a value that is none is missing, a status that tells nothing says so. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "power/engine.h"

/** Quantities of a reading; thousandths of the unit, or ms for times. */
enum power_quantity {
	POWER_CHARGE,  /**< % */
	POWER_RUNTIME, /**< ms */
	POWER_CHARGE_LOW,
	POWER_CHARGE_WARNING,
	POWER_RUNTIME_LOW,
	POWER_LOAD,          /**< % */
	POWER_INPUT_VOLTAGE, /**< V */
	POWER_INPUT_FREQUENCY,
	POWER_OUTPUT_VOLTAGE,
	POWER_BATTERY_VOLTAGE,
	POWER_TEMPERATURE, /**< degrees Celsius */
	POWER_REAL,        /**< W */
	POWER_REAL_NOMINAL,
	POWER_QUANTITY_N_
};

/** Texts of a reading. */
enum power_text {
	POWER_MFR,
	POWER_MODEL,
	POWER_SERIAL,
	POWER_ALARM_TEXT,
	POWER_TEST_RESULT,
	POWER_BATTERY_DATE,
	POWER_DRIVER,
	POWER_TEXT_N_
};
#define POWER_TEXT_SIZE 96

/** A reading; plain data. */
struct power_reading {
	char status[POWER_TEXT_SIZE];      /**< as told */
	int64_t tokens;                    /**< enum power_token bits */
	int64_t values[POWER_QUANTITY_N_]; /**< I64_NONE = missing */
	char texts[POWER_TEXT_N_][POWER_TEXT_SIZE];
};

/** An empty reading. */
void power_reading_init(struct power_reading *reading);
/** Take a variable ("battery.charge", "98"); one that is not known is ignored. Any thread. */
void power_reading_set(struct power_reading *reading, const char *name, const char *value);
/** Why the reading says nothing of the mains ("the status is empty"), NULL when it does. */
const char *power_reading_doubt(const struct power_reading *reading);
/** The reading as an observation of the engine. @ups and identity are borrowed
 * @identity buffer for make, model and serial */
struct power_observation power_reading_observation(const struct power_reading *reading,
	const char *ups, char identity[static POWER_IDENTITY_SIZE]);
/** The variables that the monitor asks for in each poll; ends with NULL. ups.status is first. */
extern const char *const power_reading_poll[];
/** Quantities and texts as JSON with units in the names ("charge_pct", "runtime_s"); missing ones
 * are null. Owned. */
json_t *power_reading_to_json(const struct power_reading *reading);
