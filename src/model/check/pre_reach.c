/* The node can be reached, and told what it is. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	(void)run;
	if (node->data != NULL && said_value(node, "facts") != NULL)
		return CHECK_PASS;
	if (node->data != NULL && said_truth(node, "reachable") == 1)
		return check_say(found, CHECK_WARN,
			"It answers, but what it is could not be read. %s",
			node->message != NULL ? node->message : "");
	return check_say(found, CHECK_FAIL, "%s",
		node->message != NULL ? node->message : "The node did not answer.");
}

static const struct check_vector vectors[] = {
	{"{\"reachable\":true,\"facts\":{}}", CHECK_PASS, NULL},
	{"{\"reachable\":true}", CHECK_WARN, "could not be read"},
	{"[{\"name\":\"n1\",\"message\":\"No route to host\"}]", CHECK_FAIL, "No route to host"},
	{NULL, CHECK_FAIL, "did not answer"},
};
CHECK(pre_reach, vectors, .code = "MKO-PRE-030", .title = "The node cannot be reached",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 12,
	.blind = true, .expected = "a login by SSH and an answer of every tool that is asked",
	.why = "Everything else is done through SSH.",
	.fix = "Look at power, network, sshd, address, port, user and key: mko node test NODE",
	.test = test);
