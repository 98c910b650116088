/* Root rights on the node. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *problem = said_text(node, "access.problem");

	(void)run;
	if (said_truth(node, "sudo") == 1)
		return CHECK_PASS;
	if (said_truth(node, "sudo") < 0)
		return CHECK_UNKNOWN;
	return check_say(found, CHECK_FAIL, "%s",
		problem != NULL ? problem : "sudo does not work.");
}

static const struct check_vector vectors[] = {
	{"{\"sudo\":true}", CHECK_PASS, NULL},
	{"{\"sudo\":false,\"access\":{\"code\":\"sudo_missing\",\"problem\":\"sudo is not installed\"}}",
		CHECK_FAIL, "not installed"},
	{"{}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_sudo, vectors, .code = "MKO-PRE-031", .title = "sudo does not work",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 13,
	.expected =
		"the login user may become root by sudo, without a password or with the one that is stored",
	.why = "MicroK8s itself and every playbook need root; without it many checks cannot be made.",
	.fix = "As root: apt-get install -y sudo; usermod -aG sudo USER. A password goes in by: mko node edit NODE",
	.test = test);
