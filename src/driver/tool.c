/* Running a program under limits. */
#include "driver/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define END_POLL_MS 5
#define EXEC_FAILED 127

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* A group of its own, so that its children end with it; no signal is ignored or blocked in it. */
static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t pipe_signal;

	sigemptyset(&none);
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	posix_spawnattr_init(attributes);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &pipe_signal);
	posix_spawnattr_setflags(attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static struct err *spawn(const char *const *argv, int out_fd, pid_t *ret_pid)
{
	const char *path = getenv("PATH");
	cleanup(mem_freep) char *path_entry =
		mem_printf("PATH=%s", path != NULL ? path : default_path);
	char locale[] = "LC_ALL=C.UTF-8";
	char *env[] = {path_entry, locale, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	set_attributes(&attributes);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDERR_FILENO);
	int rc = posix_spawnp(ret_pid, argv[0], &actions, &attributes,
		(char *const *)(uintptr_t)argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return rc == 0 ? NULL : err_errno(rc, "run %s", argv[0]);
}

/* Read until its end or the limit. Returns false at the limit. */
static bool collect(int fd, int64_t until_ms, struct str *out)
{
	char buf[4096];

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = until_ms - clock_mono(&clock_system);
		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n == 0)
			return true;
		if (n > 0)
			str_add(out, buf, (size_t)n);
		else if (errno != EINTR)
			return true;
	}
}

/* A program may close its output and go on. Returns false at the limit: it is not reaped then. */
static bool wait_until(pid_t pid, int64_t until_ms, int *ret_status)
{
	for (;;) {
		pid_t got = waitpid(pid, ret_status, WNOHANG);
		if (got == pid)
			return true;
		if (clock_mono(&clock_system) >= until_ms)
			return false;
		(void)poll(NULL, 0, END_POLL_MS);
	}
}

/* The number of a child that is not reaped is still its own. */
static void kill_group(pid_t pid, int *ret_status)
{
	kill(-pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		continue;
}

struct err *tool_run(const char *const *argv, int64_t timeout_ms, size_t max_output,
	struct tool_result *ret)
{
	int fds[2];
	pid_t pid = 0;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_errno(errno, "pipe");
	struct err *e = spawn(argv, fds[1], &pid);
	close(fds[1]);
	if (e != NULL) {
		close(fds[0]);
		return e;
	}
	ret->out.max = max_output;
	int64_t until = clock_mono(&clock_system) + timeout_ms;
	int status = 0;
	ret->timed_out = !collect(fds[0], until, &ret->out) || !wait_until(pid, until, &status);
	close(fds[0]);
	if (ret->timed_out)
		kill_group(pid, &status);
	ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	/* what a child says that could not be exec'd, where the C library cannot tell its parent */
	if (ret->status == EXEC_FAILED && ret->out.len == 0)
		return err_new(ERR_NOT_FOUND, "run %s: there is no such program", argv[0]);
	return NULL;
}

void tool_result_done(struct tool_result *result)
{
	str_done(&result->out);
}
