/* No join was cut off. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *why = said_text(node, "microk8s.half_joined");

	(void)run;
	if (said_value(node, "microk8s.locks") == NULL)
		return CHECK_SKIP;
	if (why == NULL)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "A join was cut off: %s.", why);
}

static const struct check_vector vectors[] = {
	{"{\"microk8s\":{\"locks\":[],\"half_joined\":null}}", CHECK_PASS, NULL},
	{"{\"microk8s\":{\"locks\":[],\"half_joined\":\"the lock join-in-progress is there\"}}",
		CHECK_FAIL, "join-in-progress"},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_half_joined, vectors, .code = "MKO-DOC-018", .title = "A join was cut off",
	.severity = CHECK_BLOCKING, .uses = CHECK_DOCTOR, .rank = 10,
	.expected = "no left-over of a join",
	.why = "The lock keeps services from restarting, and the node belongs nowhere.",
	.fix = "mko cluster setup CLUSTER repairs it and joins the node again",
	.operation = "cluster.setup", .link = "https://github.com/canonical/microk8s/issues/3694",
	.test = test);
