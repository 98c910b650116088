/* The other kernel modules. */
#include "model/check/check.h"

static const char *const names[] = {"br_netfilter", "nf_conntrack", "overlay", "ip_set"};

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *modules = said_value(node, "facts.modules");
	size_t missing = 0;

	(void)run;
	if (!json_is_object(modules))
		return CHECK_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!json_is_false(json_object_get(modules, names[i])))
			continue;
		str_addf(found, "%s%s", missing == 0 ? "Not there: " : ", ", names[i]);
		missing++;
	}
	return missing == 0 ? CHECK_PASS : CHECK_FAIL;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"modules\":{\"vxlan\":false,\"overlay\":true}}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"modules\":{\"overlay\":false,\"ip_set\":false}}}", CHECK_FAIL,
		"overlay, ip_set"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_modules, vectors, .code = "MKO-PRE-046", .title = "Kernel modules are missing",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE,
	.expected = "br_netfilter, nf_conntrack, overlay and ip_set",
	.why = "Containers, services and network policies need them.",
	.fix = "Install the modules of the running kernel, or reboot after an update of the kernel",
	.test = test);
