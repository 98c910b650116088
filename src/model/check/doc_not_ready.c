/* A node whose services run is Ready. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const struct check_node *viewer = said_viewer(run, node->cluster);
	const char *name = said_text(node, "microk8s.node_name");
	const char *kubelite = said_text(node, "microk8s.units.kubelite.active");
	const json_t *one = NULL;
	size_t i = 0;

	if (viewer == NULL || name == NULL || kubelite == NULL || strcmp(kubelite, "active") != 0)
		return CHECK_SKIP;
	json_array_foreach(said_value(viewer, "kube_nodes"), i, one) {
		const char *theirs = json_string_value(json_object_get(one, "name"));
		if (theirs != NULL && strcmp(theirs, name) == 0)
			return json_is_false(json_object_get(one, "ready"))
				? check_say(found, CHECK_FAIL,
					  "Kubernetes says that the node is not Ready, although kubelite runs.")
				: CHECK_PASS;
	}
	return CHECK_SKIP;
}

#define RUNS(ready)                                                                                                         \
	"{\"microk8s\":{\"role\":\"control_plane\",\"node_name\":\"n1\",\"units\":{\"kubelite\":{\"active\":\"active\"}}}," \
	"\"kube_nodes\":[{\"name\":\"n1\",\"ready\":" ready "}]}"
static const struct check_vector vectors[] = {
	{RUNS("true"), CHECK_PASS, NULL},
	{RUNS("false"), CHECK_FAIL, "not Ready"},
	{"{\"microk8s\":{\"node_name\":\"n1\"}}", CHECK_SKIP, NULL},
};
CHECK(doc_not_ready, vectors, .code = "MKO-DOC-005", .title = "The node is not Ready",
	.severity = CHECK_BLOCKING, .uses = CHECK_DOCTOR, .rank = 45,
	.expected = "Ready, since its services run",
	.why = "No pods start there. After a cut of the network some versions stay so.",
	.fix = "mko node restart NODE; or on the node: sudo snap restart microk8s.daemon-k8s-dqlite (not on a worker), then microk8s.daemon-kubelite",
	.operation = "node.restart", .link = "https://github.com/canonical/microk8s/issues/5352",
	.test = test);
