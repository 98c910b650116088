/* From node to node: each tries the ports of each other one. A port that nobody listens on yet
 * answers "refused": the way is open. Silence is a firewall or a network that is cut. */
#include "model/check/check.h"

#include <string.h>

static bool is_blocked(const json_t *state)
{
	const char *text = json_string_value(state);

	return text != NULL && (strcmp(text, "timeout") == 0 || strcmp(text, "unreachable") == 0);
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	json_t *matrix = (json_t *)(uintptr_t)said_value(node, "matrix");
	const char *peer = NULL;
	json_t *ports = NULL;
	size_t blocked = 0;
	size_t n = 0;

	(void)run;
	if (!json_is_object(matrix))
		return CHECK_UNKNOWN;
	json_object_foreach(matrix, peer, ports) {
		const char *port = NULL;
		json_t *state = NULL;
		json_object_foreach(ports, port, state) {
			n++;
			if (is_blocked(state))
				str_addf(found, "%s%.63s:%.8s",
					blocked++ == 0 ? "No way to " : ", ", peer, port);
		}
	}
	if (blocked > 0)
		return CHECK_FAIL;
	return n > 0 ? CHECK_PASS : CHECK_SKIP;
}

static const struct check_vector vectors[] = {
	{"{\"matrix\":{\"n2\":{\"16443\":\"open\",\"25000\":\"refused\"}}}", CHECK_PASS, NULL},
	{"{\"matrix\":{\"n2\":{\"16443\":\"open\",\"19001\":\"timeout\"},\"n3\":{\"25000\":\"unreachable\"}}}",
		CHECK_FAIL, "No way to n2:19001, n3:25000"},
	{"{\"matrix\":{}}", CHECK_SKIP, NULL},
	{"{\"matrix\":{\"n2\":7}}", CHECK_SKIP, NULL},
	{"{}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_matrix, vectors, .code = "MKO-PRE-043", .title = "Nodes do not reach each other",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 19,
	.expected =
		"an answer, if only a refusal, on 16443, 25000, 10250 and 19001 of every other node",
	.why = "A join says success and the node never appears; the datastore loses its quorum.",
	.fix = "Open these ports between the nodes, and 4789/udp, which cannot be tried from outside; look at cables and switches",
	.link = "https://github.com/canonical/microk8s/issues/3980", .test = test);
