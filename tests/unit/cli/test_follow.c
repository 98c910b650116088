/* Commands that start an operation: waiting, exit codes, Ctrl-C, --detach, --dry-run, a server that
 * goes away. */
#include "testing.h"

#include <string.h>

#include "fake.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define OPERATION(STATUS, MORE)                                                                    \
	"{\"id\":12,\"name\":\"Test n1\",\"status\":\"" STATUS                                     \
	"\",\"progress\":{\"done\":1,\"total\":2}" MORE "}"
#define STARTED                                                                                    \
	{                                                                                          \
		"POST /api/nodes/n1/prepare", 202, "{\"operation\":" OPERATION("queued", "") "}"   \
	}
#define HOST(STATUS)                                                                               \
	",\"hosts\":[{\"hostname\":\"n1\",\"status\":\"" STATUS                                    \
	"\",\"ok\":4,\"changed\":1,\"failed\":0,\"skipped\":2,\"task\":\"Do\",\"message\":\"why\"}]"
#define ROW "GET /api/operations/12"
#define EVENTS "GET /api/operations/12/events"

static const struct {
	const char *final;
	int exit_code;
	const char *says;
} ends[] = {
	{OPERATION("succeeded", HOST("changed")), 0, "Test n1: succeeded"},
	{OPERATION("failed", HOST("failed") ",\"next\":\"mko go on\""), 1,
		"  operation 12: failed\n  n1: failed: Do: why\n  try: mko go on\n"},
	{OPERATION("interrupted", HOST("unknown")), 1, "  operation 12: was interrupted\n"},
	{OPERATION("timed_out", HOST("cancelled")), 7, "took too long"},
	{OPERATION("cancelled", HOST("cancelled")), 8, "was cancelled"},
	{OPERATION("partial", HOST("unreachable")), 9, "n1: unreachable"},
};

static void test_exit_code_is_the_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(ends); i++) {
		const struct fake_answer answers[] = {
			STARTED,
			{ROW, 200, OPERATION("running", HOST("running"))},
			{EVENTS, 200,
				"{\"seq\":1,\"event\":\"play_start\",\"play\":\"Prepare\"}\n{\"seq\":2,\"event\":\"task_start\",\"task\":\"Do\",\"task_id\":\"t\"}\n"},
			{EVENTS, 200, ""},
			{ROW, 200, ends[i].final},
		};
		const struct fake_world given = {.answers = answers, .n_answers = N(answers)};
		struct fake_run run = fake_cli(&given, "node prepare n1");
		assert_int_equal(run.exit_code, ends[i].exit_code);
		assert_non_null(strstr(run.err, ends[i].says));
		assert_non_null(strstr(run.err, "Prepare\n  [1/2] Do\n"));
		assert_null(strchr(run.err, '\033'));
		assert_non_null(strstr(run.out, "HOST  STATUS"));
		assert_non_null(strstr(run.requests, "events?after=2&limit=500\n"));
		fake_done(&run);
	}
}

static void test_drawn_on_a_terminal(void **state)
{
	(void)state;
	const struct fake_answer answers[] = {
		STARTED,
		{ROW, 200, OPERATION("running", HOST("running"))},
		{EVENTS, 200, ""},
		{ROW, 200, OPERATION("succeeded", HOST("ok"))},
	};
	const struct fake_world given = {.answers = answers, .n_answers = N(answers), .tty = true};
	struct fake_run run = fake_cli(&given, "node prepare n1");
	assert_int_equal(run.exit_code, 0);
	assert_non_null(strstr(run.err, "Test n1  #12"));
	assert_non_null(strstr(run.err, "[###############---------------] 1/2"));
	assert_non_null(strstr(run.err, "A\r\033[J"));
	fake_done(&run);
	run = fake_cli(&given, "node prepare n1 -q -o json");
	assert_string_equal(run.err, "");
	assert_non_null(strstr(run.out, "\"status\": \"succeeded\""));
	fake_done(&run);
}

