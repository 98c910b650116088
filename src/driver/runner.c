/* Owns the life of a runner process, from both sides: starting it and looking at it (server), and
 * its main loop (op-runner). */
#include "driver/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "driver/ansible.h"
#include "driver/hostkey.h"
#include "driver/private_dir.h"
#include "driver/runner_int.h"

#define WAKE_EVERY_MS 10000
#define SPEC_MAX ((size_t)16 << 20)
#define TERM_AFTER_MS 5000
#define KILL_AFTER_MS 8000
#define EVENTS_FD 3

/* ---- main loop ---- */

struct run {
	struct run_spec spec;
	struct seal_key *key;
	struct journal journal;
	struct child child;
	struct ansible_files files;
	char *private_dir;
	int lock_fd, signal_fd;
	struct str line; /* unfinished line of the event pipe */
	bool line_dropped;
	struct run_end end;
	bool ended;
	int64_t deadline_ms, cancel_ms; /* monotonic; cancel_ms 0 = not asked */
	int64_t wake_ms;                /* monotonic: next magic packets, 0 = no more */
	int kill_step;
};

static struct err *take_events(struct run *r, const char *data, size_t len)
{
	while (len > 0) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl != NULL ? (size_t)(nl - data) : len;
		str_add(&r->line, data, n);
		if (nl == NULL)
			return NULL;
		/* a line longer than the cap was dropped by the builder: say so instead of guessing
		 * at half an event */
		struct err *e = r->line.overflowed
			? journal_event(&r->journal,
				  json_pack("{s:s, s:s}", "event", "warning", "message",
					  "an event was too long and was dropped"))
			: journal_line(&r->journal, str_get(&r->line), r->line.len);
		str_reset(&r->line);
		TRY(e);
		data += n + 1;
		len -= n + 1;
	}
	return NULL;
}

static struct err *take_output(struct run *r, const char *data, size_t len)
{
	return journal_output(&r->journal, data, len);
}

typedef struct err *(*take_fn)(struct run *r, const char *data, size_t len);

/* One read; *fd becomes -1 at its end. @ret_more whether there may be more now */
static struct err *read_some(struct run *r, int *fd, take_fn take, bool *ret_more)
{
	char buf[65536];
	ssize_t n = read(*fd, buf, sizeof(buf));

	*ret_more = n > 0 || (n < 0 && errno == EINTR);
	if (n > 0)
		return take(r, buf, (size_t)n);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		fs_closep(fd);
	return NULL;
}

/* Reads what is there. */
static struct err *drain(struct run *r, int *fd, take_fn take)
{
	bool more = *fd >= 0;

	while (more)
		TRY(read_some(r, fd, take, &more));
	return journal_sync(&r->journal);
}

static void take_status(struct run *r)
{
	int status = 0;
	ssize_t n = read(r->child.status_fd, &status, sizeof(status));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	r->ended = true;
	r->end.exit_code = n == sizeof(status) && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	r->end.signal = n == sizeof(status) && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (n != sizeof(status))
		r->end.signal = SIGKILL;
}

static void ask_end(struct run *r, bool *why)
{
	if (r->cancel_ms != 0)
		return;
	*why = true;
	r->cancel_ms = clock_mono(&clock_system);
	r->kill_step = 0;
	child_signal(&r->child, SIGINT);
}

/* Deadlines: the run's own, and the steps of an end that was asked for. Returns the time to the
 * next one in ms. */
static int check_deadlines(struct run *r)
{
	static const struct {
		int after_ms;
		int signal;
	} steps[] = {{TERM_AFTER_MS, SIGTERM}, {KILL_AFTER_MS, SIGKILL}};
	int64_t now = clock_mono(&clock_system);

	if (r->cancel_ms == 0 && now >= r->deadline_ms)
		ask_end(r, &r->end.timed_out);
	if (r->cancel_ms == 0)
		return r->deadline_ms - now > 60000 ? 60000 : (int)(r->deadline_ms - now);
	while (r->kill_step < (int)ARRAY_LEN(steps) &&
		now - r->cancel_ms >= steps[r->kill_step].after_ms)
		child_signal(&r->child, steps[r->kill_step++].signal);
	return 200;
}

static void take_signal(struct run *r)
{
	struct signalfd_siginfo info;

	if (read(r->signal_fd, &info, sizeof(info)) == sizeof(info))
		ask_end(r, &r->end.cancelled);
}

