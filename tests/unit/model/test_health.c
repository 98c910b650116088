/* Health: what is said fits what was seen, and whatever an API answers is borne. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "model/health.h"

#define WELL                                                                                       \
	.ssh = HEALTH_GOOD, .agent = HEALTH_GOOD, .api = HEALTH_GOOD,                              \
	.kube = {.asked = true, .known = true, .ready = true, .heartbeat_s = 4}

static void a_node_is_judged_by_the_worst_that_was_seen(void **state)
{
	static const struct {
		struct health_node seen;
		enum health_state state;
		const char *reason;
	} cases[] = {
		{{.member = true, .plane = true, WELL}, HEALTH_UP, ""},
		{{.ssh = HEALTH_GOOD}, HEALTH_UP, ""},
		{{.ssh = HEALTH_SILENT}, HEALTH_DOWN, "neither SSH nor MicroK8s"},
		{{.member = true,
			 .ssh = HEALTH_SILENT,
			 .agent = HEALTH_SILENT,
			 .kube = {.asked = true}},
			HEALTH_DOWN, "neither"},
		{{.ssh = HEALTH_REFUSED}, HEALTH_DEGRADED, "SSH server does not listen"},
		{{.member = true, .ssh = HEALTH_SILENT, .agent = HEALTH_GOOD}, HEALTH_DEGRADED,
			"SSH does not"},
		{{.member = true, .ssh = HEALTH_GOOD, .agent = HEALTH_REFUSED}, HEALTH_DEGRADED,
			"does not run"},
		{{.member = true,
			 .plane = true,
			 .ssh = HEALTH_GOOD,
			 .agent = HEALTH_GOOD,
			 .api = HEALTH_BAD},
			HEALTH_DEGRADED, "is not ready"},
		{{.member = true,
			 .ssh = HEALTH_GOOD,
			 .agent = HEALTH_GOOD,
			 .kube = {.asked = true}},
			HEALTH_DEGRADED, "does not know it"},
		{{.member = true,
			 .ssh = HEALTH_GOOD,
			 .agent = HEALTH_GOOD,
			 .kube = {.asked = true, .known = true, .ready = true, .heartbeat_s = 61}},
			HEALTH_DEGRADED, "61 s old"},
		{{.member = true,
			 .ssh = HEALTH_GOOD,
			 .agent = HEALTH_GOOD,
			 .kube = {.asked = true,
				 .known = true,
				 .ready = true,
				 .heartbeat_s = I64_NONE,
				 .pressure = "DiskPressure"}},
			HEALTH_DEGRADED, "DiskPressure"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str reason = STR_INIT;
		print_message("case %zu\n", i);
		assert_int_equal(health_judge_node(&cases[i].seen, &reason), cases[i].state);
		assert_non_null(strstr(str_get(&reason), cases[i].reason));
		assert_true(cases[i].state == HEALTH_UP ? reason.len == 0 : reason.len > 0);
		str_done(&reason);
	}
}

static void a_cluster_tells_how_far_it_is_from_its_end(void **state)
{
	static const struct {
		struct health_cluster seen;
		enum health_state state;
		int64_t margin;
		const char *reason;
	} cases[] = {
		{{.nodes = 4,
			 .nodes_well = 4,
			 .planes = 3,
			 .planes_ready = 3,
			 .planes_alive = 3,
			 .voters = 3,
			 .voters_alive = 3},
			HEALTH_UP, 1, ""},
		{{.nodes = 4,
			 .nodes_well = 3,
			 .planes = 3,
			 .planes_ready = 2,
			 .planes_alive = 2,
			 .voters = 3,
			 .voters_alive = 2},
			HEALTH_DEGRADED, 0, "one more voter"},
		{{.nodes = 3, .planes = 3, .planes_alive = 1, .voters = 3}, HEALTH_DOWN, -2,
			"lost its quorum"},
		{{.nodes = 3, .planes = 3, .voters = 3}, HEALTH_DOWN, -2,
			"No control plane answers"},
		{{.nodes = 1,
			 .nodes_well = 1,
			 .planes = 1,
			 .planes_ready = 1,
			 .planes_alive = 1,
			 .voters = 1,
			 .voters_alive = 1},
			HEALTH_UP, 0, ""},
		{{.nodes = 0}, HEALTH_UNKNOWN, I64_NONE, "no control plane"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str reason = STR_INIT;
		print_message("case %zu\n", i);
		assert_int_equal(health_judge_cluster(&cases[i].seen, &reason), cases[i].state);
		assert_int_equal(health_margin(&cases[i].seen), cases[i].margin);
		assert_non_null(strstr(str_get(&reason), cases[i].reason));
		str_done(&reason);
	}
}

static const char nodes_text[] =
	"{\"items\":[7,{\"metadata\":{\"name\":\"n1\"},\"spec\":{\"unschedulable\":true},\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"}],"
	"\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},{\"type\":\"MemoryPressure\",\"status\":\"True\"}]}},"
	"{\"metadata\":{\"name\":\"n2\"},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\"}]}}]}";
static const char leases_text[] =
	"{\"items\":[{\"metadata\":{\"name\":\"n1\"},\"spec\":{\"renewTime\":\"2026-11-26T10:00:00.123456Z\"}},"
	"{\"metadata\":{\"name\":\"n2\"},\"spec\":{\"renewTime\":\"2026-11-26T09:58:30.000000Z\"}},"
	"{\"metadata\":{\"name\":\"n3\"},\"spec\":{\"renewTime\":\"yesterday\"}}]}";

static void nodes_and_heartbeats_are_read_from_what_the_api_says(void **state)
{
	json_t *nodes = json_loads(nodes_text, 0, NULL);
	json_t *leases = json_loads(leases_text, 0, NULL);

	(void)state;
	struct health_kube n1 = health_read_kube(nodes, leases, "other-name", "10.0.0.1");
	assert_true(n1.asked && n1.known && n1.ready && n1.cordoned);
	assert_string_equal(n1.pressure, "MemoryPressure");
	assert_int_equal(n1.heartbeat_s, 0);
	struct health_kube n2 = health_read_kube(nodes, leases, "n2", "10.0.0.2");
	assert_true(n2.known && !n2.ready && !n2.cordoned);
	assert_int_equal(n2.heartbeat_s, 90);
	struct health_kube n3 = health_read_kube(nodes, leases, "n3", "10.0.0.3");
	assert_true(n3.asked && !n3.known);
	assert_int_equal(n3.heartbeat_s, I64_NONE);
	json_decref(nodes);
	json_decref(leases);
}

static void whatever_an_api_answers_is_borne(void **state)
{
	static const char *const texts[] = {"null", "[]", "{}", "{\"items\":7}",
		"{\"items\":[[],null,{\"metadata\":7}]}",
		"{\"items\":[{\"metadata\":{\"name\":\"n1\"},\"status\":{\"conditions\":{},\"addresses\":\"x\"},\"spec\":[]}]}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			json_t *nodes = json_loads(texts[i], JSON_DECODE_ANY, NULL);
			json_t *leases = json_loads(texts[k], JSON_DECODE_ANY, NULL);
			struct health_kube kube = health_read_kube(nodes, leases, "n1", "10.0.0.1");
			assert_false(kube.ready);
			assert_int_equal(kube.heartbeat_s, I64_NONE);
			json_decref(nodes);
			json_decref(leases);
		}
	assert_false(health_read_kube(NULL, NULL, "n1", "10.0.0.1").asked);
}

TEST_MAIN(cmocka_unit_test(a_node_is_judged_by_the_worst_that_was_seen),
	cmocka_unit_test(a_cluster_tells_how_far_it_is_from_its_end),
	cmocka_unit_test(nodes_and_heartbeats_are_read_from_what_the_api_says),
	cmocka_unit_test(whatever_an_api_answers_is_borne))
