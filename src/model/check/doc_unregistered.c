/* Kubernetes knows a node of this name. */
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

	if (viewer == NULL || name == NULL || node->cluster == NULL || kubelite == NULL ||
		strcmp(kubelite, "active") != 0)
		return CHECK_SKIP;
	json_array_foreach(said_value(viewer, "kube_nodes"), i, one) {
		const char *theirs = json_string_value(json_object_get(one, "name"));
		if (theirs != NULL && strcmp(theirs, name) == 0)
			return CHECK_PASS;
	}
	return check_say(found, CHECK_FAIL, "The cluster, as %s sees it, has no node \"%s\".",
		viewer->name, name);
}

#define RUNS(seen)                                                                                                          \
	"{\"microk8s\":{\"role\":\"control_plane\",\"node_name\":\"n1\",\"units\":{\"kubelite\":{\"active\":\"active\"}}}," \
	"\"kube_nodes\":[{\"name\":\"" seen "\"}]}"
static const struct check_vector vectors[] = {
	{RUNS("n1"), CHECK_PASS, NULL},
	{RUNS("n9"), CHECK_FAIL, "no node \"n1\""},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_unregistered, vectors, .code = "MKO-DOC-006",
	.title = "The cluster does not know the node", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 32, .expected = "a node of the node's name in the cluster",
	.why = "A join can say success without the node ever appearing, and a node that was renamed is not found.",
	.fix = "Open 19001 and 25000 between the nodes, give each a name of its own; then let it leave and join again: mko cluster leave, join",
	.operation = "cluster.join", .link = "https://github.com/canonical/microk8s/issues/3980",
	.test = test);
