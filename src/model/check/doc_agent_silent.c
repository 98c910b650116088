/* The cluster agent listens. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *ports = said_value(node, "facts.ports_taken");
	const char *agent = said_text(node, "microk8s.units.cluster-agent.active");
	const json_t *port = NULL;
	size_t i = 0;

	(void)run;
	if (!json_is_array(ports) || agent == NULL || strcmp(agent, "active") != 0)
		return CHECK_SKIP;
	json_array_foreach(ports, i, port)
		if (json_integer_value(port) == 25000)
			return CHECK_PASS;
	return check_say(found, CHECK_FAIL,
		"The service cluster-agent is active, but nobody listens on port 25000.");
}

#define AGENT(ports)                                                                                              \
	"{\"microk8s\":{\"units\":{\"cluster-agent\":{\"active\":\"active\"}}},\"facts\":{\"ports_taken\":" ports \
	"}}"
static const struct check_vector vectors[] = {
	{AGENT("[10250,25000]"), CHECK_PASS, NULL},
	{AGENT("[10250]"), CHECK_FAIL, "25000"},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_agent_silent, vectors, .code = "MKO-DOC-022",
	.title = "The cluster agent does not listen", .severity = CHECK_WARNING,
	.uses = CHECK_DOCTOR, .rank = 47, .expected = "the cluster agent on port 25000",
	.why = "No node can join through this one, and certificates of workers are not signed.",
	.fix = "sudo snap restart microk8s.daemon-cluster-agent", .test = test);
