/* Figures in tiers under a virtual clock: averages are right, a restart loses nothing, the rows are
 * bounded, and little is written. */
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "domain.h"
#include "base/fs.h"
#include "service/history.h"
#include "service/node.h"

#define DAY INT64_C(86400000)

static int make(void **state)
{
	test_domain_make(state);
	struct test_domain *d = *state;

	d->clock = clock_fake(INT64_C(1800000000000)); /* a block of an hour begins */
	test_add_node(d, 1, 0);
	history_start(&d->svc);
	return 0;
}

static int drop(void **state)
{
	history_stop(&((struct test_domain *)*state)->svc);
	return test_domain_drop(state);
}

static void pass(struct test_domain *d, int64_t ms)
{
	d->clock = clock_fake(clock_utc(&d->clock) + ms);
}

/* Measure each 10 s: 1, 2, 3 ... */
static void measure(struct test_domain *d, const char *subject, int times)
{
	for (int i = 1; i <= times; i++) {
		const struct history_value value = {"ssh_ms", i};
		ok(history_add(&d->svc, subject, &value, 1));
		pass(d, 10000);
		ok(history_flush(&d->svc));
	}
}

static json_t *since(struct test_domain *d, const char *duration)
{
	json_t *json = NULL;

	ok(history_json(&d->svc, "node/n1", duration, &json));
	return json;
}

/* The i-th value of the only series, from the end. */
static double value(const json_t *json, size_t from_end)
{
	const json_t *values =
		json_object_get(json_array_get(json_object_get(json, "series"), 0), "values");
	const json_t *one = json_array_get(values, json_array_size(values) - 1 - from_end);

	return json_is_number(one) ? json_number_value(one) : (double)NAN;
}

static int64_t rows(struct test_domain *d, int64_t tier)
{
	struct store_query q = {.n_filters = 0};
	int64_t n = 0;

	store_where_number(&q, "tier", STORE_EQ, tier);
	ok(store_count(d->svc.store, &sample_block_type, &q, &n));
	return n;
}

static void the_last_hour_is_fine_and_the_last_day_averaged(void **state)
{
	struct test_domain *d = *state;

	measure(d, "node/1", 360);
	json_t *hour = since(d, NULL);
	assert_int_equal(json_integer_value(json_object_get(hour, "step_s")), 10);
	assert_true(isnan(value(hour, 0))); /* the step that has just begun */
	assert_float_equal(value(hour, 1), 360, 0.01);
	assert_float_equal(value(hour, 360), 1, 0.01);
	json_decref(hour);
	json_t *day = since(d, "1d");
	assert_int_equal(json_integer_value(json_object_get(day, "step_s")), 60);
	assert_float_equal(value(day, 1), 357.5, 0.01); /* 355 to 360 */
	assert_float_equal(value(day, 60), 3.5, 0.01);
	assert_true(isnan(value(day, 61)));
	json_decref(day);
	json_t *year = since(d, "365d");
	assert_int_equal(json_integer_value(json_object_get(year, "step_s")), 28800);
	assert_float_equal(value(year, 0), 180.5, 0.01);
	json_decref(year);
}

static void a_restart_goes_on_in_the_same_blocks(void **state)
{
	struct test_domain *d = *state;

	measure(d, "node/1", 90);
	history_stop(&d->svc);
	history_start(&d->svc);
	measure(d, "node/1", 90);
	json_t *hour = since(d, "1h");
	assert_float_equal(value(hour, 1), 90, 0.01);
	assert_float_equal(value(hour, 91), 90, 0.01); /* before it */
	assert_float_equal(value(hour, 180), 1, 0.01);
	json_decref(hour);
	assert_int_equal(rows(d, 1), 1);
	assert_int_equal(rows(d, 2), 1);
}

static void what_cannot_be_written_is_written_later(void **state)
{
	struct test_domain *d = *state;
	const struct history_value one = {"ssh_ms", 5};

	measure(d, "node/1", 59);
	ok(history_add(&d->svc, "node/1", &one, 1));
	pass(d, 10000);
	struct rlimit old;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	struct rlimit full = {.rlim_cur = 0, .rlim_max = old.rlim_max}; /* as a full disk */
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	struct err *e = history_flush(&d->svc);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(e);
	err_free(e);
	measure(d, "node/1", 120);
	json_t *hour = since(d, "1h");
	assert_float_equal(value(hour, 180), 1, 0.01);
	json_decref(hour);
	assert_int_equal(rows(d, 1), 1);
}

