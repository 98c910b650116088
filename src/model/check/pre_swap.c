/* Swap. Compressed memory is fine. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *at = said_text(node, "facts.swaps");
	const char *line = NULL;
	size_t len = 0;

	(void)run;
	if (at == NULL)
		return CHECK_UNKNOWN;
	while ((line = check_next_line(&at, &len)) != NULL) {
		size_t name = strcspn(line, " \t\n");
		if (line[0] == '/' && strncmp(line, "/dev/zram", 9) != 0)
			return check_say(found, CHECK_FAIL, "Swap is on: %.*s.",
				(int)(name < 100 ? name : 100), line);
	}
	return CHECK_PASS;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"swaps\":\"Filename\\tType\\tSize\\n/dev/zram0 partition 100 0 5\\n\"}}",
		CHECK_PASS, NULL},
	{"{\"facts\":{\"swaps\":\"Filename\\n/swap.img file 2097148 0 -2\\n\"}}", CHECK_FAIL,
		"/swap.img"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_swap, vectors, .code = "MKO-PRE-010", .title = "Swap is on", .severity = CHECK_WARNING,
	.uses = CHECK_PREREQUISITE, .expected = "no swap but zram",
	.why = "MicroK8s runs with swap, but gets slow when it is used, and limits of pods no longer hold.",
	.fix = "sudo swapoff -a, and take the line out of /etc/fstab", .test = test);
