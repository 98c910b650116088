/* Metrics: counted from any thread, written as Prometheus wants them. */
#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/metric.h"

static int reset(void **state)
{
	(void)state;
	metric_reset();
	return 0;
}

static void assert_has(const char *line)
{
	struct str s = STR_INIT;
	cleanup(mem_freep) char *whole = mem_printf("\n%s\n", line);

	metric_text(&s);
	if (strstr(str_get(&s), whole) == NULL)
		fail_msg("no line %s in:\n%s", line, str_get(&s));
	str_done(&s);
}

static void every_metric_has_help_and_type_also_without_series(void **state)
{
	(void)state;
	assert_has("# TYPE mko_http_requests_total counter");
	assert_has("# TYPE mko_store_duration_seconds histogram");
	assert_has("# HELP mko_nodes Nodes of the inventory.");
}

static void counters_add_up_by_their_labels(void **state)
{
	(void)state;
	metric_add(METRIC_HTTP_REQUESTS, METRIC_LABELS("GET", "/api/nodes", "200"), 1);
	metric_add(METRIC_HTTP_REQUESTS, METRIC_LABELS("GET", "/api/nodes", "200"), 2);
	metric_add(METRIC_HTTP_REQUESTS, METRIC_LABELS("GET", "/api/nodes", "404"), 1);
	assert_has("mko_http_requests_total{method=\"GET\",route=\"/api/nodes\",status=\"200\"} 3");
	assert_has("mko_http_requests_total{method=\"GET\",route=\"/api/nodes\",status=\"404\"} 1");
}

static void gauges_rise_fall_and_are_set(void **state)
{
	(void)state;
	metric_add(METRIC_HTTP_ACTIVE, NULL, 2);
	metric_add(METRIC_HTTP_ACTIVE, NULL, -1);
	metric_set(METRIC_NODES, METRIC_LABELS("online"), 7);
	metric_set(METRIC_NODES, METRIC_LABELS("online"), 5);
	assert_has("mko_http_requests_active 1");
	assert_has("mko_nodes{status=\"online\"} 5");
}

static void buckets_are_cumulative_and_end_with_infinity(void **state)
{
	(void)state;
	metric_observe(METRIC_STORE_SECONDS, METRIC_LABELS("get"), 0.0001); /* on a bound: in it */
	metric_observe(METRIC_STORE_SECONDS, METRIC_LABELS("get"), 0.004);
	metric_observe(METRIC_STORE_SECONDS, METRIC_LABELS("get"), 60);
	assert_has("mko_store_duration_seconds_bucket{call=\"get\",le=\"5e-05\"} 0");
	assert_has("mko_store_duration_seconds_bucket{call=\"get\",le=\"0.0001\"} 1");
	assert_has("mko_store_duration_seconds_bucket{call=\"get\",le=\"0.005\"} 2");
	assert_has("mko_store_duration_seconds_bucket{call=\"get\",le=\"5\"} 2");
	assert_has("mko_store_duration_seconds_bucket{call=\"get\",le=\"+Inf\"} 3");
	assert_has("mko_store_duration_seconds_sum{call=\"get\"} 60.0041");
	assert_has("mko_store_duration_seconds_count{call=\"get\"} 3");
}

static void values_of_labels_are_escaped(void **state)
{
	(void)state;
	metric_add(METRIC_EVENTS, METRIC_LABELS("a\"b\\c\nd"), 1);
	assert_has("mko_events_total{topic=\"a\\\"b\\\\c\\nd\"} 1");
}

static void the_series_of_a_metric_are_bounded(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char topic[16];
		snprintf(topic, sizeof(topic), "t%d", i);
		metric_add(METRIC_EVENTS, METRIC_LABELS(topic), 1);
	}
	assert_has("mko_events_total{topic=\"other\"} 2000");
	metric_text(&s);
	assert_null(strstr(str_get(&s), "\"t1000\""));
	str_done(&s);
}

static void *count_much(void *arg)
{
	for (int i = 0; i < 10000; i++)
		metric_add(METRIC_LOGINS, METRIC_LABELS("ok"), 1);
	return arg;
}

static void threads_lose_no_count(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_has("mko_logins_total{result=\"ok\"} 40000");
}

#define T(name) cmocka_unit_test_setup_teardown(name, reset, reset)
TEST_MAIN(T(every_metric_has_help_and_type_also_without_series), T(counters_add_up_by_their_labels),
	T(gauges_rise_fall_and_are_set), T(buckets_are_cumulative_and_end_with_infinity),
	T(values_of_labels_are_escaped), T(the_series_of_a_metric_are_bounded),
	T(threads_lose_no_count))
