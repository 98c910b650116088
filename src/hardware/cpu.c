/* Owns what is said of processors: lscpu, /proc/cpuinfo, /proc/stat. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "hardware/report_int.h"

#define CPUS_MAX 4096

/* ---- lscpu ---- */

/* Processors of one model; a machine may have several (big.LITTLE). */
struct model {
	int64_t cores, sockets;
};

static const struct {
	const char *field, *key;
	bool number;
} lscpu_rows[] = {
	{"Architecture:", "architecture", false},
	{"Vendor ID:", "vendor", false},
	{"Machine type:", "machine_type", false},
	{"CPU(s):", "threads", true},
	{"Thread(s) per core:", "threads_per_core", true},
	{"Socket(s):", "sockets", true},
	{"CPU max MHz:", "max_mhz", true},
	{"CPU min MHz:", "min_mhz", true},
	{"CPU MHz:", "mhz", true},
	{"NUMA node(s):", "numa_nodes", true},
	{"Virtualization:", "virtualization", false},
	{"Hypervisor vendor:", "hypervisor", false},
	{"L1d cache:", "l1d_cache", false},
	{"L1i cache:", "l1i_cache", false},
	{"L2 cache:", "l2_cache", false},
	{"L3 cache:", "l3_cache", false},
	{"L1d:", "l1d_cache", false},
	{"L1i:", "l1i_cache", false},
	{"L2:", "l2_cache", false},
	{"L3:", "l3_cache", false},
};

static void take_flags(json_t *cpu, struct piece text)
{
	json_t *flags = json_array();
	struct piece word;

	while (piece_word(&text, &word) && json_array_size(flags) < CPUS_MAX)
		json_array_append_new(flags, piece_json(word));
	json_object_set_new(cpu, "flags", flags);
}

static void take_model(json_t *cpu, struct piece name)
{
	json_t *models = report_list(cpu, "models");
	json_t *text = piece_json(name);

	for (size_t i = 0; i < json_array_size(models); i++)
		if (json_equal(json_array_get(models, i), text)) {
			json_decref(text);
			return;
		}
	json_array_append_new(models, text);
}

/* What has no field of its own. */
static void take_special(json_t *cpu, const char *field, struct piece data, struct model *m)
{
	int64_t n = piece_number(data);
	bool counts = n > 0 && n <= CPUS_MAX;

	if (strcmp(field, "Flags:") == 0)
		take_flags(cpu, data);
	else if (strcmp(field, "Model name:") == 0 && !piece_is(piece_trim(data), "-"))
		take_model(cpu, data);
	else if (strcmp(field, "Core(s) per socket:") == 0 ||
		strcmp(field, "Core(s) per cluster:") == 0)
		m->cores = counts ? n : 0;
	else if ((strcmp(field, "Socket(s):") == 0 || strcmp(field, "Cluster(s):") == 0) &&
		counts && m->cores > 0) {
		const json_t *before = json_object_get(cpu, "cores");
		json_object_set_new(cpu, "cores",
			json_integer(json_integer_value(before) + m->cores * n));
		m->cores = 0;
	}
}

static void take_field(json_t *cpu, const char *field, struct piece data, struct model *m)
{
	take_special(cpu, field, data, m);
	for (size_t i = 0; i < ARRAY_LEN(lscpu_rows); i++)
		if (strcmp(lscpu_rows[i].field, field) == 0 &&
			json_object_get(cpu, lscpu_rows[i].key) == NULL) {
			if (lscpu_rows[i].number)
				set_number(cpu, lscpu_rows[i].key, piece_number(data));
			else
				set_piece(cpu, lscpu_rows[i].key, data);
		}
}

/* Newer versions nest what belongs to a field. */
static void take_fields(json_t *cpu, const json_t *list, struct model *m, int depth)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(list, i, one) {
		const char *field = json_string_value(json_object_get(one, "field"));
		const json_t *data = json_object_get(one, "data");
		if (field != NULL && json_is_string(data))
			take_field(cpu, field,
				(struct piece){json_string_value(data), json_string_length(data)},
				m);
		if (depth > 0)
			take_fields(cpu, json_object_get(one, "children"), m, depth - 1);
	}
}

static void join_models(json_t *cpu)
{
	cleanup(str_done) struct str all = {.max = 512};
	const json_t *name = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(cpu, "models"), i, name)
		if (json_is_string(name) && all.len + json_string_length(name) < 500)
			str_addf(&all, "%s%s", all.len > 0 ? ", " : "", json_string_value(name));
	json_object_del(cpu, "models");
	if (all.len > 0)
		json_object_set_new(cpu, "model", json_string(str_get(&all)));
}

