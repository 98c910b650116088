/* A worker knows control planes. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *role = said_text(node, "microk8s.role");
	const json_t *servers = said_value(node, "microk8s.proxy_servers");

	(void)run;
	if (role == NULL || strcmp(role, "worker") != 0)
		return CHECK_SKIP;
	if (!json_is_array(servers))
		return CHECK_UNKNOWN;
	if (json_array_size(servers) > 0)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "args/traefik/provider.yaml names no control plane.");
}

#define WORKER(servers) "{\"microk8s\":{\"role\":\"worker\",\"proxy_servers\":" servers "}}"
static const struct check_vector vectors[] = {
	{WORKER("[\"10.0.0.1\"]"), CHECK_PASS, NULL},
	{WORKER("[]"), CHECK_FAIL, "provider.yaml"},
	{WORKER("{}"), CHECK_UNKNOWN, NULL},
	{"{\"microk8s\":{\"role\":\"control_plane\"}}", CHECK_SKIP, NULL},
};
CHECK(doc_worker_lost, vectors, .code = "MKO-DOC-017",
	.title = "The worker has lost its control planes", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 9,
	.expected = "every control plane in args/traefik/provider.yaml",
	.why = "Its kubelet reaches the API through this list only; it never fills itself again.",
	.fix = "mko node restart NODE --no-drain writes all control planes into the file and starts MicroK8s anew",
	.operation = "node.restart", .link = "https://github.com/canonical/microk8s/issues/4197",
	.test = test);
