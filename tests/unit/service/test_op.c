/* service/op: nothing lost, nothing doubled. The runner is real, ansible-playbook is a shell script
 * that each test writes; a "server" that is killed is a domain that is closed without a word and
 * opened again. */
#include "testing.h"

#include <errno.h>
#include <signal.h>

#include "domain.h"
#include "driver/runner.h"
#include "service/node.h"

#define STATS(n1, n2)                                                                              \
	"{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":1,\"changed\":0,\"failed\":" #n1           \
	",\"unreachable\":0},"                                                                     \
	"\"n2\":{\"ok\":1,\"changed\":0,\"failed\":" #n2 ",\"unreachable\":0}}}"

static void script(struct test_domain *d, const char *text)
{
	char *all = mem_printf("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n%s\n", text);
	scratch_write(d->config.ansible_playbook, all, 0755);
	mem_free(all);
}

static struct operation submit(struct test_domain *d, const char *type, const char *target)
{
	struct operation op;
	const struct op_request req = {.type = type, .target = target};
	TX(d, op_submit(&d->svc, &test_admin, &req, &op));
	return op;
}

static void tick(struct test_domain *d)
{
	ok(op_engine_tick(&d->svc, NULL));
}

/* status of an operation after one more pass */
static int64_t status_of(struct test_domain *d, int64_t id)
{
	struct operation op;
	ok(store_get(d->svc.store, &operation_type, id, &op));
	int64_t status = op.status;
	record_done(&operation_type, &op);
	return status;
}

struct final_wait {
	struct test_domain *d;
	int64_t id;
};

static bool is_final(void *arg)
{
	struct final_wait *w = arg;
	tick(w->d);
	return op_status_final(status_of(w->d, w->id));
}

static int64_t run_to_end(struct test_domain *d, int64_t id)
{
	struct final_wait w = {d, id};
	assert_true(scratch_wait(is_final, &w));
	return status_of(d, id);
}

static int64_t count(struct test_domain *d, const struct record_type *type)
{
	struct store_query q = {0};
	int64_t n = 0;
	ok(store_count(d->svc.store, type, &q, &n));
	return n;
}

static struct op_host host(struct test_domain *d, int64_t op_id, const char *hostname)
{
	struct store_query q = {0};
	struct store_rows rows = {0};
	struct op_host h;
	store_where_number(&q, "operation_id", STORE_EQ, op_id);
	store_where_text(&q, "hostname", STORE_EQ, hostname);
	ok(store_list(d->svc.store, &op_host_type, &q, &rows));
	assert_int_equal(rows.n, 1);
	record_copy(&op_host_type, &h, store_row(&rows, 0));
	store_rows_done(&rows);
	return h;
}

/* as if the process had been killed and started again */
static void reopen(struct test_domain *d)
{
	store_close(d->svc.store);
	d->svc.store = NULL;
	ok(store_open(scratch_path(d->dir, "mko.db"), &d->svc.store));
	ok(op_engine_reconcile(&d->svc));
}

static void a_good_run_ends_with_facts_in_the_node_and_no_lock(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	int64_t id = test_add_node(d, 1, 0);
	script(d,
		"echo '{\"event\":\"playbook_start\",\"tasks_total\":2}' >&3\n"
		"echo '{\"event\":\"data\",\"host\":\"n1\",\"data\":{\"cpu_cores\":4,\"microk8s_status\":\"running\","
		"\"memory_bytes\":\"many\",\"architecture\":\"x86_64\"}}' >&3\n"
		"echo '{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":2,\"changed\":1,\"failed\":0,\"unreachable\":0}}}' >&3");
	struct operation op = submit(d, "node.status", "n1");
	assert_int_equal(op.status, OP_QUEUED);
	assert_int_equal(run_to_end(d, op.id), OP_SUCCEEDED);
	ok(store_get(d->svc.store, &node_type, id, &node));
	assert_int_equal(node.cpu_cores, 4);
	assert_int_equal(node.microk8s_status, MICROK8S_RUNNING);
	assert_int_equal(node.memory_bytes, I64_NONE); /* a fact that does not fit is no fact */
	assert_int_equal(node.status, NODE_ONLINE);
	record_done(&node_type, &node);
	struct op_host h = host(d, op.id, "n1");
	assert_int_equal(h.status, OP_HOST_CHANGED);
	assert_int_equal(h.ok, 2);
	record_done(&op_host_type, &h);
	assert_int_equal(count(d, &op_lock_type), 0);
	record_done(&operation_type, &op);
}

