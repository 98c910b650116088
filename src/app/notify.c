/* Owns the use of libsystemd. */
#include "app/notify.h"

#if MKO_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/mem.h"

size_t notify_sockets(int *ret_fds)
{
	int n = sd_listen_fds(1);

	for (int i = 0; i < n && i < NOTIFY_FDS_MAX; i++)
		ret_fds[i] = SD_LISTEN_FDS_START + i;
	if (n < 0)
		return 0;
	return n < NOTIFY_FDS_MAX ? (size_t)n : NOTIFY_FDS_MAX;
}

void notify_say(const char *text)
{
	(void)sd_notify(0, text); /* nobody listens: fine */
}

void notify_reloading(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

int64_t notify_watchdog_ms(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)(usec / 1000) : 0;
}
#else
size_t notify_sockets(int *ret_fds)
{
	(void)ret_fds;
	return 0;
}

void notify_say(const char *text)
{
	(void)text;
}

void notify_reloading(void)
{
}

int64_t notify_watchdog_ms(void)
{
	return 0;
}
#endif
