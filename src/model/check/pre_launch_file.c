/* Our launch configuration is the one that counts. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int there = said_truth(node, "facts.launch_file");

	(void)run;
	if (there < 0)
		return CHECK_UNKNOWN;
	if (there == 0)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "/etc/microk8s.yaml exists.");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"launch_file\":false}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"launch_file\":true}}", CHECK_FAIL, "/etc/microk8s.yaml"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_launch_file, vectors, .code = "MKO-PRE-022",
	.title = "A launch configuration lies in /etc", .severity = CHECK_WARNING,
	.uses = CHECK_PREREQUISITE, .expected = "no /etc/microk8s.yaml",
	.why = "MicroK8s uses it instead of the one that mko writes: networks and addons come out otherwise.",
	.fix = "Remove it", .test = test);
