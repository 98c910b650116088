/* Measures the parsers of hardware reports: megabytes a second of each section, as they come from a
 * machine, and of a JSON library alone where a section is JSON.
 * `./dev bench parse` runs it; it is no test. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "hardware/report.h"

#define BYTES ((size_t)900000) /* of a section, which ends at 1 MiB */
#define ROUNDS 7

/* A section, and the line (or the member of its list) that is repeated. */
static const struct {
	const char *section, *head, *line, *tail;
} rows[] = {
	{"df", "", "/dev/mapper/vg0-data ext4 976762584 488381292 438668508 53% /srv/data/volume\n",
		""},
	{"meminfo", "MemTotal:       16311532 kB\n",
		"HugePages_Surp:        0 kB\nDirectMap4k:     245760 kB\n", ""},
	{"cpuinfo", "",
		"processor\t: 7\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i7\ncpu MHz\t\t: 2900.000\nflags\t\t: fpu vme de pse tsc msr pae mce cx8\n\n",
		""},
	{"dmidecode", "",
		"Handle 0x0011, DMI type 17, 84 bytes\nMemory Device\n\tSize: 16 GB\n\tLocator: DIMM A\n\tType: DDR4\n\tSpeed: 3200 MT/s\n\tManufacturer: Samsung\n\n",
		""},
	{"mdstat", "",
		"md0 : active raid1 sdb1[1] sda1[0]\n      1047552 blocks super 1.2 [2/2] [UU]\n\n",
		""},
	{"hwmon", "", "/sys/class/hwmon/hwmon0/temp1_input|45500 \n", ""},
	{"lspci", "",
		"Slot:\t0000:00:1f.0\nClass:\tISA bridge\nVendor:\tIntel\nDevice:\tX\nDriver:\tnone\n\n",
		""},
	{"lsblk", "{\"blockdevices\":[",
		"{\"name\":\"sda\",\"type\":\"disk\",\"size\":1000204886016,\"model\":\"Samsung SSD 870\",\"serial\":\"S5\",\"rota\":false,\"tran\":\"sata\"},",
		"{}]}"},
	{"ip", "[",
		"{\"ifname\":\"eth0\",\"address\":\"aa:bb:cc:dd:ee:ff\",\"operstate\":\"UP\",\"mtu\":1500,\"addr_info\":[{\"local\":\"10.0.0.1\",\"prefixlen\":24}]},",
		"{}]"},
	{"lscpu", "{\"lscpu\":[",
		"{\"field\":\"Flags:\",\"data\":\"fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge\"},",
		"{}]}"},
};

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add_lines(struct str *out, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		str_addc(out, ' ');
		str_add(out, text, n);
		str_addc(out, '\n');
		text += n + (text[n] != '\0');
	}
}

/* The section as the collector prints it: each line behind a space. */
static void make(size_t i, struct str *section, struct str *plain)
{
	str_adds(plain, rows[i].head);
	while (plain->len < BYTES)
		str_adds(plain, rows[i].line);
	str_adds(plain, rows[i].tail);
	str_addf(section, "@%s\n", rows[i].section);
	add_lines(section, str_get(plain));
	str_adds(section, " !0\n@end\n");
}

static double of_parser(const struct str *section)
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		json_t *report = NULL;
		double began = now_s();
		struct err *e = hardware_report(str_get(section), section->len, &report);
		if (e != NULL)
			exit(1);
		json_decref(report);
		double took = now_s() - began;
		best = took < best ? took : best;
	}
	return (double)section->len / best / 1e6;
}

static double of_library(const struct str *plain)
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		double began = now_s();
		json_t *json = json_loadb(str_get(plain), plain->len, 0, NULL);
		if (json == NULL)
			return 0;
		json_decref(json);
		double took = now_s() - began;
		best = took < best ? took : best;
	}
	return (double)plain->len / best / 1e6;
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str section = {.max = (size_t)4 << 20};
		struct str plain = {.max = (size_t)4 << 20};
		make(i, &section, &plain);
		printf("%s %.0f %.0f\n", rows[i].section, of_parser(&section), of_library(&plain));
		str_done(&section);
		str_done(&plain);
	}
	return 0;
}
