/* Names of the world outside. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int resolves = said_truth(node, "facts.dns");

	(void)run;
	if (said_truth(node, "facts.proxy") == 1)
		return CHECK_SKIP; /* the proxy asks */
	if (resolves < 0)
		return CHECK_UNKNOWN;
	if (resolves == 1)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The name api.snapcraft.io does not resolve.");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"dns\":true}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"dns\":false}}", CHECK_FAIL, "api.snapcraft.io"},
	{"{\"facts\":{\"dns\":false,\"proxy\":true}}", CHECK_SKIP, NULL},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_dns, vectors, .code = "MKO-PRE-042", .title = "The node cannot resolve names",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE,
	.expected = "an address for api.snapcraft.io",
	.why = "The snap and container images come from the network, unless a proxy or a mirror is used.",
	.fix = "Look at /etc/resolv.conf and the network; resolvectl status", .test = test);
