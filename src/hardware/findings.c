/* Owns what is judged in a hardware report: a row and a function for each question. Numbers: SMART
 * attributes 197 and 198 and NVMe's log page 02h mean data that could not be read; 85 % is where
 * the kubelet begins to evict pods. */
#include "hardware/findings.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define FULL_PERCENT 85
#define WORN_PERCENT 100
#define PARTS_MAX 64 /* told of one finding */

/* An answer in the making. */
struct answer {
	struct hardware_finding *finding;
	struct str reason;
};

static void fine(struct answer *a)
{
	if (a->finding->verdict == HARDWARE_UNTOLD)
		a->finding->verdict = HARDWARE_FINE;
}

static void wrong(struct answer *a, const char *part, const char *how)
{
	json_t *what = a->finding->what;

	a->finding->verdict = HARDWARE_WRONG;
	if (part == NULL || json_array_size(what) >= PARTS_MAX)
		return;
	str_addf(&a->reason, "%s%s %s", a->reason.len > 0 ? "; " : "", part, how);
	json_array_append_new(what, json_string(part));
}

static const char *name_of(const json_t *item)
{
	const char *name = json_string_value(json_object_get(item, "name"));

	return name != NULL ? name : "?";
}

static int64_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* ---- disks ---- */

static void judge_smart(struct answer *a, const char *disk, const json_t *smart)
{
	static const struct {
		const char *key, *before, *after;
		int64_t most;
	} rows[] = {
		{"pending_sectors", "has", "sectors that it could not read", 0},
		{"uncorrectable_sectors", "has", "sectors that are lost", 0},
		{"media_errors", "has lost data", "times", 0},
		{"wear_percent", "is worn out:", "% of its writes are used", WORN_PERCENT - 1},
	};

	if (json_is_false(json_object_get(smart, "healthy"))) {
		wrong(a, disk, "says of itself that it fails");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t n = number_of(smart, rows[i].key);
		if (n <= rows[i].most)
			continue;
		cleanup(mem_freep) char *how =
			mem_printf("%s %lld %s", rows[i].before, (long long)n, rows[i].after);
		wrong(a, disk, how);
		return;
	}
	fine(a);
}

static void find_disks(const json_t *report, struct answer *a)
{
	size_t i;
	const json_t *disk;

	json_array_foreach(json_object_get(report, "disks"), i, disk) {
		const json_t *smart = json_object_get(disk, "smart");
		if (json_object_size(smart) > 0)
			judge_smart(a, name_of(disk), smart);
	}
}

/* ---- RAIDs ---- */

static void find_btrfs(const json_t *report, struct answer *a)
{
	size_t i;
	const json_t *one;

	json_array_foreach(json_object_get(report, "btrfs"), i, one) {
		const char *label = json_string_value(json_object_get(one, "label"));
		const char *id = json_string_value(json_object_get(one, "id"));
		if (json_is_true(json_object_get(one, "degraded")))
			wrong(a, label != NULL ? label : id, "misses a device");
		else
			fine(a);
	}
}

static void find_raids(const json_t *report, struct answer *a)
{
	size_t i;
	const json_t *one;

	json_array_foreach(json_object_get(report, "raid"), i, one) {
		bool degraded = json_is_true(json_object_get(one, "degraded"));
		if (degraded || number_of(one, "failed") > 0)
			wrong(a, name_of(one), "misses a member");
		else
			fine(a);
	}
	json_array_foreach(json_object_get(report, "zpools"), i, one) {
		const char *health = json_string_value(json_object_get(one, "health"));
		cleanup(mem_freep) char *how = mem_printf("is %s", health != NULL ? health : "?");
		if (health == NULL || strcmp(health, "ONLINE") != 0)
			wrong(a, name_of(one), how);
		else
			fine(a);
	}
	find_btrfs(report, a);
}

/* ---- file systems ---- */

static void find_filesystems(const json_t *report, struct answer *a)
{
	size_t i;
	const json_t *fs;

	json_array_foreach(json_object_get(report, "filesystems"), i, fs) {
		int64_t used = number_of(fs, "used_percent");
		cleanup(mem_freep) char *how = mem_printf("is %lld %% full", (long long)used);
		if (used > FULL_PERCENT)
			wrong(a, json_string_value(json_object_get(fs, "mount")), how);
		else
			fine(a);
	}
}

/* ---- power ---- */

static void find_voltage(const json_t *report, struct answer *a)
{
	const json_t *pi = json_object_get(report, "raspberry_pi");
	bool now = json_is_true(json_object_get(pi, "undervoltage_now"));

	if (json_object_get(pi, "undervoltage_since_boot") == NULL)
		return;
	if (now || json_is_true(json_object_get(pi, "undervoltage_since_boot")))
		wrong(a, "the board",
			now ? "gets too little voltage now"
			    : "got too little voltage since it was booted");
	else
		fine(a);
}

static const struct {
	const char *name;
	void (*find)(const json_t *report, struct answer *a);
} rows[] = {
	{"disk_failing", find_disks},
	{"raid_degraded", find_raids},
	{"filesystem_full", find_filesystems},
	{"undervoltage", find_voltage},
};
const size_t hardware_findings_n = ARRAY_LEN(rows);

void hardware_find(const json_t *report, size_t i, struct hardware_finding *ret)
{
	struct answer a = {.finding = ret, .reason = STR_INIT };

	*ret = (struct hardware_finding){.name = rows[i].name, .what = json_array()};
	rows[i].find(report, &a);
	if (ret->verdict == HARDWARE_WRONG)
		ret->reason = mem_strdup(str_get(&a.reason));
	str_done(&a.reason);
}

void hardware_finding_done(struct hardware_finding *finding)
{
	json_decref(finding->what);
	mem_free(finding->reason);
	*finding = (struct hardware_finding){.what = NULL};
}