/* Packets for those that do not answer. Returns the time to the next ones in ms, at most `most`. */
static int wake_due(struct run *r, int most)
{
	int64_t now = clock_mono(&clock_system);

	if (r->wake_ms == 0)
		return most;
	if (now >= r->wake_ms)
		r->wake_ms = wake_again(&r->journal) ? now + WAKE_EVERY_MS : 0;
	return r->wake_ms != 0 && r->wake_ms - now < most ? (int)(r->wake_ms - now) : most;
}

static struct err *loop(struct run *r)
{
	while (!r->ended) {
		int wait_ms = wake_due(r, check_deadlines(r));
		struct pollfd fds[] = {
			{.fd = r->child.events_fd, .events = POLLIN},
			{.fd = r->child.output_fd, .events = POLLIN},
			{.fd = r->child.status_fd, .events = POLLIN},
			{.fd = r->signal_fd, .events = POLLIN},
		};
		if (poll(fds, ARRAY_LEN(fds), wait_ms) < 0 && errno != EINTR)
			return err_errno(errno, "poll");
		if (fds[3].revents)
			take_signal(r);
		TRY(drain(r, &r->child.events_fd, take_events));
		TRY(drain(r, &r->child.output_fd, take_output));
		if (fds[2].revents)
			take_status(r);
	}
	TRY(drain(r, &r->child.events_fd, take_events));
	return drain(r, &r->child.output_fd, take_output);
}

/* ---- preparation ---- */

static struct err *write_json(const char *path, json_t *take_json)
{
	char *text = json_dumps(take_json, JSON_COMPACT);

	json_decref(take_json);
	must(text != NULL);
	struct err *e = fs_write_new(path, text, strlen(text), 0600);
	seal_wipe_free(text);
	return e;
}

static struct err *write_inputs(struct run *r)
{
	cleanup(mem_freep) char *hosts = ansible_known_hosts(&r->spec);

	TRY(fs_mkdirs(r->files.temp, 0700));
	TRY(write_json(r->files.inventory, ansible_inventory(&r->spec)));
	TRY(write_json(r->files.vars, ansible_unsafe(r->spec.vars)));
	TRY(fs_write_new(r->files.config, "[defaults]\n", strlen("[defaults]\n"), 0600));
	return fs_write_new(r->files.known_hosts, hosts, strlen(hosts), 0600);
}

/* Asks the hosts without a key for theirs, and reports each as an event. */
static struct err *learn_host_keys(struct run *r)
{
	size_t n = r->spec.n_hosts;
	cleanup(mem_freep) bool *had = mem_zalloc(n * sizeof(bool));

	for (size_t i = 0; i < n; i++)
		had[i] = r->spec.hosts[i].host_key != NULL;
	TRY(hostkey_scan(&r->spec));
	for (size_t i = 0; i < n; i++) {
		const struct run_host *h = &r->spec.hosts[i];
		if (had[i] || h->host_key == NULL)
			continue;
		cleanup(mem_freep) char *fingerprint = hostkey_fingerprint(h->host_key);
		TRY(journal_event(&r->journal,
			json_pack("{s:s, s:s, s:s, s:s}", "event", "host_key", "host", h->hostname,
				"key", h->host_key, "fingerprint", fingerprint)));
	}
	return NULL;
}

static struct err *run_playbook(struct run *r)
{
	struct child_command command = {
		.argv = ansible_argv(&r->spec, &r->files),
		.env = ansible_env(&r->spec, &r->files, EVENTS_FD),
		.lock_fd = r->lock_fd,
		.events_fd = EVENTS_FD,
	};
	struct err *e = child_start(&command, &r->child);

	ansible_strings_free(command.argv);
	ansible_strings_free(command.env);
	TRY(e);
	return loop(r);
}

static struct err *run_all(struct run *r)
{
	r->line.max = RUNNER_LINE_MAX;
	r->deadline_ms = clock_mono(&clock_system) + r->spec.timeout_s * 1000;
	TRY(seal_key_open(r->spec.secret_key_path, &r->key));
	TRY(journal_open(&r->journal, &r->spec, r->key));
	TRY(wake_first(&r->journal));
	r->wake_ms = clock_mono(&clock_system) + WAKE_EVERY_MS;
	TRY(learn_host_keys(r));
	if (r->spec.playbook == NULL)
		return NULL;
	cleanup(mem_freep) char *control = private_dir_control();
	TRY(private_dir_make(r->spec.dir, r->spec.operation_id, &r->private_dir));
	r->files = ansible_files_in(r->private_dir, control);
	TRY(fs_mkdirs(control, 0700));
	TRY(write_inputs(r));
	return run_playbook(r);
}

