/* base/clock: times and durations as text, both ways. */
#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"

static void times_are_written_with_milliseconds(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *want;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{INT64_C(1795424159123), "2026-11-23T08:55:59.123Z"},
		{INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
		{INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[CLOCK_TEXT_SIZE];
		int64_t back = 0;
		clock_format(cases[i].ms, text);
		assert_string_equal(text, cases[i].want);
		assert_int_equal(clock_parse(text, &back), 0);
		assert_int_equal(back, cases[i].ms);
	}
}

static void no_number_overflows_the_text(void **state)
{
	(void)state;
	static const int64_t cases[] = {INT64_MAX, INT64_MIN, INT64_MIN + 1, INT64_C(1) << 60,
		INT64_C(-62167219200001)};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[CLOCK_TEXT_SIZE];
		clock_format(cases[i], text);
		assert_in_range(text[0], '-', '9');
		clock_format_duration(cases[i] < 0 ? 0 : cases[i], text);
		assert_in_range(text[0], '0', '9');
	}
}

static void rfc_3339_is_parsed(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t want;
	} good[] = {
		{"2026-11-23T08:55:59Z", INT64_C(1795424159000)},
		{"2026-11-23t08:55:59z", INT64_C(1795424159000)},
		{"2026-11-23 08:55:59Z", INT64_C(1795424159000)},
		{"2026-11-23T08:55:59.1Z", INT64_C(1795424159100)},
		{"2026-11-23T08:55:59.123456789Z", INT64_C(1795424159123)},
		{"2026-11-23T09:55:59+01:00", INT64_C(1795424159000)},
		{"2026-11-23T03:25:59-05:30", INT64_C(1795424159000)},
		/* a leap second is at the end of a day; it counts as the first second of the next
		 */
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
		{"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
	};
	static const char *const bad[] = {"", "2026", "2026-11-23", "2026-11-23T08:55Z",
		"2026-11-23T08:55:59", "2026-11-23T08:55:59.Z", "2026-11-23T08:55:59Zx",
		"2026-11-23T24:00:00Z", "2026-11-23T08:60:00Z", "2026-11-23T08:55:61Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-30T00:00:00Z",
		"2025-02-29T00:00:00Z", "2026-04-31T23:59:60Z", "2026-11-00T00:00:00Z",
		"2026-11-23T08:55:59+1:00", "2026-11-23T08:55:59+24:00", "26-11-23T08:55:59Z",
		"2026-11-23X08:55:59Z", "-026-11-23T08:55:59Z", " 2026-11-23T08:55:59Z"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t got = 0;
		assert_int_equal(clock_parse(good[i].text, &got), 0);
		assert_int_equal(got, good[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t got = 77;
		assert_int_equal(clock_parse(bad[i], &got), -1);
		assert_int_equal(got, 77);
	}
}

static void durations_read_as_a_person_says_them(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *want;
	} cases[] = {{0, "0.0s"}, {849, "0.8s"}, {9999, "9.9s"}, {12000, "12s"}, {184000, "3m04s"},
		{7620000, "2h07m"}, {442800000, "5d3h"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[CLOCK_TEXT_SIZE];
		clock_format_duration(cases[i].ms, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void a_fake_clock_stands_until_it_is_moved(void **state)
{
	(void)state;
	struct clock c = clock_fake(5000);
	assert_int_equal(clock_utc(&c), 5000);
	c.fake_ms += 10;
	assert_int_equal(clock_utc(&c), 5010);
	assert_int_equal(clock_mono(&c), 5010);
}

static void the_system_clock_runs(void **state)
{
	(void)state;
	assert_true(clock_utc(&clock_system) > INT64_C(1700000000000));
	int64_t before = clock_mono(&clock_system);
	assert_true(clock_mono(&clock_system) >= before);
}

TEST_MAIN(cmocka_unit_test(times_are_written_with_milliseconds),
	cmocka_unit_test(no_number_overflows_the_text), cmocka_unit_test(rfc_3339_is_parsed),
	cmocka_unit_test(durations_read_as_a_person_says_them),
	cmocka_unit_test(a_fake_clock_stands_until_it_is_moved),
	cmocka_unit_test(the_system_clock_runs))
