/* UPSes on USB by what the kernel shows in sysfs: no device is opened, so a running driver is not
 * disturbed. NUT's udev rules are its list of devices: a comment "#  MODEL  - DRIVER" above each
 * `ATTR{idVendor}=="051d", ATTR{idProduct}=="0002"`. Source: facts/nut.md 1.6. */
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/nut_conf.h"
#include "driver/nut_host.h"

#define RULES_MAX ((size_t)1 << 20)
#define CONF_MAX ((size_t)1 << 20)
#define ATTRIBUTE_MAX 4096
#define DEVICES_MAX 1000

/* ---- NUT's list ---- */

/* The four hex digits after `key` in a line; NULL when there are none. */
static const char *hex_after(const char *line, const char *key)
{
	const char *p = strstr(line, key);

	p = p != NULL ? p + strlen(key) : NULL;
	for (size_t i = 0; p != NULL && i < 4; i++)
		if (!isxdigit((unsigned char)p[i]))
			return NULL;
	return p;
}

/* The driver that a comment ends with, NULL when it names none. Owned. */
static char *driver_of(const char *line)
{
	const char *dash = NULL;

	for (const char *p = strstr(line, " - "); p != NULL; p = strstr(p + 1, " - "))
		dash = p + 3;
	size_t n = dash != NULL ? strspn(dash, "abcdefghijklmnopqrstuvwxyz0123456789_-") : 0;
	return n > 0 && dash[n] == '\0' ? mem_strndup(dash, n) : NULL;
}

/* "vendor:product" in small letters. */
static void id_text(const char *vendor, const char *product, char text[static 10])
{
	for (size_t i = 0; i < 4; i++) {
		text[i] = (char)tolower((unsigned char)vendor[i]);
		text[5 + i] = (char)tolower((unsigned char)product[i]);
	}
	text[4] = ':';
	text[9] = '\0';
}

/* {"051d:0002":"usbhid-ups"}; empty when NUT is not installed. Owned. */
static json_t *known_drivers(const char *path)
{
	cleanup(mem_freep) char *text = NULL;
	cleanup(mem_freep) char *driver = NULL;
	json_t *drivers = json_object();

	err_ignore(fs_read(path, RULES_MAX, &text,
		NULL)); /* then only what says so itself is found */
	for (const char *p = text; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, "\n");
		cleanup(mem_freep) char *line = mem_strndup(p, n);
		const char *vendor = hex_after(line, "ATTR{idVendor}==\"");
		const char *product = hex_after(line, "ATTR{idProduct}==\"");
		char id[10];

		if (line[0] == '#') {
			mem_free(driver);
			driver = driver_of(line);
		} else if (vendor != NULL && product != NULL && driver != NULL) {
			id_text(vendor, product, id);
			json_object_set_new(drivers, id, json_string(driver));
		}
		p += n + (p[n] == '\n');
	}
	return drivers;
}

/* ---- sysfs ---- */

/* An attribute of a device without blanks around it; NULL when it has none or says nothing. Owned.
 */
static char *attribute(const char *device, const char *name)
{
	cleanup(mem_freep) char *path = fs_join(device, name);
	cleanup(mem_freep) char *text = NULL;

	err_ignore(fs_read(path, ATTRIBUTE_MAX, &text, NULL)); /* most devices lack some */
	if (text == NULL)
		return NULL;
	char *start = text + strspn(text, " \t\r\n");
	size_t n = strlen(start);
	while (n > 0 && strchr(" \t\r\n", start[n - 1]) != NULL)
		n--;
	return n > 0 ? mem_strndup(start, n) : NULL;
}

/* Calls fn with the path of each entry; stops when it returns true. Returns whether it did. */
static bool any_entry(const char *dir, const char *infix,
	bool (*fn)(const char *path, const char *name, void *user), void *user)
{
	DIR *d = opendir(dir);
	const struct dirent *entry = NULL;
	bool found = false;

	for (size_t n = 0; !found && d != NULL && n < DEVICES_MAX && (entry = readdir(d)) != NULL;
		n++) {
		if (entry->d_name[0] == '.' ||
			(infix != NULL && strstr(entry->d_name, infix) == NULL))
			continue;
		cleanup(mem_freep) char *path = fs_join(dir, entry->d_name);
		found = fn(path, entry->d_name, user);
	}
	if (d != NULL)
		closedir(d);
	return found;
}

/* A HID report descriptor that begins with the usage page "power device" (HID power devices 1.0).
 */
static bool is_power_descriptor(const char *path, const char *name, void *user)
{
	cleanup(mem_freep) char *file = fs_join(path, "report_descriptor");
	cleanup(mem_freep) char *bytes = NULL;
	size_t n = 0;

	(void)name;
	(void)user;
	err_ignore(fs_read(file, (size_t)64 << 10, &bytes, &n)); /* not a HID device */
	return bytes != NULL && n >= 2 && (unsigned char)bytes[0] == 0x05 &&
		(unsigned char)bytes[1] == 0x84;
}