static void two_years_take_as_many_rows_as_one(void **state)
{
	struct test_domain *d = *state;
	const struct history_value one = {"ssh_ms", 1};

	for (int64_t i = 0; i < 2 * 365 * 4; i++) {
		ok(history_add(&d->svc, "node/1", &one, 1));
		pass(d, DAY / 4);
		ok(history_flush(&d->svc));
	}
	assert_in_range(rows(d, 0), 0, 9);
	assert_in_range(rows(d, 1), 3, 6);
	assert_in_range(rows(d, 2), 15, 19);
	assert_in_range(rows(d, 3), 12, 15);
	assert_in_range(rows(d, 4), 18, 21);
}

static void a_clock_that_steps_loses_nothing_that_was_written(void **state)
{
	struct test_domain *d = *state;
	const struct history_value one = {"ssh_ms", 7};

	measure(d, "node/1", 120);
	pass(d, -3 * DAY);
	ok(history_add(&d->svc, "node/1", &one, 1));
	pass(d, 3 * DAY);
	measure(d, "node/1", 60);
	json_t *hour = since(d, "1h");
	assert_float_equal(value(hour, 1), 60, 0.01);
	assert_float_equal(value(hour, 61), 120, 0.01);
	json_decref(hour);
	assert_int_equal(rows(d, 1), 2);
}

static void figures_that_are_none_are_left_out(void **state)
{
	struct test_domain *d = *state;
	const struct history_value bad[] = {{"ssh_ms", (double)NAN}, {"ssh_ms", (double)INFINITY},
		{"nonsense", 1}};
	json_t *json = NULL;

	ok(history_add(&d->svc, "node/1", bad, 3));
	json = since(d, NULL);
	assert_true(isnan(value(json, 0)));
	json_decref(json);
	expect_code(history_json(&d->svc, "node/none", NULL, &json), ERR_NOT_FOUND);
	expect_code(history_json(&d->svc, "planet/1", NULL, &json), ERR_INVALID);
	expect_code(history_json(&d->svc, "node/n1", "yesterday", &json), ERR_INVALID);
}

static void a_removed_node_leaves_no_figures(void **state)
{
	struct test_domain *d = *state;

	measure(d, "node/1", 120);
	assert_true(rows(d, 1) > 0);
	TX(d, node_remove(&d->svc, &test_admin, "n1", false));
	for (int64_t tier = 0; tier < SAMPLE_TIERS; tier++)
		assert_int_equal(rows(d, tier), 0);
}

/* Bytes that this process has written so far. */
static int64_t written(void)
{
	char *text = NULL;
	long long n = 0;

	ok(fs_read("/proc/self/io", 4096, &text, NULL));
	assert_int_equal(sscanf(strstr(text, "wchar:"), "wchar: %lld", &n), 1);
	mem_free(text);
	return n;
}

/* A round of 20 nodes. */
static void measure_twenty(struct test_domain *d, int round)
{
	const struct history_value values[] = {{"up", 1}, {"ssh_ms", 0.7 + round % 7},
		{"api_ms", 4 + round % 5}};
	char subject[32];

	for (int node = 1; node <= 20; node++) {
		(void)snprintf(subject, sizeof(subject), "node/%d", node);
		ok(history_add(&d->svc, subject, values, 3));
	}
	pass(d, 10000);
	ok(history_flush(&d->svc));
}

static void twenty_nodes_write_less_than_a_megabyte_an_hour(void **state)
{
	struct test_domain *d = *state;

	for (int hour = 0; hour < 2; hour++) {
		int64_t before = written();
		for (int i = 0; i < 360; i++)
			measure_twenty(d, i);
		print_message("%lld bytes\n", (long long)(written() - before));
		assert_in_range(written() - before, 1, 1 << 20);
	}
}

#define HISTORY(name) cmocka_unit_test_setup_teardown(name, make, drop)
TEST_MAIN(HISTORY(the_last_hour_is_fine_and_the_last_day_averaged),
	HISTORY(a_restart_goes_on_in_the_same_blocks),
	HISTORY(what_cannot_be_written_is_written_later),
	HISTORY(two_years_take_as_many_rows_as_one),
	HISTORY(a_clock_that_steps_loses_nothing_that_was_written),
	HISTORY(figures_that_are_none_are_left_out), HISTORY(a_removed_node_leaves_no_figures),
	HISTORY(twenty_nodes_write_less_than_a_megabyte_an_hour))
