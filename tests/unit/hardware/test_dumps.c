/* Dumps of real machines (tests/data/hardware), read by the tools themselves and by the parsers:
 * both say the same, field by field. */
#include "testing.h"

#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "hardware/report.h"

static char *root;  /* where dumps are unpacked */
static char *dumps; /* tests/data/hardware */

/* What a program prints. Owned. */
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})
static char *run(const char *const *argv)
{
	static const char *const env[] = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	struct str text = {.max = (size_t)1 << 24};
	posix_spawn_file_actions_t actions;
	char part[4096];
	int ends[2];
	int status = 0;
	ssize_t n = 0;
	pid_t pid = 0;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], 1), 0);
	assert_int_equal(posix_spawnp(&pid, argv[0], &actions, NULL, (char **)(uintptr_t)argv,
				 (char **)(uintptr_t)env),
		0);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[1]);
	while ((n = read(ends[0], part, sizeof(part))) > 0)
		str_add(&text, part, (size_t)n);
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		print_error("%s failed\n", argv[0]);
	return str_take(&text);
}

/* Unpack a dump. @ret its folder, owned */
static char *unpack(const char *kind, const char *file)
{
	char *folder = mem_printf("%s/%s", root, file);
	cleanup(mem_freep) char *archive = mem_printf("%s/%s/%s", dumps, kind, file);

	mem_free(RUN("mkdir", "-p", folder));
	mem_free(RUN("tar", "-xf", archive, "-C", folder, "--strip-components=1"));
	return folder;
}

/* The report of one section that holds this text. */
static json_t *report_of(const char *section, const char *text)
{
	cleanup(str_done) struct str all = STR_INIT;
	json_t *report = NULL;

	str_addf(&all, "@%s\n", section);
	for (const char *line = text; *line != '\0';) {
		size_t n = strcspn(line, "\n");
		str_addc(&all, ' ');
		str_add(&all, line, n);
		str_addc(&all, '\n');
		line += n + (line[n] != '\0');
	}
	str_adds(&all, " !0\n@end\n");
	assert_null(hardware_report(str_get(&all), all.len, &report));
	return report;
}

/* What a tool prints for people behind this label, for the first time; NULL = nothing. Owned. */
static char *said(const char *plain, const char *label)
{
	size_t n = strlen(label);

	for (const char *line = plain; line != NULL && *line != '\0';) {
		if (strncmp(line, label, n) == 0) {
			const char *value = line + n + strspn(line + n, " ");
			return mem_printf("%.*s", (int)strcspn(value, "\n"), value);
		}
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	return NULL;
}

static char *text_of(const json_t *value)
{
	return json_is_string(value)     ? mem_strdup(json_string_value(value))
		: json_is_integer(value) ? mem_printf("%lld", (long long)json_integer_value(value))
					 : NULL;
}

static void expect_same(const char *what, const char *have, const char *want)
{
	bool same = have == NULL || want == NULL ? have == want : strcmp(have, want) == 0;

	if (!same)
		print_error("%s: %s instead of %s\n", what, have != NULL ? have : "nothing",
			want != NULL ? want : "nothing");
	assert_true(same);
}

/* ---- lscpu ---- */

static const struct {
	const char *label, *key;
	bool number;
} cpu_rows[] = {
	{"CPU(s):", "threads", true},
	{"Vendor ID:", "vendor", false},
	{"Thread(s) per core:", "threads_per_core", true},
	{"Socket(s):", "sockets", true},
	{"CPU max MHz:", "max_mhz", true},
	{"CPU min MHz:", "min_mhz", true},
	{"NUMA node(s):", "numa_nodes", true},
	{"Hypervisor vendor:", "hypervisor", false},
	{"Virtualization:", "virtualization", false},
	{"Machine type:", "machine_type", false},
	{"L1d cache:", "l1d_cache", false},
	{"L1i cache:", "l1i_cache", false},
	{"L2 cache:", "l2_cache", false},
	{"L3 cache:", "l3_cache", false},
};

static void compare_flags(const json_t *cpu, const char *plain)
{
	cleanup(mem_freep) char *want = said(plain, "Flags:");
	cleanup(str_done) struct str have = STR_INIT;
	const json_t *flag = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(cpu, "flags"), i, flag)
		str_addf(&have, "%s%s", i > 0 ? " " : "", json_string_value(flag));
	expect_same("flags", str_get(&have), want != NULL ? want : "");
}

