/* Limits of the kernel that MicroK8s comes up against. */
#include "model/check/check.h"

static const struct {
	const char *path, *name;
	int64_t least;
} limits[] = {
	{"facts.inotify_instances", "fs.inotify.max_user_instances", 1024},
	{"facts.inotify_watches", "fs.inotify.max_user_watches", 1048576},
	{"facts.aio_max_nr", "fs.aio-max-nr", 1048576},
};

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	size_t known = 0;
	size_t low = 0;

	(void)run;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		int64_t value = 0;
		if (!said_text_number(node, limits[i].path, &value))
			continue;
		known++;
		if (value >= limits[i].least)
			continue;
		str_addf(found, "%s%s is %lld", low == 0 ? "" : ", ", limits[i].name,
			(long long)value);
		low++;
	}
	if (low > 0)
		return CHECK_FAIL;
	return known > 0 ? CHECK_PASS : CHECK_UNKNOWN;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"inotify_instances\":\"1024\\n\",\"inotify_watches\":\"1048576\\n\",\"aio_max_nr\":\"1048576\\n\"}}",
		CHECK_PASS, NULL},
	{"{\"facts\":{\"inotify_instances\":\"128\\n\"}}", CHECK_FAIL, "max_user_instances is 128"},
	{"{\"facts\":{\"inotify_instances\":\"many\"}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_limits, vectors, .code = "MKO-PRE-013", .title = "Limits of the kernel are low",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 60,
	.expected =
		"fs.inotify.max_user_instances 1024, fs.inotify.max_user_watches 1048576, fs.aio-max-nr 1048576",
	.why = "Pods fail with \"too many open files\", and the datastore does not start.",
	.fix = "mko node prepare NODE raises them and makes them last", .operation = "node.prepare",
	.test = test);
