/* Not on an SD card, if it can be helped. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *device = said_text(node, "facts.mount.device");

	(void)run;
	if (device == NULL)
		return CHECK_UNKNOWN;
	if (strncmp(device, "/dev/mmcblk", 11) != 0)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "/var/snap lies on %s.", device);
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"mount\":{\"device\":\"/dev/nvme0n1p2\"}}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"mount\":{\"device\":\"/dev/mmcblk0p2\"}}}", CHECK_FAIL, "mmcblk0p2"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_sd_card, vectors, .code = "MKO-PRE-040", .title = "The data lies on an SD card or eMMC",
	.severity = CHECK_INFO, .uses = CHECK_PREREQUISITE,
	.expected = "a disk on USB, SATA or NVMe",
	.why = "The datastore writes all the time: cards are slow at it (leaders are lost) and wear out.",
	.fix = "Move the system to a disk, at least on control planes",
	.link = "https://github.com/canonical/microk8s/issues/3227", .test = test);
