/* Owns cron expressions: what they mean, and when they come next. Knows no clock and no database of
 * zones. Days are looked at one by one; only on days where the offset changes is each minute looked
 * at. */
#include "base/cron.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/mem.h"
#include "base/parse.h"

#define DAY_S ((int64_t)86400)
#define DAY_MIN 1440
/* A date on a weekday ("29 2 *" with "*" and a step as weekday): at most 14,609 days lie between.
 */
#define DAYS_MAX (40 * 366)
#define TEXT_MAX 256

/* ---- parsing ---- */

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
	"sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/* One field: its range and the names that stand for numbers. */
struct range {
	const char *name;
	int64_t min, max;
	const char *const *names; /* the first one means min */
	size_t n_names;
};
static const struct range ranges[] = {
	{"minute", 0, 59, NULL, 0},
	{"hour", 0, 23, NULL, 0},
	{"day", 1, 31, NULL, 0},
	{"month", 1, 12, month_names, ARRAY_LEN(month_names)},
	{"weekday", 0, 7, day_names, ARRAY_LEN(day_names)},
};
enum { R_MINUTE, R_HOUR, R_DAY, R_MONTH, R_WEEKDAY, R_N };

static struct err *parse_value(const struct range *r, const char *text, int64_t *ret)
{
	for (size_t i = 0; i < r->n_names; i++)
		if (strcasecmp(text, r->names[i]) == 0) {
			*ret = r->min + (int64_t)i;
			return NULL;
		}
	return err_wrap(parse_i64(text, r->min, r->max, ret), "%s \"%s\"", r->name, text);
}

/* A part of a list: "*", "5", "1-5", each with "/STEP"; changes the text. */
static struct err *parse_part(const struct range *r, char *text, uint64_t *bits)
{
	char *slash = strchr(text, '/');
	char *dash = NULL;
	int64_t step = 1;
	int64_t from = r->min;
	int64_t to = r == &ranges[R_WEEKDAY] ? 6 : r->max;

	if (slash != NULL) {
		*slash = '\0';
		TRY_WRAP(parse_i64(slash + 1, 1, r->max, &step), "step of the %s", r->name);
	}
	if (strcmp(text, "*") != 0) {
		dash = strchr(text, '-');
		if (dash != NULL)
			*dash = '\0';
		TRY(parse_value(r, text, &from));
		if (dash != NULL)
			TRY(parse_value(r, dash + 1, &to));
		else if (slash == NULL)
			to = from;
		if (to < from && r == &ranges[R_WEEKDAY] && to == 0)
			to = 7; /* fri-sun */
		if (to < from)
			return err_new(ERR_INVALID, "%s: the range %s-%s goes backwards", r->name,
				text, dash != NULL ? dash + 1 : "");
	}
	for (int64_t v = from; v <= to; v += step)
		*bits |= UINT64_C(1) << v;
	return NULL;
}

static struct err *parse_field(const struct range *r, char *text, uint64_t *ret_bits)
{
	uint64_t bits = 0;
	char *rest = text;

	while (rest != NULL) {
		char *part = rest;
		rest = strchr(part, ',');
		if (rest != NULL)
			*rest++ = '\0';
		TRY(parse_part(r, part, &bits));
	}
	*ret_bits = bits;
	return NULL;
}

static size_t split_words(char *text, char **words, size_t max)
{
	size_t n = 0;

	for (;;) {
		while (*text == ' ' || *text == '\t')
			*text++ = '\0';
		if (*text == '\0')
			return n;
		if (n < max)
			words[n] = text;
		n++;
		while (*text != '\0' && *text != ' ' && *text != '\t')
			text++;
	}
}

static const char *const macros[][2] = {
	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
};

/* With both day fields restricted one of them is enough, and each weekday comes. */
static struct err *check_comes(const struct cron *c)
{
	static const int longest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (!c->any_weekday)
		return NULL;
	for (int month = 0; month < 12; month++)
		for (int day = 1; day <= longest[month]; day++)
			if ((c->months >> (month + 1) & 1) != 0 && (c->days >> day & 1) != 0)
				return NULL;
	return err_new(ERR_INVALID, "that date never comes");
}

