/* kubelite stays up. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *log = said_text(node, "logs.kubelite");
	const char *active = said_text(node, "microk8s.units.kubelite.active");
	bool cgroup = log != NULL && strstr(log, "failed to initialize top level QOS") != NULL;
	int64_t restarts = 0;

	(void)run;
	if (active == NULL || !said_number(node, "microk8s.units.kubelite.restarts", &restarts))
		return CHECK_SKIP;
	if (restarts < 3)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "kubelite was restarted %lld times and is %s.%s",
		(long long)restarts, active,
		cgroup ? " Its log: failed to initialize top level QOS containers." : "");
}

static const struct check_vector vectors[] = {
	{"{\"microk8s\":{\"units\":{\"kubelite\":{\"active\":\"active\",\"restarts\":1}}}}",
		CHECK_PASS, NULL},
	{"{\"microk8s\":{\"units\":{\"kubelite\":{\"active\":\"activating\",\"restarts\":12}}},\"logs\":{\"kubelite\":"
	 "\"E failed to initialize top level QOS containers: root container [kubepods] doesn't exist\"}}",
		CHECK_FAIL, "12 times"},
	{"{\"microk8s\":{\"units\":{\"kubelite\":{\"active\":\"active\",\"restarts\":null}}}}",
		CHECK_SKIP, NULL},
};
CHECK(doc_kubelite_loops, vectors, .code = "MKO-DOC-010", .title = "kubelite ends again and again",
	.severity = CHECK_BLOCKING, .uses = CHECK_DOCTOR, .rank = 23,
	.expected = "fewer than 3 restarts",
	.why = "The node comes and goes, although its service looks active most of the time.",
	.fix = "journalctl -u snap.microk8s.daemon-kubelite says why. After a power loss (QOS containers, kubepods): reboot the node",
	.operation = "node.reboot", .link = "https://github.com/canonical/microk8s/issues/2897",
	.test = test);
