/* Nobody else has the ports. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *ports = said_value(node, "facts.ports_taken");
	const json_t *port = NULL;
	size_t i = 0;

	(void)run;
	if (said_installed(node))
		return CHECK_SKIP; /* they are its own */
	if (!json_is_array(ports))
		return CHECK_UNKNOWN;
	json_array_foreach(ports, i, port)
		str_addf(found, "%s%lld", i == 0 ? "Another program listens on port " : ", ",
			(long long)json_integer_value(port));
	return json_array_size(ports) == 0 ? CHECK_PASS : CHECK_FAIL;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"ports_taken\":[]}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"ports_taken\":[10250,16443]}}", CHECK_FAIL, "10250, 16443"},
	{"{\"facts\":{\"installed\":true,\"ports_taken\":[16443]}}", CHECK_SKIP, NULL},
	{"{\"facts\":{\"ports_taken\":{}}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_ports, vectors, .code = "MKO-PRE-021", .title = "Another program has a port of MicroK8s",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE,
	.expected = "nobody on 16443, 25000, 19001, 10250, 10257, 10259",
	.why = "The services of MicroK8s do not start when their ports are taken.",
	.fix = "Find it with: sudo ss -ltnp, and stop or move it", .test = test);
