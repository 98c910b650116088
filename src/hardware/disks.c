/* Owns what is said of disks and what lies on them: lsblk, smartctl, df, /proc/mdstat, LVM, ZFS. */
#include <string.h>

#include "base/mem.h"
#include "hardware/report_int.h"

#define DEPTH_MAX 16 /* of lsblk's tree: partitions in RAID in LVM in crypt */

/* ---- lsblk ---- */

static void take_truth(json_t *to, const char *key, const json_t *value)
{
	if (json_is_boolean(value))
		json_object_set_new(to, key, json_boolean(json_is_true(value)));
	else if (json_is_string(value)) /* before util-linux 2.33 */
		json_object_set_new(to, key,
			json_boolean(strcmp(json_string_value(value), "1") == 0));
}

static json_t *device_json(const json_t *told)
{
	static const char *const texts[] = {"name", "type", "model", "serial", "tran", "fstype",
		"mountpoint", "label", "uuid", "vendor", "rev"};
	json_t *device = json_object();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		set_told(device, texts[i], json_object_get(told, texts[i]));
	set_told_number(device, "size_bytes", json_object_get(told, "size"));
	take_truth(device, "rotational", json_object_get(told, "rota"));
	take_truth(device, "read_only", json_object_get(told, "ro"));
	take_truth(device, "removable", json_object_get(told, "rm"));
	return device;
}

static void take_devices(const json_t *told, json_t *to, int depth)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(told, i, one) {
		json_t *device = device_json(one);
		const json_t *children = json_object_get(one, "children");
		if (depth > 0 && json_array_size(children) > 0) {
			json_t *list = json_array();
			take_devices(children, list, depth - 1);
			json_object_set_new(device, "children", list);
		}
		json_array_append_new(to, device);
	}
}

static bool is_disk(const json_t *device)
{
	const char *type = json_string_value(json_object_get(device, "type"));
	const char *name = json_string_value(json_object_get(device, "name"));

	return type != NULL && strcmp(type, "disk") == 0 && name != NULL &&
		strncmp(name, "zram", 4) != 0 && strncmp(name, "nbd", 3) != 0 &&
		strncmp(name, "ram", 3) != 0;
}

/* The first time that a disk is told; a disk of a RAID or a multipath device is told often. */
void read_lsblk(struct piece text, struct piece argument, json_t *report)
{
	json_t *told = piece_load(text);
	json_t *all = json_array();
	json_t *one = NULL;
	size_t i = 0;
	json_int_t sum = 0;

	(void)argument;
	take_devices(json_object_get(told, "blockdevices"), all, DEPTH_MAX);
	json_array_foreach(all, i, one) {
		if (!is_disk(one))
			continue;
		json_int_t size = json_integer_value(json_object_get(one, "size_bytes"));
		sum += size > 0 && size < INT64_MAX / 1024 - sum ? size : 0;
		json_array_append(report_list(report, "disks"), one);
	}
	json_object_set_new(report, "disk_total_bytes", json_integer(sum));
	json_decref(all);
	json_decref(told);
}

/* ---- smartctl ---- */

static json_t *at(const json_t *json, const char *a, const char *b)
{
	return json_object_get(json_object_get(json, a), b);
}

static json_t *find_disk(json_t *report, struct piece name)
{
	json_t *disk = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(report, "disks"), i, disk) {
		const char *known = json_string_value(json_object_get(disk, "name"));
		if (known != NULL && piece_is(name, known))
			return disk;
	}
	disk = json_object();
	set_piece(disk, "name", name);
	json_array_append_new(report_list(report, "disks"), disk);
	return disk;
}

/* ATA attributes that tell of an end that comes. */
static void take_attributes(const json_t *told, json_t *smart)
{
	static const struct {
		json_int_t id;
		const char *key;
	} rows[] = {{5, "reallocated_sectors"}, {197, "pending_sectors"},
		{198, "uncorrectable_sectors"}, {199, "crc_errors"}};
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(at(told, "ata_smart_attributes", "table"), i, one)
		for (size_t k = 0; k < ARRAY_LEN(rows); k++)
			if (json_integer_value(json_object_get(one, "id")) == rows[k].id)
				set_told_number(smart, rows[k].key, at(one, "raw", "value"));
}

