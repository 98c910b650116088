/* The kernel module of the pod network. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int there = said_truth(node, "facts.modules.vxlan");

	(void)run;
	if (there < 0)
		return CHECK_UNKNOWN;
	if (there == 1)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The kernel module vxlan is not there.");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"modules\":{\"vxlan\":true}}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"modules\":{\"vxlan\":false}}}", CHECK_FAIL, "vxlan"},
	{"{\"facts\":{\"modules\":[]}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_vxlan, vectors, .code = "MKO-PRE-012", .title = "The kernel module vxlan is missing",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 21,
	.expected = "a kernel with vxlan",
	.why = "Pods of different nodes reach each other through it; without it calico-node crashes.",
	.fix = "On Ubuntu for the Raspberry Pi: sudo apt-get install -y linux-modules-extra-raspi; else the modules of the running kernel, or a reboot after an update",
	.link = "https://github.com/canonical/microk8s/issues/2680", .test = test);
