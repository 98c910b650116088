/* driver/runner: a run outlives its starter, its events are numbered, its secrets sealed, and
 * nothing of it outlives the runner. This program is its own op-runner; ansible-playbook is a shell
 * script that each test writes. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/seal.h"
#include "driver/runner.h"
#include "driver/runner_int.h"
#include "scratch.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHkpfAysI5HzXhg2vx+xBHHbHCq4W8U0k5qYHQ0CGXyV"
#define STATS_OK                                                                                   \
	"{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":1,\"failed\":0,\"unreachable\":0},\"n2\":{\"ok\":1,\"failed\":0,\"unreachable\":0}}}"
#define STATS_ONE                                                                                  \
	"{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":1,\"failed\":0,\"unreachable\":0},\"n2\":{\"ok\":1,\"failed\":1,\"unreachable\":0}}}"

struct fixture {
	char *dir, *op_dir;
	struct run_spec spec;
};

static int fixture_make(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));
	f->dir = scratch_make();
	f->op_dir = mem_printf("%s/operations/1", f->dir);
	f->spec = (struct run_spec){.operation_id = 1,
		.attempt = 1,
		.dir = mem_strdup(f->op_dir),
		.playbook = mem_strdup("node_status"),
		.vars = json_object(),
		.forks_max = 5,
		.timeout_s = 60,
		.connect_timeout_s = 1,
		.output_max_bytes = 4096,
		.collections_path = mem_strdup("/nowhere"),
		.ansible_playbook = mem_printf("%s/ansible-playbook", f->dir),
		.secret_key_path = mem_printf("%s/secret.key", f->dir)};
	for (int i = 1; i <= 2; i++) {
		struct run_host *h = run_spec_add_host(&f->spec);
		h->node_id = i;
		h->hostname = mem_printf("n%d", i);
		h->address = mem_strdup("127.0.0.1");
		h->port = 1;
		h->user = mem_strdup("nobody");
		h->role = mem_strdup("none");
		h->host_key = mem_strdup(KEY);
	}
	f->spec.hosts[0].become_password = mem_strdup("hunter2-secret");
	*state = f;
	return 0;
}

static int fixture_drop(void **state)
{
	struct fixture *f = *state;
	run_spec_done(&f->spec);
	scratch_drop(f->dir);
	mem_free(f->op_dir);
	mem_free(f);
	return 0;
}

static void start(struct fixture *f, const char *script)
{
	char *text = mem_printf("#!/bin/sh\n%s\n", script);
	scratch_write(f->spec.ansible_playbook, text, 0755);
	mem_free(text);
	struct err *e = runner_start(scratch_self(), &f->spec);
	if (e != NULL)
		fail_msg("%s", err_message(e));
}

static bool is_over(void *dir)
{
	enum runner_state state = runner_look(dir);
	return state == RUNNER_FINISHED || state == RUNNER_DEAD;
}

/* status of result.json, owned; "dead" without one */
static char *end_of(struct fixture *f)
{
	assert_true(scratch_wait(is_over, f->op_dir));
	json_t *json = json_load_file(scratch_path(f->op_dir, "result.json"), 0, NULL);
	char *status = mem_strdup(json != NULL ? json_string_value(json_object_get(json, "status"))
					       : "dead");
	json_decref(json);
	return status;
}

static void expect_end(struct fixture *f, const char *want)
{
	char *status = end_of(f);
	assert_string_equal(status, want);
	mem_free(status);
}

static void a_good_run_numbers_its_events_and_succeeds(void **state)
{
	struct fixture *f = *state;
	start(f,
		"echo hello\necho '{\"event\":\"task_start\",\"task\":\"x\",\"seq\":99}' >&3\necho '" STATS_OK
		"' >&3");
	expect_end(f, "succeeded");
	char *events = scratch_read(scratch_path(f->op_dir, "events.jsonl"));
	long seq = 0;
	char *rest = events;
	for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
		json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(json);
		assert_int_equal(json_integer_value(json_object_get(json, "seq")), ++seq);
		json_decref(json);
	}
	assert_int_equal(seq, 4); /* run_start, task_start, stats, run_end */
	free(events);
	char *log = scratch_read(scratch_path(f->op_dir, "log.txt"));
	assert_string_equal(log, "hello\n");
	free(log);
}