/* Where sockets are told in another way (books and drawers of s390): by the threads. */
static void count_cores(json_t *cpu)
{
	json_int_t threads = json_integer_value(json_object_get(cpu, "threads"));
	json_int_t of_each = json_integer_value(json_object_get(cpu, "threads_per_core"));

	if (json_object_get(cpu, "cores") == NULL && of_each > 0 && threads >= of_each)
		json_object_set_new(cpu, "cores", json_integer(threads / of_each));
}

void read_lscpu(struct piece text, struct piece argument, json_t *report)
{
	json_t *json = piece_load(text);
	json_t *cpu = report_object(report, "cpu");
	struct model m = {.cores = 0};

	(void)argument;
	take_fields(cpu, json_object_get(json, "lscpu"), &m, 6);
	join_models(cpu);
	count_cores(cpu);
	json_decref(json);
}

/* ---- /proc/cpuinfo ---- */

/* A Raspberry Pi tells its revision there, old tools tell no model. */
void read_cpuinfo(struct piece text, struct piece argument, json_t *report)
{
	static const struct {
		const char *field, *key;
		bool system;
	} rows[] = {
		{"model name", "model", false},
		{"Model Name", "model", false}, /* LoongArch */
		{"cpu", "model", false},        /* POWER, SPARC */
		{"uarch", "model", false},      /* RISC-V */
		{"Hardware", "soc", true},
		{"Revision", "revision", true},
		{"Serial", "serial", true},
		{"Model", "model", true},
	};
	struct piece line;
	struct piece field;

	(void)argument;
	while (piece_line(&text, &line)) {
		if (!piece_cut(&line, ':', &field))
			continue;
		field = piece_trim(field);
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			json_t *to = report_object(report, rows[i].system ? "system" : "cpu");
			if (piece_is(field, rows[i].field) &&
				json_object_get(to, rows[i].key) == NULL)
				set_piece(to, rows[i].key, line);
		}
	}
}

/* ---- usage ---- */

/* Time that a processor worked and that it was there, in ticks. */
static bool read_times(struct piece line, struct piece *name, int64_t *busy, int64_t *all)
{
	struct piece word;

	*busy = *all = 0;
	if (!piece_word(&line, name))
		return false;
	for (int i = 0; i < 8 && piece_word(&line, &word); i++) {
		int64_t ticks = piece_number(word);
		if (ticks < 0 || ticks > INT64_MAX / 16)
			return false;
		*all += ticks;
		*busy += i == 3 || i == 4 ? 0 : ticks; /* idle, iowait */
	}
	return *all > 0;
}

void read_stat_begin(struct piece text, struct piece argument, json_t *report)
{
	json_t *begin = report_object(report, "stat_begin");
	struct piece line;
	struct piece name;
	int64_t busy = 0;
	int64_t all = 0;

	(void)argument;
	while (piece_line(&text, &line) && json_object_size(begin) < CPUS_MAX)
		if (read_times(line, &name, &busy, &all) && name.len < 16) {
			char key[16] = "";
			memcpy(key, name.at, name.len);
			json_object_set_new(begin, key,
				json_pack("[II]", (json_int_t)busy, (json_int_t)all));
		}
}

void read_stat_end(struct piece text, struct piece argument, json_t *report)
{
	const json_t *begin = json_object_get(report, "stat_begin");
	json_t *usage = report_object(report, "usage");
	struct piece line;
	struct piece name;
	int64_t busy = 0;
	int64_t all = 0;

	(void)argument;
	while (piece_line(&text, &line)) {
		char key[16] = "";
		if (!read_times(line, &name, &busy, &all) || name.len >= sizeof(key))
			continue;
		memcpy(key, name.at, name.len);
		const json_t *was = json_object_get(begin, key);
		int64_t passed = all - json_integer_value(json_array_get(was, 1));
		int64_t worked = busy - json_integer_value(json_array_get(was, 0));
		if (was == NULL || passed <= 0 || worked < 0 || worked > passed)
			continue;
		json_t *percent = json_integer((worked * 200 / passed + 1) / 2);
		if (strcmp(key, "cpu") == 0)
			json_object_set_new(usage, "cpu_percent", percent);
		else
			json_array_append_new(report_list(usage, "core_percent"), percent);
	}
}
