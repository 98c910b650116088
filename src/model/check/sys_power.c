/* Rules of power have somebody who watches. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int64_t rules = 0;
	int watched = said_truth(node, "power.watched");

	(void)run;
	if (!said_number(node, "power.rules", &rules) || watched < 0)
		return CHECK_UNKNOWN;
	if (rules == 0)
		return CHECK_SKIP;
	if (watched == 1)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "%lld rules are enabled, and nobody watches power.",
		(long long)rules);
}

static const struct check_vector vectors[] = {
	{"{\"power\":{\"rules\":2,\"watched\":true}}", CHECK_PASS, NULL},
	{"{\"power\":{\"rules\":2,\"watched\":false}}", CHECK_FAIL, "2 rules"},
	{"{\"power\":{\"rules\":0,\"watched\":false}}", CHECK_SKIP, NULL},
	{"{\"power\":null}", CHECK_UNKNOWN, NULL},
};
CHECK(sys_power, vectors, .code = "MKO-SYS-009", .title = "Nobody watches power",
	.severity = CHECK_BLOCKING, .uses = CHECK_SERVER, .rank = 16,
	.expected = "a server that runs, with its monitor on, where there are rules of power",
	.why = "In an outage nothing would be shut down.",
	.fix = "Start the server (mko web, or its service), and mko ups monitor start",
	.test = test);
