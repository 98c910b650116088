/* containerd lets go of the names of pods. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	static const char sign[] = "failed to reserve sandbox name";
	const char *log = said_text(node, "logs.kubelite");
	const char *at = log != NULL ? strstr(log, sign) : NULL;
	size_t times = 0;

	(void)run;
	if (log == NULL)
		return CHECK_SKIP;
	if (at == NULL)
		return CHECK_PASS;
	for (const char *more = at; more != NULL; more = strstr(more + 1, sign))
		times++;
	return check_say(found, CHECK_FAIL, "In the end of kubelite's log %zu times: %.*s", times,
		(int)strcspn(at, "\n"), at);
}

static const struct check_vector vectors[] = {
	{"{\"logs\":{\"kubelite\":\"started\"}}", CHECK_PASS, NULL},
	{"{\"logs\":{\"kubelite\":\"E failed to reserve sandbox name \\\"web-0\\\"\\nE failed to reserve sandbox name \\\"web-1\\\"\"}}",
		CHECK_FAIL, "2 times: failed to reserve sandbox name \"web-0\""},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_sandbox, vectors, .code = "MKO-DOC-026", .title = "Old containers keep the names of pods",
	.severity = CHECK_WARNING, .uses = CHECK_DOCTOR, .rank = 27,
	.expected = "no pod that waits for its own name",
	.why = "After an end without order containerd still knows the pods of before; new ones start and old ones end for ever.",
	.fix = "mko node restart NODE: it moves the pods away and starts MicroK8s anew, which ends all containers",
	.operation = "node.restart", .link = "https://github.com/canonical/microk8s/issues/508",
	.test = test);