/* An error of our own (disk full, Ansible missing) is the result of the run. */
static void fail_run(struct run *r, struct err *take_err)
{
	if (take_err == NULL)
		return;
	if (r->journal.error_message == NULL)
		r->journal.error_message = mem_strdup(err_message(take_err));
	r->end.exit_code = -1;
	err_free(take_err);
}

static void run_carry_out(struct run *r)
{
	r->child = (struct child){.guard = -1,
		.control_fd = -1,
		.status_fd = -1,
		.events_fd = -1,
		.output_fd = -1};
	fail_run(r, run_all(r));
	/* without a result file the server will say "interrupted", which is then the truth */
	if (r->journal.hosts != NULL)
		err_ignore(journal_finish(&r->journal, &r->end));
	child_done(&r->child);
	if (r->private_dir != NULL && !r->spec.keep)
		err_ignore(fs_remove_tree(r->private_dir)); /* swept at the next start of a server
							     */
	journal_done(&r->journal);
	ansible_files_done(&r->files);
	seal_key_free(r->key);
	str_done(&r->line);
	run_spec_done(&r->spec);
	mem_free(r->private_dir);
}

/* ---- the op-runner command ---- */

static uint64_t start_time_of(pid_t pid)
{
	cleanup(mem_freep) char *path = mem_printf("/proc/%d/stat", (int)pid);
	cleanup(mem_freep) char *text = NULL;
	struct err *e = fs_read(path, 4096, &text, NULL);

	if (e != NULL) {
		err_ignore(e); /* gone */
		return 0;
	}
	/* field 22, counted after the last ')' because the name may contain anything: proc(5) */
	const char *p = strrchr(text, ')');
	if (p != NULL && (strncmp(p, ") Z", 3) == 0 || strncmp(p, ") X", 3) == 0))
		return 0; /* dead, only not reaped yet */
	for (int field = 2; p != NULL && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p != NULL ? strtoull(p, NULL, 10) : 0;
}

static struct err *write_identity(const struct run_spec *spec)
{
	cleanup(mem_freep) char *path = fs_join(spec->dir, "runner.json");
	cleanup(mem_freep) char *text = mem_printf("{\"pid\":%d,\"start_time\":%" PRIu64
						   ",\"attempt\":%d}\n",
		(int)getpid(), start_time_of(getpid()), (int)spec->attempt);

	return fs_write_atomic(path, text, strlen(text), 0600);
}

static struct err *read_spec(struct run_spec *ret_spec)
{
	cleanup(mem_freep) char *text = NULL;
	json_error_t error;
	size_t len = 0;

	TRY(fs_read("/dev/stdin", SPEC_MAX, &text, &len));
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	explicit_bzero(text, len);
	if (json == NULL)
		return err_new(ERR_INVALID, "run spec: %s", error.text);
	struct err *e = run_spec_from_json(json, ret_spec);
	json_decref(json);
	if (e == NULL)
		e = run_spec_check(ret_spec);
	return e;
}

static struct err *claim(struct run *r)
{
	cleanup(mem_freep) char *lock = fs_join(r->spec.dir, "runner.lock");
	cleanup(mem_freep) char *events = fs_join(r->spec.dir, "events.jsonl");

	TRY(fs_lock(lock, &r->lock_fd));
	if (access(events, F_OK) == 0)
		return err_new(ERR_EXISTS, "operation %lld has run already",
			(long long)r->spec.operation_id);
	return write_identity(&r->spec);
}

static void block_signals(struct run *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGHUP);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
}

