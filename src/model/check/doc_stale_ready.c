/* Ready nodes have a heartbeat. */
#include "model/check/check.h"

#define OLD_S 60

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const struct check_node *viewer = said_viewer(run, node->cluster);
	const json_t *one = NULL;
	size_t i = 0;
	size_t n = 0;

	if (viewer == NULL)
		return CHECK_SKIP;
	json_array_foreach(said_value(viewer, "kube_nodes"), i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));
		json_int_t age = json_integer_value(json_object_get(one, "lease_age_s"));
		if (name == NULL || !json_is_true(json_object_get(one, "ready")) || age <= OLD_S)
			continue;
		str_addf(found, "%s%.63s (%lld s)",
			n++ == 0 ? "Ready, but its last heartbeat is old: " : ", ", name,
			(long long)age);
	}
	return n == 0 ? CHECK_PASS : CHECK_FAIL;
}

#define PLANE "\"microk8s\":{\"role\":\"control_plane\"}"
static const struct check_vector vectors[] = {
	{"{" PLANE
	 ",\"kube_nodes\":[{\"name\":\"n1\",\"ready\":true,\"lease_age_s\":8},{\"name\":\"n2\",\"ready\":false,\"lease_age_s\":900}]}",
		CHECK_PASS, NULL},
	{"{" PLANE ",\"kube_nodes\":[{\"name\":\"n2\",\"ready\":true,\"lease_age_s\":900}]}",
		CHECK_FAIL, "n2 (900 s)"},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_stale_ready, vectors, .code = "MKO-DOC-004",
	.title = "A node that is gone is called Ready", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 8, .once = true,
	.expected = "a heartbeat younger than 60 s of every Ready node",
	.why = "Pods are still sent there, and those of the node are not started elsewhere.",
	.fix = "On the control planes, one after another: sudo snap restart microk8s.daemon-kubelite",
	.link = "https://github.com/canonical/microk8s/issues/5386", .test = test);