/* All models that it names, as the report joins them. Owned. */
static char *models_of(const char *plain)
{
	struct str all = STR_INIT;
	const char *line = plain;

	while (line != NULL && (line = strstr(line, "\nModel name:")) != NULL) {
		cleanup(mem_freep) char *name = said(++line, "Model name:");
		if (strcmp(name, "-") != 0 && strstr(str_get(&all), name) == NULL)
			str_addf(&all, "%s%s", all.len > 0 ? ", " : "", name);
	}
	return str_take(&all);
}

/* @cores that it has by its dump */
static void compare_cpu(const char *file, int64_t cores)
{
	cleanup(mem_freep) char *folder = unpack("lscpu", file);
	cleanup(mem_freep) char *told = RUN("lscpu", "-J", "-s", folder);
	cleanup(mem_freep) char *plain = RUN("lscpu", "-s", folder);
	json_t *report = report_of("lscpu", told);
	const json_t *cpu = json_object_get(report, "cpu");

	for (size_t i = 0; i < ARRAY_LEN(cpu_rows); i++) {
		cleanup(mem_freep) char *what = mem_printf("%s: %s", file, cpu_rows[i].key);
		cleanup(mem_freep) char *want = said(plain, cpu_rows[i].label);
		cleanup(mem_freep) char *have = text_of(json_object_get(cpu, cpu_rows[i].key));
		if (want != NULL && cpu_rows[i].number) /* 2016.0000 */
			want[strcspn(want, ".")] = '\0';
		expect_same(what, have, want);
	}
	compare_flags(cpu, plain);
	assert_int_equal(json_integer_value(json_object_get(cpu, "cores")), cores);
	cleanup(mem_freep) char *models = models_of(plain);
	expect_same(file, json_string_value(json_object_get(cpu, "model")),
		*models != '\0' ? models : NULL);
	json_decref(report);
}

static void processors_are_read_as_lscpu_tells_them(void **state)
{
	(void)state;
	compare_cpu("arm-A510-A710-A715-X3.tar.gz", 8);
	compare_cpu("loongarch-loongson_3a5000_hv.tar.gz", 4);
	compare_cpu("s390-lpar.tar.gz", 20);
	compare_cpu("s390-nested-virt.tar.gz", 2);
	compare_cpu("sparc64.tar.gz", 6);
	compare_cpu("vmware_fpe.tar.gz", 8);
	compare_cpu("x86_64-dell_e4310.tar.gz", 2);
}

/* ---- lsblk ---- */

/* A device of a tree by its name. */
static const json_t *find(const json_t *list, const char *name)
{
	const json_t *one = NULL;
	const json_t *inner = NULL;
	size_t i = 0;

	json_array_foreach(list, i, one) {
		if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
			return one;
		inner = find(json_object_get(one, "children"), name);
		if (inner != NULL)
			return inner;
	}
	return NULL;
}

/* A line "NAME=\"sda1\" TYPE=\"part\" SIZE=\"209715200\"" of a disk or of what is on one. Returns
 * false when it is on none. */
static bool compare_device(const json_t *disks, const char *line)
{
	char name[256];
	char type[64];
	char size[64];

	assert_int_equal(sscanf(line, "NAME=\"%255[^\"]\" TYPE=\"%63[^\"]\" SIZE=\"%63[^\"]\"",
				 name, type, size),
		3);
	const json_t *device = find(disks, name);
	if (device == NULL) {
		assert_string_not_equal(type, "disk");
		return false;
	}
	cleanup(mem_freep) char *have = text_of(json_object_get(device, "size_bytes"));
	expect_same(name, have, size);
	expect_same(name, json_string_value(json_object_get(device, "type")), type);
	return true;
}

