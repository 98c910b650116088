/* Memory for Ansible. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *text = said_text(node, "meminfo");
	int64_t kib = 0;

	(void)run;
	if (text == NULL || !check_line_number(text, "MemAvailable:", &kib) || kib < 0)
		return CHECK_UNKNOWN;
	if (kib >= (int64_t)200 * 1024)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "%lld MiB are available.", (long long)(kib / 1024));
}

static const struct check_vector vectors[] = {
	{"{\"meminfo\":\"MemTotal:  8000000 kB\\nMemAvailable:  4000000 kB\\n\"}", CHECK_PASS,
		NULL},
	{"{\"meminfo\":\"MemAvailable:  102400 kB\\n\"}", CHECK_FAIL, "100 MiB"},
	{"{\"meminfo\":\"\"}", CHECK_UNKNOWN, NULL},
};
CHECK(sys_memory, vectors, .code = "MKO-SYS-008", .title = "The server has little memory left",
	.severity = CHECK_WARNING, .uses = CHECK_SERVER, .rank = 61,
	.expected = "200 MiB available",
	.why = "Ansible takes about 60 MiB and 20 for each node at once; operations get slower with less.",
	.fix = "End what else runs there, or set ansible.forks_max lower", .test = test);
