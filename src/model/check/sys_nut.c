/* NUT on this machine answers, where it is needed. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int answers = said_truth(node, "nut.upsd.answers");
	const json_t *problem = json_array_get(said_value(node, "nut.problems"), 0);

	(void)run;
	if (!json_is_object(said_value(node, "nut")))
		return CHECK_SKIP;
	if (answers < 0)
		return CHECK_UNKNOWN;
	if (answers == 1)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "%s",
		json_is_string(problem) ? json_string_value(problem) : "upsd does not answer.");
}

static const struct check_vector vectors[] = {
	{"{\"nut\":null}", CHECK_SKIP, NULL},
	{"{\"nut\":{\"upsd\":{\"answers\":true},\"problems\":[]}}", CHECK_PASS, NULL},
	{"{\"nut\":{\"upsd\":{\"answers\":false},\"problems\":[\"MODE=none in nut.conf\"]}}",
		CHECK_FAIL, "MODE=none"},
	{"{\"nut\":{\"upsd\":7}}", CHECK_UNKNOWN, NULL},
};
CHECK(sys_nut, vectors, .code = "MKO-SYS-010", .title = "NUT of this machine does not answer",
	.severity = CHECK_BLOCKING, .uses = CHECK_SERVER, .rank = 17,
	.expected = "a upsd that answers, when a UPS of this machine is watched",
	.why = "Without it nobody hears of an outage.",
	.fix = "mko ups services, then mko ups restart", .test = test);
