/* A proxy with exceptions for the cluster. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int proxy = said_truth(node, "facts.proxy");

	(void)run;
	if (proxy < 0)
		return CHECK_UNKNOWN;
	if (proxy == 0)
		return CHECK_SKIP;
	if (said_truth(node, "facts.no_proxy") == 1)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "A proxy is set in /etc/environment without NO_PROXY.");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"proxy\":true,\"no_proxy\":true}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"proxy\":false,\"no_proxy\":false}}", CHECK_SKIP, NULL},
	{"{\"facts\":{\"proxy\":true,\"no_proxy\":false}}", CHECK_FAIL, "NO_PROXY"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_proxy, vectors, .code = "MKO-PRE-020", .title = "A proxy is set without exceptions",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE,
	.expected =
		"NO_PROXY with 10.1.0.0/16, 10.152.183.0/24, 127.0.0.1, .svc, .cluster.local and the network of the nodes",
	.why = "Workers would send their requests to the control plane through the proxy, and fail to join.",
	.fix = "Add NO_PROXY to /etc/environment", .test = test);
