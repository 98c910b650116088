/* Owns what sensors say: thermal zones, hwmon, and the throttling of a Raspberry Pi. */
#include <string.h>

#include "base/mem.h"
#include "hardware/report_int.h"

/* The object of a list whose hidden key is this; made when it is new. Lines of one sensor follow
 * each other, so from the end. */
static json_t *keyed(json_t *list, struct piece key)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		json_t *one = json_array_get(list, i);
		const char *known = json_string_value(json_object_get(one, "key"));
		if (known != NULL && piece_is(key, known))
			return one;
	}
	json_t *wanted = piece_json(key);
	json_t *one = json_object();
	json_object_set_new(one, "key", wanted);
	json_array_append_new(list, one);
	return one;
}

/* Take away the keys, and what has no value. */
static void settle(json_t *list)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		json_t *one = json_array_get(list, i);
		if (json_object_get(one, "value") == NULL)
			json_array_remove(list, i);
		else
			json_object_del(one, "key");
	}
}

/* Thousandths as a number with one decimal. */
static void set_milli(json_t *to, const char *key, int64_t milli)
{
	if (milli != INT64_MIN && milli > -1000000000 && milli < 1000000000) {
		const int64_t tenths = milli / 100;
		json_object_set_new(to, key, json_real((double)tenths / 10));
	}
}

void read_thermal(struct piece text, struct piece argument, json_t *report)
{
	json_t *zones = json_array();
	json_t *one = NULL;
	struct piece line;
	struct piece zone;
	struct piece file;
	struct piece value;
	size_t i = 0;

	(void)argument;
	while (piece_line(&text, &line)) {
		if (!piece_sysfs(line, 1, &zone, &file, &value) || json_array_size(zones) > 256)
			continue;
		one = keyed(zones, zone);
		if (piece_is(file, "type"))
			set_piece(one, "name", value);
		if (piece_is(file, "temp"))
			set_milli(one, "value", piece_number(value));
	}
	settle(zones);
	json_array_foreach(zones, i, one) {
		json_object_set_new(one, "kind", json_string("temperature"));
		json_object_set_new(one, "unit", json_string("degrees C"));
		json_array_append(report_list(report, "sensors"), one);
	}
	json_decref(zones);
}

/* ---- hwmon ---- */

static const struct {
	const char *begins, *kind, *unit;
	bool milli;
} hwmon_kinds[] = {
	{"temp", "temperature", "degrees C", true},
	{"fan", "fan", "rpm", false},
	{"in", "voltage", "V", true},
	{"curr", "current", "A", true},
};

static void take_value(json_t *sensor, struct piece file, struct piece value)
{
	int64_t n = piece_number(value);

	for (size_t i = 0; i < ARRAY_LEN(hwmon_kinds); i++) {
		if (!piece_begins(file, hwmon_kinds[i].begins))
			continue;
		json_object_set_new(sensor, "kind", json_string(hwmon_kinds[i].kind));
		json_object_set_new(sensor, "unit", json_string(hwmon_kinds[i].unit));
		if (hwmon_kinds[i].milli)
			set_milli(sensor, "value", n);
		else
			set_number(sensor, "value", n);
		return;
	}
}

/* "/sys/class/hwmon/hwmon0/temp1_input|45000": the sensor is hwmon0/temp1. */
static void take_hwmon(json_t *sensors, json_t *chips, struct piece line)
{
	struct piece chip;
	struct piece file;
	struct piece value;

	if (!piece_sysfs(line, 1, &chip, &file, &value) || json_array_size(sensors) > 1024)
		return;
	if (piece_is(file, "name")) {
		set_piece(keyed(chips, chip), "value", value);
		return;
	}
	struct piece what = file;
	struct piece id;
	if (!piece_cut(&what, '_', &id))
		return;
	struct piece key = {chip.at, (size_t)(id.at + id.len - chip.at)};
	json_t *sensor = keyed(sensors, key);
	if (json_object_get(sensor, "chip") == NULL)
		json_object_set(sensor, "chip", json_object_get(keyed(chips, chip), "value"));
	if (piece_is(what, "label"))
		set_piece(sensor, "name", value);
	else if (piece_is(what, "input"))
		take_value(sensor, file, value);
	if (json_object_get(sensor, "name") == NULL)
		set_piece(sensor, "name", id);
}

void read_hwmon(struct piece text, struct piece argument, json_t *report)
{
	json_t *sensors = json_array();
	json_t *chips = json_array();
	json_t *one = NULL;
	struct piece line;
	size_t i = 0;

	(void)argument;
	while (piece_line(&text, &line))
		take_hwmon(sensors, chips, line);
	settle(sensors);
	json_array_foreach(sensors, i, one)
		json_array_append(report_list(report, "sensors"), one);
	json_decref(sensors);
	json_decref(chips);
}

/* ---- Raspberry Pi ---- */

void add_videocore(json_t *report)
{
	static const struct {
		const char *model, *device;
	} rows[] = {{"Raspberry Pi 5", "VideoCore VII"},
		{"Raspberry Pi Compute Module 5", "VideoCore VII"},
		{"Raspberry Pi 500", "VideoCore VII"}, {"Raspberry Pi 4", "VideoCore VI"},
		{"Raspberry Pi Compute Module 4", "VideoCore VI"},
		{"Raspberry Pi", "VideoCore IV"}};
	const json_t *system = json_object_get(report, "system");
	const char *model = json_string_value(json_object_get(system, "model"));

	if (model == NULL)
		model = json_string_value(json_object_get(system, "product"));
	for (size_t i = 0; model != NULL && i < ARRAY_LEN(rows); i++)
		if (strncmp(model, rows[i].model, strlen(rows[i].model)) == 0) {
			json_array_append_new(report_list(report, "gpus"),
				json_pack("{s:s, s:s}", "device", rows[i].device, "vendor",
					"Broadcom"));
			return;
		}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Bits as the firmware documents them; "throttled=0x50005" of vcgencmd, "50005" of sysfs. */
void read_throttled(struct piece text, struct piece argument, json_t *report)
{
	static const struct {
		unsigned bit;
		const char *key;
	} rows[] = {
		{0, "undervoltage_now"},
		{1, "frequency_capped_now"},
		{2, "throttled_now"},
		{3, "soft_temperature_limit_now"},
		{16, "undervoltage_since_boot"},
		{17, "frequency_capped_since_boot"},
		{18, "throttled_since_boot"},
		{19, "soft_temperature_limit_since_boot"},
	};
	struct piece before;
	uint64_t bits = 0;
	size_t n = 0;

	(void)argument;
	text = piece_trim(text);
	while (piece_cut(&text, '|', &before) || piece_cut(&text, '=', &before))
		continue;
	text = piece_trim(text);
	if (piece_begins(text, "0x"))
		text = (struct piece){text.at + 2, text.len - 2};
	while (n < text.len && n < 16 && hex_digit(text.at[n]) >= 0)
		bits = bits << 4 | (uint64_t)hex_digit(text.at[n++]);
	if (n == 0)
		return;
	json_t *pi = report_object(report, "raspberry_pi");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_object_set_new(pi, rows[i].key, json_boolean((bits >> rows[i].bit & 1) != 0));
}