static struct err *parse_words(char **words, struct cron *ret)
{
	struct cron c = {.any_day = words[R_DAY][0] == '*',
		.any_weekday = words[R_WEEKDAY][0] == '*',
		.any_hour = words[R_HOUR][0] == '*'};
	uint64_t bits[R_N];

	for (size_t i = 0; i < R_N; i++)
		TRY(parse_field(&ranges[i], words[i], &bits[i]));
	c.minutes = bits[R_MINUTE];
	c.hours = (uint32_t)bits[R_HOUR];
	c.days = (uint32_t)bits[R_DAY];
	c.months = (uint32_t)bits[R_MONTH];
	c.weekdays = (uint32_t)(bits[R_WEEKDAY] | bits[R_WEEKDAY] >> 7) & 0x7f;
	TRY(check_comes(&c));
	*ret = c;
	return NULL;
}

struct err *cron_parse(const char *text, struct cron *ret)
{
	char copy[TEXT_MAX];
	char *words[R_N];

	for (size_t i = 0; i < ARRAY_LEN(macros); i++)
		if (strcasecmp(text, macros[i][0]) == 0)
			text = macros[i][1];
	if (text[0] == '@')
		return err_new(ERR_INVALID,
			"no such word; there are @hourly, @daily, @weekly, @monthly, @yearly");
	if (strlen(text) >= sizeof(copy))
		return err_new(ERR_INVALID, "is too long for a cron expression");
	memcpy(copy, text, strlen(text) + 1);
	size_t n = split_words(copy, words, R_N);
	if (n != R_N)
		return err_new(ERR_INVALID,
			"must have five fields, MINUTE HOUR DAY MONTH WEEKDAY, for example \"0 3 * * *\"; it has %zu",
			n);
	return parse_words(words, ret);
}

struct err *cron_check(const char *text)
{
	struct cron c;

	return cron_parse(text, &c);
}

/* ---- the calendar ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool day_matches(const struct cron *c, int64_t days)
{
	struct tm date;
	time_t start = (time_t)(days * DAY_S);

	must(gmtime_r(&start, &date) != NULL);
	bool day = (c->days >> date.tm_mday & 1) != 0;
	bool week = (c->weekdays >> date.tm_wday & 1) != 0;
	if ((c->months >> (date.tm_mon + 1) & 1) == 0)
		return false;
	return c->any_day || c->any_weekday ? day && week : day || week;
}

/* ---- zones ---- */

static int64_t offset_at(const struct cron_zone *zone, int64_t utc_s)
{
	return zone != NULL && zone->offset_s != NULL ? zone->offset_s(zone->zone, utc_s) : 0;
}

/* The first moment at which a zone has the offset it has at `to`. @from a moment with another
 * offset */
static int64_t change_between(const struct cron_zone *zone, int64_t from, int64_t to)
{
	int64_t after = offset_at(zone, to);

	while (to - from > 1) {
		int64_t middle = from + (to - from) / 2;
		if (offset_at(zone, middle) == after)
			to = middle;
		else
			from = middle;
	}
	return to;
}

/* The moments of a local time: one, two (it comes twice, earlier first), or the moment of the
 * change when it does not exist.
 * @before, @after offsets of the zone a day before and after, @change the moment between */
struct shift {
	int64_t before, after, change;
};
static size_t moments(const struct shift *s, int64_t local_s, int64_t ret[static 2])
{
	int64_t early = local_s - s->before;
	int64_t late = local_s - s->after;
	size_t n = 0;

	if (early < s->change)
		ret[n++] = early;
	if (late >= s->change)
		ret[n++] = late;
	if (n == 0)
		ret[n++] = s->change;
	return n;
}

/* The first time after a moment on a local day, INT64_MAX when there is none. */
static int64_t next_on_day(const struct cron *c, const struct cron_zone *zone, int64_t day,
	int64_t after_s)
{
	int64_t start = day * DAY_S;
	int64_t from = start - DAY_S;
	int64_t to = start + 2 * DAY_S;
	struct shift s = {offset_at(zone, from), offset_at(zone, to), from};
	int64_t best = INT64_MAX;

	if (s.before != s.after)
		s.change = change_between(zone, from, to);
	for (int64_t minute = 0; minute < DAY_MIN; minute++) {
		int64_t at[2];
		if ((c->hours >> (minute / 60) & 1) == 0 || (c->minutes >> (minute % 60) & 1) == 0)
			continue;
		size_t n = moments(&s, start + minute * 60, at);
		for (size_t i = 0; i < (c->any_hour ? n : 1); i++)
			if (at[i] > after_s && at[i] < best)
				best = at[i];
		if (best != INT64_MAX && s.before == s.after)
			return best;
	}
	return best;
}

