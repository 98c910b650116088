/* Every member of the datastore is there. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const struct check_node *viewer = said_viewer(run, node->cluster);
	const json_t *member = NULL;
	size_t i = 0;
	size_t n = 0;

	if (viewer == NULL)
		return CHECK_SKIP; /* the quorum says more */
	json_array_foreach(said_value(viewer, "datastore.members"), i, member) {
		const char *address = json_string_value(json_object_get(member, "address"));
		const char *role = json_string_value(json_object_get(member, "role"));
		if (address == NULL || !json_is_false(json_object_get(member, "alive")))
			continue;
		str_addf(found, "%s%.60s (%.20s)", n++ == 0 ? "Silent: " : ", ", address,
			role != NULL ? role : "?");
	}
	return n == 0 ? CHECK_PASS : CHECK_FAIL;
}

#define VIEW "\"microk8s\":{\"role\":\"control_plane\"},\"kube_nodes\":[{\"name\":\"n1\"}],"
static const struct check_vector vectors[] = {
	{"{" VIEW
	 "\"datastore\":{\"members\":[{\"address\":\"10.0.0.1:19001\",\"role\":\"voter\",\"alive\":true}]}}",
		CHECK_PASS, NULL},
	{"{" VIEW
	 "\"datastore\":{\"members\":[{\"address\":\"10.0.0.2:19001\",\"role\":\"voter\",\"alive\":false}]}}",
		CHECK_FAIL, "10.0.0.2:19001 (voter)"},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_member_silent, vectors, .code = "MKO-DOC-002",
	.title = "A member of the datastore does not answer", .severity = CHECK_WARNING,
	.uses = CHECK_DOCTOR, .rank = 28, .once = true, .expected = "every member listens on 19001",
	.why = "The next control plane that goes may take the quorum with it.",
	.fix = "Start MicroK8s there, or remove the member: mko cluster forget", .test = test);
