/* Nobody has stopped MicroK8s. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *locks = said_value(node, "microk8s.locks");

	(void)run;
	if (!json_is_array(locks))
		return CHECK_SKIP;
	if (!check_list_has(locks, "stopped.lock"))
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "MicroK8s was stopped on this node (stopped.lock).");
}

static const struct check_vector vectors[] = {
	{"{\"microk8s\":{\"locks\":[\"ha-cluster\"]}}", CHECK_PASS, NULL},
	{"{\"microk8s\":{\"locks\":[\"ha-cluster\",\"stopped.lock\"]}}", CHECK_FAIL, "stopped"},
	{"{\"microk8s\":{\"locks\":7}}", CHECK_SKIP, NULL},
};
CHECK(doc_stopped, vectors, .code = "MKO-DOC-014", .title = "MicroK8s was stopped",
	.severity = CHECK_WARNING, .uses = CHECK_DOCTOR, .rank = 16,
	.expected = "a running MicroK8s",
	.why = "A person or a shutdown stopped it; it does not come back by itself.",
	.fix = "mko cluster startup, or on the node: microk8s start (on a worker: sudo snap start --enable microk8s)",
	.operation = "cluster.startup", .link = "https://github.com/canonical/microk8s/issues/3114",
	.test = test);