static void some_failed_hosts_make_it_partial_whatever_the_exit_code(void **state)
{
	struct fixture *f = *state;
	start(f,
		"echo '{\"event\":\"host_task\",\"host\":\"n2\",\"task\":\"t\",\"status\":\"failed\",\"message\":\"no space\"}' >&3\n"
		"echo '" STATS_ONE "' >&3\nexit 0");
	expect_end(f, "partial");
	json_t *json = json_load_file(scratch_path(f->op_dir, "result.json"), 0, NULL);
	const json_t *error = json_object_get(json, "error");
	assert_string_equal(json_string_value(json_object_get(error, "summary")), "n2: no space");
	assert_string_equal(json_string_value(json_object_get(error, "host")), "n2");
	json_decref(json);
}

static void hosts_that_a_playbook_leaves_out_do_not_make_it_partial(void **state)
{
	struct fixture *f = *state;
	start(f,
		"echo '{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":1,\"failed\":0,\"unreachable\":0}}}' >&3\nexit 0");
	expect_end(f, "succeeded");
}

static void hosts_that_a_broken_off_run_never_came_to_make_it_partial(void **state)
{
	struct fixture *f = *state;
	start(f,
		"echo '{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":1,\"failed\":0,\"unreachable\":0}}}' >&3\nexit 2");
	expect_end(f, "partial");
}

static void exit_code_0_without_stats_is_a_failure(void **state)
{
	struct fixture *f = *state;
	start(f, "echo 'ERROR! the role was not found' >&2\nexit 0");
	expect_end(f, "failed");
	char *result = scratch_read(scratch_path(f->op_dir, "result.json"));
	assert_non_null(strstr(result, "the role was not found"));
	free(result);
}

static void a_program_that_cannot_be_run_is_a_failure(void **state)
{
	struct fixture *f = *state;
	mem_free(f->spec.ansible_playbook);
	f->spec.ansible_playbook = mem_strdup("/nowhere/ansible-playbook");
	struct err *e = runner_start(scratch_self(), &f->spec);
	assert_null(e);
	expect_end(f, "failed");
}

static void secrets_reach_ansible_and_no_file_of_the_operation(void **state)
{
	struct fixture *f = *state;
	/* argv: -i INVENTORY; the fake proves that it got the password, then returns a secret
	 * result */
	start(f,
		"grep -q hunter2-secret \"$2\" && test \"$(stat -c %a \"$2\")\" = 600 || exit 9\n"
		"dirname \"$2\" > \"$(dirname \"$0\")/private\"\n"
		"echo '{\"event\":\"secret\",\"host\":\"n1\",\"data\":{\"kubeconfig\":\"top-secret\"}}' >&3\necho '" STATS_OK
		"' >&3");
	expect_end(f, "succeeded");
	char *events = scratch_read(scratch_path(f->op_dir, "events.jsonl"));
	assert_null(strstr(events, "top-secret"));
	char *at = strstr(events, "\"kubeconfig\":\"");
	assert_non_null(at);
	at += strlen("\"kubeconfig\":\"");
	*strchr(at, '"') = '\0';
	struct seal_key *key = NULL;
	char *plain = NULL;
	assert_null(seal_key_open(f->spec.secret_key_path, &key));
	assert_null(seal_open_text(key, at, &plain));
	assert_string_equal(plain, "top-secret");
	seal_wipe_free(plain);
	seal_key_free(key);
	free(events);
	char *private = scratch_read(scratch_path(f->dir, "private"));
	*strchr(private, '\n') = '\0';
	bool gone = false;
	for (int i = 0; i < 2000 && !gone; i++, poll(NULL, 0, 5))
		gone = access(private, F_OK) != 0;
	assert_true(gone);
	free(private);
}

static void output_is_cut_at_its_cap_with_a_mark(void **state)
{
	struct fixture *f = *state;
	start(f, "head -c 10000 /dev/zero | tr '\\0' 'a'\necho '" STATS_OK "' >&3");
	expect_end(f, "succeeded");
	char *log = scratch_read(scratch_path(f->op_dir, "log.txt"));
	assert_true(strlen(log) > 4096 && strlen(log) < 4300);
	assert_non_null(strstr(log, "output cut here"));
	free(log);
}

static void lines_that_are_no_events_become_warnings(void **state)
{
	struct fixture *f = *state;
	start(f,
		"echo 'garbage' >&3\necho '[1,2]' >&3\nhead -c 100000 /dev/zero | tr '\\0' 'x' >&3\necho >&3\n"
		"printf '\\377\\376\\n' >&3\necho '" STATS_OK "' >&3");
	expect_end(f, "succeeded");
	char *events = scratch_read(scratch_path(f->op_dir, "events.jsonl"));
	int warnings = 0;
	for (char *p = events; (p = strstr(p, "\"event\":\"warning\"")) != NULL; p++)
		warnings++;
	assert_int_equal(warnings, 4);
	free(events);
}

