/* The SSH client is there. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	(void)run;
	if (said_text(node, "programs.ssh") == NULL)
		return check_say(found, CHECK_FAIL, "ssh is not there or does not run.");
	if (said_text(node, "programs.ssh-keyscan") == NULL)
		return check_say(found, CHECK_FAIL, "ssh-keyscan is not there or does not run.");
	return CHECK_PASS;
}

static const struct check_vector vectors[] = {
	{"{\"programs\":{\"ssh\":\"OpenSSH_9.2p1\",\"ssh-keyscan\":\"usage: ssh-keyscan\"}}",
		CHECK_PASS, NULL},
	{"{\"programs\":{\"ssh\":null,\"ssh-keyscan\":\"usage\"}}", CHECK_FAIL, "ssh is not there"},
	{"{\"programs\":{\"ssh\":\"OpenSSH_9.2p1\",\"ssh-keyscan\":null}}", CHECK_FAIL,
		"ssh-keyscan"},
	{"{}", CHECK_FAIL, NULL},
};
CHECK(sys_ssh, vectors, .code = "MKO-SYS-002", .title = "The SSH client cannot be used",
	.severity = CHECK_BLOCKING, .uses = CHECK_SERVER, .rank = 11,
	.expected = "ssh and ssh-keyscan of OpenSSH", .why = "Nodes are reached over SSH only.",
	.fix = "apt-get install openssh-client", .test = test);