int64_t cron_next(const struct cron *c, const struct cron_zone *zone, int64_t after_s)
{
	int64_t today = floor_div(after_s + offset_at(zone, after_s), DAY_S);

	for (int64_t day = today - 1; day < today + DAYS_MAX; day++) {
		int64_t at = day_matches(c, day) ? next_on_day(c, zone, day, after_s) : INT64_MAX;
		if (at == INT64_MAX)
			continue;
		/* clocks that go back over midnight can put the next day before the rest of this
		 * one */
		int64_t other = day_matches(c, day + 1) ? next_on_day(c, zone, day + 1, after_s)
							: INT64_MAX;
		return at < other ? at : other;
	}
	must_fail("a date that never comes was parsed", __FILE__, __LINE__);
	return INT64_MAX;
}

/* ---- windows ---- */

static struct err *parse_clock(const char *text, size_t len, int64_t *ret_minute)
{
	int64_t hour = 0;
	int64_t minute = 0;
	cleanup(mem_freep) char *copy = mem_strndup(text, len);
	char *colon = strchr(copy, ':');

	if (colon == NULL || strlen(colon) != 3)
		return err_new(ERR_INVALID, "\"%s\" must be HH:MM", copy);
	*colon = '\0';
	TRY_WRAP(parse_i64(copy, 0, 24, &hour), "hour");
	TRY_WRAP(parse_i64(colon + 1, 0, hour == 24 ? 0 : 59, &minute), "minute");
	*ret_minute = hour * 60 + minute;
	return NULL;
}

static struct err *parse_hours(const char *text, struct cron_window *w)
{
	const char *dash = strchr(text, '-');
	int64_t from = 0;
	int64_t to = 0;

	if (dash == NULL)
		return err_new(ERR_INVALID, "\"%s\" must be HH:MM-HH:MM", text);
	TRY(parse_clock(text, (size_t)(dash - text), &from));
	TRY(parse_clock(dash + 1, strlen(dash + 1), &to));
	if (from == DAY_MIN)
		from = 0;
	int64_t length = to > from ? to - from : to + DAY_MIN - from;
	w->length_s = length * 60;
	w->opens.minutes = UINT64_C(1) << (from % 60);
	w->opens.hours = UINT32_C(1) << (from / 60);
	return NULL;
}

struct err *cron_window_parse(const char *text, struct cron_window *ret)
{
	struct cron_window w = {.opens = {.days = 0xfffffffe,
					.months = 0x1ffe,
					.weekdays = 0x7f,
					.any_day = true,
					.any_weekday = true}};
	char copy[TEXT_MAX];
	char *words[2];

	if (strlen(text) >= sizeof(copy))
		return err_new(ERR_INVALID, "is too long for a window");
	memcpy(copy, text, strlen(text) + 1);
	size_t n = split_words(copy, words, ARRAY_LEN(words));
	if (n < 1 || n > 2)
		return err_new(ERR_INVALID,
			"must be [DAYS] HH:MM-HH:MM, for example \"sat,sun 01:00-05:00\"");
	if (n == 2) {
		uint64_t bits = 0;
		TRY(parse_field(&ranges[R_WEEKDAY], words[0], &bits));
		w.opens.weekdays = (uint32_t)(bits | bits >> 7) & 0x7f;
	}
	TRY(parse_hours(words[n - 1], &w));
	*ret = w;
	return NULL;
}

struct err *cron_window_check(const char *text)
{
	struct cron_window w;

	return cron_window_parse(text, &w);
}

int64_t cron_window_next(const struct cron_window *w, const struct cron_zone *zone, int64_t utc_s)
{
	int64_t opening = cron_next(&w->opens, zone, utc_s - w->length_s);

	return opening <= utc_s ? utc_s : opening;
}

int64_t cron_window_end(const struct cron_window *w, const struct cron_zone *zone, int64_t utc_s)
{
	int64_t opening = cron_next(&w->opens, zone, utc_s - w->length_s);

	return opening <= utc_s ? opening + w->length_s : utc_s;
}
