/* Clocks of nodes agree with ours. */
#include "model/check/check.h"

#include <stdlib.h>

#define SKEW_MAX_MS 2000

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int64_t skew = 0;

	(void)run;
	if (!said_number(node, "clock_skew_ms", &skew))
		return CHECK_UNKNOWN;
	if (skew >= -SKEW_MAX_MS && skew <= SKEW_MAX_MS)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The clock is %.1f s %s.",
		(skew < 0 ? -(double)skew : (double)skew) / 1000.0, skew < 0 ? "behind" : "ahead");
}

static const struct check_vector vectors[] = {
	{"{\"clock_skew_ms\":-300}", CHECK_PASS, NULL},
	{"{\"clock_skew_ms\":-90000}", CHECK_FAIL, "90.0 s behind"},
	{"{\"clock_skew_ms\":2500}", CHECK_FAIL, "2.5 s ahead"},
	{"{\"clock_skew_ms\":null}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_skew, vectors, .code = "MKO-PRE-036", .title = "The clock is wrong",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 22,
	.expected = "less than 2 s of difference to the clock of mko's machine",
	.why = "Certificates are refused as not valid yet or expired, join tokens end at once, heartbeats look old.",
	.fix = "sudo timedatectl set-ntp true; if all nodes differ by the same, the clock of mko's machine is wrong",
	.link = "https://github.com/canonical/microk8s/issues/1150", .test = test);
