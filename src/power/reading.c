/* The table of NUT's variables and the quantities that they are. */
#include "power/reading.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "power/number.h"

/* NUT's variable, what it is, the largest value that is believed, its name in JSON. Several
 * variables may give one quantity: the first row that has a value wins (output.realpower and
 * ups.realpower). */
static const struct {
	const char *variable;
	enum power_quantity quantity;
	int64_t max;
} numbers[] = {
	{"battery.charge", POWER_CHARGE, 100},
	{"battery.runtime", POWER_RUNTIME, 604800},
	{"battery.charge.low", POWER_CHARGE_LOW, 100},
	{"battery.charge.warning", POWER_CHARGE_WARNING, 100},
	{"battery.runtime.low", POWER_RUNTIME_LOW, 604800},
	{"ups.load", POWER_LOAD, 250},
	{"input.voltage", POWER_INPUT_VOLTAGE, 1000},
	{"input.frequency", POWER_INPUT_FREQUENCY, 1000},
	{"output.voltage", POWER_OUTPUT_VOLTAGE, 1000},
	{"battery.voltage", POWER_BATTERY_VOLTAGE, 1000},
	{"ups.temperature", POWER_TEMPERATURE, 200},
	{"battery.temperature", POWER_TEMPERATURE, 200},
	{"ups.realpower", POWER_REAL, 10000000},
	{"output.realpower", POWER_REAL, 10000000},
	{"ups.realpower.nominal", POWER_REAL_NOMINAL, 10000000},
};

static const struct {
	const char *variable;
	enum power_text text;
} texts[] = {
	{"device.mfr", POWER_MFR},
	{"ups.mfr", POWER_MFR},
	{"device.model", POWER_MODEL},
	{"ups.model", POWER_MODEL},
	{"device.serial", POWER_SERIAL},
	{"ups.serial", POWER_SERIAL},
	{"ups.alarm", POWER_ALARM_TEXT},
	{"ups.test.result", POWER_TEST_RESULT},
	{"battery.mfr.date", POWER_BATTERY_DATE},
	{"battery.date", POWER_BATTERY_DATE},
	{"driver.name", POWER_DRIVER},
};

static const char *const quantity_names[POWER_QUANTITY_N_] = {
	[POWER_CHARGE] = "charge_pct",
	[POWER_RUNTIME] = "runtime_s",
	[POWER_CHARGE_LOW] = "charge_low_pct",
	[POWER_CHARGE_WARNING] = "charge_warning_pct",
	[POWER_RUNTIME_LOW] = "runtime_low_s",
	[POWER_LOAD] = "load_pct",
	[POWER_INPUT_VOLTAGE] = "input_voltage_v",
	[POWER_INPUT_FREQUENCY] = "input_frequency_hz",
	[POWER_OUTPUT_VOLTAGE] = "output_voltage_v",
	[POWER_BATTERY_VOLTAGE] = "battery_voltage_v",
	[POWER_TEMPERATURE] = "temperature_c",
	[POWER_REAL] = "realpower_w",
	[POWER_REAL_NOMINAL] = "realpower_nominal_w",
};

static const char *const text_names[POWER_TEXT_N_] = {
	[POWER_MFR] = "mfr",
	[POWER_MODEL] = "model",
	[POWER_SERIAL] = "serial",
	[POWER_ALARM_TEXT] = "alarm",
	[POWER_TEST_RESULT] = "test_result",
	[POWER_BATTERY_DATE] = "battery_date",
	[POWER_DRIVER] = "driver",
};

const char *const power_reading_poll[] = {"ups.status", "battery.charge", "battery.runtime",
	"ups.load", "input.voltage", "output.voltage", "ups.temperature", "battery.voltage",
	"device.mfr", "device.model", "device.serial", NULL};

void power_reading_init(struct power_reading *reading)
{
	*reading = (struct power_reading){.tokens = 0};
	for (size_t i = 0; i < POWER_QUANTITY_N_; i++)
		reading->values[i] = I64_NONE;
}

/** A text of a device: one line without blanks around it, cut, valid UTF-8 or nothing. */
static void set_text(char to[static POWER_TEXT_SIZE], const char *value)
{
	size_t len = 0;

	while (*value == ' ' || *value == '\t')
		value++;
	len = strnlen(value, POWER_TEXT_SIZE - 1);
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	memset(to, 0, POWER_TEXT_SIZE);
	memcpy(to, value, len);
	/* A character that was cut in two goes wholly. */
	while (len > 0 && (to[len - 1] & 0x80) != 0 && strlen(value) > len)
		to[--len] = '\0';
	struct err *e = check_line(to);
	if (e != NULL)
		memset(to, 0, POWER_TEXT_SIZE);
	err_free(e);
}

void power_reading_set(struct power_reading *reading, const char *name, const char *value)
{
	if (strcmp(name, "ups.status") == 0) {
		set_text(reading->status, value);
		reading->tokens = power_tokens(value);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		int64_t *number = &reading->values[numbers[i].quantity];
		if (*number == I64_NONE && strcmp(numbers[i].variable, name) == 0)
			*number = power_number(value, numbers[i].max);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char *text = reading->texts[texts[i].text];
		if (text[0] == '\0' && strcmp(texts[i].variable, name) == 0)
			set_text(text, value);
	}
}

const char *power_reading_doubt(const struct power_reading *reading)
{
	int64_t tokens = reading->tokens;

	if (tokens == 0)
		return "the status is empty";
	if ((tokens & POWER_WAIT) != 0)
		return "the driver has not told anything yet";
	if ((tokens & POWER_OL) != 0 && (tokens & POWER_OB) != 0)
		return "the status says both on line and on battery";
	if ((tokens & (POWER_OL | POWER_OB)) == 0)
		return "the status says neither on line nor on battery";
	return NULL;
}

struct power_observation power_reading_observation(const struct power_reading *reading,
	const char *ups, char identity[static POWER_IDENTITY_SIZE])
{
	const char *serial = reading->texts[POWER_SERIAL];

	identity[0] = '\0';
	if (serial[0] != '\0') /* a make alone tells no two devices apart */
		(void)snprintf(identity, POWER_IDENTITY_SIZE, "%.60s|%.60s|%.60s",
			reading->texts[POWER_MFR], reading->texts[POWER_MODEL], serial);
	return (struct power_observation){.ups = ups,
		.ok = reading->tokens != 0,
		.tokens = reading->tokens,
		.charge = reading->values[POWER_CHARGE],
		.runtime = reading->values[POWER_RUNTIME],
		.identity = identity};
}

json_t *power_reading_to_json(const struct power_reading *reading)
{
	json_t *json = json_object();

	for (size_t i = 0; i < POWER_QUANTITY_N_; i++) {
		int64_t value = reading->values[i];
		json_t *number = json_null();
		if (value != I64_NONE)
			number = value % 1000 == 0 ? json_integer(value / 1000)
						   : json_real((double)value / 1000);
		(void)json_object_set_new(json, quantity_names[i], number);
	}
	for (size_t i = 0; i < POWER_TEXT_N_; i++)
		(void)json_object_set_new(json, text_names[i],
			reading->texts[i][0] != '\0' ? json_string(reading->texts[i])
						     : json_null());
	return json;
}