static void test_requests_of_actions(void **state)
{
	(void)state;
	static const struct fake_answer answers[] = {
		{"POST /api/nodes/actions/install", 202,
			"{\"operation\":" OPERATION("queued", "") "}"},
		{"POST /api/nodes/n1/install", 202, "{\"operation\":" OPERATION("queued", "") "}"},
		{"POST /api/clusters/prod/setup", 202,
			"{\"operation\":" OPERATION("queued", "") "}"},
		{"POST /api/operations", 202, "{\"operation\":" OPERATION("queued", "") "}"},
		{"POST /api/operations/11/retry", 202,
			"{\"operation\":" OPERATION("queued", "") "}"},
		{ROW, 200, OPERATION("running", "")},
	};
	static const struct {
		const char *line, *first;
	} rows[] = {
		{"node install n1 --detach", "POST /api/nodes/n1/install {}\n"},
		{"node install n1 n2 --detach --channel 1.32/stable",
			"POST /api/nodes/actions/install {\"channel\":\"1.32/stable\",\"nodes\":[\"n1\",\"n2\"]}\n"},
		{"node install --all --detach --check --keep --timeout 10m --no-wait",
			"POST /api/nodes/actions/install {\"check_mode\":true,\"keep\":true,\"timeout_s\":600,\"no_wait\":true}\n"},
		{"cluster setup prod --detach", "POST /api/clusters/prod/setup {}\n"},
		{"operation run node.test n1 -p a=1 -p b=x=y --keep --detach",
			"POST /api/operations {\"type\":\"node.test\",\"target\":\"n1\",\"params\":{\"a\":1,\"b\":\"x=y\",\"keep\":true}}\n"},
		{"operation run node.test n1 n2 --detach",
			"POST /api/operations {\"type\":\"node.test\",\"nodes\":[\"n1\",\"n2\"],\"params\":{}}\n"},
		{"operation retry 11 --detach", "POST /api/operations/11/retry\n"},
	};
	for (size_t i = 0; i < N(rows); i++) {
		const struct fake_world given = {.answers = answers, .n_answers = N(answers)};
		struct fake_run run = fake_cli(&given, rows[i].line);
		char *sorted = run.requests;
		sorted[strcspn(sorted, "\n") + 1] = '\0';
		assert_string_equal(sorted, rows[i].first);
		assert_int_equal(run.exit_code, 0);
		assert_string_equal(run.out, "12\n");
		fake_done(&run);
	}
}

static void test_ctrl_c(void **state)
{
	(void)state;
	const struct fake_answer answers[] = {
		STARTED,
		{ROW, 200, OPERATION("running", "")},
		{ROW, 200, OPERATION("running", "")},
		{ROW, 200, OPERATION("running", "")},
		{ROW, 200, OPERATION("cancelled", "")},
		{EVENTS, 200, ""},
		{"POST /api/operations/12/cancel", 202, "{}"},
	};
	struct fake_world given = {.answers = answers, .n_answers = N(answers), .interrupt_at = 1};
	struct fake_run run =
		fake_cli(&given, "node prepare n1"); /* no terminal: it goes on without us */
	assert_int_equal(run.exit_code, 130);
	assert_non_null(strstr(run.err, "mko operation logs -f 12"));
	assert_null(strstr(run.requests, "cancel"));
	fake_done(&run);
	given.tty = true;
	given.input = "c\n";
	run = fake_cli(&given, "node prepare n1");
	assert_int_equal(run.exit_code, 8);
	assert_non_null(strstr(run.requests, "POST /api/operations/12/cancel\n"));
	fake_done(&run);
	given.input = "\n";
	run = fake_cli(&given, "node prepare n1");
	assert_int_equal(run.exit_code, 130);
	fake_done(&run);
}

static void test_wait_timeout(void **state)
{
	(void)state;
	const struct fake_answer answers[] = {STARTED, {ROW, 200, OPERATION("running", "")},
		{EVENTS, 200, ""}};
	const struct fake_world given = {.answers = answers, .n_answers = N(answers)};
	struct fake_run run = fake_cli(&given, "node prepare n1 --wait-timeout 3s");
	assert_int_equal(run.exit_code, 7);
	assert_non_null(strstr(run.err, "operation 12 is not finished after 3.0s; it goes on"));
	fake_done(&run);
}

