/* Disk space for images and logs. */
#include "model/check/check.h"

#define GIB ((int64_t)1 << 30)

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int64_t bytes = 0;

	(void)run;
	if (!said_number(node, "facts.disk.free", &bytes) || bytes < 0)
		return CHECK_UNKNOWN;
	if (bytes >= (said_installed(node) ? 2 : 20) * GIB)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "%.1f GiB are free where /var/snap lies.",
		(double)bytes / (double)GIB);
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"disk\":{\"free\":21474836480}}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"disk\":{\"free\":9147483648}}}", CHECK_FAIL, "8.5 GiB"},
	{"{\"facts\":{\"disk\":{\"free\":-5}}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_disk_low, vectors, .code = "MKO-PRE-024",
	.title = "There is less free disk than recommended", .severity = CHECK_WARNING,
	.uses = CHECK_PREREQUISITE,
	.expected = "20 GiB free before MicroK8s is installed, 2 GiB afterwards",
	.why = "Images, containers and logs need about 20 GiB.",
	.fix = "Use a bigger disk, or free space", .test = test);
