/* base/cron: parsing row by row; the next time against an oracle that walks minute by minute;
 * changes of the clock. */
#include "testing.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/cron.h"
#include "base/mem.h"
#include "base/zone.h"
#include "testing_err.h"

static int64_t at(const char *rfc3339)
{
	int64_t ms = 0;
	assert_int_equal(clock_parse(rfc3339, &ms), 0);
	return ms / 1000;
}

static struct cron parsed(const char *text)
{
	struct cron c;
	assert_ok(cron_parse(text, &c));
	return c;
}

static void expressions_are_taken_or_refused_with_a_reason(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wrong;
	} cases[] = {
		{"* * * * *", NULL},
		{"0 3 * * mon-fri", NULL},
		{"*/15 0-6,22 1,15 JAN,jul 7", NULL},
		{"  5\t4 * * fri-sun ", NULL},
		{"10-50/20 * * * *", NULL},
		{"@daily", NULL},
		{"@Weekly", NULL},
		{"0 0 29 2 *", NULL},
		{"0 0 31 2 mon", NULL}, /* either day field is enough */
		{"0 0 31 2 *", "never comes"},
		{"0 0 31 4,6,9,11 *", "never comes"},
		{"@reboot", "no such word"},
		{"", "five fields"},
		{"* * * *", "it has 4"},
		{"* * * * * *", "it has 6"},
		{"60 * * * *", "between 0 and 59"},
		{"* 24 * * *", "between 0 and 23"},
		{"* * 0 * *", "between 1 and 31"},
		{"* * * 13 *", "between 1 and 12"},
		{"* * * * 8", "between 0 and 7"},
		{"*/0 * * * *", "step"},
		{"5-1 * * * *", "backwards"},
		{"1, * * * *", "minute"},
		{"a * * * *", "minute"},
		{"-1 * * * *", "minute"},
		{"* * * foo *", "month"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err *e = cron_check(cases[i].text);
		if ((e == NULL) != (cases[i].wrong == NULL) ||
			(e != NULL && strstr(err_message(e), cases[i].wrong) == NULL))
			fail_msg("\"%s\": %s", cases[i].text,
				e != NULL ? err_message(e) : "was taken");
		err_free(e);
	}
}

/* ---- a zone of our own: summer time, one hour forward on day 100, back on day 200 of each 365
 * ---- */

#define SUMMER_FROM (100 * 86400 + 3600)
#define SUMMER_TO (200 * 86400 + 3600)
static int64_t made_up(const void *zone, int64_t utc_s)
{
	int64_t base = *(const int64_t *)zone;
	int64_t in_year = ((utc_s % (365 * 86400)) + 365 * 86400) % (365 * 86400);
	return base + (in_year >= SUMMER_FROM && in_year < SUMMER_TO ? 3600 : 0);
}

static bool fits(const struct cron *c, int64_t local_s)
{
	time_t t = (time_t)local_s;
	struct tm tm;
	assert_non_null(gmtime_r(&t, &tm));
	bool day = (c->days >> tm.tm_mday & 1) != 0;
	bool week = (c->weekdays >> tm.tm_wday & 1) != 0;
	bool date = c->any_day || c->any_weekday ? day && week : day || week;
	return (c->minutes >> tm.tm_min & 1) != 0 && (c->hours >> tm.tm_hour & 1) != 0 &&
		(c->months >> (tm.tm_mon + 1) & 1) != 0 && date;
}

/* What a clock on the wall would do: walk minute by minute, look at what it shows, remember what it
 * has shown and what it leapt over. */
static bool oracle_fires(const struct cron *c, const struct cron_zone *zone, int64_t t)
{
	int64_t now = zone->offset_s(zone->zone, t);
	int64_t before = zone->offset_s(zone->zone, t - 60);
	for (int64_t leapt = t + before; leapt < t + now; leapt += 60)
		if (fits(c, leapt))
			return true;
	if (!fits(c, t + now))
		return false;
	for (int64_t back = 60; back <= 3600 && !c->any_hour; back += 60)
		if (t - back + zone->offset_s(zone->zone, t - back) == t + now)
			return false; /* shown before */
	return true;
}

