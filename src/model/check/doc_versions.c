/* One version in a cluster. */
#include "model/check/check.h"

#include <stdlib.h>
#include <string.h>

/* The minor version of "v1.32.9", -1 = none. */
static int minor_of(const char *version)
{
	if (version == NULL || strncmp(version, "v1.", 3) != 0)
		return -1;
	return version[3] >= '0' && version[3] <= '9' ? (int)strtol(version + 3, NULL, 10) : -1;
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const struct check_node *viewer = said_viewer(run, node->cluster);
	const json_t *one = NULL;
	size_t i = 0;
	int low = -1;
	int high = -1;

	if (viewer == NULL)
		return CHECK_SKIP;
	json_array_foreach(said_value(viewer, "kube_nodes"), i, one) {
		int minor = minor_of(json_string_value(json_object_get(one, "version")));
		if (minor < 0)
			continue;
		low = low < 0 || minor < low ? minor : low;
		high = minor > high ? minor : high;
	}
	if (low == high)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The nodes run versions from 1.%d to 1.%d.", low, high);
}

#define VIEW(a, b)                                                                                    \
	"{\"microk8s\":{\"role\":\"control_plane\"},\"kube_nodes\":[{\"name\":\"a\",\"version\":\"" a \
	"\"},{\"name\":\"b\",\"version\":\"" b "\"}]}"
static const struct check_vector vectors[] = {
	{VIEW("v1.32.9", "v1.32.2"), CHECK_PASS, NULL},
	{VIEW("v1.32.9", "v1.31.14"), CHECK_FAIL, "1.31 to 1.32"},
	{VIEW("", "v1.x"), CHECK_PASS, NULL},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_versions, vectors, .code = "MKO-DOC-020", .title = "The nodes run different versions",
	.severity = CHECK_WARNING, .uses = CHECK_DOCTOR, .rank = 72, .once = true,
	.expected = "one minor version",
	.why = "An upgrade was not finished; a kubelet may never be newer than its API server.",
	.fix = "mko cluster upgrade resume CLUSTER, or mko cluster upgrade",
	.operation = "cluster.upgrade", .test = test);
