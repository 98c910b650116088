/*
 * labinit - the hypervisor and the init of one lab node.
 *
 * Owns: the namespaces of a node (PID, mount, UTS, IPC; the network namespace was made by lab.py), the mounts that make its root
 * file system, its boot, its services and its power state. Two processes of this program run for a node:
 *
 *   supervisor  on the host, inside the node's network namespace. Boots the node, waits for its end, and boots it again when the
 *               node asked for a reboot. Killing it is a power cut: the kernel kills PID 1 and with it the whole node.
 *   init        PID 1 of the node. Starts and restarts the services, reaps orphans, and ends the node on a signal:
 *               SIGRTMIN+4 power off, SIGRTMIN+5 reboot (as systemd), SIGHUP looks again at which services should run.
 *
 * Must not know: MicroK8s, faults (but for the reboot delay), the lab's addresses.
 * Invariant: a service runs if and only if its program exists and /run/labinit/NAME.stop does not.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_REBOOT = 3, RESTART_DELAY_S = 1, STOP_TIMEOUT_MS = 5000 };

struct node {
	const char *netns;  /* path of the network namespace */
	const char *dir;    /* the node's directory: disk/ (its tmpfs, with up/ work/ m/), sim/ (its /run/sim), console.log */
	const char *lower;  /* read-only layers, ':' between them */
	const char *shared; /* directory shared by all nodes of the lab, seen as /run/sim/shared */
	bool bare;          /* true: no MicroK8s simulation */
};

struct service {
	const char *name;
	const char *program; /* must exist, else the service is left out */
	const char *argv[6];
	bool simulation; /* left out on a bare node */
	pid_t pid;
	time_t start_at; /* not before this (monotonic seconds) */
};

static struct service services[] = {
	{ .name = "ssh", .program = "/usr/sbin/sshd", .argv = { "/usr/sbin/sshd", "-D", "-e" } },
	{ .name = "snapd", .program = "/opt/sim/snapd.py",
	  .argv = { "/usr/bin/python3", "-S", "-m", "sim.snapd" }, .simulation = true },
	{ .name = "simnoded", .program = "/opt/sim/simnoded.py",
	  .argv = { "/usr/bin/python3", "-S", "-m", "sim.simnoded" }, .simulation = true },
};
#define SERVICES (sizeof(services) / sizeof(services[0]))

static char *const environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
				     "LANG=C.UTF-8", "PYTHONPATH=/opt", "container=mko-lab", NULL };

/* Values that the kernel does not keep per namespace: the node gets files of its own, so it can never change the machine. */
static const struct { const char *path, *value; } fake_sysctls[] = {
	{ "fs/inotify/max_user_instances", "128\n" }, { "fs/inotify/max_user_watches", "65536\n" },
	{ "fs/aio-max-nr", "65536\n" },               { "fs/file-max", "9223372036854775807\n" },
	{ "vm/overcommit_memory", "0\n" },            { "vm/max_map_count", "65530\n" },
	{ "vm/swappiness", "60\n" },                  { "vm/panic_on_oom", "0\n" },
	{ "kernel/panic", "0\n" },                    { "kernel/panic_on_oops", "0\n" },
	{ "kernel/keys/root_maxkeys", "1000000\n" },  { "kernel/keys/root_maxbytes", "25000000\n" },
};

static const char *const host_devices[] = { "null", "zero", "full", "random", "urandom", "tty" };

/* Rights that reach beyond namespaces: clock, modules, raw hardware, kernel log, reboot of the machine. */
static const int dropped_capabilities[] = { CAP_SYS_TIME, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYSLOG, CAP_SYS_BOOT,
					    CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_WAKE_ALARM };

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	int error = errno;
	va_list args;
	va_start(args, format);
	fputs("labinit: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

static time_t now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* ---- the root file system of the node ---------------------------------------------------------------------------------- */

static void mount_or_die(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data) < 0)
		die("mount %s", target);
}

static void make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		die("mkdir %s", path);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("write %s", path);
	close(fd);
}

/* Put a file of the node over a file of /proc; `store` is a path on the node's /run. A kernel without that file is fine. */
static void shadow_file(const char *target, const char *store, const char *text)
{
	if (access(target, F_OK) < 0)
		return;
	write_file(store, text);
	mount_or_die(store, target, NULL, MS_BIND, NULL);
}