static uint32_t dice(uint64_t *seed, uint32_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (uint32_t)(*seed >> 33) % n;
}

static void random_text(uint64_t *seed, char *text, size_t size)
{
	static const char *const minutes[] = {"*", "0", "*/15", "30", "5,35", "10-20", "59"};
	static const char *const hours[] = {"*", "*/2", "0", "1", "2", "3", "0-4", "23", "1,2"};
	static const char *const days[] = {"*", "*", "1", "*/10", "28,31", "10-20"};
	static const char *const months[] = {"*", "*", "4", "1-6"};
	static const char *const week[] = {"*", "*", "0", "mon-fri", "7"};
	snprintf(text, size, "%s %s %s %s %s", minutes[dice(seed, 7)], hours[dice(seed, 9)],
		days[dice(seed, 6)], months[dice(seed, 4)], week[dice(seed, 5)]);
}

static void the_next_time_is_the_one_a_clock_on_the_wall_would_show(void **state)
{
	(void)state;
	uint64_t seed = 20260329;
	static const int64_t bases[] = {0, 3600, -5 * 3600, 13 * 3600, -1800, 5 * 3600 + 2700};
	for (int round = 0; round < 600; round++) {
		char text[128];
		int64_t base = bases[dice(&seed, 6)];
		const struct cron_zone zone = {made_up, &base};
		random_text(&seed, text, sizeof(text));
		struct cron c = parsed(text);
		/* mostly near the two changes */
		int64_t day = (dice(&seed, 2) ? 100 : 200) + (int64_t)dice(&seed, 4) - 2 +
			365 * (int64_t)dice(&seed, 40);
		int64_t start = day * 86400 + (int64_t)dice(&seed, 86400);
		int64_t got = cron_next(&c, &zone, start);
		int64_t t = start - start % 60;
		int64_t stop = t + 3 * 86400;
		do
			t += 60;
		while (t < stop && !oracle_fires(&c, &zone, t));
		if (t < stop ? got != t : got < stop)
			fail_msg(
				"round %d \"%s\" base %lld after %lld: got %lld, the wall clock says %lld",
				round, text, (long long)base, (long long)start, (long long)got,
				(long long)t);
	}
}

static void expect_runs(const char *expression, const char *zone_name, const char *after,
	const char *const *want)
{
	struct cron c = parsed(expression);
	struct zone *z = NULL;
	assert_ok(zone_open(zone_name, &z));
	struct cron_zone zone = zone_cron(z);
	int64_t t = at(after);
	for (size_t i = 0; want[i] != NULL; i++) {
		t = cron_next(&c, &zone, t);
		char *text = zone_format(z, t * 1000);
		if (strcmp(text, want[i]) != 0)
			fail_msg("%s in %s, run %zu: %s instead of %s", expression, zone_name, i,
				text, want[i]);
		mem_free(text);
	}
	zone_free(z);
}

static void clocks_go_forward_what_was_leapt_over_runs_once_at_the_change(void **state)
{
	(void)state;
	expect_runs("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z",
		(const char *const[]){"2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00",
			"2026-03-30T02:30:00+02:00", NULL});
	expect_runs("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z",
		(const char *const[]){"2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00",
			"2026-03-29T03:30:00+02:00", NULL});
}

static void clocks_go_back_a_fixed_hour_runs_once_and_every_hour_runs_each(void **state)
{
	(void)state;
	expect_runs("30 2 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z",
		(const char *const[]){"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00",
			NULL});
	expect_runs("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z",
		(const char *const[]){"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00",
			"2026-10-25T03:00:00+01:00", NULL});
}

static void zones_with_half_hours_and_changes_at_midnight_are_right(void **state)
{
	(void)state;
	expect_runs("0 0 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z",
		(const char *const[]){"2026-01-02T00:00:00+05:30", "2026-01-03T00:00:00+05:30",
			NULL});
	/* Lord Howe Island changes by half an hour */
	expect_runs("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z",
		(const char *const[]){"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00",
			NULL});
	/* in Beirut the day of the change has no midnight */
	expect_runs("0 0 * * *", "Asia/Beirut", "2026-03-28T00:00:00Z",
		(const char *const[]){"2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00",
			NULL});
}

