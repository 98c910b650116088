/* snapd answers and is done with its first start. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *problem = said_text(node, "facts.snapd_problem");

	(void)run;
	if (said_truth(node, "facts.tools.snap") == 0)
		return CHECK_SKIP;
	if (problem == NULL)
		return CHECK_UNKNOWN;
	if (problem[0] == '\0')
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "%s", problem);
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"snapd_problem\":\"\"}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"snapd_problem\":\"snapd does not run\"}}", CHECK_FAIL, "does not run"},
	{"{\"facts\":{\"tools\":{\"snap\":false}}}", CHECK_SKIP, NULL},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_snapd, vectors, .code = "MKO-PRE-026", .title = "snapd does not become ready",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 18,
	.expected = "a snapd that answers",
	.why = "MicroK8s is installed, started and updated by it.",
	.fix = "sudo systemctl start snapd.socket snapd.service; then look at: snap changes",
	.test = test);
