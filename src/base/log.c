/* Owns the log sink. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

static _Atomic enum log_level log_max = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	int priority; /* syslog priority: systemd reads "<N>" at the start of a line on stderr, see
			 sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERR] = {"error", 3},
	[LOG_LEVEL_WARN] = {"warning", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

void log_set_level(enum log_level level)
{
	log_max = level;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	if (level > log_max)
		return;
	va_list ap;

	va_start(ap, fmt);
	char *message = mem_vprintf(fmt, ap);
	va_end(ap);
	struct str line = STR_INIT;
	if (getenv("JOURNAL_STREAM") != NULL) {
		str_addf(&line, "<%d>", levels[level].priority);
	} else {
		char now[CLOCK_TEXT_SIZE];
		clock_format(clock_utc(&clock_system), now);
		str_addf(&line, "%s %s ", now, levels[level].name);
	}
	str_add_printable(&line, message);
	str_addc(&line, '\n');
	fputs(str_get(&line), stderr);
	str_done(&line);
	mem_free(message);
}