static void take_nvme(const json_t *told, json_t *smart)
{
	static const struct {
		const char *field, *key;
	} rows[] = {{"percentage_used", "wear_percent"}, {"available_spare", "spare_percent"},
		{"media_errors", "media_errors"}, {"critical_warning", "critical_warning"},
		{"unsafe_shutdowns", "unsafe_shutdowns"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		set_told_number(smart, rows[i].key,
			at(told, "nvme_smart_health_information_log", rows[i].field));
}

void read_smart(struct piece text, struct piece argument, json_t *report)
{
	json_t *told = piece_load(text);
	json_t *smart = json_object();
	const json_t *passed = at(told, "smart_status", "passed");

	if (argument.len == 0 || told == NULL) {
		json_decref(told);
		json_decref(smart);
		return;
	}
	json_t *disk = find_disk(report, argument);
	if (json_is_boolean(passed))
		json_object_set_new(smart, "healthy", json_boolean(json_is_true(passed)));
	set_told_number(smart, "temperature_c", at(told, "temperature", "current"));
	set_told_number(smart, "power_on_hours", at(told, "power_on_time", "hours"));
	set_told_number(smart, "power_cycles", json_object_get(told, "power_cycle_count"));
	take_attributes(told, smart);
	take_nvme(told, smart);
	set_told(disk, "model", json_object_get(told, "model_name"));
	set_told(disk, "serial", json_object_get(told, "serial_number"));
	set_told(disk, "firmware", json_object_get(told, "firmware_version"));
	set_told_number(disk, "rotation_rpm", json_object_get(told, "rotation_rate"));
	if (json_object_get(disk, "size_bytes") == NULL)
		set_told_number(disk, "size_bytes", at(told, "user_capacity", "bytes"));
	json_object_set_new(disk, "smart", smart);
	json_decref(told);
}

/* ---- df ---- */

/* The columns of df are numbers but the first and the last, which may hold spaces: so from the
 * column with the percent sign. */
struct df_line {
	struct piece source, type, mount;
	int64_t total, used, available;
};

static bool read_df_line(struct piece line, bool with_type, struct df_line *ret)
{
	struct piece words[6];
	size_t want = with_type ? 6 : 5;
	size_t n = 0;

	while (n < want && piece_word(&line, &words[n]))
		n++;
	if (n < want || words[want - 1].len == 0)
		return false;
	size_t k = with_type ? 2 : 1;
	*ret = (struct df_line){.source = words[0],
		.type = with_type ? words[1] : words[0],
		.total = piece_number(words[k]),
		.used = piece_number(words[k + 1]),
		.available = piece_number(words[k + 2]),
		.mount = piece_trim(line)};
	return ret->mount.len > 0 && ret->mount.at[0] == '/' && ret->total >= 0 && ret->used >= 0;
}

static bool is_of_memory(struct piece type)
{
	static const char *const types[] = {"tmpfs", "devtmpfs", "squashfs", "overlay", "efivarfs",
		"shm", "ramfs", "fuse.snapfuse", "iso9660"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (piece_is(type, types[i]))
			return true;
	return false;
}

static int64_t bytes_of(int64_t kib)
{
	return kib >= 0 && kib <= INT64_MAX / 1024 ? kib * 1024 : INT64_MIN;
}

/* As df rounds: what is used of what a user could use, up. */
static int64_t percent_of(int64_t used, int64_t available)
{
	if (used < 0 || available < 0 || used > INT64_MAX / 200 || available > INT64_MAX / 200 ||
		used + available == 0)
		return INT64_MIN;
	return (used * 100 + used + available - 1) / (used + available);
}

void read_df(struct piece text, struct piece argument, json_t *report)
{
	struct piece line;
	struct df_line df;

	(void)argument;
	while (!report_full(report, "filesystems") && piece_line(&text, &line)) {
		if (!read_df_line(line, true, &df) || is_of_memory(df.type))
			continue;
		json_t *fs = json_object();
		set_piece(fs, "source", df.source);
		set_piece(fs, "type", df.type);
		set_piece(fs, "mount", df.mount);
		set_number(fs, "size_bytes", bytes_of(df.total));
		set_number(fs, "used_bytes", bytes_of(df.used));
		set_number(fs, "available_bytes", bytes_of(df.available));
		set_number(fs, "used_percent", percent_of(df.used, df.available));
		json_array_append_new(report_list(report, "filesystems"), fs);
	}
}

void read_df_inodes(struct piece text, struct piece argument, json_t *report)
{
	struct piece line;
	struct df_line df;
	json_t *fs = NULL;
	size_t i = 0;

	(void)argument;
	while (piece_line(&text, &line)) {
		if (!read_df_line(line, false, &df) || df.total == 0)
			continue;
		json_t *mount = piece_json(df.mount);
		json_array_foreach(json_object_get(report, "filesystems"), i, fs)
			if (json_equal(json_object_get(fs, "mount"), mount))
				set_number(fs, "inodes_percent", percent_of(df.used, df.available));
		json_decref(mount);
	}
}

/* ---- RAID ---- */

/* "md0 : active raid1 sdb1[1] sda1[0](F)" */
static json_t *read_md(struct piece name, struct piece line)
{
	json_t *raid = json_object();
	json_t *members = json_array();
	struct piece word;
	int64_t failed = 0;

	set_piece(raid, "name", name);
	for (int i = 0; piece_word(&line, &word);) {
		struct piece device;
		struct piece rest = word;
		if (piece_cut(&rest, '[', &device)) {
			json_array_append_new(members, piece_json(device));
			failed += rest.len >= 3 && memcmp(rest.at + rest.len - 3, "(F)", 3) == 0;
		} else if (word.at[0] != '(') {
			set_piece(raid, i++ == 0 ? "state" : "level", word);
		}
	}
	json_object_set_new(raid, "members", members);
	json_object_set_new(raid, "failed", json_integer(failed));
	return raid;
}

/* "... [2/1] [U_]" and "[==>..]  recovery = 12.6% (...)": of the one before. */
static void read_md_more(json_t *raid, struct piece line)
{
	struct piece before;
	struct piece rest = line;

	while (piece_cut(&rest, '[', &before)) {
		int64_t want = piece_number(rest);
		struct piece inner;
		if (want > 0 && piece_cut(&rest, '/', &inner)) {
			int64_t have = piece_number(rest);
			json_object_set_new(raid, "devices", json_integer(want));
			json_object_set_new(raid, "working", json_integer(have));
			json_object_set_new(raid, "degraded", json_boolean(have < want));
		}
	}
	rest = line;
	if (piece_cut(&rest, '%', &before)) {
		struct piece head = before;
		while (piece_cut(&before, '=', &head))
			continue;
		set_number(raid, "sync_percent", piece_number(before));
	}
}

void read_mdstat(struct piece text, struct piece argument, json_t *report)
{
	json_t *raid = NULL;
	struct piece line;
	struct piece name;

	(void)argument;
	while (!report_full(report, "raid") && piece_line(&text, &line)) {
		if (!piece_begins(line, "md")) {
			if (raid != NULL)
				read_md_more(raid, line);
			if (piece_trim(line).len == 0)
				raid = NULL;
		} else if (piece_cut(&line, ':', &name)) {
			raid = read_md(piece_trim(name), line);
			json_array_append_new(report_list(report, "raid"), raid);
		}
	}
}

/* ---- LVM and ZFS ---- */

/* A name of a column of LVM: lower case and lines below. */
static bool is_column(const char *key)
{
	size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyz_");

	return n > 0 && n < 64 && key[n] == '\0';
}

static void take_lvm_value(json_t *to, const char *key, const json_t *value)
{
	static const char *const numbers[] = {"_size", "_free", "_count"};
	bool number = false;

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		number |= strstr(key, numbers[i]) != NULL;
	if (number)
		set_told_number(to, key, value);
	else
		set_told(to, key, value);
}

static void take_lvm_rows(const json_t *rows, json_t *to)
{
	const json_t *row = NULL;
	const json_t *value = NULL;
	const char *key = NULL;
	size_t i = 0;

	json_array_foreach(rows, i, row) {
		json_t *copy = json_object();
		json_object_foreach((json_t *)(uintptr_t)row, key, value)
			if (is_column(key))
				take_lvm_value(copy, key, value);
		json_array_append_new(to, copy);
	}
}

/* pvs, vgs and lvs have one form: {"report":[{"pv":[{"pv_name":...}]}]} */
void read_lvm(struct piece text, struct piece argument, json_t *report)
{
	static const char *const kinds[] = {"pv", "vg", "lv"};
	json_t *told = piece_load(text);
	const json_t *part = NULL;
	size_t i = 0;

	(void)argument;
	json_array_foreach(json_object_get(told, "report"), i, part)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			const json_t *rows = json_object_get(part, kinds[k]);
			if (json_array_size(rows) > 0)
				take_lvm_rows(rows,
					report_list(report_object(report, "lvm"), kinds[k]));
		}
	json_decref(told);
}

void read_zpool(struct piece text, struct piece argument, json_t *report)
{
	static const char *const numbers[] = {"size_bytes", "allocated_bytes", "free_bytes"};
	struct piece line;
	struct piece word;

	(void)argument;
	while (piece_line(&text, &line)) {
		json_t *pool = json_object();
		if (piece_word(&line, &word))
			set_piece(pool, "name", word);
		for (size_t i = 0; i < ARRAY_LEN(numbers) && piece_word(&line, &word); i++)
			set_number(pool, numbers[i], piece_number(word));
		set_piece(pool, "health", line);
		if (json_object_get(pool, "health") != NULL)
			json_array_append(report_list(report, "zpools"), pool);
		json_decref(pool);
	}
}

/* "\tdevid    1 size 1073741824 used 134217728 path /dev/sda" */
static void add_btrfs_device(json_t *filesystem, struct piece line)
{
	json_t *device = json_object();
	struct piece key;
	struct piece value;

	while (piece_word(&line, &key) && piece_word(&line, &value)) {
		if (piece_is(key, "size"))
			set_number(device, "size_bytes", piece_number(value));
		else if (piece_is(key, "used"))
			set_number(device, "used_bytes", piece_number(value));
		else if (piece_is(key, "path"))
			set_piece(device, "name", value);
	}
	json_array_append_new(report_list(filesystem, "devices"), device);
}

/* "Label: 'data'  uuid: 1b2c..." */
static json_t *add_btrfs(json_t *report, struct piece line)
{
	json_t *filesystem = json_object();
	struct piece label;

	(void)piece_cut(&line, ':', &label);
	if (piece_cut(&line, ':', &label)) {
		set_piece(filesystem, "id", line);
		label = piece_trim(label);
		if (label.len > 4 &&
			piece_begins((struct piece){label.at + label.len - 4, 4}, "uuid"))
			label = piece_trim((struct piece){label.at, label.len - 4});
		if (label.len >= 2 && label.at[0] == '\'')
			label = (struct piece){label.at + 1, label.len - 2};
		set_piece(filesystem, "label", label);
	}
	json_object_set_new(filesystem, "degraded", json_false());
	json_array_append_new(report_list(report, "btrfs"), filesystem);
	return filesystem;
}

void read_btrfs(struct piece text, struct piece argument, json_t *report)
{
	json_t *filesystem = NULL;
	struct piece line;

	(void)argument;
	while (piece_line(&text, &line)) {
		line = piece_trim(line);
		if (piece_begins(line, "Label:"))
			filesystem = add_btrfs(report, line);
		else if (filesystem != NULL && piece_begins(line, "devid"))
			add_btrfs_device(filesystem, line);
		else if (filesystem != NULL && piece_begins(line, "*** Some devices missing"))
			json_object_set_new(filesystem, "degraded", json_true());
	}
}