static void a_host_that_the_run_went_on_without_is_offline(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	int64_t id = test_add_node(d, 1, 0);
	script(d,
		"echo '{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":2,\"changed\":0,\"failed\":0,\"unreachable\":0,\"lost\":1}}}' >&3");
	struct operation op = submit(d, "node.status", "n1");
	assert_int_equal(run_to_end(d, op.id), OP_SUCCEEDED);
	ok(store_get(d->svc.store, &node_type, id, &node));
	assert_int_equal(node.status, NODE_OFFLINE);
	assert_string_equal(node.status_reason, "did not answer in operation 1");
	record_done(&node_type, &node);
	record_done(&operation_type, &op);
}

/* What the API says is to be typed after an operation. */
static void assert_next(struct test_domain *d, int64_t id, const char *text)
{
	struct operation op;
	json_t *json = NULL;

	ok(store_get(d->svc.store, &operation_type, id, &op));
	ok(op_json(&d->svc, &op, false, &json));
	assert_string_equal(json_string_value(json_object_get(json, "next")), text);
	json_decref(json);
	record_done(&operation_type, &op);
}

static void the_next_step_after_a_failure_is_the_types_own(void **state)
{
	struct test_domain *d = *state;
	int64_t c = test_add_cluster(d, "prod", false);
	test_add_node(d, 1, c);
	script(d, "echo '" STATS(1, 0) "' >&3");
	struct operation op = submit(d, "cluster.startup", "prod");
	assert_int_not_equal(run_to_end(d, op.id), OP_SUCCEEDED);
	assert_next(d, op.id,
		"mko operation logs 1    (what happened), mko cluster startup prod    (goes on)");
	record_done(&operation_type, &op);
}

static void one_failed_host_of_two_is_partial_and_retry_takes_only_that_one(void **state)
{
	struct test_domain *d = *state;
	struct operation retry;
	test_add_node(d, 1, 0);
	test_add_node(d, 2, 0);
	script(d, "echo '" STATS(0, 1) "' >&3");
	struct operation op = submit(d, "node.status", NULL);
	assert_int_equal(run_to_end(d, op.id), OP_PARTIAL);
	assert_next(d, op.id,
		"mko operation logs 1    (what happened), mko operation retry 1    (the hosts that did not succeed)");
	TX(d, op_retry(&d->svc, &test_admin, op.id, &retry));
	assert_int_equal(retry.retry_of, op.id);
	struct store_query q = {0};
	int64_t n = 0;
	store_where_number(&q, "operation_id", STORE_EQ, retry.id);
	ok(store_count(d->svc.store, &op_host_type, &q, &n));
	assert_int_equal(n, 1);
	struct op_host h = host(d, retry.id, "n2");
	record_done(&op_host_type, &h);
	record_done(&operation_type, &retry);
	record_done(&operation_type, &op);
}

static void several_nodes_of_one_cluster_share_its_lock(void **state)
{
	struct test_domain *d = *state;
	int64_t c = test_add_cluster(d, "prod", false);
	test_add_node(d, 1, c);
	test_add_node(d, 2, c);
	script(d, "echo '" STATS(0, 0) "' >&3");
	struct operation op = submit(d, "node.status", NULL);
	assert_int_equal(run_to_end(d, op.id), OP_SUCCEEDED);
	record_done(&operation_type, &op);
}

