/* Memory enough for a control plane with some work on it. */
#include "model/check/check.h"

#include <string.h>

#define GIB ((int64_t)1 << 30)

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int64_t bytes = 0;

	(void)run;
	if (strcmp(node->role, "worker") == 0)
		return CHECK_SKIP;
	if (!said_number(node, "memory_bytes", &bytes) || bytes <= 0)
		return CHECK_UNKNOWN;
	if (bytes >= 4 * GIB * 85 / 100)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The node has %.1f GiB of memory.",
		(double)bytes / (double)GIB);
}

static const struct check_vector vectors[] = {
	{"{\"memory_bytes\":4000000000}", CHECK_PASS, NULL},
	{"{\"memory_bytes\":2000000000}", CHECK_FAIL, "1.9 GiB"},
	{"[{\"role\":\"worker\",\"data\":{}}]", CHECK_SKIP, NULL},
	{"{\"memory_bytes\":\"4\"}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_memory_low, vectors, .code = "MKO-PRE-008",
	.title = "There is less memory than recommended", .severity = CHECK_WARNING,
	.uses = CHECK_PREREQUISITE, .expected = "4 GiB for a control plane",
	.why = "A control plane alone takes about 1 GiB; the rest is for pods.",
	.fix = "Use a bigger machine for control planes", .test = test);
