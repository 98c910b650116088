/* The kernel hands packets on. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *rules = said_text(node, "facts.forward");

	(void)run;
	if (rules == NULL || strstr(rules, "-P FORWARD") == NULL)
		return CHECK_UNKNOWN;
	if (strstr(rules, "-P FORWARD DROP") == NULL || strstr(rules, "10.1.0.0/16") != NULL ||
		strstr(rules, "generated for MicroK8s pods") != NULL)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The policy of the chain FORWARD is DROP.");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"forward\":\"-P FORWARD ACCEPT\\n\"}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"forward\":\"-P FORWARD DROP\\n\"}}", CHECK_FAIL, "DROP"},
	{"{\"facts\":{\"forward\":\"-P FORWARD DROP\\n-A FORWARD -s 10.1.0.0/16 -j ACCEPT\\n\"}}",
		CHECK_PASS, NULL},
	{"{\"facts\":{\"forward\":\"Permission denied\"}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_forward, vectors, .code = "MKO-PRE-017", .title = "Forwarded packets are dropped",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 41,
	.expected = "the policy ACCEPT in the chain FORWARD, or rules for the pod network",
	.why = "Docker sets this policy; pods then reach nothing outside their node.",
	.fix = "sudo iptables -P FORWARD ACCEPT, and make it last (iptables-persistent)",
	.link = "https://github.com/canonical/microk8s/issues/2418", .test = test);