static void a_second_operation_on_a_held_node_waits_visibly(void **state)
{
	struct test_domain *d = *state;
	struct operation second;
	test_add_node(d, 1, 0);
	script(d, "while [ ! -e go ]; do sleep 0.02; done\necho '" STATS(0, 0) "' >&3");
	struct operation a = submit(d, "node.prepare", "n1");
	tick(d);
	assert_int_equal(status_of(d, a.id), OP_RUNNING);
	struct operation b = submit(d, "node.prepare", "n1");
	tick(d);
	ok(store_get(d->svc.store, &operation_type, b.id, &second));
	assert_int_equal(second.status, OP_QUEUED);
	assert_non_null(second.waiting_for);
	record_done(&operation_type, &second);
	const struct op_request impatient = {.type = "node.prepare",
		.target = "n1",
		.no_wait = true};
	TX_FAILS(d, op_submit(&d->svc, &test_admin, &impatient, &second), ERR_LOCKED);
	TX_FAILS(d, node_remove(&d->svc, &test_admin, "n1", true), ERR_LOCKED);
	scratch_write(scratch_path(d->dir, "go"), "", 0600);
	assert_int_equal(run_to_end(d, a.id), OP_SUCCEEDED);
	assert_int_equal(run_to_end(d, b.id), OP_SUCCEEDED);
	record_done(&operation_type, &a);
	record_done(&operation_type, &b);
}

static void reading_operations_share_a_node(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	script(d, "while [ ! -e go ]; do sleep 0.02; done\necho '" STATS(0, 0) "' >&3");
	struct operation a = submit(d, "node.status", "n1");
	struct operation b = submit(d, "node.status", "n1");
	tick(d);
	assert_int_equal(status_of(d, a.id), OP_RUNNING);
	assert_int_equal(status_of(d, b.id), OP_RUNNING);
	scratch_write(scratch_path(d->dir, "go"), "", 0600);
	run_to_end(d, a.id);
	run_to_end(d, b.id);
	record_done(&operation_type, &a);
	record_done(&operation_type, &b);
}

static void a_reader_that_came_later_does_not_overtake_a_waiting_writer(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	script(d, "while [ ! -e go ]; do sleep 0.02; done\necho '" STATS(0, 0) "' >&3");
	struct operation reader = submit(d, "node.status", "n1");
	tick(d);
	struct operation writer = submit(d, "node.prepare", "n1");
	struct operation late = submit(d, "node.status", "n1");
	tick(d);
	assert_int_equal(status_of(d, writer.id), OP_QUEUED);
	assert_int_equal(status_of(d, late.id), OP_QUEUED);
	scratch_write(scratch_path(d->dir, "go"), "", 0600);
	run_to_end(d, late.id);
	assert_int_equal(status_of(d, writer.id), OP_SUCCEEDED);
	record_done(&operation_type, &reader);
	record_done(&operation_type, &writer);
	record_done(&operation_type, &late);
}

static void a_queued_operation_is_cancelled_at_once_and_a_running_one_by_its_runner(void **state)
{
	struct test_domain *d = *state;
	struct operation out;
	test_add_node(d, 1, 0);
	script(d, "sleep 1000");
	struct operation a = submit(d, "node.prepare", "n1");
	tick(d);
	struct operation b = submit(d, "node.prepare", "n1");
	TX(d, op_cancel(&d->svc, &test_admin, b.id, &out));
	assert_int_equal(out.status, OP_CANCELLED);
	record_done(&operation_type, &out);
	TX(d, op_cancel(&d->svc, &test_admin, a.id, &out));
	record_done(&operation_type, &out);
	assert_int_equal(run_to_end(d, a.id), OP_CANCELLED);
	TX_FAILS(d, op_cancel(&d->svc, &test_admin, a.id, &out), ERR_CONFLICT);
	assert_int_equal(count(d, &op_lock_type), 0);
	record_done(&operation_type, &a);
	record_done(&operation_type, &b);
}

static void a_killed_runner_means_interrupted_and_unknown_hosts(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	script(d,
		"echo '{\"event\":\"task_start\",\"task\":\"t\"}' >&3\n"
		"echo '{\"event\":\"host_task_start\",\"host\":\"n1\"}' >&3\nsleep 1000");
	struct operation op = submit(d, "node.prepare", "n1");
	tick(d);
	char *path = op_path(&d->svc, op.id, "runner.json");
	json_t *json = json_load_file(path, 0, NULL);
	pid_t runner = (pid_t)json_integer_value(json_object_get(json, "pid"));
	json_decref(json);
	mem_free(path);
	for (int i = 0; i < 2000; i++) { /* until the host is seen running */
		tick(d);
		struct op_host h = host(d, op.id, "n1");
		bool running = h.status == OP_HOST_RUNNING;
		record_done(&op_host_type, &h);
		if (running)
			break;
		poll(NULL, 0, 5);
	}
	assert_true(runner > 1);
	kill(runner, SIGKILL);
	assert_int_equal(run_to_end(d, op.id), OP_INTERRUPTED);
	struct op_host h = host(d, op.id, "n1");
	assert_int_equal(h.status, OP_HOST_UNKNOWN);
	assert_string_equal(h.task, "t");
	record_done(&op_host_type, &h);
	assert_int_equal(count(d, &op_lock_type), 0);
	record_done(&operation_type, &op);
}

