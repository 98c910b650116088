/* Owns the reading of /proc/self. */
#include "base/process.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define STAT_MAX ((size_t)4096)

static struct err *count_fds(int64_t *ret)
{
	DIR *dir = opendir("/proc/self/fd");

	if (dir == NULL)
		return err_errno(errno, "read /proc/self/fd");
	*ret = -3;                   /* ".", ".." and the folder itself */
	while (readdir(dir) != NULL) // NOLINT(concurrency-mt-unsafe): a stream of our own
		(*ret)++;
	closedir(dir);
	return NULL;
}

/* Unix time of the start of the machine, from which /proc counts. */
static double boot_s(void)
{
	struct timespec now, up;

	must(clock_gettime(CLOCK_REALTIME, &now) == 0 && clock_gettime(CLOCK_BOOTTIME, &up) == 0);
	return (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9;
}

struct err *process_use(struct process_use *ret)
{
	cleanup(mem_freep) char *text = NULL;
	struct rlimit limit = {.rlim_cur = 0};
	unsigned long long user = 0, system = 0, start = 0, size = 0;
	long long pages = 0;
	double ticks = (double)sysconf(_SC_CLK_TCK);

	TRY(fs_read("/proc/self/stat", STAT_MAX, &text, NULL));
	/* the name of the program stands in brackets and may hold anything */
	const char *rest = strrchr(text, ')');
	if (rest == NULL ||
		sscanf(rest + 1,
			" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu %llu %lld",
			&user, &system, &start, &size, &pages) != 5)
		return err_new(ERR_IO, "/proc/self/stat is not as expected");
	TRY(count_fds(&ret->fds));
	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	ret->cpu_s = (double)(user + system) / ticks;
	ret->start_s = boot_s() + (double)start / ticks;
	ret->virtual_bytes = (int64_t)size;
	ret->resident_bytes = pages * sysconf(_SC_PAGESIZE);
	ret->fds_max = (int64_t)limit.rlim_cur;
	return NULL;
}
