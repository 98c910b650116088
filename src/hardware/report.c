/* Owns the form of the collector's output: which section is read by whom. */
#include "hardware/report.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "hardware/report_int.h"

#define SECTION_MAX ((size_t)1 << 20)

static const struct {
	const char *name;
	void (*read)(struct piece text, struct piece argument, json_t *report);
} sections[] = {
	{"stat_begin", read_stat_begin},
	{"stat_end", read_stat_end},
	{"uname", read_uname},
	{"os", read_os},
	{"uptime", read_uptime},
	{"dmi", read_dmi},
	{"devicetree", read_devicetree},
	{"virt", read_virt},
	{"lscpu", read_lscpu},
	{"cpuinfo", read_cpuinfo},
	{"meminfo", read_meminfo},
	{"zram", read_zram},
	{"dmidecode", read_dmidecode},
	{"lsblk", read_lsblk},
	{"smart", read_smart},
	{"df", read_df},
	{"df_inodes", read_df_inodes},
	{"mdstat", read_mdstat},
	{"pvs", read_lvm},
	{"vgs", read_lvm},
	{"lvs", read_lvm},
	{"zpool", read_zpool},
	{"btrfs", read_btrfs},
	{"docker", read_docker},
	{"podman", read_podman},
	{"containerd", read_containerd},
	{"kubernetes", read_kubernetes},
	{"ip", read_ip},
	{"net", read_net},
	{"thermal", read_thermal},
	{"hwmon", read_hwmon},
	{"throttled", read_throttled},
	{"vcgencmd", read_throttled},
	{"lspci", read_lspci},
	{"lsusb", read_lsusb},
	{"nvidia", read_nvidia},
};

/* A section that is being read. */
struct section {
	size_t which; /* of the table; its length = none that we know */
	struct piece argument;
	struct str text; /* without the space before each line */
	int64_t code;    /* of the last line "!CODE" */
	bool open;
};

static size_t find(struct piece name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(sections) && !piece_is(name, sections[i].name))
		i++;
	return i;
}

static void note(json_t *report, size_t which, const char *said)
{
	if (which < ARRAY_LEN(sections))
		json_object_set_new(report_object(report, "sections"), sections[which].name,
			json_string(said));
}

/* A tool that fails in part has still told something: smartctl's code is a set of bits. */
static void end_section(struct section *s, json_t *report)
{
	const struct piece text = {str_get(&s->text), s->text.len};
	cleanup(mem_freep) char *failed = mem_printf("failed %lld", (long long)s->code);

	if (s->open && s->which < ARRAY_LEN(sections)) {
		sections[s->which].read(text, s->argument, report);
		note(report, s->which, s->code == 0 ? "ok" : failed);
	}
	str_done(&s->text);
	*s = (struct section){.which = ARRAY_LEN(sections), .text = {.max = SECTION_MAX}};
}

static void begin_section(struct section *s, struct piece line, json_t *report)
{
	struct piece name = {NULL, 0};
	struct piece rest = {line.at + 1, line.len - 1};

	end_section(s, report);
	if (!piece_word(&rest, &name))
		return;
	s->which = find(name);
	s->argument = piece_trim(rest);
	s->open = !piece_is(s->argument, "missing");
	if (piece_is(name, "end"))
		json_object_set_new(report, "complete", json_true());
	if (!s->open)
		note(report, s->which, "missing");
}

static void add_line(struct section *s, struct piece line)
{
	if (line.len < 1 || !s->open)
		return;
	line.at++;
	line.len--;
	if (line.len > 1 && line.at[0] == '!')
		s->code = piece_number((struct piece){line.at + 1, line.len - 1});
	else if (s->text.len + line.len + 1 < SECTION_MAX) {
		str_add(&s->text, line.at, line.len);
		str_addc(&s->text, '\n');
	}
}

struct err *hardware_report(const char *text, size_t len, json_t **ret_report)
{
	struct piece rest = {text, len < HARDWARE_TEXT_MAX ? len : HARDWARE_TEXT_MAX};
	struct section s = {.which = ARRAY_LEN(sections), .text = {.max = SECTION_MAX}};
	struct piece line;
	json_t *report = json_object();

	json_object_set_new(report, "complete", json_false());
	while (piece_line(&rest, &line))
		if (line.len > 0 && line.at[0] == '@')
			begin_section(&s, line, report);
		else
			add_line(&s, line);
	end_section(&s, report);
	if (json_object_get(report, "sections") == NULL) {
		json_decref(report);
		return err_new(ERR_INVALID, "this is no report of the collector");
	}
	json_object_del(report, "stat_begin");
	add_videocore(report);
	*ret_report = report;
	return NULL;
}
