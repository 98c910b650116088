/* Control planes that call nodes by name find them. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *names = said_value(node, "microk8s.unresolved");
	const json_t *one = NULL;
	size_t i = 0;
	size_t n = 0;

	(void)run;
	if (!json_is_array(names))
		return CHECK_SKIP;
	json_array_foreach(names, i, one)
		if (json_is_string(one))
			str_addf(found, "%s%.60s",
				n++ == 0 ? "Here these names do not stand for their nodes: " : ", ",
				json_string_value(one));
	return n == 0 ? CHECK_PASS : CHECK_FAIL;
}

static const struct check_vector vectors[] = {
	{"{\"microk8s\":{\"unresolved\":[]}}", CHECK_PASS, NULL},
	{"{\"microk8s\":{\"unresolved\":[\"n3\",7,\"n4\"]}}", CHECK_FAIL, "n3, n4"},
	{"{\"microk8s\":{\"unresolved\":null}}", CHECK_SKIP, NULL},
};
CHECK(doc_name_unknown, vectors, .code = "MKO-DOC-023",
	.title = "A control plane does not find nodes by their names", .severity = CHECK_WARNING,
	.uses = CHECK_DOCTOR, .rank = 33,
	.expected =
		"names that lead to the nodes, or an API server that prefers addresses (--kubelet-preferred-address-types=InternalIP,...)",
	.why = "It refuses the join of a node whose name does not lead to it, and shows no logs of its pods.",
	.fix = "mko node prepare NODE writes the nodes of the inventory into /etc/hosts of the control plane",
	.operation = "node.prepare", .link = "https://github.com/canonical/microk8s/issues/3152",
	.test = test);
