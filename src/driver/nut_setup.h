/* Makes NUT of this machine drive and serve a UPS: ups.conf, upsd.conf, upsd.users, upsmon.conf,
 * nut.conf. Each is changed as a text: what people wrote there stays. Source: facts/nut.md 1.8.
 * Blocks: pool threads only. */
#pragma once

#include <jansson.h>

#include "base/fs.h"
#include "driver/nut_host.h"

#define NUT_SETUP_FILES 5

/** What is to be driven. Texts are borrowed. */
struct nut_setup {
	const char *name;   /**< section of ups.conf, checked */
	const char *driver; /**< "usbhid-ups" */
	const char *port;   /**< "auto" for USB */
	const char
		*vendor_id; /**< of USB; with the next two tells devices apart; each may be NULL */
	const char *product_id;
	const char *serial;
	const char *listen; /**< a further address for upsd, NULL = none but loopback's */
};

/** One file that changes. */
struct nut_change {
	const char *file; /**< "ups.conf" */
	char *path;
	char *old; /**< NULL: there is none yet */
	char *wanted;
	char *backup; /**< name of the copy that was made, NULL = none yet */
	struct fs_owner owner;
};
/** What would be written. nut_plan_done() wipes and frees. */
struct nut_plan {
	struct nut_change changes[NUT_SETUP_FILES];
	size_t n;   /**< files that differ */
	char *host; /**< where upsd will answer */
	int64_t port;
	char *user;     /**< of upsd, for mko and upsmon */
	char *password; /**< of that user: found in upsd.users, or new */
};

/** Read the files and work out what must change; nothing is written. A plan for what is there
 * already is empty. @ret zeroed memory   Errors: ERR_FORBIDDEN (the files are root's),
 * ERR_TOO_LARGE, ERR_IO. */
struct err *nut_setup_plan(const struct nut_host *host, const struct nut_setup *setup,
	struct nut_plan *ret) ERR_RESULT;
/** The change as people read it: array of {"file","diff","backup"}; passwords are masked. Owned. */
json_t *nut_setup_diff(const struct nut_plan *plan);
/** Keep a copy of each file and write all, each at once (an end in the middle leaves every file
 * either old or new). When one fails those before it are put back. Errors: ERR_FORBIDDEN, ERR_IO.
 */
struct err *nut_setup_write(struct nut_plan *plan) ERR_RESULT;
/** Put back what was there before nut_setup_write(). Errors: ERR_IO with the first that failed. */
struct err *nut_setup_undo(const struct nut_plan *plan) ERR_RESULT;
/** Wipe and free what the plan holds. */
void nut_plan_done(struct nut_plan *plan);

/** Whether the driver of a UPS gives data by now (status known, not WAIT). Errors: ERR_UNREACHABLE
 * with what is wrong. At most 5 s. */
struct err *nut_setup_answers(const char *name, const char *host, int64_t port) ERR_RESULT;
