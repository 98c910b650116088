/* The host name does not stand for a loopback address only. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *at = said_text(node, "facts.hosts");
	const char *line = NULL;
	size_t len = 0;
	size_t loopback = 0;

	(void)run;
	if (at == NULL)
		return CHECK_UNKNOWN;
	while ((line = check_next_line(&at, &len)) != NULL) {
		if (len == 0 || line[0] == '#')
			continue;
		if (strncmp(line, "127.", 4) != 0)
			return CHECK_PASS;
		loopback++;
	}
	if (loopback == 0)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL,
		"In /etc/hosts the name stands for a loopback address only.");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"hosts\":\"127.0.1.1 n1\\n10.0.0.1 n1\\n\"}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"hosts\":\"\"}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"hosts\":\"127.0.1.1 n1\\n\"}}", CHECK_FAIL, "loopback"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_hosts_file, vectors, .code = "MKO-PRE-006",
	.title = "The host name stands only for a loopback address", .severity = CHECK_WARNING,
	.uses = CHECK_PREREQUISITE,
	.expected = "a line with the node's address in /etc/hosts, or none at all",
	.why = "Control planes look up joining nodes by name and refuse those whose name leads elsewhere.",
	.fix = "mko node prepare NODE writes the nodes of the inventory into /etc/hosts",
	.operation = "node.prepare", .link = "https://github.com/canonical/microk8s/issues/3152",
	.test = test);
