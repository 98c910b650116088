/* The kernel kills nothing for lack of memory. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	static const char *const signs[] = {"OOM killer", "oom-kill", "Out of memory"};
	static const char *const logs[] = {"logs.kubelite", "logs.k8s-dqlite", "logs.containerd"};
	size_t read = 0;

	(void)run;
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		const char *log = said_text(node, logs[i]);
		read += log != NULL;
		for (size_t k = 0; log != NULL && k < ARRAY_LEN(signs); k++)
			if (strstr(log, signs[k]) != NULL)
				return check_say(found, CHECK_FAIL, "The log of %s: %s.",
					logs[i] + 5, signs[k]);
	}
	return read > 0 ? CHECK_PASS : CHECK_SKIP;
}

static const struct check_vector vectors[] = {
	{"{\"logs\":{\"kubelite\":\"started\"}}", CHECK_PASS, NULL},
	{"{\"logs\":{\"kubelite\":\"A process of this unit has been killed by the OOM killer.\"}}",
		CHECK_FAIL, "kubelite: OOM killer"},
	{"{\"logs\":[]}", CHECK_SKIP, NULL},
};
CHECK(doc_oom, vectors, .code = "MKO-DOC-019",
	.title = "The kernel kills MicroK8s for lack of memory", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 7, .expected = "no sign of it in the logs",
	.why = "The service comes back and is killed again as soon as it works.",
	.fix = "Give limits to pods, move them elsewhere, or use a machine with more memory",
	.operation = "node.drain", .test = test);
