/* Owns reading, formatting and parsing of time. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts = {0};

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_mono(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_BOOTTIME);
}

static int64_t system_utc(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_REALTIME);
}

static int64_t fake_now(const struct clock *c)
{
	return c->fake_ms;
}

const struct clock clock_system = {.mono_ms = system_mono, .utc_ms = system_utc};

struct clock clock_fake(int64_t utc_ms)
{
	return (struct clock){.mono_ms = fake_now, .utc_ms = fake_now, .fake_ms = utc_ms};
}

int64_t clock_mono(const struct clock *c)
{
	return c->mono_ms(c);
}

int64_t clock_utc(const struct clock *c)
{
	return c->utc_ms(c);
}

/* Writes a number with so many digits; returns the end. */
static char *put(char *at, int value, int n, char after)
{
	for (int i = n; i-- > 0; value /= 10)
		at[i] = (char)('0' + value % 10);
	at[n] = after;
	return at + n + 1;
}

void clock_format(int64_t utc_ms, char text[static CLOCK_TEXT_SIZE])
{
	int64_t millis = utc_ms % 1000;
	time_t seconds = (time_t)(utc_ms / 1000);
	char *at = text;

	if (millis < 0) {
		millis += 1000;
		seconds--;
	}
	struct tm tm = {0};
	(void)gmtime_r(&seconds, &tm);
	int year = tm.tm_year + 1900;
	/* any int64_t of milliseconds fits: the longest year is -292275055 */
	if (year >= 0 && year <= 9999)
		at = put(at, year, 4, '-');
	else
		at += snprintf(at, CLOCK_TEXT_SIZE, "%d-", year);
	at = put(at, tm.tm_mon + 1, 2, '-');
	at = put(at, tm.tm_mday, 2, 'T');
	at = put(at, tm.tm_hour, 2, ':');
	at = put(at, tm.tm_min, 2, ':');
	at = put(at, tm.tm_sec, 2, '.');
	at = put(at, (int)millis, 3, 'Z');
	*at = '\0';
}

/* Reads exactly n digits at *p into ret and moves on. */
static int digits(const char **p, int n, int *ret)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		char c = (*p)[i];
		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	*p += n;
	*ret = value;
	return 0;
}

static int literal(const char **p, char c)
{
	if (**p != c)
		return -1;
	(*p)++;
	return 0;
}

static int parse_fraction(const char **p, int *ret_millis)
{
	int millis = 0;
	int scale = 100;

	if (**p != '.')
		return 0;
	(*p)++;
	if (**p < '0' || **p > '9')
		return -1;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		millis += (**p - '0') * scale;
		scale /= 10;
	}
	*ret_millis = millis;
	return 0;
}

static int parse_offset(const char **p, int *ret_minutes)
{
	int hours = 0;
	int minutes = 0;

	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		return 0;
	}
	int sign = **p == '-' ? -1 : 1;
	if (**p != '+' && **p != '-')
		return -1;
	(*p)++;
	if (digits(p, 2, &hours) || literal(p, ':') || digits(p, 2, &minutes) || hours > 23 ||
		minutes > 59)
		return -1;
	*ret_minutes = sign * (hours * 60 + minutes);
	return 0;
}

int clock_parse(const char *text, int64_t *ret_utc_ms)
{
	struct tm tm = {0};
	const char *p = text;
	int millis = 0;
	int offset = 0;

	if (digits(&p, 4, &tm.tm_year) || literal(&p, '-') || digits(&p, 2, &tm.tm_mon) ||
		literal(&p, '-') || digits(&p, 2, &tm.tm_mday))
		return -1;
	if ((*p != 'T' && *p != 't' && *p != ' ') || p++ == NULL)
		return -1;
	if (digits(&p, 2, &tm.tm_hour) || literal(&p, ':') || digits(&p, 2, &tm.tm_min) ||
		literal(&p, ':') || digits(&p, 2, &tm.tm_sec) || parse_fraction(&p, &millis) ||
		parse_offset(&p, &offset) || *p != '\0')
		return -1;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
		tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	struct tm date = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday};
	(void)timegm(&date);
	if (date.tm_mday != tm.tm_mday) /* 31 February and the like were carried over */
		return -1;
	time_t seconds = timegm(&tm); /* carries a leap second over on purpose */
	*ret_utc_ms = (int64_t)seconds * 1000 + millis - (int64_t)offset * 60000;
	return 0;
}

void clock_format_duration(int64_t ms, char text[static CLOCK_TEXT_SIZE])
{
	int64_t s = ms / 1000;

	if (ms < 10000)
		snprintf(text, CLOCK_TEXT_SIZE, "%d.%ds", (int)s, (int)(ms % 1000 / 100));
	else if (s < 60)
		snprintf(text, CLOCK_TEXT_SIZE, "%ds", (int)s);
	else if (s < 3600)
		snprintf(text, CLOCK_TEXT_SIZE, "%dm%02ds", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		snprintf(text, CLOCK_TEXT_SIZE, "%dh%02dm", (int)(s / 3600), (int)(s % 3600 / 60));
	else
		snprintf(text, CLOCK_TEXT_SIZE, "%lldd%dh", (long long)(s / 86400),
			(int)(s % 86400 / 3600));
}