/* tasks that a playbook runs in any case come after the one that failed */
static void a_host_is_told_with_the_task_that_failed_not_with_the_last_one(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	script(d,
		"for task in Restore Clean Look; do\n"
		"echo '{\"event\":\"task_start\",\"task\":\"'$task'\"}' >&3\n"
		"echo '{\"event\":\"host_task_start\",\"host\":\"n1\"}' >&3\n"
		"[ $task = Look ] || echo '{\"event\":\"host_task\",\"host\":\"n1\",\"task\":\"'$task'\",\"status\":\"failed\",\"message\":\"'$task' failed\"}' >&3\n"
		"done\n"
		"echo '" STATS(1, 0) "' >&3\nexit 2");
	struct operation op = submit(d, "node.prepare", "n1");
	assert_int_equal(run_to_end(d, op.id), OP_FAILED);
	struct op_host h = host(d, op.id, "n1");
	assert_string_equal(h.task, "Restore");
	assert_string_equal(h.message, "Restore failed");
	record_done(&op_host_type, &h);
	record_done(&operation_type, &op);
}

static void a_server_killed_between_commit_and_start_starts_the_runner_later(void **state)
{
	struct test_domain *d = *state;
	struct operation row;
	test_add_node(d, 1, 0);
	script(d, "echo '" STATS(0, 0) "' >&3");
	struct operation op = submit(d, "node.status", "n1");
	/* what the row says right after the commit of the start */
	ok(store_get(d->svc.store, &operation_type, op.id, &row));
	row.status = OP_RUNNING;
	row.attempt = 1;
	row.started_at = clock_utc(&d->clock);
	TX(d, store_update(d->svc.store, &operation_type, &row));
	record_done(&operation_type, &row);
	reopen(d);
	assert_int_equal(run_to_end(d, op.id), OP_SUCCEEDED);
	record_done(&operation_type, &op);
}

static void events_are_taken_in_once_through_any_number_of_restarts(void **state)
{
	struct test_domain *d = *state;
	struct operation row;
	test_add_node(d, 1, 0);
	script(d,
		"i=0\nwhile [ $i -lt 200 ]; do i=$((i+1))\n"
		"echo '{\"event\":\"host_task\",\"host\":\"n1\",\"task\":\"t\",\"status\":\"skipped\"}' >&3; done\n"
		"echo '{\"event\":\"stats\",\"hosts\":{}}' >&3");
	struct operation op = submit(d, "node.status", "n1");
	tick(d);
	while (!op_status_final(status_of(d, op.id))) {
		reopen(d);
		poll(NULL, 0, 1);
	}
	ok(store_get(d->svc.store, &operation_type, op.id, &row));
	assert_int_equal(row.event_seq, 203); /* run_start, 200, stats, run_end */
	record_done(&operation_type, &row);
	struct op_host h = host(d, op.id, "n1");
	assert_int_equal(h.skipped, 200);
	record_done(&op_host_type, &h);
	record_done(&operation_type, &op);
}

static void a_damaged_event_file_interrupts_its_operation_and_no_other(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	test_add_node(d, 2, 0);
	script(d, "while [ ! -e go ]; do sleep 0.02; done\necho '" STATS(0, 0) "' >&3");
	struct operation a = submit(d, "node.status", "n1");
	struct operation b = submit(d, "node.status", "n2");
	tick(d);
	char *path = op_path(&d->svc, a.id, "events.jsonl");
	FILE *f = fopen(path, "ae");
	fputs("{\"event\":\"task_start\",\"seq\":77}\n", f);
	fclose(f);
	mem_free(path);
	assert_int_equal(run_to_end(d, a.id), OP_INTERRUPTED);
	scratch_write(scratch_path(d->dir, "go"), "", 0600);
	assert_int_equal(run_to_end(d, b.id), OP_SUCCEEDED);
	record_done(&operation_type, &a);
	record_done(&operation_type, &b);
}