static void test_server_goes_away_and_comes_back(void **state)
{
	(void)state;
	const struct fake_answer answers[] = {
		STARTED,
		{ROW, 200, OPERATION("running", "")},
		{ROW, 0, ""},
		{ROW, 503, ""},
		{ROW, 200, OPERATION("succeeded", HOST("ok"))},
		{EVENTS, 200, ""},
	};
	const struct fake_world given = {.answers = answers,
		.n_answers = N(answers),
		.remote = true};
	struct fake_run run = fake_cli(&given, "node prepare n1");
	assert_int_equal(run.exit_code, 0);
	assert_non_null(strstr(run.err, "the server does not answer"));
	fake_done(&run);
	const struct fake_answer gone[] = {STARTED, {ROW, 0, ""}};
	const struct fake_world empty = {.answers = gone, .n_answers = N(gone), .remote = true};
	run = fake_cli(&empty, "node prepare n1");
	assert_int_equal(run.exit_code, 6);
	fake_done(&run);
}

static void test_preview(void **state)
{
	(void)state;
	const struct fake_answer answers[] = {{"POST /api/nodes/n1/prepare", 200,
		"{\"type\":\"node.prepare\",\"hosts\":[{\"hostname\":\"n1\",\"role\":\"none\"}],\"command\":[\"ansible-playbook\",\"-i\",\"a b\"]}"}};
	const struct fake_world given = {.answers = answers, .n_answers = 1};
	struct fake_run run = fake_cli(&given, "node prepare n1 --print-command");
	assert_string_equal(run.out, "ansible-playbook -i 'a b'\n");
	assert_string_equal(run.requests, "POST /api/nodes/n1/prepare?dry_run=true {}\n");
	fake_done(&run);
	run = fake_cli(&given, "node prepare n1 --dry-run -o json");
	assert_non_null(strstr(run.out, "\"type\": \"node.prepare\""));
	assert_int_equal(run.exit_code, 0);
	fake_done(&run);
}

static void test_preview_for_people(void **state)
{
	(void)state;
	const struct fake_answer answers[] = {{"POST /api/nodes/n2/drain", 200,
		"{\"name\":\"Drain n2\",\"risk\":\"disrupt\",\"refused\":null,\"expected_duration_ms\":61000,\"expected_from_runs\":3,"
		"\"hosts\":[{\"hostname\":\"n2\",\"role\":\"worker\"}],\"locks\":[{\"resource\":\"node:2\",\"exclusive\":true,\"held_by\":null}],"
		"\"inventory\":{\"all\":{}},\"impact\":[{\"cluster\":\"prod\",\"scanned_at\":null,"
		"\"voters\":{\"configured\":3,\"alive\":3,\"left\":2,\"needed\":2},\"nodes\":[{\"hostname\":\"n2\",\"voter\":true,\"seen_at\":null,"
		"\"pods\":4,\"emptydir\":1,\"stay_count\":9,\"stay\":[{\"pod\":\"default/db-0\",\"why\":\"bad\\u001b[2J\"}],"
		"\"volume_count\":1,\"volumes\":[\"default/data\"]}]}]}"}};
	const struct fake_world given = {.answers = answers, .n_answers = 1};
	struct fake_run run = fake_cli(&given, "node drain n2 --dry-run");
	assert_int_equal(run.exit_code, 0);
	assert_non_null(strstr(run.out, "3 of 3 alive, 2 left, 2 needed"));
	assert_non_null(strstr(run.out, "as in the last 3 runs"));
	assert_non_null(strstr(run.out, "n2    default/db-0  bad\\x1b[2J"));
	assert_non_null(strstr(run.out, "and 8 more"));
	assert_non_null(strstr(run.out, "default/data"));
	assert_null(strstr(run.out, "inventory"));
	fake_done(&run);
}

