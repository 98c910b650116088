/* The node calls itself as the inventory does. */
#include "model/check/check.h"

#include <string.h>
#include <strings.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *name = said_text(node, "hostname");

	(void)run;
	if (name == NULL)
		return CHECK_UNKNOWN;
	size_t len = strlen(node->name);
	if (strncasecmp(name, node->name, len) == 0 && (name[len] == '\0' || name[len] == '.'))
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The node calls itself \"%s\".", name);
}

static const struct check_vector vectors[] = {
	{"{\"hostname\":\"n1\"}", CHECK_PASS, NULL},
	{"{\"hostname\":\"n1.example.org\"}", CHECK_PASS, NULL},
	{"{\"hostname\":\"n10\"}", CHECK_FAIL, "n10"},
	{"{}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_name_differs, vectors, .code = "MKO-PRE-003",
	.title = "The node calls itself otherwise than the inventory", .severity = CHECK_WARNING,
	.uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 31,
	.expected = "the host name of the inventory",
	.why = "Kubernetes uses the node's own name. A node that was renamed after it joined is no longer found under its old one.",
	.fix = "sudo hostnamectl set-hostname NAME (the name of the inventory), or mko node edit NODE",
	.link = "https://github.com/canonical/microk8s/issues/902", .test = test);