static void a_hostile_value_in_the_database_stops_the_start_with_a_reason(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	struct operation row;
	test_add_node(d, 1, 0);
	script(d, "touch ran\necho '" STATS(0, 0) "' >&3");
	struct operation op = submit(d, "node.status", "n1");
	ok(node_find(&d->svc, "n1", &node));
	field_set_text(&node.hostname, "{{ lookup('pipe','id') }}");
	TX(d, store_update(d->svc.store, &node_type, &node));
	record_done(&node_type, &node);
	assert_int_equal(run_to_end(d, op.id), OP_FAILED);
	assert_int_not_equal(access(scratch_path(d->dir, "ran"), F_OK), 0);
	ok(store_get(d->svc.store, &operation_type, op.id, &row));
	assert_non_null(strstr(json_string_value(json_object_get(row.error, "summary")),
		"hostname"));
	record_done(&operation_type, &row);
	record_done(&operation_type, &op);
}

static void parameters_are_checked_all_at_once(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	test_add_node(d, 1, 0);
	json_t *params = json_pack("{s:s, s:i}", "channel", "--devmode", "colour", 3);
	const struct op_request req = {.type = "node.install", .target = "n1", .params = params};
	ok(store_begin(d->svc.store));
	struct err *e = op_submit(&d->svc, &test_admin, &req, &op);
	store_rollback(d->svc.store);
	assert_non_null(e);
	assert_int_equal(err_field_count(e), 2);
	err_free(e);
	json_decref(params);
}

static void a_viewer_may_not_start_anything(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	const struct actor viewer = {.name = "v",
		.role = ROLE_VIEWER,
		.via = OP_VIA_API,
		.user_id = 1};
	const struct op_request req = {.type = "node.status", .target = "n1"};
	test_add_node(d, 1, 0);
	TX_FAILS(d, op_submit(&d->svc, &viewer, &req, &op), ERR_FORBIDDEN);
}

/* The engine starts this program again, as "op-runner". */
static bool is_runner(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "op-runner") == 0;
}

/* A finished operation of the past. */
static void add_past(struct test_domain *d, int64_t status, int64_t took_ms)
{
	struct operation op;

	record_init(&operation_type, &op);
	field_set_text(&op.type, "node.status");
	field_set_text(&op.name, "past");
	field_set_text(&op.requested_by, "tester");
	op.status = status;
	op.created_at = op.started_at = 1000;
	op.finished_at = 1000 + took_ms;
	TX(d, store_insert(d->svc.store, &operation_type, &op));
	record_done(&operation_type, &op);
}

static json_t *preview(struct test_domain *d, const char *type, const char *target)
{
	const struct op_request req = {.type = type, .target = target};
	json_t *json = NULL;

	TX(d, op_preview(&d->svc, &test_admin, &req, &json));
	return json;
}

static void a_preview_expects_the_median_of_what_succeeded(void **state)
{
	struct test_domain *d = *state;

	test_add_node(d, 1, 0);
	json_t *json = preview(d, "node.status", "n1");
	assert_true(json_is_null(json_object_get(json, "expected_duration_ms")));
	json_decref(json);
	static const int64_t past[] = {9000, 1000, 3000, 2000};
	for (size_t i = 0; i < ARRAY_LEN(past); i++)
		add_past(d, OP_SUCCEEDED, past[i]);
	add_past(d, OP_FAILED, 90000);
	json = preview(d, "node.status", "n1");
	assert_int_equal(json_integer_value(json_object_get(json, "expected_duration_ms")), 2500);
	assert_int_equal(json_integer_value(json_object_get(json, "expected_from_runs")), 4);
	json_decref(json);
	json = preview(d, "node.prepare", "n1"); /* another type */
	assert_true(json_is_null(json_object_get(json, "expected_duration_ms")));
	json_decref(json);
}

