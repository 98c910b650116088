/* One Kubernetes on a machine. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *list = said_value(node, "facts.foreign");
	const json_t *one = NULL;
	size_t i = 0;

	(void)run;
	if (!json_is_array(list))
		return CHECK_UNKNOWN;
	json_array_foreach(list, i, one)
		str_addf(found, "%s%.100s", i == 0 ? "On the node is: " : ", ",
			json_is_string(one) ? json_string_value(one) : "?");
	return json_array_size(list) == 0 ? CHECK_PASS : CHECK_FAIL;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"foreign\":[]}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"foreign\":[\"k3s (/usr/local/bin/k3s)\"]}}", CHECK_FAIL, "k3s"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_other_kubernetes, vectors, .code = "MKO-PRE-025",
	.title = "Another Kubernetes is on this node", .severity = CHECK_BLOCKING,
	.uses = CHECK_PREREQUISITE,
	.expected = "no k3s, rke2, k0s, kubeadm, or /var/lib/kubelet of another one",
	.why = "Both want the same ports, network interfaces and folders.",
	.fix = "Remove it first, with its own tool", .test = test);
