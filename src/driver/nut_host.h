/* What this machine knows of UPSes: NUT's services and files, devices on USB, what a upsd serves.
 * Reads only, but for nut_host_restart(). Source: facts/nut.md 1.4, 1.6 and 1.8. All functions
 * block for seconds: pool threads only. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/** Where things lie; tests give folders of their own. */
struct nut_host {
	const char *sys_dir;    /**< "/sys" */
	const char *conf_dir;   /**< "/etc/nut" */
	const char *udev_rules; /**< NUT's list of devices: vendor, product, driver */
};
/** This machine. */
extern const struct nut_host nut_host_here;

/** A unit of systemd that is started anew, and what for: all that mko ever needs root for. */
struct nut_restart {
	const char *unit;
	const char *when; /**< when a unit with this prefix is installed */
	const char *what;
};
/** In the order of a restart; ends with {NULL}. */
extern const struct nut_restart nut_host_restarts[];

/** NUT's services: {"installed","mode","manager","upsd":{"host","port","answers"},
 * "items":[{"name","description","state","sub","enabled"}],"problems":[text]}. manager is NULL
 * where no systemd runs; then items is empty. Owned. At most 8 s. */
json_t *nut_host_services(const struct nut_host *host);
/** Start NUT's services anew: upsd before its drivers, because a driver that outlives its upsd dies
 * of the first command (facts/nut.md 1.4), then upsmon. Errors: ERR_UNAVAILABLE (no systemd, or
 * what systemctl says), ERR_NOT_FOUND (no NUT), ERR_FORBIDDEN (no right to). At most 30 s for
 * each. */
struct err *nut_host_restart(void) ERR_RESULT;
/** nut_host_restart() after ups.conf has changed: NUT first makes services for the drivers that it
 * names. Errors as above. */
struct err *nut_host_reload(void) ERR_RESULT;
/** True when a systemd runs here, so that NUT's services can be started anew. */
bool nut_host_has_systemd(void);

/** UPSes on USB: array of {"kind":"usb","bus","vendor_id","product_id","manufacturer","product",
 * "serial","driver","sure","section"}. No device is opened. sure: NUT's own list has the device;
 * else it says that it is a power device. section: of ups.conf, NULL = in none. Owned. */
json_t *nut_host_usb(const struct nut_host *host);
/** UPSes that a upsd serves: appended to @list as {"kind":"upsd","nut_host","nut_port","nut_name",
 * "description"}. @host name or address   @port 1 to 65535. Errors: ERR_UNREACHABLE,
 * ERR_NOT_FOUND (no upsc here). At most 5 s. */
struct err *nut_host_served(const char *host, int64_t port, json_t *list) ERR_RESULT;
/** Ask every address of a network for a upsd; what is found is appended to @list as above. @cidr
 * checked   Errors: ERR_NOT_FOUND (no nut-scanner here), ERR_TIMEOUT. At most 60 s. */
struct err *nut_host_network(const char *cidr, json_t *list) ERR_RESULT;
/** Where the upsd of this machine listens, by upsd.conf. @ret_host owned */
void nut_host_listen(const struct nut_host *host, char **ret_host, int64_t *ret_port);

/** The units in what `systemctl show` prints, as items of nut_host_services(); those that are not
 * installed are left out. Owned. Pure. */
json_t *nut_host_units(const char *text);
/** The UPSes in what `nut-scanner -O -P` prints, appended to @list. Pure. */
void nut_host_scanned(const char *text, json_t *list);
