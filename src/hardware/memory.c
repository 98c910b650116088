/* Owns what is said of memory: /proc/meminfo, zram, and the modules of dmidecode. */
#include <string.h>

#include "base/mem.h"
#include "hardware/report_int.h"

#define KIB 1024

static int64_t kib_to_bytes(int64_t kib)
{
	return kib >= 0 && kib <= INT64_MAX / KIB ? kib * KIB : INT64_MIN;
}

void read_meminfo(struct piece text, struct piece argument, json_t *report)
{
	static const struct {
		const char *field, *key;
	} rows[] = {
		{"MemTotal", "total_bytes"},
		{"MemAvailable", "available_bytes"},
		{"SwapTotal", "swap_total_bytes"},
		{"SwapFree", "swap_free_bytes"},
		{"HugePages_Total", NULL},
	};
	json_t *memory = report_object(report, "memory");
	struct piece line;
	struct piece field;

	(void)argument;
	while (piece_line(&text, &line))
		if (piece_cut(&line, ':', &field))
			for (size_t i = 0; i < ARRAY_LEN(rows); i++)
				if (rows[i].key != NULL && piece_is(field, rows[i].field))
					set_number(memory, rows[i].key,
						kib_to_bytes(piece_number(line)));
}

void read_zram(struct piece text, struct piece argument, json_t *report)
{
	struct piece line;
	struct piece device;
	struct piece file;
	struct piece value;
	int64_t sum = 0;

	(void)argument;
	while (piece_line(&text, &line))
		if (piece_sysfs(line, 1, &device, &file, &value)) {
			int64_t bytes = piece_number(value);
			sum += bytes > 0 && bytes < INT64_MAX / 1024 - sum ? bytes : 0;
		}
	if (sum > 0)
		set_number(report_object(report, "memory"), "zram_bytes", sum);
}

/* ---- dmidecode ---- */

/* "16 GB", "8192 MB", "512 kB" in bytes; INT64_MIN for "No Module Installed" and "Unknown". */
static int64_t size_of(struct piece text)
{
	static const struct {
		const char *unit;
		int shift;
	} units[] = {{"B", 0}, {"bytes", 0}, {"kB", 10}, {"KB", 10}, {"MB", 20}, {"GB", 30},
		{"TB", 40}};
	int64_t n = piece_number(text);
	struct piece number;

	if (!piece_word(&text, &number) || n < 0)
		return INT64_MIN;
	text = piece_trim(text);
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (piece_is(text, units[i].unit) && n <= INT64_MAX >> units[i].shift)
			return n << units[i].shift;
	return INT64_MIN;
}

static bool is_nothing(struct piece value)
{
	static const char *const words[] = {"", "Unknown", "Not Specified", "None", "NO DIMM",
		"To Be Filled By O.E.M.", "Default string", "[Empty]"};

	value = piece_trim(value);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (piece_is(value, words[i]))
			return true;
	return false;
}

enum { IN_NOTHING, IN_MODULE, IN_ARRAY };

static const struct {
	const char *field, *key;
	bool size;
} module_rows[] = {
	{"Size", "size_bytes", true},
	{"Locator", "slot", false},
	{"Type", "type", false},
	{"Speed", "speed", false},
	{"Configured Memory Speed", "configured_speed", false},
	{"Manufacturer", "manufacturer", false},
	{"Serial Number", "serial", false},
	{"Part Number", "part", false},
	{"Form Factor", "form_factor", false},
};

static void take_module_field(json_t *module, struct piece field, struct piece value)
{
	for (size_t i = 0; i < ARRAY_LEN(module_rows); i++) {
		if (!piece_is(field, module_rows[i].field))
			continue;
		if (module_rows[i].size)
			set_number(module, module_rows[i].key, size_of(piece_trim(value)));
		else if (!is_nothing(value))
			set_piece(module, module_rows[i].key, value);
	}
}

/* A module counts when there is one in the slot. */
static void end_module(json_t *take_module, json_t *memory)
{
	if (json_object_get(take_module, "size_bytes") != NULL)
		json_array_append(report_list(memory, "modules"), take_module);
	json_decref(take_module);
}

static int kind_of(struct piece title)
{
	return piece_is(title, "Memory Device")            ? IN_MODULE
		: piece_is(title, "Physical Memory Array") ? IN_ARRAY
							   : IN_NOTHING;
}

void read_dmidecode(struct piece text, struct piece argument, json_t *report)
{
	json_t *memory = report_object(report, "memory");
	json_t *module = json_object();
	struct piece line;
	struct piece field;
	int in = IN_NOTHING;

	(void)argument;
	while (!report_full(memory, "modules") && piece_line(&text, &line)) {
		bool inner = line.len > 0 && (line.at[0] == '\t' || line.at[0] == ' ');
		if (!inner && piece_trim(line).len > 0) {
			end_module(module, memory);
			module = json_object();
			in = kind_of(piece_trim(line));
		} else if (piece_cut(&line, ':', &field)) {
			field = piece_trim(field);
			if (in == IN_MODULE)
				take_module_field(module, field, line);
			if (in == IN_ARRAY && piece_is(field, "Error Correction Type"))
				set_piece(memory, "ecc", line);
			if (in == IN_ARRAY && piece_is(field, "Number Of Devices"))
				set_number(memory, "slots", piece_number(line));
		}
	}
	end_module(module, memory);
}
