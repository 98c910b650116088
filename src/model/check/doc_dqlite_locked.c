/* The datastore keeps up. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *at = said_text(node, "logs.k8s-dqlite");
	size_t n = 0;

	(void)run;
	if (at == NULL)
		return CHECK_SKIP;
	while ((at = strstr(at, "database is locked")) != NULL) {
		n++;
		at++;
	}
	if (n < 3)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL,
		"\"database is locked\" %zu times in the last lines of k8s-dqlite's log.", n);
}

static const struct check_vector vectors[] = {
	{"{\"logs\":{\"k8s-dqlite\":\"database is locked\"}}", CHECK_PASS, NULL},
	{"{\"logs\":{\"k8s-dqlite\":\"database is locked\\ndatabase is locked\\ndatabase is locked\\n\"}}",
		CHECK_FAIL, "3 times"},
	{"{\"logs\":{\"k8s-dqlite\":null}}", CHECK_SKIP, NULL},
};
CHECK(doc_dqlite_locked, vectors, .code = "MKO-DOC-012", .title = "The datastore does not keep up",
	.severity = CHECK_WARNING, .uses = CHECK_DOCTOR, .rank = 25,
	.expected = "no \"database is locked\" in the log of k8s-dqlite",
	.why = "A slow disk, a full one or a member that is gone makes the API slow, then silent.",
	.fix = "Look at disk latency and space and at members that are gone; move storage stacks off control planes; sudo snap restart microk8s.daemon-k8s-dqlite",
	.link = "https://github.com/canonical/microk8s/issues/3227", .test = test);