static void mount_dev(void)
{
	char path[64], source[64];
	mount_or_die("dev", "dev", "tmpfs", MS_NOSUID, "mode=755,size=1m");
	make_dir("dev/pts", 0755);
	make_dir("dev/shm", 01777);
	mount_or_die("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=666,mode=620,gid=5");
	mount_or_die("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=64m");
	for (size_t i = 0; i < sizeof(host_devices) / sizeof(host_devices[0]); i++) {
		snprintf(path, sizeof(path), "dev/%s", host_devices[i]);
		snprintf(source, sizeof(source), "/dev/%s", host_devices[i]);
		write_file(path, "");
		mount_or_die(source, path, NULL, MS_BIND, NULL);
	}
	if (symlink("pts/ptmx", "dev/ptmx") < 0 || symlink("/proc/self/fd", "dev/fd") < 0 || symlink("fd/0", "dev/stdin") < 0 ||
	    symlink("fd/1", "dev/stdout") < 0 || symlink("fd/2", "dev/stderr") < 0 || symlink("null", "dev/kmsg") < 0)
		die("links in /dev");
}

/* The node may read all of /proc/sys, but write only what belongs to its namespaces or to its own fakes. */
static void protect_kernel_settings(void)
{
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char path[128], store[128];
	mount_or_die("proc/sys", "proc/sys", NULL, MS_BIND, NULL);
	mount_or_die("proc/sys/net", "proc/sys/net", NULL, MS_BIND, NULL);
	mount_or_die(NULL, "proc/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | safe, NULL);
	make_dir("run/labinit/sysctl", 0755);
	for (size_t i = 0; i < sizeof(fake_sysctls) / sizeof(fake_sysctls[0]); i++) {
		snprintf(path, sizeof(path), "proc/sys/%s", fake_sysctls[i].path);
		snprintf(store, sizeof(store), "run/labinit/sysctl/%zu", i);
		shadow_file(path, store, fake_sysctls[i].value);
	}
	if (access("proc/sysrq-trigger", F_OK) == 0)
		mount_or_die("/dev/null", "proc/sysrq-trigger", NULL, MS_BIND, NULL);
}

static void new_boot_id(void)
{
	unsigned char r[16];
	char text[64];
	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		die("getrandom");
	r[6] = (r[6] & 0x0f) | 0x40;
	r[8] = (r[8] & 0x3f) | 0x80;
	snprintf(text, sizeof(text), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", r[0], r[1], r[2],
		 r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
	shadow_file("proc/sys/kernel/random/boot_id", "run/labinit/boot_id", text);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	return walk->level == 0 ? 0 : remove(path);
}

/* /run/sim is a directory of the host: settings stay over a reboot, everything that the node put there goes, as on a real /run. */
static void mount_sim(const struct node *node)
{
	static const char *const kept[] = { ".", "..", "faults.json", "timing.json", "hardware" };
	char path[512];
	make_dir("run/sim", 0755);
	snprintf(path, sizeof(path), "%s/sim", node->dir);
	mount_or_die(path, "run/sim", NULL, MS_BIND, NULL);
	DIR *dir = opendir("run/sim");
	for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		bool keep = false;
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			keep = keep || strcmp(entry->d_name, kept[i]) == 0;
		if (keep)
			continue;
		snprintf(path, sizeof(path), "run/sim/%s", entry->d_name);
		nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		remove(path);
	}
	if (dir != NULL)
		closedir(dir);
	make_dir("run/sim/shared", 0755);
	mount_or_die(node->shared, "run/sim/shared", NULL, MS_BIND, NULL);
}

/* Whether the kernel command line of a Raspberry Pi has this word: then it boots with its memory cgroup, whatever the fault says. */
static bool boots_with(const char *word)
{
	char line[4096] = "";
	FILE *file = fopen("boot/firmware/cmdline.txt", "re");
	bool found = file != NULL && fgets(line, sizeof(line), file) != NULL && strstr(line, word) != NULL;
	if (file != NULL)
		fclose(file);
	return found;
}

/* Hardware that lab.py wants the node to show (faults memory_low, cgroup_memory_off). */
static void mount_hardware(void)
{
	if (boots_with("cgroup_enable=memory"))
		unlink("run/sim/hardware/cgroup.controllers");
	static const char *const files[][2] = { { "run/sim/hardware/meminfo", "proc/meminfo" },
						{ "run/sim/hardware/cgroup.controllers", "sys/fs/cgroup/cgroup.controllers" } };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (access(files[i][0], F_OK) == 0)
			mount_or_die(files[i][0], files[i][1], NULL, MS_BIND, NULL);
}

/* Makes the current folder the root; a process that lives in a chroot itself cannot pivot and only changes its own root. */
static void enter_root(void)
{
	if (syscall(SYS_pivot_root, ".", "mnt") == 0) {
		if (chdir("/") < 0 || umount2("/mnt", MNT_DETACH) < 0)
			die("leave the old root");
	} else if (errno != EINVAL || chroot(".") < 0 || chdir("/") < 0) {
		die("pivot_root");
	}
}

static void mount_root(const struct node *node)
{
	char options[2048], target[512];
	/* in a chroot / is no mount point: then there is nothing to keep private either, the mounts below belong to who made the chroot */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && errno != EINVAL)
		die("make / private");
	snprintf(target, sizeof(target), "%s/disk/m", node->dir);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s/disk/up,workdir=%s/disk/work", node->lower, node->dir,
		 node->dir);
	mount_or_die("/dev/sda1", target, "overlay", 0, options);
	if (chdir(target) < 0)
		die("chdir %s", target);
	mount_or_die("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_or_die("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_or_die("cgroup", "sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64k");
	write_file("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
	write_file("sys/fs/cgroup/cgroup.subtree_control", "cpuset cpu io memory pids\n");
	mount_dev();
	mount_or_die("run", "run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=256m");
	mount_or_die("tmp", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=1g");
	make_dir("run/sshd", 0755);
	make_dir("run/lock", 01777);
	make_dir("run/labinit", 0755);
	protect_kernel_settings();
	new_boot_id();
	mount_sim(node);
	mount_hardware();
	enter_root();
}

/* ---- init --------------------------------------------------------------------------------------------------------------- */

static void take_hostname(void)
{
	char name[65] = "";
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = read(fd, name, sizeof(name) - 1);
		close(fd);
		name[n > 0 ? n : 0] = '\0';
	}
	sethostname(name, strcspn(name, "\n"));
}

static pid_t spawn(const char *const *argv, const char *log)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0640);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		close(fd);
	}
	execve(argv[0], (char *const *)argv, environment);
	_exit(127);
}

