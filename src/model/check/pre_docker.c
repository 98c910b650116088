/* Docker beside MicroK8s. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *state = said_text(node, "facts.docker");

	(void)run;
	if (state == NULL)
		return CHECK_UNKNOWN;
	if (!check_has_word(state, "active"))
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "Docker runs on the node.");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"docker\":\"inactive\\n\"}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"docker\":\"active\\n\"}}", CHECK_FAIL, "Docker"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_docker, vectors, .code = "MKO-PRE-044", .title = "Docker runs on the node",
	.severity = CHECK_INFO, .uses = CHECK_PREREQUISITE, .expected = "no Docker",
	.why = "It drops forwarded packets, takes memory, and its images are not those of MicroK8s.",
	.fix = "Stop it when nobody needs it: sudo systemctl disable --now docker docker.socket",
	.test = test);