static void a_preview_says_who_holds_its_locks(void **state)
{
	struct test_domain *d = *state;
	struct op_lock lock;

	int64_t node = test_add_node(d, 1, 0);
	json_t *json = preview(d, "node.prepare", "n1");
	const json_t *first = json_array_get(json_object_get(json, "locks"), 0);
	assert_true(json_is_null(json_object_get(first, "held_by")));
	json_decref(json);
	struct operation op = submit(d, "node.status", "n1");
	record_init(&op_lock_type, &lock);
	lock.operation_id = op.id;
	lock.exclusive = false;
	lock.created_at = 1000;
	lock.resource = mem_printf("node:%lld", (long long)node);
	TX(d, store_insert(d->svc.store, &op_lock_type, &lock));
	record_done(&op_lock_type, &lock);
	json = preview(d, "node.prepare", "n1");
	first = json_object_get(json_array_get(json_object_get(json, "locks"), 0), "held_by");
	assert_int_equal(json_integer_value(json_object_get(first, "id")), op.id);
	assert_string_equal(json_string_value(json_object_get(first, "name")), op.name);
	json_decref(json);
	json = preview(d, "node.status", "n1"); /* shares */
	first = json_array_get(json_object_get(json, "locks"), 0);
	assert_true(json_is_null(json_object_get(first, "held_by")));
	json_decref(json);
	record_done(&operation_type, &op);
}

/* n1 to n3 vote; @dead the number of one that does not answer, 0 = none */
static int64_t add_voters(struct test_domain *d, int dead)
{
	struct cluster c;
	int64_t id = test_add_cluster(d, "prod", true);
	json_t *members = json_array();

	for (int n = 1; n <= 3; n++) {
		char endpoint[48];
		snprintf(endpoint, sizeof(endpoint), "127.0.1.%d:19001", n);
		test_add_node(d, n, id);
		json_array_append_new(members,
			json_pack("{s:s, s:s, s:b}", "address", endpoint, "role", "voter", "alive",
				n != dead));
	}
	ok(store_get(d->svc.store, &cluster_type, id, &c));
	c.scan = json_pack("{s:o}", "dqlite", members);
	TX(d, store_update(d->svc.store, &cluster_type, &c));
	record_done(&cluster_type, &c);
	return id;
}

static void kill_voter(struct test_domain *d, int64_t cluster_id)
{
	struct cluster c;

	ok(store_get(d->svc.store, &cluster_type, cluster_id, &c));
	json_t *member = json_array_get(json_object_get(c.scan, "dqlite"), 1);
	json_object_set_new(member, "alive", json_false());
	TX(d, store_update(d->svc.store, &cluster_type, &c));
	record_done(&cluster_type, &c);
}

static void below_quorum_nothing_goes_down_unless_that_is_allowed(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	json_t *preview = NULL;
	json_t *params = json_pack("{s:b}", "allow_quorum_loss", 1);
	struct op_request req = {.type = "node.reboot", .target = "n1"};

	add_voters(d, 2);
	TX_FAILS(d, op_submit(&d->svc, &test_admin, &req, &op), ERR_QUORUM);
	TX(d, op_preview(&d->svc, &test_admin, &req, &preview));
	assert_non_null(strstr(json_string_value(json_object_get(preview, "refused")), "voters"));
	json_decref(preview);
	req.target = "n2"; /* dead already */
	TX(d, op_submit(&d->svc, &test_admin, &req, &op));
	record_done(&operation_type, &op);
	req.target = "n1";
	req.params = params;
	TX(d, op_submit(&d->svc, &test_admin, &req, &op));
	record_done(&operation_type, &op);
	json_decref(params);
}

static void tell_impact(struct test_domain *d, const char *impact)
{
	struct node n;

	ok(node_find(&d->svc, "n1", &n));
	json_decref(n.impact);
	n.impact = json_loads(impact, 0, NULL);
	assert_non_null(n.impact);
	TX(d, store_update(d->svc.store, &node_type, &n));
	record_done(&node_type, &n);
}