static void detach_standard_streams(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0)
		return;
	for (int i = 0; i <= 2; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* Tells the starter how it went: an empty line is success. */
static void tell(int fd, struct err *e)
{
	struct str line = STR_INIT;

	if (e != NULL)
		str_addf(&line, "%s %s", err_slug(err_code(e)), err_message(e));
	str_addc(&line, '\n');
	err_ignore(fs_write_all(fd, str_get(&line),
		line.len)); /* the starter may be gone: the run goes on */
	str_done(&line);
}

static void runner_child(struct run *r, int ready_fd)
{
	setsid();
	block_signals(r);
	prctl(PR_SET_NAME, "mko-runner");
	struct err *e = claim(r);
	tell(ready_fd, e);
	close(ready_fd);
	if (e != NULL) {
		err_free(e);
		_exit(1);
	}
	detach_standard_streams();
	run_carry_out(r);
	_exit(0);
}

int runner_main(void)
{
	struct run *r = mem_zalloc(sizeof(*r));
	int ready[2];
	char answer[1024] = "";

	struct err *e = read_spec(&r->spec);
	if (e == NULL && pipe2(ready, O_CLOEXEC) != 0)
		e = err_errno(errno, "pipe");
	if (e != NULL) {
		tell(STDERR_FILENO, e);
		err_free(e);
		run_spec_done(&r->spec);
		mem_free(r);
		return 1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(ready[0]);
		runner_child(r, ready[1]);
	}
	close(ready[1]);
	ssize_t n = read(ready[0], answer, sizeof(answer) - 1);
	close(ready[0]);
	run_spec_done(&r->spec);
	mem_free(r);
	if (n == 1)
		return 0;
	if (n <= 0)
		strncpy(answer, "internal the runner died at its start\n", sizeof(answer) - 1);
	(void)!write(STDERR_FILENO, answer, strlen(answer));
	return 1;
}

/* ---- from outside ---- */

static struct err *spawn_self(const char *self_exe, int in_fd, int err_fd, pid_t *ret_pid)
{
	char *argv[] = {(char *)(uintptr_t)self_exe, (char *)(uintptr_t) "op-runner", NULL};
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	int rc = posix_spawn(ret_pid, self_exe, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc != 0)
		return err_errno(rc, "start %s op-runner", self_exe);
	return NULL;
}

/* "slug message\n" of the runner as an error. */
static struct err *runner_error(char *text)
{
	char *space = strchr(text, ' ');
	size_t n = strlen(text);

	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	if (space == NULL)
		return err_new(ERR_INTERNAL, "the runner did not start: %s", text);
	*space = '\0';
	return err_new(err_code_from_slug(text), "%s", space + 1);
}

static struct err *feed_and_wait(pid_t pid, int in_fd, int err_fd, const char *text)
{
	char answer[1024];
	size_t len = 0;
	int status = 0;

	struct err *e = fs_write_all(in_fd, text, strlen(text));
	close(in_fd);
	for (ssize_t n = 1; n > 0 && len<sizeof(answer) - 1; len += n> 0 ? (size_t)n : 0)
		n = read(err_fd, answer + len, sizeof(answer) - 1 - len);
	answer[len] = '\0';
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		err_ignore(e); /* it has all it needs */
		return NULL;
	}
	err_free(e);
	return runner_error(answer);
}

struct err *runner_start(const char *self_exe, const struct run_spec *spec)
{
	int in[2];
	int out[2];
	pid_t pid = 0;

	TRY(run_spec_check(spec));
	TRY(fs_mkdirs(spec->dir, 0700));
	if (pipe2(in, O_CLOEXEC) != 0)
		return err_errno(errno, "pipe");
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return err_errno(errno, "pipe");
	}
	json_t *json = run_spec_to_json(spec);
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	must(text != NULL);
	struct err *e = spawn_self(self_exe, in[0], out[1], &pid);
	close(in[0]);
	close(out[1]);
	if (e == NULL)
		e = feed_and_wait(pid, in[1], out[0], text);
	else
		close(in[1]);
	close(out[0]);
	seal_wipe_free(text);
	return e;
}

/* Whether runner.lock exists, and whether it is held. */
static void look_lock(const char *dir, bool *ret_exists, bool *ret_held)
{
	cleanup(mem_freep) char *path = fs_join(dir, "runner.lock");
	cleanup(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	*ret_exists = fd >= 0;
	*ret_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
}

enum runner_state runner_look(const char *dir)
{
	cleanup(mem_freep) char *result = fs_join(dir, "result.json");
	cleanup(mem_freep) char *events = fs_join(dir, "events.jsonl");
	bool exists = false;
	bool held = false;

	/* the lock first: a runner that ends between the two looks has its result written before
	 * the lock is free */
	look_lock(dir, &exists, &held);
	if (access(result, F_OK) == 0)
		return RUNNER_FINISHED;
	if (held)
		return RUNNER_ALIVE;
	return exists && access(events, F_OK) == 0 ? RUNNER_DEAD : RUNNER_NONE;
}

struct err *runner_cancel(const char *dir)
{
	cleanup(mem_freep) char *path = fs_join(dir, "runner.json");
	cleanup(mem_freep) char *text = NULL;

	TRY(fs_read(path, 4096, &text, NULL));
	json_t *json = json_loads(text, 0, NULL);
	pid_t pid = (pid_t)json_integer_value(json_object_get(json, "pid"));
	uint64_t start = (uint64_t)json_integer_value(json_object_get(json, "start_time"));
	json_decref(json);
	if (pid <= 1 || start == 0 || start_time_of(pid) != start)
		return err_new(ERR_NOT_FOUND, "the runner is gone");
	if (kill(pid, SIGTERM) != 0)
		return err_errno(errno, "signal the runner");
	return NULL;
}

void runner_sweep(const char *data_dir)
{
	private_dir_sweep(data_dir, runner_look);
}