static void leap_days_and_long_waits_are_found(void **state)
{
	(void)state;
	expect_runs("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z",
		(const char *const[]){"2104-02-29T00:00:00+00:00", "2108-02-29T00:00:00+00:00",
			NULL});
	/* a step counts as a star, so the date must fall on that weekday: rare, but it comes */
	expect_runs("0 0 1 3 */7", "UTC", "2026-11-01T00:00:00Z",
		(const char *const[]){"2037-03-01T00:00:00+00:00", NULL});
	expect_runs("0 0 29 2 */7", "UTC", "2088-03-01T00:00:00Z",
		(const char *const[]){"2128-02-29T00:00:00+00:00", NULL});
	expect_runs("0 12 13 * fri", "UTC", "2026-11-01T00:00:00Z",
		(const char *const[]){"2026-11-06T12:00:00+00:00", "2026-11-13T12:00:00+00:00",
			"2026-11-20T12:00:00+00:00", NULL});
}

static void a_window_is_open_or_says_when_it_opens(void **state)
{
	(void)state;
	static const struct {
		const char *window, *now, *want;
	} cases[] = {
		{"01:00-05:00", "2026-11-25T03:00:00Z", "2026-11-25T03:00:00Z"},
		{"01:00-05:00", "2026-11-25T01:00:00Z", "2026-11-25T01:00:00Z"},
		{"01:00-05:00", "2026-11-25T05:00:00Z", "2026-11-26T01:00:00Z"},
		{"22:00-06:00", "2026-11-25T05:59:00Z", "2026-11-25T05:59:00Z"},
		{"22:00-06:00", "2026-11-25T12:00:00Z", "2026-11-25T22:00:00Z"},
		{"sat,sun 01:00-05:00", "2026-11-25T03:00:00Z", "2026-11-28T01:00:00Z"},
		{"fri 22:00-06:00", "2026-11-28T03:00:00Z",
			"2026-11-28T03:00:00Z"}, /* Saturday morning, opened on Friday */
		{"* 00:00-24:00", "2026-11-25T12:00:00Z", "2026-11-25T12:00:00Z"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cron_window w;
		assert_ok(cron_window_parse(cases[i].window, &w));
		if (cron_window_next(&w, NULL, at(cases[i].now)) != at(cases[i].want))
			fail_msg("%s at %s", cases[i].window, cases[i].now);
	}
	static const char *const wrong[] = {"", "sat", "01:00", "1-5", "25:00-26:00", "24:30-01:00",
		"xyz 01:00-02:00", "a b c", "01:0-02:00"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_fails(cron_window_check(wrong[i]), ERR_INVALID);
}

static void only_names_of_the_zone_database_are_zones(void **state)
{
	(void)state;
	assert_ok(zone_check("Europe/Berlin"));
	assert_ok(zone_check("UTC"));
	assert_ok(zone_check("Etc/GMT+5"));
	static const char *const wrong[] = {"", "Europe/Atlantis", "/etc/localtime",
		"../../etc/passwd", "Europe/", "Europe", ":Europe/Berlin", "+01:00",
		"Europe/Ber\nlin"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_fails(zone_check(wrong[i]), ERR_INVALID);
}

TEST_MAIN(cmocka_unit_test(expressions_are_taken_or_refused_with_a_reason),
	cmocka_unit_test(the_next_time_is_the_one_a_clock_on_the_wall_would_show),
	cmocka_unit_test(clocks_go_forward_what_was_leapt_over_runs_once_at_the_change),
	cmocka_unit_test(clocks_go_back_a_fixed_hour_runs_once_and_every_hour_runs_each),
	cmocka_unit_test(zones_with_half_hours_and_changes_at_midnight_are_right),
	cmocka_unit_test(leap_days_and_long_waits_are_found),
	cmocka_unit_test(a_window_is_open_or_says_when_it_opens),
	cmocka_unit_test(only_names_of_the_zone_database_are_zones))