static void a_preview_counts_voters_pods_and_volumes(void **state)
{
	struct test_domain *d = *state;

	add_voters(d, 2);
	tell_impact(d,
		"{\"at\":1700000000000,\"pods\":3,\"emptydir\":1,\"stay_count\":2,"
		"\"stay\":[{\"pod\":\"default/db-0\",\"why\":\"its volume\"},{\"pod\":7},\"x\"],"
		"\"volume_count\":1,\"volumes\":[\"default/data\",{}]}");
	json_t *json = preview(d, "node.drain", "n1");
	json_t *impact = json_array_get(json_object_get(json, "impact"), 0);
	json_t *want = json_pack("{s:i, s:i, s:i, s:i}", "configured", 3, "alive", 2, "left", 1,
		"needed", 2);
	assert_true(json_equal(json_object_get(impact, "voters"), want));
	json_t *node = json_array_get(json_object_get(impact, "nodes"), 0);
	json_t *hold = json_loads(
		"{\"hostname\":\"n1\",\"voter\":true,\"seen_at\":\"2023-11-14T22:13:20.000Z\",\"pods\":3,\"emptydir\":1,"
		"\"stay_count\":2,\"stay\":[{\"pod\":\"default/db-0\",\"why\":\"its volume\"}],"
		"\"volume_count\":1,\"volumes\":[\"default/data\"]}",
		0, NULL);
	assert_true(json_equal(node, hold)); /* what a hostile node told has no other shape */
	json_decref(hold);
	json_decref(want);
	json_decref(json);
}

static void a_preview_says_what_was_never_scanned(void **state)
{
	struct test_domain *d = *state;

	add_voters(d, 0);
	json_t *json = preview(d, "node.drain", "n2");
	json_t *node =
		json_array_get(json_object_get(json_array_get(json_object_get(json, "impact"), 0),
				       "nodes"),
			0);
	assert_true(json_is_null(json_object_get(node, "pods")));
	assert_true(json_is_null(json_object_get(node, "seen_at")));
	assert_int_equal(json_array_size(json_object_get(node, "stay")), 0);
	json_decref(json);
	json = preview(d, "node.status", "n2"); /* takes nothing down */
	assert_int_equal(json_array_size(json_object_get(json, "impact")), 0);
	json_decref(json);
}

static void nodes_that_are_left_running_cost_nothing(void **state)
{
	struct test_domain *d = *state;
	json_t *params = json_pack("{s:[s]}", "leave_running", "n3");
	const struct op_request req = {.type = "cluster.shutdown",
		.target = "prod",
		.params = params};
	json_t *json = NULL;

	add_voters(d, 0);
	TX(d, op_preview(&d->svc, &test_admin, &req, &json));
	json_t *impact = json_array_get(json_object_get(json, "impact"), 0);
	assert_int_equal(json_array_size(json_object_get(impact, "nodes")), 2);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(impact, "voters"),
				 "left")),
		1);
	assert_true(json_is_null(json_object_get(json, "refused"))); /* that is what it is for */
	json_decref(json);
	json_decref(params);
}

static void all_voters_may_go_one_by_one_but_not_two_at_once(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	json_t *nodes = json_pack("[s, s]", "n1", "n2");
	struct op_request req = {.type = "node.reboot", .nodes = nodes};

	add_voters(d, 0);
	TX(d, op_submit(&d->svc, &test_admin, &req, &op));
	record_done(&operation_type, &op);
	req.type = "node.power_off";
	TX_FAILS(d, op_submit(&d->svc, &test_admin, &req, &op), ERR_QUORUM);
	json_decref(nodes);
}

static void a_voter_that_died_while_it_was_queued_stops_it_at_its_start(void **state)
{
	struct test_domain *d = *state;
	int64_t id = add_voters(d, 0);
	struct operation op = submit(d, "node.reboot", "n1");

	kill_voter(d, id);
	script(d, "exit 0");
	assert_int_equal(run_to_end(d, op.id), OP_FAILED);
	record_done(&operation_type, &op);
	ok(store_get(d->svc.store, &operation_type, op.id, &op));
	assert_non_null(strstr(json_string_value(json_object_get(op.error, "summary")),
		"1 of 3 voters"));
	assert_int_equal(op.attempt, 0);
	record_done(&operation_type, &op);
}

static void two_operations_never_take_nodes_of_one_cluster_down_together(void **state)
{
	struct test_domain *d = *state;

	add_voters(d, 0);
	script(d, "sleep 60");
	struct operation first = submit(d, "node.reboot", "n1");
	struct operation second = submit(d, "node.reboot", "n2");
	tick(d);
	tick(d);
	assert_int_equal(status_of(d, first.id), OP_RUNNING);
	assert_int_equal(status_of(d, second.id), OP_QUEUED);
	int64_t ids[] = {second.id, first.id};
	record_done(&operation_type, &second);
	record_done(&operation_type, &first);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct operation op;
		TX(d, op_cancel(&d->svc, &test_admin, ids[i], &op));
		record_done(&operation_type, &op);
		assert_int_equal(run_to_end(d, ids[i]), OP_CANCELLED);
	}
}

