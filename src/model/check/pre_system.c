/* A system that this was tried on. */
#include "model/check/check.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *id;
	int64_t least;
} systems[] = {{"debian", 12}, {"raspbian", 12}, {"ubuntu", 22}};

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *id = said_text(node, "os.id");
	const char *name = said_text(node, "os.name");
	int64_t version = 0;

	(void)run;
	if (id == NULL)
		return CHECK_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(systems); i++)
		if (strcmp(id, systems[i].id) == 0 &&
			said_text_number(node, "os.version", &version) &&
			version >= systems[i].least)
			return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "The system is %s.", name != NULL ? name : id);
}

static const struct check_vector vectors[] = {
	{"{\"os\":{\"id\":\"debian\",\"version\":\"12\"}}", CHECK_PASS, NULL},
	{"{\"os\":{\"id\":\"ubuntu\",\"version\":\"24.04\"}}", CHECK_PASS, NULL},
	{"{\"os\":{\"id\":\"ubuntu\",\"version\":\"18.04\",\"name\":\"Ubuntu 18.04\"}}", CHECK_FAIL,
		"Ubuntu 18.04"},
	{"{\"os\":{\"id\":\"debian\",\"version\":null,\"name\":\"Debian sid\"}}", CHECK_FAIL,
		"sid"},
	{"{\"os\":null}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_system, vectors, .code = "MKO-PRE-033", .title = "The operating system was not tried",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE,
	.expected = "Debian 12 or newer, or Ubuntu 22.04 or newer",
	.why = "Older kernels and snapd have faults that MicroK8s comes up against; others are unknown.",
	.fix = "Upgrade the system, or go on at your own risk", .test = test);
