/* The memory cgroup, version 2 or 1. */
#include "model/check/check.h"

#include <stdio.h>
#include <string.h>

/* The line of /proc/cgroups: name, hierarchy, number, enabled. */
static bool enabled_v1(const char *text)
{
	const char *line = NULL;
	size_t len = 0;

	while ((line = check_next_line(&text, &len)) != NULL)
		if (strncmp(line, "memory", 6) == 0 && len > 6)
			return line[len - 1] == '1';
	return false;
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *controllers = said_text(node, "facts.cgroup_controllers");
	const char *cgroups = said_text(node, "facts.cgroups");
	bool v2 = controllers != NULL && controllers[strspn(controllers, " \n")] != '\0';

	(void)run;
	if (!v2 && cgroups == NULL)
		return CHECK_UNKNOWN;
	if (v2 ? check_has_word(controllers, "memory") : enabled_v1(cgroups))
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL,
		"The memory cgroup of the kernel is off (cgroup version %d).", v2 ? 2 : 1);
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"cgroup_controllers\":\"cpuset cpu io memory pids\\n\"}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"cgroup_controllers\":\"cpuset cpu io pids\\n\"}}", CHECK_FAIL, "version 2"},
	{"{\"facts\":{\"cgroups\":\"#subsys_name\\thierarchy\\nmemory\\t5\\t90\\t1\\n\"}}",
		CHECK_PASS, NULL},
	{"{\"facts\":{\"cgroups\":\"memory\\t0\\t90\\t0\\n\"}}", CHECK_FAIL, "version 1"},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_cgroup, vectors, .code = "MKO-PRE-011", .title = "The memory cgroup is off",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 20,
	.expected = "\"memory\" among the cgroup controllers",
	.why = "The kubelet does not start without it. Kernels of the Raspberry Pi have it off.",
	.fix = "Append \" cgroup_enable=memory cgroup_memory=1\" to the single line of /boot/firmware/cmdline.txt and reboot; mko system install-prerequisites NODE --reboot does both",
	.link = "https://github.com/canonical/microk8s/issues/1691", .test = test);
