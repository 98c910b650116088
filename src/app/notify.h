/* The service manager: readiness, watchdog, inherited sockets. Without libsystemd every function
 * does nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NOTIFY_FDS_MAX 8

/** Tell the service manager that a reload begins (READY=1 ends it). */
void notify_reloading(void);
/** Listening sockets handed over by the service manager. @ret_fds at least NOTIFY_FDS_MAX. Returns
 * how many. Main thread. */
size_t notify_sockets(int *ret_fds);
/** Say "READY=1", "STOPPING=1", "WATCHDOG=1" or "STATUS=...". Any thread. */
void notify_say(const char *text);
/** Milliseconds within which WATCHDOG=1 is wanted, 0 = no watchdog. */
int64_t notify_watchdog_ms(void);