static void every_guarded_type_can_be_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < op_types_n; i++) {
		const struct op_type *t = op_types[i];
		bool guarded = t->down == OP_DOWN_EACH || t->down == OP_DOWN_TOGETHER;
		bool takes = false;
		if (t->drive != NULL)
			continue; /* hands it on to its steps, which are guarded */
		for (size_t k = 0; k < t->n_params; k++)
			takes |= strcmp(t->params[k].name, "allow_quorum_loss") == 0;
		if (guarded != takes)
			print_error("%s\n", t->name);
		assert_int_equal(guarded, takes);
	}
}

static void a_paused_cluster_is_left_alone(void **state)
{
	struct test_domain *d = *state;
	struct cluster c;
	struct operation op;
	int64_t id = add_voters(d, 0);
	const struct op_request cordon = {.type = "node.cordon", .target = "n1"};
	const struct op_request scan = {.type = "cluster.scan", .target = "prod"};

	ok(store_get(d->svc.store, &cluster_type, id, &c));
	c.saved = json_pack("{s:{}}", "paused");
	TX(d, store_update(d->svc.store, &cluster_type, &c));
	record_done(&cluster_type, &c);
	TX_FAILS(d, op_submit(&d->svc, &test_admin, &cordon, &op), ERR_PRECONDITION);
	TX(d, op_submit(&d->svc, &test_admin, &scan, &op));
	record_done(&operation_type, &op);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		DOMAIN_TEST(a_good_run_ends_with_facts_in_the_node_and_no_lock),
		DOMAIN_TEST(a_host_that_the_run_went_on_without_is_offline),
		DOMAIN_TEST(the_next_step_after_a_failure_is_the_types_own),
		DOMAIN_TEST(one_failed_host_of_two_is_partial_and_retry_takes_only_that_one),
		DOMAIN_TEST(several_nodes_of_one_cluster_share_its_lock),
		DOMAIN_TEST(a_second_operation_on_a_held_node_waits_visibly),
		DOMAIN_TEST(reading_operations_share_a_node),
		DOMAIN_TEST(a_reader_that_came_later_does_not_overtake_a_waiting_writer),
		DOMAIN_TEST(
			a_queued_operation_is_cancelled_at_once_and_a_running_one_by_its_runner),
		DOMAIN_TEST(a_killed_runner_means_interrupted_and_unknown_hosts),
		DOMAIN_TEST(a_host_is_told_with_the_task_that_failed_not_with_the_last_one),
		DOMAIN_TEST(a_server_killed_between_commit_and_start_starts_the_runner_later),
		DOMAIN_TEST(events_are_taken_in_once_through_any_number_of_restarts),
		DOMAIN_TEST(a_damaged_event_file_interrupts_its_operation_and_no_other),
		DOMAIN_TEST(a_hostile_value_in_the_database_stops_the_start_with_a_reason),
		DOMAIN_TEST(parameters_are_checked_all_at_once),
		DOMAIN_TEST(a_viewer_may_not_start_anything),
		DOMAIN_TEST(a_preview_expects_the_median_of_what_succeeded),
		DOMAIN_TEST(a_preview_says_who_holds_its_locks),
		DOMAIN_TEST(a_preview_counts_voters_pods_and_volumes),
		DOMAIN_TEST(a_preview_says_what_was_never_scanned),
		DOMAIN_TEST(nodes_that_are_left_running_cost_nothing),
		DOMAIN_TEST(below_quorum_nothing_goes_down_unless_that_is_allowed),
		DOMAIN_TEST(all_voters_may_go_one_by_one_but_not_two_at_once),
		DOMAIN_TEST(a_voter_that_died_while_it_was_queued_stops_it_at_its_start),
		DOMAIN_TEST(two_operations_never_take_nodes_of_one_cluster_down_together),
		DOMAIN_TEST(a_paused_cluster_is_left_alone),
		cmocka_unit_test(every_guarded_type_can_be_allowed),
	};
	rand_init();
	return is_runner(argc, argv) ? runner_main() : cmocka_run_group_tests(tests, NULL, NULL);
}