static void run_to_end(const char *const *argv)
{
	pid_t pid = spawn(argv, "/var/log/boot.log");
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void boot(void)
{
	static const char *const network[] = { "/usr/sbin/ip", "-force", "-batch", "/etc/network/lab.batch", NULL };
	static const char *const key[] = { "/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f",
					   "/etc/ssh/ssh_host_ed25519_key", NULL };
	/* as systemd-sysctl does, but only what is in /etc: what the distribution sets is the machine's business */
	static const char *const sysctl[] = { "/usr/bin/sh", "-c", "cat /etc/sysctl.d/*.conf 2>/dev/null | /usr/sbin/sysctl -q -e -p -", NULL };
	take_hostname();
	run_to_end(network);
	if (access(key[9], F_OK) < 0)
		run_to_end(key);
	run_to_end(sysctl);
}

static void service_file(const struct service *service, const char *suffix, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "/run/labinit/%s.%s", service->name, suffix);
}

static void start_services(bool bare)
{
	char path[64], text[16], log[64];
	for (size_t i = 0; i < SERVICES; i++) {
		struct service *service = &services[i];
		service_file(service, "stop", path, sizeof(path));
		if (service->pid > 0 || (bare && service->simulation) || now_s() < service->start_at ||
		    access(service->program, F_OK) < 0 || access(path, F_OK) == 0)
			continue;
		snprintf(log, sizeof(log), "/var/log/%s.log", service->name);
		service->pid = spawn(service->argv, log);
		service->start_at = now_s() + RESTART_DELAY_S;
		snprintf(text, sizeof(text), "%d\n", (int)service->pid);
		service_file(service, "pid", path, sizeof(path));
		write_file(path, text);
	}
}

static void reap(void)
{
	char path[64];
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
		for (size_t i = 0; i < SERVICES; i++) {
			if (services[i].pid != pid)
				continue;
			services[i].pid = 0;
			service_file(&services[i], "pid", path, sizeof(path));
			unlink(path);
		}
	}
}

