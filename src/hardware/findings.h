/* What in a hardware report somebody should know of: failing disks, degraded RAIDs, full file
 * systems, too little voltage. Pure; any thread. */
#pragma once

#include <jansson.h>

/** What a report says of one question. */
enum hardware_verdict {
	HARDWARE_UNTOLD, /**< nothing: a tool was missing, or the machine has no such thing */
	HARDWARE_FINE,
	HARDWARE_WRONG
};
/** The answer to one question. Zero-initialise; hardware_finding_done() frees. */
struct hardware_finding {
	const char *name; /**< "disk_failing" */
	enum hardware_verdict verdict;
	json_t *what; /**< of HARDWARE_WRONG: which parts, array of texts ("sda", "/var") */
	char *reason; /**< of HARDWARE_WRONG: how it shows itself, for people */
};

/** How many questions there are. */
extern const size_t hardware_findings_n;
/** Answer question number i. @report of hardware_report(), borrowed   @ret_finding owned texts. */
void hardware_find(const json_t *report, size_t i, struct hardware_finding *ret_finding);
/** Free what a finding owns. */
void hardware_finding_done(struct hardware_finding *finding);
