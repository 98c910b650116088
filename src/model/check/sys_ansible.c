/* Ansible is there, and new enough. */
#include "model/check/check.h"

#include <stdio.h>
#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *line = said_text(node, "programs.ansible-playbook");
	const char *core = line != NULL ? strstr(line, "[core ") : NULL;
	int major = 0;
	int minor = 0;

	(void)run;
	if (line == NULL)
		return check_say(found, CHECK_FAIL,
			"ansible-playbook is not there or does not run.");
	if (core == NULL || sscanf(core, "[core %d.%d", &major, &minor) != 2)
		return check_say(found, CHECK_FAIL, "It says: %s", line);
	return check_say(found, major > 2 || (major == 2 && minor >= 14) ? CHECK_PASS : CHECK_FAIL,
		"ansible-core %d.%d.", major, minor);
}

static const struct check_vector vectors[] = {
	{"{\"programs\":{\"ansible-playbook\":\"ansible-playbook [core 2.14.18]\"}}", CHECK_PASS,
		NULL},
	{"{\"programs\":{\"ansible-playbook\":\"ansible-playbook [core 2.9.27]\"}}", CHECK_FAIL,
		"2.9"},
	{"{\"programs\":{\"ansible-playbook\":null}}", CHECK_FAIL, "not there"},
	{"{\"programs\":{\"ansible-playbook\":\"ERROR! locale\"}}", CHECK_FAIL, "ERROR! locale"},
	{"{\"programs\":7}", CHECK_FAIL, NULL},
};
CHECK(sys_ansible, vectors, .code = "MKO-SYS-001", .title = "Ansible cannot be used",
	.severity = CHECK_BLOCKING, .uses = CHECK_SERVER, .rank = 10,
	.expected = "ansible-playbook of ansible-core 2.14 or newer",
	.why = "Every operation on a node is a playbook.",
	.fix = "apt-get install ansible-core, or set ansible.playbook in mko.yaml", .test = test);
