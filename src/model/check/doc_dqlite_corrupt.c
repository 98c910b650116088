/* The datastore can read its own files. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *log = said_text(node, "logs.k8s-dqlite-end");
	const char *active = said_text(node, "microk8s.units.k8s-dqlite.active");
	int64_t restarts = 0;

	(void)run;
	if (log == NULL || active == NULL)
		return CHECK_SKIP;
	(void)said_number(node, "microk8s.units.k8s-dqlite.restarts", &restarts);
	if (strstr(log, "raft_start()") == NULL || (strcmp(active, "active") == 0 && restarts == 0))
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL,
		"k8s-dqlite cannot read its data (raft_start() in its log) and is %s.", active);
}

#define UNIT(active)                                                                               \
	"\"microk8s\":{\"units\":{\"k8s-dqlite\":{\"active\":\"" active "\",\"restarts\":0}}}"
static const struct check_vector vectors[] = {
	{"{" UNIT("active") ",\"logs\":{\"k8s-dqlite-end\":\"started\"}}", CHECK_PASS, NULL},
	{"{" UNIT(
		 "active") ",\"logs\":{\"k8s-dqlite-end\":\"raft_start(): io: load closed segment, before it was mended\"}}",
		CHECK_PASS, NULL},
	{"{" UNIT(
		 "failed") ",\"logs\":{\"k8s-dqlite-end\":\"raft_start(): io: load closed segment 0012: entries batch 1\"}}",
		CHECK_FAIL, "raft_start"},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_dqlite_corrupt, vectors, .code = "MKO-DOC-011",
	.title = "The data of the datastore is damaged", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 2, .expected = "a datastore that starts from its files",
	.why = "A power loss or a full disk tears the last file; this control plane stays out until it is made anew.",
	.fix = "With a quorum on the others: let the node be replaced (mko cluster replace). Without: mko cluster restore",
	.operation = "cluster.replace", .link = "https://github.com/canonical/microk8s/issues/2997",
	.test = test);
