/* Programs without which nothing goes. */
#include "model/check/check.h"

static const char *const names[] = {"snap", "sudo", "systemctl", "openssl"};

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *tools = said_value(node, "facts.tools");
	size_t missing = 0;

	(void)run;
	if (!json_is_object(tools))
		return CHECK_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!json_is_false(json_object_get(tools, names[i])))
			continue;
		str_addf(found, "%s%s", missing == 0 ? "Missing: " : ", ", names[i]);
		missing++;
	}
	return missing == 0 ? CHECK_PASS : CHECK_FAIL;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"tools\":{\"snap\":true,\"sudo\":true}}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"tools\":{\"snap\":false,\"openssl\":false}}}", CHECK_FAIL, "snap, openssl"},
	{"{\"facts\":{\"tools\":\"\"}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_programs, vectors, .code = "MKO-PRE-018", .title = "Programs are missing",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE,
	.expected = "snap, sudo, systemctl, openssl",
	.why = "MicroK8s is a snap, starts its services by systemd, and calls sudo even as root.",
	.fix = "mko node prepare NODE installs the packages snapd, sudo and openssl",
	.operation = "node.prepare", .test = test);
