/* Members of the datastore are nodes of the cluster. */
#include "model/check/check.h"

#include <string.h>

static bool is_node(const struct check_node *viewer, const char *address)
{
	size_t len = strcspn(address, ":");
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(said_value(viewer, "kube_nodes"), i, one) {
		const char *theirs = json_string_value(json_object_get(one, "address"));
		if (theirs != NULL && strlen(theirs) == len && strncmp(theirs, address, len) == 0)
			return true;
	}
	return false;
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const struct check_node *viewer = said_viewer(run, node->cluster);
	const json_t *member = NULL;
	size_t i = 0;
	size_t n = 0;

	if (viewer == NULL)
		return CHECK_SKIP;
	json_array_foreach(said_value(viewer, "datastore.members"), i, member) {
		const char *address = json_string_value(json_object_get(member, "address"));
		if (address == NULL || strncmp(address, "127.0.0.1:", 10) == 0 ||
			is_node(viewer, address))
			continue;
		str_addf(found, "%s%.60s", n++ == 0 ? "No node has the address of: " : ", ",
			address);
	}
	return n == 0 ? CHECK_PASS : CHECK_FAIL;
}

#define VIEW                                                                                       \
	"\"microk8s\":{\"role\":\"control_plane\"},\"kube_nodes\":[{\"name\":\"n1\",\"address\":\"10.0.0.1\"}],"
static const struct check_vector vectors[] = {
	{"{" VIEW "\"datastore\":{\"members\":[{\"address\":\"10.0.0.1:19001\"}]}}", CHECK_PASS,
		NULL},
	{"{" VIEW "\"datastore\":{\"members\":[{\"address\":\"127.0.0.1:19001\"}]}}", CHECK_PASS,
		NULL},
	{"{" VIEW
	 "\"datastore\":{\"members\":[{\"address\":\"10.0.0.1:19001\"},{\"address\":\"10.0.0.11:19001\"}]}}",
		CHECK_FAIL, "10.0.0.11:19001"},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_stray_member, vectors, .code = "MKO-DOC-003",
	.title = "A member of the datastore is no node of the cluster", .severity = CHECK_WARNING,
	.uses = CHECK_DOCTOR, .rank = 24, .once = true, .expected = "a node for each member",
	.why = "It counts as a voter that never answers, and a node that joins with its address is refused.",
	.fix = "On a control plane: microk8s remove-node ADDRESS --force (it may say 1 and have worked), or mko cluster forget",
	.operation = "cluster.forget", .link = "https://github.com/canonical/microk8s/issues/4311",
	.test = test);