static bool is_power_interface(const char *path, const char *name, void *user)
{
	(void)name;
	return any_entry(path, ":", is_power_descriptor, user);
}

/* ---- ups.conf ---- */

static bool same(const char *wanted, const char *has)
{
	return wanted == NULL || (has != NULL && strcasecmp(wanted, has) == 0);
}

/* Whether a section of ups.conf is for this device: what it demands is met, and it demands the
 * vendor or the serial. */
static bool section_fits(const json_t *rows, const char *section, const json_t *device)
{
	const char *vendor = nut_conf_get(rows, section, "vendorid");
	const char *serial = nut_conf_get(rows, section, "serial");

	return (vendor != NULL || serial != NULL) &&
		same(vendor, json_string_value(json_object_get(device, "vendor_id"))) &&
		same(nut_conf_get(rows, section, "productid"),
			json_string_value(json_object_get(device, "product_id"))) &&
		same(serial, json_string_value(json_object_get(device, "serial")));
}

/* A section that demands nothing is for the first device of its driver. */
static bool section_is_open(const json_t *rows, const char *section, const json_t *device)
{
	const char *driver = nut_conf_get(rows, section, "driver");
	const char *port = nut_conf_get(rows, section, "port");

	return nut_conf_get(rows, section, "vendorid") == NULL &&
		nut_conf_get(rows, section, "serial") == NULL && driver != NULL &&
		same(driver, json_string_value(json_object_get(device, "driver"))) &&
		port != NULL && strcmp(port, "auto") == 0;
}

static const char *find_section(const json_t *rows, const json_t *device,
	bool (*fits)(const json_t *, const char *, const json_t *))
{
	size_t i = 0;
	json_t *row = NULL;

	json_array_foreach(rows, i, row) {
		const char *section = json_string_value(json_array_get(row, 0));
		if (section[0] != '\0' && fits(rows, section, device))
			return section;
	}
	return NULL;
}

static void set_sections(const struct nut_host *host, const json_t *devices)
{
	cleanup(mem_freep) char *path = fs_join(host->conf_dir, "ups.conf");
	cleanup(mem_freep) char *text = NULL;
	size_t i = 0;
	json_t *device = NULL;

	err_ignore(fs_read(path, CONF_MAX, &text,
		NULL)); /* no NUT yet, or a folder only root reads */
	json_t *rows = nut_conf_read(text != NULL ? text : "");
	json_array_foreach(devices, i, device) {
		const char *section = find_section(rows, device, section_fits);
		if (section == NULL)
			section = find_section(rows, device, section_is_open);
		json_object_set_new(device, "section",
			section != NULL ? json_string(section) : json_null());
	}
	json_decref(rows);
}

/* ---- the scan ---- */

struct usb_scan {
	json_t *drivers, *found;
};

static bool take_device(const char *path, const char *name, void *user)
{
	static const char *const texts[] = {"manufacturer", "product", "serial"};
	const struct usb_scan *scan = user;
	cleanup(mem_freep) char *vendor = attribute(path, "idVendor");
	cleanup(mem_freep) char *product = attribute(path, "idProduct");
	char id[10];

	if (vendor == NULL || product == NULL || strlen(vendor) != 4 || strlen(product) != 4)
		return false;
	id_text(vendor, product, id);
	const char *driver = json_string_value(json_object_get(scan->drivers, id));
	if (driver == NULL && !any_entry(path, ":", is_power_interface, NULL))
		return false;
	json_t *device = json_pack("{s:s, s:s, s:s%, s:s, s:s, s:b}", "kind", "usb", "bus", name,
		"vendor_id", id, (size_t)4, "product_id", id + 5, "driver",
		driver != NULL ? driver : "usbhid-ups", "sure", driver != NULL);
	for (size_t i = 0; device != NULL && i < ARRAY_LEN(texts); i++) {
		cleanup(mem_freep) char *text = attribute(path, texts[i]);
		json_t *value = text != NULL ? json_string(text) : NULL; /* NULL: no UTF-8 */
		json_object_set_new(device, texts[i], value != NULL ? value : json_null());
	}
	if (device != NULL)
		json_array_append_new(scan->found, device);
	return false;
}

json_t *nut_host_usb(const struct nut_host *host)
{
	cleanup(mem_freep) char *devices = fs_join(host->sys_dir, "bus/usb/devices");
	struct usb_scan scan = {.drivers = known_drivers(host->udev_rules), .found = json_array()};

	(void)any_entry(devices, NULL, take_device, &scan);
	json_decref(scan.drivers);
	set_sections(host, scan.found);
	return scan.found;
}