static void test_node_status_shows_the_nodes(void **state)
{
	(void)state;
	const struct fake_answer answers[] = {
		{"POST /api/nodes/n1/status", 202, "{\"operation\":" OPERATION("queued", "") "}"},
		{ROW, 200, OPERATION("succeeded", HOST("ok"))},
		{EVENTS, 200, ""},
		{"GET /api/nodes/n1", 200,
			"{\"hostname\":\"n1\",\"status\":\"online\",\"microk8s_status\":\"running\",\"role\":\"worker\"}"},
	};
	const struct fake_world given = {.answers = answers, .n_answers = N(answers)};
	struct fake_run run = fake_cli(&given, "node status n1");
	assert_int_equal(run.exit_code, 0);
	assert_string_equal(run.out,
		"HOSTNAME  RESULT  STATUS  MICROK8S  VERSION  ROLE    CLUSTER  SEEN  REASON\n"
		"n1        ok      online  running   -        worker  -        -     -\n");
	fake_done(&run);
}

static void test_node_add_shows_the_host_key(void **state)
{
	(void)state;
	const struct fake_answer answers[] = {
		{"POST /api/nodes", 201, "{\"id\":1,\"hostname\":\"n1\"}"},
		{"POST /api/operations", 202, "{\"operation\":" OPERATION("queued", "") "}"},
		{ROW, 200, OPERATION("succeeded", "")},
		{EVENTS, 200, ""},
		{"GET /api/nodes/n1", 200,
			"{\"id\":1,\"hostname\":\"n1\",\"host_key_fingerprint\":\"SHA256:abc\"}"},
	};
	const struct fake_world given = {.answers = answers, .n_answers = N(answers)};
	struct fake_run run = fake_cli(&given, "node add --hostname n1 --ip 10.0.0.1");
	assert_int_equal(run.exit_code, 0);
	assert_string_equal(run.out, "node n1 added (number 1)\n");
	assert_non_null(strstr(run.err, "host key SHA256:abc\n"));
	fake_done(&run);
	const struct fake_answer down[] = {
		{"POST /api/nodes", 201, "{\"id\":1,\"hostname\":\"n1\"}"},
		{"POST /api/operations", 202, "{\"operation\":" OPERATION("queued", "") "}"},
		{ROW, 200, OPERATION("failed", ",\"error\":{\"summary\":\"n1 does not answer\"}")},
		{EVENTS, 200, ""},
	};
	const struct fake_world silent = {.answers = down, .n_answers = N(down)};
	run = fake_cli(&silent, "node add --hostname n1 --ip 10.0.0.1");
	assert_int_equal(run.exit_code, 0); /* it is added all the same */
	assert_non_null(strstr(run.err, "n1 does not answer"));
	assert_non_null(strstr(run.err, "try: mko node test n1"));
	fake_done(&run);
}

static void test_cancel_waits_until_it_has_stopped(void **state)
{
	(void)state;
	const struct fake_answer answers[] = {
		{"POST /api/operations/12/cancel", 202,
			"{\"operation\":" OPERATION("running", "") "}"},
		{ROW, 200, OPERATION("running", "")},
		{ROW, 200, OPERATION("cancelled", "")},
		{EVENTS, 200, ""},
	};
	const struct fake_world given = {.answers = answers, .n_answers = N(answers)};
	struct fake_run run = fake_cli(&given, "operation cancel 12");
	assert_int_equal(run.exit_code, 0);
	fake_done(&run);
}

TEST_MAIN(cmocka_unit_test(test_exit_code_is_the_status),
	cmocka_unit_test(test_drawn_on_a_terminal), cmocka_unit_test(test_requests_of_actions),
	cmocka_unit_test(test_ctrl_c), cmocka_unit_test(test_wait_timeout),
	cmocka_unit_test(test_server_goes_away_and_comes_back), cmocka_unit_test(test_preview),
	cmocka_unit_test(test_preview_for_people),
	cmocka_unit_test(test_node_status_shows_the_nodes),
	cmocka_unit_test(test_node_add_shows_the_host_key),
	cmocka_unit_test(test_cancel_waits_until_it_has_stopped))
