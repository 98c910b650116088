/* kubelite has all the cgroup controllers it wants. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *log = said_text(node, "logs.kubelite");
	const char *at = log != NULL ? strstr(log, "has some missing controllers:") : NULL;

	(void)run;
	if (log == NULL)
		return CHECK_SKIP;
	if (at == NULL)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "kubelite's log: cgroup \"kubepods\" %.*s",
		(int)strcspn(at, "\n"), at);
}

static const struct check_vector vectors[] = {
	{"{\"logs\":{\"kubelite\":\"started\"}}", CHECK_PASS, NULL},
	{"{\"logs\":{\"kubelite\":\"E error validating root container [kubepods] : cgroup [\\\"kubepods\\\"] has some missing controllers: cpuset\\nE x\"}}",
		CHECK_FAIL, "controllers: cpuset"},
	{"{\"logs\":{\"kubelite\":null}}", CHECK_SKIP, NULL},
};
CHECK(doc_kubelite_cgroup, vectors, .code = "MKO-DOC-025",
	.title = "kubelite may not use a controller of cgroups", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 22,
	.expected = "all controllers, handed on to MicroK8s by systemd (Delegate=yes)",
	.why = "kubelite ends at each start, so the node runs no pods. Seen on Debian 12, where cpuset is not handed on.",
	.fix = "sudo systemctl edit snap.microk8s.daemon-kubelite: [Service], Delegate=yes; then sudo snap restart microk8s.daemon-kubelite",
	.link = "https://github.com/canonical/microk8s/issues/4361", .test = test);