/* End every process: politely, then by the end of PID 1. Some services hand over their work on SIGTERM, so wait for them. */
static void stop_everything(const sigset_t *signals)
{
	struct timespec step = { .tv_nsec = 20 * 1000 * 1000 };
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	for (int waited_ms = 0; waited_ms < STOP_TIMEOUT_MS; waited_ms += 20) {
		reap();
		if (kill(-1, 0) < 0)
			return;
		sigtimedwait(signals, NULL, &step);
	}
}

static void drop_capabilities(void)
{
	for (size_t i = 0; i < sizeof(dropped_capabilities) / sizeof(dropped_capabilities[0]); i++)
		if (prctl(PR_CAPBSET_DROP, dropped_capabilities[i], 0, 0, 0) < 0)
			die("drop capability %d", dropped_capabilities[i]);
}

__attribute__((noreturn)) static void init_main(const struct node *node)
{
	const int power_off = SIGRTMIN + 4, reboot = SIGRTMIN + 5;
	const struct timespec tick = { .tv_sec = RESTART_DELAY_S };
	sigset_t signals;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "labinit");
	sigemptyset(&signals);
	int handled[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT, power_off, reboot };
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		sigaddset(&signals, handled[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	umask(022);
	mount_root(node);
	drop_capabilities();
	boot();
	for (;;) {
		start_services(node->bare);
		int signal = sigtimedwait(&signals, NULL, &tick);
		reap();
		if (signal == power_off || signal == SIGTERM || signal == reboot || signal == SIGINT) {
			stop_everything(&signals);
			exit(signal == reboot || signal == SIGINT ? EXIT_REBOOT : 0);
		}
	}
}

/* ---- supervisor --------------------------------------------------------------------------------------------------------- */

static void link_down(void)
{
	struct ifreq request = { .ifr_name = "eth0" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
		request.ifr_flags &= ~IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &request);
	}
	close(fd);
}

/* How long the firmware and the kernel of this machine take: seconds in the file reboot_delay, written by lab.py. */
static void wait_before_boot(const char *dir)
{
	char path[512], text[32] = "";
	snprintf(path, sizeof(path), "%s/reboot_delay", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0)
		usleep((useconds_t)(strtod(text, NULL) * 1e6));
	close(fd);
}

static void supervise(const struct node *node)
{
	for (;;) {
		int status = 0;
		long pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD, 0, 0, 0, 0);
		if (pid < 0)
			die("clone");
		if (pid == 0)
			init_main(node);
		while (waitpid((pid_t)pid, &status, 0) < 0 && errno == EINTR)
			;
		link_down();
		if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_REBOOT)
			return;
		wait_before_boot(node->dir);
	}
}

static void become_daemon(const struct node *node)
{
	char console[512];
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0)
		_exit(0);
	setsid();
	snprintf(console, sizeof(console), "%s/console.log", node->dir);
	int null = open("/dev/null", O_RDONLY), log = open(console, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (null < 0 || log < 0)
		die("open %s", console);
	dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	syscall(SYS_close_range, 3, ~0U, 0); /* never keep the caller's locks and pipes open */
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "netns", required_argument, NULL, 'n' }, { "dir", required_argument, NULL, 'd' },
						 { "lower", required_argument, NULL, 'l' }, { "shared", required_argument, NULL, 's' },
						 { "bare", no_argument, NULL, 'b' },        { NULL, 0, NULL, 0 } };
	struct node node = { 0 };
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 'n': node.netns = optarg; break;
		case 'd': node.dir = optarg; break;
		case 'l': node.lower = optarg; break;
		case 's': node.shared = optarg; break;
		case 'b': node.bare = true; break;
		default: return 2;
		}
	}
	if (node.netns == NULL || node.dir == NULL || node.lower == NULL || node.shared == NULL) {
		fputs("usage: labinit --netns PATH --dir DIR --lower DIRS --shared DIR [--bare]\n", stderr);
		return 2;
	}
	int netns = open(node.netns, O_RDONLY | O_CLOEXEC);
	if (netns < 0 || setns(netns, CLONE_NEWNET) < 0)
		die("enter %s", node.netns);
	become_daemon(&node);
	supervise(&node);
	return 0;
}
