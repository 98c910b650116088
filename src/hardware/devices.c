/* Owns what is said of cards and things plugged in: lspci, lsusb, nvidia-smi. */
#include <string.h>

#include "base/mem.h"
#include "hardware/report_int.h"

static bool is_graphics(const json_t *device)
{
	static const char *const classes[] = {"VGA compatible controller", "3D controller",
		"Display controller"};
	const char *class = json_string_value(json_object_get(device, "class"));

	for (size_t i = 0; class != NULL && i < ARRAY_LEN(classes); i++)
		if (strcmp(class, classes[i]) == 0)
			return true;
	return false;
}

static void end_device(json_t *take_device, json_t *report)
{
	if (json_object_get(take_device, "slot") != NULL) {
		json_array_append(report_list(report, "pci"), take_device);
		if (is_graphics(take_device))
			json_array_append(report_list(report, "gpus"), take_device);
	}
	json_decref(take_device);
}

/* Blocks of "Key:\tvalue", an empty line between two. */
void read_lspci(struct piece text, struct piece argument, json_t *report)
{
	static const struct {
		const char *field, *key;
	} rows[] = {{"Slot", "slot"}, {"Class", "class"}, {"Vendor", "vendor"},
		{"Device", "device"}, {"Driver", "driver"}};
	json_t *device = json_object();
	struct piece line;
	struct piece field;

	(void)argument;
	while (!report_full(report, "pci") && piece_line(&text, &line)) {
		if (piece_trim(line).len == 0) {
			end_device(device, report);
			device = json_object();
		} else if (piece_cut(&line, ':', &field)) {
			for (size_t i = 0; i < ARRAY_LEN(rows); i++)
				if (piece_is(field, rows[i].field))
					set_piece(device, rows[i].key, line);
		}
	}
	end_device(device, report);
}

/* "Bus 001 Device 004: ID 0424:ec00 Microchip ... Adapter" */
void read_lsusb(struct piece text, struct piece argument, json_t *report)
{
	struct piece line;
	struct piece word;

	(void)argument;
	while (piece_line(&text, &line)) {
		json_t *device = json_object();
		bool id = false;
		while (!id && piece_word(&line, &word))
			id = piece_is(word, "ID");
		if (id && piece_word(&line, &word)) {
			set_piece(device, "id", word);
			set_piece(device, "name", line);
			json_array_append(report_list(report, "usb"), device);
		}
		json_decref(device);
	}
}

/* "NVIDIA A2, 15356, 535.129.03, 41" */
void read_nvidia(struct piece text, struct piece argument, json_t *report)
{
	struct piece line;

	(void)argument;
	while (piece_line(&text, &line)) {
		struct piece parts[3];
		size_t n = 0;
		while (n < ARRAY_LEN(parts) && piece_cut(&line, ',', &parts[n]))
			n++;
		int64_t mib = n == ARRAY_LEN(parts) ? piece_number(parts[1]) : INT64_MIN;
		if (mib < 0 || mib > INT64_MAX >> 20)
			continue;
		json_t *gpu = json_object();
		set_piece(gpu, "device", parts[0]);
		set_number(gpu, "memory_bytes", mib << 20);
		set_piece(gpu, "driver_version", parts[2]);
		set_number(gpu, "temperature_c", piece_number(line));
		json_array_append_new(report_list(report, "nvidia"), gpu);
	}
}
