/* Owns the process tree of a run:
 *   runner ── guard (leader of the process group, holds the lock, subreaper) ── ansible-playbook ──
 * workers, ssh ... The guard never execs. It waits for ansible-playbook and reports its status;
 * when the runner dies (control pipe ends) it ends the whole group at once. So a dead runner never
 * leaves Ansible working on nodes whose locks are free. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/runner_int.h"

#define GRACE_MS 1000
#define MEMORY_MAX ((rlim_t)2 << 30) /* of one process of Ansible, as addresses */

enum { PIPE_CONTROL, PIPE_STATUS, PIPE_EVENTS, PIPE_OUTPUT, PIPE_N };

/* Ansible keeps all that a node says in memory. A node that talks without end shall cost its own
 * task, and when memory gets scarce the kernel shall take this process, not the server. */
static void limit_memory(void)
{
	static const char score[] = "500";
	const struct rlimit limit = {.rlim_cur = MEMORY_MAX, .rlim_max = MEMORY_MAX};
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	(void)setrlimit(RLIMIT_AS, &limit); /* neither is needed to go on */
	if (fd >= 0) {
		(void)!write(fd, score, sizeof(score) - 1);
		close(fd);
	}
}

static void command_exec(const struct child_command *command, int pipes[PIPE_N][2])
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
		dup2(pipes[PIPE_OUTPUT][1], STDOUT_FILENO) < 0 ||
		dup2(pipes[PIPE_OUTPUT][1], STDERR_FILENO) < 0 ||
		dup2(pipes[PIPE_EVENTS][1], command->events_fd) < 0)
		_exit(126);
	limit_memory();
	execvpe(command->argv[0], command->argv, command->env);
	static const char text[] = "mko: cannot run ansible-playbook\n";
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(127);
}

/* Reaps everything; returns true when the command itself ended, with its wait status. */
static bool reap(pid_t command, int *status)
{
	bool ended = false;

	for (;;) {
		int st = 0;
		pid_t pid = waitpid(-1, &st, WNOHANG);
		if (pid <= 0)
			return ended;
		if (pid == command) {
			*status = st;
			ended = true;
		}
	}
}

static void guard_end_group(void)
{
	kill(0, SIGTERM);
	for (int waited = 0; waited < GRACE_MS; waited += 20) {
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			break;
		poll(NULL, 0, 20);
	}
	kill(0, SIGKILL); /* this process too: the lock becomes free with its last holder */
}

static void on_child(int signal)
{
	(void)signal; /* only there so that ppoll() is interrupted */
}

/* SIGCHLD is open only while waiting: none can be missed between the look and the wait. */
static int wait_for_change(struct pollfd *fd)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigdelset(&mask, SIGCHLD);
	return ppoll(fd, 1, NULL, &mask);
}

/* The guard's life. */
static void guard_run(pid_t command, int control_fd, int status_fd)
{
	struct pollfd fd = {.fd = control_fd, .events = POLLIN};
	int status = 0;

	for (;;) {
		if (reap(command, &status)) {
			(void)!write(status_fd, &status, sizeof(status));
			close(status_fd);
			command = -1;
		}
		if (wait_for_change(&fd) <= 0 || !(fd.revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		if (command < 0)
			kill(0, SIGKILL); /* a normal end: nothing of value is left in the group */
		guard_end_group();
	}
}

static void watch_children(void)
{
	struct sigaction action = {.sa_handler = on_child};
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	sigaction(SIGCHLD, &action, NULL);
}

static void guard_main(const struct child_command *command, int pipes[PIPE_N][2])
{
	setpgid(0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	watch_children();
	pid_t pid = fork();
	if (pid < 0)
		_exit(126);
	if (pid == 0)
		command_exec(command, pipes);
	for (int i = 0; i < PIPE_N; i++) {
		close(pipes[i][i == PIPE_CONTROL ? 1 : 0]);
		if (i == PIPE_EVENTS || i == PIPE_OUTPUT)
			close(pipes[i][1]);
	}
	guard_run(pid, pipes[PIPE_CONTROL][0], pipes[PIPE_STATUS][1]);
}

static struct err *pipes_open(int pipes[PIPE_N][2])
{
	for (int i = 0; i < PIPE_N; i++)
		if (pipe2(pipes[i], O_CLOEXEC) != 0)
			return err_errno(errno, "pipe");
	return NULL;
}

struct err *child_start(const struct child_command *command, struct child *ret_child)
{
	int pipes[PIPE_N][2];

	TRY(pipes_open(pipes));
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(errno, "fork");
	if (pid == 0) {
		guard_main(command, pipes);
		_exit(0);
	}
	setpgid(pid, pid); /* both sides, so that neither is too late */
	close(pipes[PIPE_CONTROL][0]);
	close(pipes[PIPE_STATUS][1]);
	close(pipes[PIPE_EVENTS][1]);
	close(pipes[PIPE_OUTPUT][1]);
	*ret_child = (struct child){
		.guard = pid,
		.control_fd = pipes[PIPE_CONTROL][1],
		.status_fd = pipes[PIPE_STATUS][0],
		.events_fd = pipes[PIPE_EVENTS][0],
		.output_fd = pipes[PIPE_OUTPUT][0],
	};
	fcntl(ret_child->events_fd, F_SETFL, O_NONBLOCK);
	fcntl(ret_child->output_fd, F_SETFL, O_NONBLOCK);
	return NULL;
}

void child_signal(const struct child *c, int signal)
{
	if (c->guard > 0)
		kill(-c->guard, signal);
}

void child_done(struct child *c)
{
	fs_closep(&c->control_fd);
	fs_closep(&c->status_fd);
	fs_closep(&c->events_fd);
	fs_closep(&c->output_fd);
	if (c->guard > 0)
		while (waitpid(c->guard, NULL, 0) < 0 && errno == EINTR)
			continue;
	c->guard = -1;
}
