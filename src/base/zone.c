/* Owns the way to the zone database: GLib's GTimeZone, used for nothing else. glibc offers only one
 * zone for the whole process (TZ and tzset()), which a program with several threads cannot switch.
 */
#include "base/zone.h"

#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define NAME_MAX_BYTES 64

struct zone {
	GTimeZone *tz;
};

/* GLib takes file names and POSIX rules too; we take names of the database only. */
static bool good_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_BYTES || name[0] == '/' || name[len - 1] == '/' ||
		strstr(name, "..") != NULL || strstr(name, "//") != NULL)
		return false;
	if (!g_ascii_isalpha(name[0]))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/") ==
		len;
}

/* Without the database "UTC" still is a zone. */
static GTimeZone *open_name(const char *name)
{
	if (strcmp(name, "UTC") == 0)
		return g_time_zone_new_utc();
	return g_time_zone_new_identifier(name);
}

struct err *zone_open(const char *name, struct zone **ret_zone)
{
	if (name != NULL && !good_name(name))
		return err_new(ERR_INVALID,
			"must be the name of a time zone, for example Europe/Berlin");
	GTimeZone *tz = name != NULL ? open_name(name) : g_time_zone_new_local();
	if (tz == NULL)
		return err_hint(err_new(ERR_INVALID, "this machine knows no time zone \"%s\"",
					name),
			"ls /usr/share/zoneinfo (package tzdata)");
	*ret_zone = mem_zalloc(sizeof(**ret_zone));
	(*ret_zone)->tz = tz;
	return NULL;
}

void zone_free(struct zone *zone)
{
	if (zone == NULL)
		return;
	g_time_zone_unref(zone->tz);
	mem_free(zone);
}

void zone_freep(struct zone **zone)
{
	zone_free(*zone);
	*zone = NULL;
}

static int64_t offset_s(const void *arg, int64_t utc_s)
{
	const struct zone *zone = arg;
	int interval = g_time_zone_find_interval(zone->tz, G_TIME_TYPE_UNIVERSAL, utc_s);

	return interval >= 0 ? g_time_zone_get_offset(zone->tz, interval) : 0;
}

struct cron_zone zone_cron(const struct zone *zone)
{
	return (struct cron_zone){offset_s, zone};
}

struct err *zone_check(const char *text)
{
	struct zone *zone = NULL;

	TRY(zone_open(text, &zone));
	zone_free(zone);
	return NULL;
}

char *zone_format(const struct zone *zone, int64_t utc_ms)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t off = offset_s(zone, utc_ms / 1000);
	int64_t minutes = (off < 0 ? -off : off) / 60;

	clock_format(utc_ms + off * 1000, text);
	return mem_printf("%.19s%c%02d:%02d", text, off < 0 ? '-' : '+', (int)(minutes / 60),
		(int)(minutes % 60));
}
