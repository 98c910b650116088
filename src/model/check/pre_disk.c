/* Disk space to install at all. */
#include "model/check/check.h"

#define GIB ((int64_t)1 << 30)

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int64_t bytes = 0;

	(void)run;
	if (!said_number(node, "facts.disk.free", &bytes) || bytes < 0)
		return CHECK_UNKNOWN;
	if (bytes >= (said_installed(node) ? GIB : 5 * GIB))
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "%.1f GiB are free where /var/snap lies.",
		(double)bytes / (double)GIB);
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"disk\":{\"free\":21474836480}}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"disk\":{\"free\":2147483648}}}", CHECK_FAIL, "2.0 GiB"},
	{"{\"facts\":{\"installed\":true,\"disk\":{\"free\":2147483648}}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"disk\":\"full\"}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_disk, vectors, .code = "MKO-PRE-009", .title = "There is too little free disk",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 15,
	.expected = "5 GiB free for an installation, 1 GiB for one that runs",
	.why = "Below 1 GiB the kubelet evicts pods, and a full disk damages the datastore.",
	.fix = "Free space: journalctl --vacuum-size=200M, old snap revisions, unused images (microk8s ctr image rm)",
	.link = "https://github.com/canonical/microk8s/issues/3143", .test = test);
