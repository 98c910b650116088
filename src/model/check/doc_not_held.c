/* Updates come when they are asked for. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int held = said_truth(node, "microk8s.held");

	(void)run;
	if (held < 0)
		return CHECK_SKIP;
	if (held == 1)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The snap is not held: it updates itself at any time.");
}

static const struct check_vector vectors[] = {
	{"{\"microk8s\":{\"held\":true}}", CHECK_PASS, NULL},
	{"{\"microk8s\":{\"held\":false}}", CHECK_FAIL, "not held"},
	{"{\"microk8s\":{\"held\":\"no\"}}", CHECK_SKIP, NULL},
};
CHECK(doc_not_held, vectors, .code = "MKO-DOC-008", .title = "The snap may update itself",
	.severity = CHECK_WARNING, .uses = CHECK_DOCTOR, .rank = 70, .expected = "a held snap",
	.why = "An update at its own time restarts the node, and several at once stop the cluster.",
	.fix = "sudo snap refresh --hold microk8s", .operation = "node.install",
	.link = "https://github.com/canonical/microk8s/issues/1022", .test = test);
