/* Our playbooks are where the configuration says. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int there = said_truth(node, "collection");
	const char *path = said_text(node, "collections_path");

	(void)run;
	if (there < 0)
		return CHECK_UNKNOWN;
	return there == 1 ? CHECK_PASS
			  : check_say(found, CHECK_FAIL, "No mko.microk8s below %s.",
				    path != NULL ? path : "?");
}

static const struct check_vector vectors[] = {
	{"{\"collection\":true,\"collections_path\":\"/usr/share/mko\"}", CHECK_PASS, NULL},
	{"{\"collection\":false,\"collections_path\":\"/usr/share/mko\"}", CHECK_FAIL,
		"/usr/share/mko"},
	{"{\"collection\":\"yes\"}", CHECK_UNKNOWN, NULL},
};
CHECK(sys_collection, vectors, .code = "MKO-SYS-003", .title = "The playbooks of mko are not there",
	.severity = CHECK_BLOCKING, .uses = CHECK_SERVER, .rank = 12,
	.expected = "the collection mko.microk8s below ansible.collections_path",
	.why = "Without them no operation can run.",
	.fix = "Install the package again, or set ansible.collections_path in mko.yaml",
	.test = test);
