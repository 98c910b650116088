/* A host name that Kubernetes takes. */
#include "model/check/check.h"

#include <string.h>

#include "base/parse.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *name = said_text(node, "hostname");

	(void)run;
	if (name == NULL)
		return CHECK_UNKNOWN;
	struct err *e = check_hostname(name);
	if (e == NULL && strcmp(name, "localhost") != 0 && strncmp(name, "localhost.", 10) != 0)
		return CHECK_PASS;
	err_free(e);
	return check_say(found, CHECK_FAIL, "The host name is \"%s\".", name);
}

static const struct check_vector vectors[] = {
	{"{\"hostname\":\"n1\"}", CHECK_PASS, NULL},
	{"{\"hostname\":\"Pi_4\"}", CHECK_FAIL, "Pi_4"},
	{"{\"hostname\":\"localhost\"}", CHECK_FAIL, NULL},
	{"{\"hostname\":7}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_hostname, vectors, .code = "MKO-PRE-001",
	.title = "Kubernetes does not accept the host name", .severity = CHECK_BLOCKING,
	.uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 30,
	.expected = "only small letters, digits, \"-\" and \".\"; not localhost",
	.why = "The node registers under its host name; with another name it never appears in the cluster.",
	.fix = "sudo hostnamectl set-hostname NAME, before MicroK8s is installed; afterwards the node must leave and join anew",
	.link = "https://github.com/canonical/microk8s/issues/1736", .test = test);
