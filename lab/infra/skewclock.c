/*
 * skewclock - preloaded into every program of a node whose clock is wrong (fault clock_skew).
 *
 * The kernel has one wall clock for all namespaces, so a node cannot really have another one. This library adds the seconds that
 * stand in /etc/mko-lab-clock to what programs see. It is freestanding (raw system calls only), so it fits any C library.
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static long offset_s;

static long raw(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	long ret;
	__asm__ volatile("syscall" : "=a"(ret) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
		      x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
#else
#error "skewclock knows amd64 and arm64"
#endif
}

__attribute__((constructor)) static void read_offset(void)
{
	char text[24];
	long fd = raw(SYS_openat, AT_FDCWD, (long)"/etc/mko-lab-clock", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	long length = raw(SYS_read, fd, (long)text, sizeof(text), 0), value = 0;
	raw(SYS_close, fd, 0, 0, 0);
	for (long i = 0; i < length; i++)
		if (text[i] >= '0' && text[i] <= '9')
			value = value * 10 + (text[i] - '0');
	offset_s = length > 0 && text[0] == '-' ? -value : value;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	long ret = raw(SYS_clock_gettime, clock, (long)now, 0, 0);
	if (ret == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += offset_s;
	return ret == 0 ? 0 : -1;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise = { 0 };
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &precise);
	now->tv_sec = precise.tv_sec;
	now->tv_usec = precise.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *now)
{
	struct timespec precise = { 0 };
	clock_gettime(CLOCK_REALTIME, &precise);
	if (now != NULL)
		*now = precise.tv_sec;
	return precise.tv_sec;
}