static void compare_disks(const char *file, int want)
{
	cleanup(mem_freep) char *folder = unpack("lsblk", file);
	cleanup(mem_freep) char *told = RUN("lsblk", "--sysroot", folder, "-J", "-b", "-o",
		"NAME,KNAME,TYPE,SIZE,MODEL,SERIAL,ROTA,TRAN,FSTYPE,MOUNTPOINT,LABEL,UUID,RO,RM,VENDOR,REV");
	cleanup(mem_freep) char *plain =
		RUN("lsblk", "--sysroot", folder, "-b", "-P", "-o", "NAME,TYPE,SIZE");
	json_t *report = report_of("lsblk", told);
	char *save = NULL;
	int found = 0;

	for (char *line = strtok_r(plain, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save))
		found += compare_device(json_object_get(report, "disks"), line);
	assert_int_equal(found, want);
	json_decref(report);
}

static void disks_are_read_as_lsblk_tells_them(void **state)
{
	(void)state;
	compare_disks("simple-lvm.tar.xz", 13);
	compare_disks("multi-devs-bcachefs.tar.xz", 16);
}

/* ---- smartctl ---- */

static const struct {
	const char *told[2], *key;
	bool of_disk;
} smart_rows[] = {
	{{"model_name"}, "model", true},
	{{"serial_number"}, "serial", true},
	{{"firmware_version"}, "firmware", true},
	{{"rotation_rate"}, "rotation_rpm", true},
	{{"user_capacity", "bytes"}, "size_bytes", true},
	{{"temperature", "current"}, "temperature_c", false},
	{{"power_on_time", "hours"}, "power_on_hours", false},
	{{"power_cycle_count"}, "power_cycles", false},
	{{"smart_status", "passed"}, "healthy", false},
	{{"nvme_smart_health_information_log", "percentage_used"}, "wear_percent", false},
	{{"nvme_smart_health_information_log", "available_spare"}, "spare_percent", false},
	{{"nvme_smart_health_information_log", "media_errors"}, "media_errors", false},
};

static void compare_smart(const char *file)
{
	cleanup(mem_freep) char *path = mem_printf("%s/smartctl/%s", dumps, file);
	cleanup(mem_freep) char *text = RUN("cat", path);
	json_t *told = json_loads(text, 0, NULL);
	json_t *report = report_of("smart sda", text);
	const json_t *disk = json_array_get(json_object_get(report, "disks"), 0);

	assert_non_null(told);
	for (size_t i = 0; i < ARRAY_LEN(smart_rows); i++) {
		const json_t *want = json_object_get(told, smart_rows[i].told[0]);
		const json_t *have = json_object_get(smart_rows[i].of_disk
				? disk
				: json_object_get(disk, "smart"),
			smart_rows[i].key);
		if (smart_rows[i].told[1] != NULL)
			want = json_object_get(want, smart_rows[i].told[1]);
		if (!(want == NULL ? have == NULL : json_equal(want, have)))
			print_error("%s: %s\n", file, smart_rows[i].key);
		assert_true(want == NULL ? have == NULL : json_equal(want, have));
	}
	json_decref(report);
	json_decref(told);
}

static void disks_say_of_themselves_what_smartctl_tells(void **state)
{
	static const char *const files[] = {"smart-ata.json", "smart-ata-date.json",
		"smart-fail2.json", "smart-nvme.json", "smart-nvme2.json", "smart-sat.json",
		"smart-scsi2.json", "smartctl_info_nvme.json",
		"smartctl_info_sata_smart_support_bool.json",
		"smartctl_info_sata_smart_support_object.json"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		compare_smart(files[i]);
}

static int make(void **state)
{
	char folder[] = "/tmp/mko-dumps-XXXXXX";
	const char *top = getenv("MKO_ROOT");

	(void)state;
	assert_non_null(mkdtemp(folder));
	root = mem_strdup(folder);
	dumps = mem_printf("%s/tests/data/hardware", top != NULL ? top : "../..");
	return 0;
}

static int drop(void **state)
{
	(void)state;
	mem_free(RUN("rm", "-rf", root));
	mem_free(root);
	mem_free(dumps);
	return 0;
}

#define DUMP(name) cmocka_unit_test_setup_teardown(name, make, drop)
TEST_MAIN(DUMP(processors_are_read_as_lscpu_tells_them), DUMP(disks_are_read_as_lsblk_tells_them),
	DUMP(disks_say_of_themselves_what_smartctl_tells))
