/* A machine ID. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	(void)run;
	if (said_text(node, "machine_id") != NULL)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "/etc/machine-id is empty.");
}

static const struct check_vector vectors[] = {
	{"{\"machine_id\":\"0123456789abcdef0123456789abcdef\"}", CHECK_PASS, NULL},
	{"{\"machine_id\":null}", CHECK_FAIL, "machine-id"},
};
CHECK(pre_machine_id, vectors, .code = "MKO-PRE-004", .title = "The node has no machine ID",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE,
	.expected = "an ID in /etc/machine-id",
	.why = "Network addresses, logs and Kubernetes tell machines apart by it.",
	.fix = "sudo systemd-machine-id-setup", .test = test);
