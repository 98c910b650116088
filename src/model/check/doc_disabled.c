/* The snap is enabled. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *status = said_text(node, "microk8s.status");

	(void)run;
	if (status == NULL)
		return said_installed(node) ? CHECK_UNKNOWN : CHECK_SKIP;
	if (strcmp(status, "installed") != 0)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The snap microk8s is installed and disabled.");
}

static const struct check_vector vectors[] = {
	{"{\"microk8s\":{\"status\":\"running\"}}", CHECK_PASS, NULL},
	{"{\"microk8s\":{\"status\":\"installed\"}}", CHECK_FAIL, "disabled"},
	{"{\"facts\":{\"installed\":true}}", CHECK_UNKNOWN, NULL},
};
CHECK(doc_disabled, vectors, .code = "MKO-DOC-007", .title = "The snap is disabled",
	.severity = CHECK_BLOCKING, .uses = CHECK_DOCTOR, .rank = 14, .expected = "an enabled snap",
	.why = "A refresh that failed half way leaves it so; nothing of MicroK8s runs.",
	.fix = "sudo snap enable microk8s, then microk8s start (on a worker: sudo snap start microk8s)",
	.operation = "node.install", .link = "https://github.com/canonical/microk8s/issues/2491",
	.test = test);
