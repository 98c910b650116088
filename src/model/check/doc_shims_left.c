/* No containers outlive MicroK8s. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *active = said_text(node, "microk8s.units.containerd.active");
	int64_t shims = 0;

	(void)run;
	if (active == NULL || !said_number(node, "microk8s.shims", &shims))
		return CHECK_SKIP;
	if (shims == 0 || strcmp(active, "inactive") != 0)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL,
		"containerd is stopped, and %lld containerd-shim run on.", (long long)shims);
}

#define SHIMS(active, n)                                                                           \
	"{\"microk8s\":{\"shims\":" n ",\"units\":{\"containerd\":{\"active\":\"" active "\"}}}}"
static const struct check_vector vectors[] = {
	{SHIMS("active", "12"), CHECK_PASS, NULL},
	{SHIMS("inactive", "0"), CHECK_PASS, NULL},
	{SHIMS("inactive", "3"), CHECK_FAIL, "3 containerd-shim"},
	{SHIMS("inactive", "null"), CHECK_SKIP, NULL},
};
CHECK(doc_shims_left, vectors, .code = "MKO-DOC-027",
	.title = "Containers run on although MicroK8s is stopped", .severity = CHECK_WARNING,
	.uses = CHECK_DOCTOR, .rank = 11, .expected = "no containerd-shim without containerd",
	.why = "They hold up a shutdown of the system by 90 s and are then killed; on battery that can be too long.",
	.fix = "On a control plane: microk8s stop (snap stop leaves them). On a worker, which has no such command: sudo pkill containerd-shim. Before the "
	       "mains are cut use mko cluster shutdown, which ends pods first",
	.link = "https://github.com/canonical/microk8s/issues/2773", .test = test);