static bool has_pids(void *path)
{
	char *text = scratch_read(path);
	bool there = text != NULL && strchr(text, '\n') != NULL;
	free(text);
	return there;
}

/* starts a run that sleeps, and returns the process of the sleep */
static pid_t start_sleeper(struct fixture *f)
{
	start(f, "sleep 1000 &\necho $! > \"$(dirname \"$0\")/pid\"\nwait");
	assert_true(scratch_wait(has_pids, (void *)(uintptr_t)scratch_path(f->dir, "pid")));
	char *text = scratch_read(scratch_path(f->dir, "pid"));
	pid_t pid = (pid_t)strtol(text, NULL, 10);
	free(text);
	return pid;
}

static bool is_gone(void *pid)
{
	return kill(*(pid_t *)pid, 0) != 0 && errno == ESRCH;
}

static void a_cancelled_run_says_so_and_leaves_no_process(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_sleeper(f);
	assert_int_equal(runner_look(f->op_dir), RUNNER_ALIVE);
	assert_null(runner_cancel(f->op_dir));
	expect_end(f, "cancelled");
	assert_true(scratch_wait(is_gone, &pid));
}

static void a_run_past_its_time_says_so(void **state)
{
	struct fixture *f = *state;
	f->spec.timeout_s = 1;
	pid_t pid = start_sleeper(f);
	expect_end(f, "timed_out");
	assert_true(scratch_wait(is_gone, &pid));
}

static void a_killed_runner_is_dead_only_when_all_of_its_run_is(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_sleeper(f);
	json_t *json = json_load_file(scratch_path(f->op_dir, "runner.json"), 0, NULL);
	pid_t runner = (pid_t)json_integer_value(json_object_get(json, "pid"));
	json_decref(json);
	assert_true(runner > 1);
	kill(runner, SIGKILL);
	assert_true(scratch_wait(is_over, f->op_dir));
	assert_int_equal(runner_look(f->op_dir), RUNNER_DEAD);
	assert_true(is_gone(&pid));
	struct err *e = runner_cancel(f->op_dir);
	assert_non_null(e);
	err_free(e);
}

static void the_same_operation_never_runs_twice(void **state)
{
	struct fixture *f = *state;
	start(f, "echo '" STATS_OK "' >&3");
	expect_end(f, "succeeded");
	struct err *e = runner_start(scratch_self(), &f->spec);
	assert_non_null(e);
	assert_true(err_code(e) == ERR_EXISTS || err_code(e) == ERR_LOCKED);
	err_free(e);
}

static void before_a_runner_took_its_lock_there_is_none(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(runner_look(f->op_dir), RUNNER_NONE);
}

#define RUN(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

/* A port of the loopback that refuses until listen(). */
static int bound_port(int64_t *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static void magic_packets_go_on_until_the_ssh_port_accepts(void **state)
{
	struct fixture *f = *state;
	struct journal_host hosts[2] = {{0}};
	struct journal j = {.spec = &f->spec, .hosts = hosts};
	int fds[2];

	for (int i = 0; i < 2; i++) {
		f->spec.hosts[i].wake = mem_strdup("02:00:00:00:00:01");
		fds[i] = bound_port(&f->spec.hosts[i].port);
	}
	assert_int_equal(listen(fds[0], 1), 0);
	assert_true(wake_again(&j));
	assert_true(hosts[0].answered);
	assert_false(hosts[1].answered);
	assert_int_equal(listen(fds[1], 1), 0);
	assert_false(wake_again(&j));
	for (int i = 0; i < 2; i++)
		close(fds[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RUN(a_good_run_numbers_its_events_and_succeeds),
		RUN(some_failed_hosts_make_it_partial_whatever_the_exit_code),
		RUN(hosts_that_a_playbook_leaves_out_do_not_make_it_partial),
		RUN(hosts_that_a_broken_off_run_never_came_to_make_it_partial),
		RUN(exit_code_0_without_stats_is_a_failure),
		RUN(a_program_that_cannot_be_run_is_a_failure),
		RUN(secrets_reach_ansible_and_no_file_of_the_operation),
		RUN(output_is_cut_at_its_cap_with_a_mark),
		RUN(lines_that_are_no_events_become_warnings),
		RUN(a_cancelled_run_says_so_and_leaves_no_process),
		RUN(a_run_past_its_time_says_so),
		RUN(a_killed_runner_is_dead_only_when_all_of_its_run_is),
		RUN(the_same_operation_never_runs_twice),
		RUN(before_a_runner_took_its_lock_there_is_none),
		RUN(magic_packets_go_on_until_the_ssh_port_accepts),
	};

	rand_init();
	if (argc > 1 && strcmp(argv[1], "op-runner") == 0)
		return runner_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
