/* What is wrong in a report is found and named; what it does not tell is neither fine nor wrong. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "hardware/findings.h"

static const char *const verdicts[] = {"untold", "fine", "wrong"};

/* "wrong sda: sda is worn out ..." of one question. */
static char *answer(const char *name, const char *text)
{
	json_t *report = json_loads(text, 0, NULL);
	char *told = NULL;

	assert_non_null(report);
	for (size_t i = 0; i < hardware_findings_n; i++) {
		struct hardware_finding f;
		hardware_find(report, i, &f);
		if (strcmp(f.name, name) == 0)
			told = mem_printf("%s %zu %s", verdicts[f.verdict], json_array_size(f.what),
				f.reason != NULL ? f.reason : "-");
		hardware_finding_done(&f);
	}
	json_decref(report);
	assert_non_null(told);
	return told;
}

static void each_question_is_answered_by_what_the_report_tells(void **state)
{
	static const struct {
		const char *name, *report, *want;
	} rows[] = {
		{"disk_failing", "{}", "untold 0 -"},
		{"disk_failing", "{\"disks\":[{\"name\":\"sda\"}]}", "untold 0 -"},
		{"disk_failing", "{\"disks\":[{\"name\":\"sda\",\"smart\":{\"healthy\":true}}]}",
			"fine 0 -"},
		{"disk_failing",
			"{\"disks\":[{\"name\":\"sda\",\"smart\":{\"healthy\":false,\"pending_sectors\":9}},"
			"{\"name\":\"sdb\",\"smart\":{\"healthy\":true,\"pending_sectors\":8}},"
			"{\"name\":\"nvme0n1\",\"smart\":{\"healthy\":true,\"wear_percent\":104}},"
			"{\"name\":\"nvme1n1\",\"smart\":{\"healthy\":true,\"wear_percent\":99}}]}",
			"wrong 3 sda says of itself that it fails; sdb has 8 sectors that it could not read; "
			"nvme0n1 is worn out: 104 % of its writes are used"},
		{"raid_degraded", "{\"raid\":[]}", "untold 0 -"},
		{"raid_degraded",
			"{\"raid\":[{\"name\":\"md0\",\"degraded\":false,\"failed\":0}],\"zpools\":[{\"name\":\"tank\",\"health\":\"ONLINE\"}]}",
			"fine 0 -"},
		{"raid_degraded",
			"{\"raid\":[{\"name\":\"md0\",\"degraded\":true}],\"zpools\":[{\"name\":\"tank\",\"health\":\"DEGRADED\"}]}",
			"wrong 2 md0 misses a member; tank is DEGRADED"},
		{"filesystem_full",
			"{\"filesystems\":[{\"mount\":\"/\",\"used_percent\":85},{\"mount\":\"/var\",\"used_percent\":86}]}",
			"wrong 1 /var is 86 % full"},
		{"filesystem_full", "{\"filesystems\":[{\"mount\":\"/\",\"used_percent\":85}]}",
			"fine 0 -"},
		{"undervoltage", "{\"raspberry_pi\":{\"model\":\"x\"}}", "untold 0 -"},
		{"undervoltage",
			"{\"raspberry_pi\":{\"undervoltage_now\":false,\"undervoltage_since_boot\":false}}",
			"fine 0 -"},
		{"undervoltage",
			"{\"raspberry_pi\":{\"undervoltage_now\":false,\"undervoltage_since_boot\":true}}",
			"wrong 1 the board got too little voltage since it was booted"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(mem_freep) char *told = answer(rows[i].name, rows[i].report);
		assert_string_equal(told, rows[i].want);
	}
}

static void a_report_of_wrong_shapes_breaks_nothing_and_is_bounded(void **state)
{
	json_t *report = json_pack("{s:[i, s, {s:i, s:{s:b}}], s:s, s:{}, s:[]}", "disks", 1, "x",
		"name", 7, "smart", "healthy", 0, "raid", "none", "filesystems", "zpools");
	json_t *many = json_array();
	(void)state;
	for (int i = 0; i < 1000; i++)
		json_array_append_new(many,
			json_pack("{s:s, s:i}", "mount", "/x", "used_percent", 100));
	for (size_t i = 0; i < hardware_findings_n; i++) {
		struct hardware_finding f;
		hardware_find(report, i, &f);
		hardware_finding_done(&f);
	}
	json_object_set_new(report, "filesystems", many);
	for (size_t i = 0; i < hardware_findings_n; i++) {
		struct hardware_finding f;
		hardware_find(report, i, &f);
		assert_in_range(json_array_size(f.what), 0, 64);
		hardware_finding_done(&f);
	}
	json_decref(report);
}

TEST_MAIN(cmocka_unit_test(each_question_is_answered_by_what_the_report_tells),
	cmocka_unit_test(a_report_of_wrong_shapes_breaks_nothing_and_is_bounded))
