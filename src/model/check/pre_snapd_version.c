/* A snapd that can put off updates for good. */
#include "model/check/check.h"

#include <stdio.h>
#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *at = said_text(node, "facts.snap_version");
	const char *line = NULL;
	size_t len = 0;
	unsigned major = 0;
	unsigned minor = 0;

	(void)run;
	while ((line = check_next_line(&at, &len)) != NULL) {
		if (strncmp(line, "snapd", 5) != 0)
			continue;
		/* NOLINTNEXTLINE(cert-err34-c): bounded, and checked by the count */
		if (sscanf(line, "snapd %4u.%4u", &major, &minor) != 2)
			return CHECK_UNKNOWN;
		if (major > 2 || (major == 2 && minor >= 58))
			return CHECK_PASS;
		return check_say(found, CHECK_FAIL, "snapd is %u.%u.", major, minor);
	}
	return CHECK_UNKNOWN;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"snap_version\":\"snap    2.61\\nsnapd   2.61.3\\n\"}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"snap_version\":\"snapd 2.49-1\\n\"}}", CHECK_FAIL, "2.49"},
	{"{\"facts\":{\"snap_version\":\"snapd unavailable\\n\"}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_snapd_version, vectors, .code = "MKO-PRE-027", .title = "snapd is old",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE, .expected = "snapd 2.58 or newer",
	.why = "Older ones put off updates of MicroK8s for 60 days only; then it restarts when it likes.",
	.fix = "sudo snap refresh snapd", .test = test);
