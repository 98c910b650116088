/* Python on the node. */
#include "model/check/check.h"

#include <stdio.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *version = said_text(node, "python");
	unsigned major = 0;
	unsigned minor = 0;

	(void)run;
	if (version == NULL)
		return check_say(found, CHECK_FAIL, "There is no python3.");
	/* NOLINTNEXTLINE(cert-err34-c): bounded, and checked by the count */
	if (sscanf(version, "%4u.%4u", &major, &minor) != 2)
		return check_say(found, CHECK_UNKNOWN, "python3 says \"%s\".", version);
	if (major > 3 || (major == 3 && minor >= 8))
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "Python is %s.", version);
}

static const struct check_vector vectors[] = {
	{"{\"python\":\"3.11.2\"}", CHECK_PASS, NULL},
	{"{\"python\":\"3.7.9\"}", CHECK_FAIL, "3.7.9"},
	{"{\"python\":null}", CHECK_FAIL, "no python3"},
	{"{\"python\":\"\\u001b[31m\"}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_python, vectors, .code = "MKO-PRE-032", .title = "Python is missing or too old",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE, .expected = "Python 3.8 or newer",
	.why = "Ansible runs its modules with the node's Python.",
	.fix = "sudo apt-get install -y python3, or a newer system", .test = test);
