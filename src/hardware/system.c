/* Owns what is said of the machine as a whole. */
#include <string.h>

#include "base/mem.h"
#include "hardware/report_int.h"

void read_uname(struct piece text, struct piece argument, json_t *report)
{
	static const char *const keys[] = {"os", "kernel", "architecture"};
	json_t *system = report_object(report, "system");
	struct piece word;

	(void)argument;
	for (size_t i = 0; i < ARRAY_LEN(keys) && piece_word(&text, &word); i++)
		set_piece(system, keys[i], word);
}

void read_os(struct piece text, struct piece argument, json_t *report)
{
	struct piece line;
	struct piece field;

	(void)argument;
	while (piece_line(&text, &line)) {
		if (!piece_cut(&line, '=', &field) || !piece_is(field, "PRETTY_NAME"))
			continue;
		line = piece_trim(line); /* through a terminal lines end with CR LF */
		if (line.len >= 2 && line.at[0] == '"')
			line = (struct piece){line.at + 1, line.len - 2};
		set_piece(report_object(report, "system"), "os", line);
	}
}

/* "123.45 ..." and, on the next line, "0.10 0.20 0.30 ...". */
void read_uptime(struct piece text, struct piece argument, json_t *report)
{
	json_t *usage = report_object(report, "usage");
	struct piece line;
	struct piece word;

	(void)argument;
	if (!piece_line(&text, &line))
		return;
	set_number(usage, "uptime_s", piece_number(line));
	for (int i = 0; piece_line(&text, &line) && i == 0; i++)
		for (int k = 0; k < 3 && piece_word(&line, &word); k++)
			json_array_append_new(report_list(usage, "load"), piece_json(word));
}

void read_dmi(struct piece text, struct piece argument, json_t *report)
{
	static const struct {
		const char *file, *key;
	} rows[] = {
		{"sys_vendor", "vendor"},
		{"product_name", "product"},
		{"product_serial", "serial"},
		{"product_version", "version"},
		{"bios_vendor", "bios_vendor"},
		{"bios_version", "bios_version"},
		{"bios_date", "bios_date"},
		{"board_name", "board"},
	};
	json_t *system = report_object(report, "system");
	struct piece line;
	struct piece owner;
	struct piece file;
	struct piece value;

	(void)argument;
	while (piece_line(&text, &line))
		if (piece_sysfs(line, 1, &owner, &file, &value))
			for (size_t i = 0; i < ARRAY_LEN(rows); i++)
				if (piece_is(file, rows[i].file))
					set_piece(system, rows[i].key, value);
}

void read_devicetree(struct piece text, struct piece argument, json_t *report)
{
	json_t *system = report_object(report, "system");
	struct piece line;
	struct piece owner;
	struct piece file;
	struct piece value;

	(void)argument;
	while (piece_line(&text, &line)) {
		if (!piece_sysfs(line, 1, &owner, &file, &value))
			continue;
		if (piece_is(file, "model"))
			set_piece(system, "product", value);
		if (piece_is(file, "serial-number"))
			set_piece(system, "serial", value);
	}
}

void read_virt(struct piece text, struct piece argument, json_t *report)
{
	text = piece_trim(text);
	(void)argument;
	if (text.len > 0 && !piece_is(text, "none"))
		set_piece(report_object(report, "system"), "virtualization", text);
}
