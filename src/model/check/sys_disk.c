/* Space for the database and the logs of operations. */
#include "model/check/check.h"

#define MIB ((int64_t)1 << 20)

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int64_t bytes = 0;

	(void)run;
	if (!said_number(node, "data_dir.free", &bytes) || bytes < 0)
		return CHECK_UNKNOWN;
	if (bytes >= 1024 * MIB)
		return CHECK_PASS;
	return check_say(found, bytes < 200 * MIB ? CHECK_FAIL : CHECK_WARN,
		"%lld MiB are free where the data directory lies.", (long long)(bytes / MIB));
}

static const struct check_vector vectors[] = {
	{"{\"data_dir\":{\"free\":21474836480}}", CHECK_PASS, NULL},
	{"{\"data_dir\":{\"free\":524288000}}", CHECK_WARN, "500 MiB"},
	{"{\"data_dir\":{\"free\":1048576}}", CHECK_FAIL, "1 MiB"},
	{"{\"data_dir\":{\"free\":-1}}", CHECK_UNKNOWN, NULL},
};
CHECK(sys_disk, vectors, .code = "MKO-SYS-005", .title = "The disk of the server is nearly full",
	.severity = CHECK_BLOCKING, .uses = CHECK_SERVER, .rank = 14,
	.expected = "1 GiB free; below 200 MiB is too little",
	.why = "On a full disk nothing can be written: no operation starts, rules of power do not fire.",
	.fix = "Free space; mko operation prune removes old operations with their logs",
	.test = test);
