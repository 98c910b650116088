/* The address of the inventory is the node's own. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int local = said_truth(node, "facts.address_local");

	(void)run;
	if (local < 0)
		return CHECK_UNKNOWN;
	if (local == 1)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "No interface of the node has the address %s.",
		node->address != NULL ? node->address : "of the inventory");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"address_local\":true}}", CHECK_PASS, NULL},
	{"[{\"address\":\"192.0.2.7\",\"data\":{\"facts\":{\"address_local\":false}}}]", CHECK_FAIL,
		"192.0.2.7"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_address, vectors, .code = "MKO-PRE-005",
	.title = "No interface of the node has its address", .severity = CHECK_BLOCKING,
	.uses = CHECK_PREREQUISITE,
	.expected = "the address of the inventory on an interface of the node",
	.why = "The datastore binds to this address; behind address translation a join breaks it.",
	.fix = "mko node edit NODE --ip ADDRESS, with the address of the node itself",
	.test = test);
