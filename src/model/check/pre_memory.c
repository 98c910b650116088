/* Enough memory to run at all. Firmware keeps some of what is sold, so 15 percent less will do. */
#include "model/check/check.h"

#include <string.h>

#define GIB ((int64_t)1 << 30)

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int64_t bytes = 0;
	int64_t least = (strcmp(node->role, "worker") == 0 ? 1 : 2) * GIB * 85 / 100;

	(void)run;
	if (!said_number(node, "memory_bytes", &bytes) || bytes <= 0)
		return CHECK_UNKNOWN;
	if (bytes >= least)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The node has %.1f GiB of memory.",
		(double)bytes / (double)GIB);
}

static const struct check_vector vectors[] = {
	{"{\"memory_bytes\":1900000000}", CHECK_PASS, NULL},
	{"{\"memory_bytes\":536870912}", CHECK_FAIL, "0.5 GiB"},
	{"[{\"role\":\"worker\",\"data\":{\"memory_bytes\":1000000000}}]", CHECK_PASS, NULL},
	{"{\"memory_bytes\":-1}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_memory, vectors, .code = "MKO-PRE-007", .title = "There is too little memory",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 35,
	.expected = "2 GiB for a control plane, 1 GiB for a worker",
	.why = "MicroK8s refuses to start on small machines, and the kernel kills it for lack of memory.",
	.fix = "Use a bigger machine, or make it a worker", .test = test);
