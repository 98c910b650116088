/* A container as a node has what the kubelet wants. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *kind = said_text(node, "facts.container");

	(void)run;
	if (kind == NULL || strcmp(kind, "lxc") != 0)
		return CHECK_SKIP;
	if (said_truth(node, "facts.kmsg") != 0)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "In this LXC container /dev/kmsg is missing.");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"container\":\"\"}}", CHECK_SKIP, NULL},
	{"{\"facts\":{\"container\":\"lxc\",\"kmsg\":true}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"container\":\"lxc\",\"kmsg\":false}}", CHECK_FAIL, "/dev/kmsg"},
};
CHECK(pre_container, vectors, .code = "MKO-PRE-019", .title = "The container lacks /dev/kmsg",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE,
	.expected = "/dev/kmsg in an LXC container",
	.why = "The kubelet reads the kernel's messages and does not start without.",
	.fix = "Use the LXC profile that MicroK8s documents",
	.link = "https://microk8s.io/docs/install-lxd", .test = test);
