/* No change of the snap is stuck or broken. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	static const char *const bad[] = {"Doing", "Error", "Undone", "Undoing", "Hold"};
	const char *at = said_text(node, "microk8s.changes");
	const char *line = NULL;
	const char *last = NULL;
	size_t len = 0;
	size_t last_len = 0;

	(void)run;
	if (at == NULL)
		return CHECK_SKIP;
	while ((line = check_next_line(&at, &len)) != NULL)
		if (len > 0) {
			last = line;
			last_len = len;
		}
	if (last == NULL)
		return CHECK_PASS;
	cleanup(mem_freep) char *text = mem_strndup(last, last_len);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (check_has_word(text, bad[i]))
			return check_say(found, CHECK_FAIL, "The last change of the snap: %s",
				text);
	return CHECK_PASS;
}

static const struct check_vector vectors[] = {
	{"{\"microk8s\":{\"changes\":\"5 Error today today Auto-refresh snap\\n6 Done today today Refresh snap\\n\"}}",
		CHECK_PASS, NULL},
	{"{\"microk8s\":{\"changes\":\"6 Done today today Refresh\\n7  Doing  today  -  Auto-refresh snap \\\"microk8s\\\"\"}}",
		CHECK_FAIL, "Doing"},
	{"{\"microk8s\":{\"changes\":\"\"}}", CHECK_PASS, NULL},
	{"{}", CHECK_SKIP, NULL},
};
CHECK(doc_change, vectors, .code = "MKO-DOC-009", .title = "A change of the snap is stuck or broke",
	.severity = CHECK_WARNING, .uses = CHECK_DOCTOR, .rank = 29,
	.expected = "the last change is done",
	.why = "snapd does one change of a snap at a time; services may be stopped until it ends.",
	.fix = "snap tasks NUMBER says where; wait, or sudo snap abort NUMBER, free disk, and refresh again",
	.link = "https://github.com/canonical/microk8s/issues/4884", .test = test);
