/* MicroK8s is built for this machine. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	static const char *const good[] = {"amd64", "arm64", "ppc64el", "s390x"};
	const char *kind = said_text(node, "architecture");

	(void)run;
	if (kind == NULL)
		return CHECK_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (strcmp(kind, good[i]) == 0)
			return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The architecture is %s.", kind);
}

static const struct check_vector vectors[] = {
	{"{\"architecture\":\"arm64\"}", CHECK_PASS, NULL},
	{"{\"architecture\":\"armhf\"}", CHECK_FAIL, "armhf"},
	{"{}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_architecture, vectors, .code = "MKO-PRE-023",
	.title = "There is no MicroK8s for this architecture", .severity = CHECK_BLOCKING,
	.uses = CHECK_PREREQUISITE, .expected = "amd64, arm64, ppc64el or s390x",
	.why = "The snap does not exist for others. A Raspberry Pi is often only installed with a 32-bit system.",
	.fix = "Install a 64-bit system", .test = test);
