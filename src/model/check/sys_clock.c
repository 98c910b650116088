/* The clock of the server is kept right. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *text = said_text(node, "clock");

	(void)run;
	if (text != NULL && strcmp(text, "yes") == 0)
		return CHECK_PASS;
	if (text != NULL && strcmp(text, "no") == 0)
		return check_say(found, CHECK_FAIL, "The clock is not synchronised.");
	return CHECK_UNKNOWN;
}

static const struct check_vector vectors[] = {
	{"{\"clock\":\"yes\"}", CHECK_PASS, NULL},
	{"{\"clock\":\"no\"}", CHECK_FAIL, "not synchronised"},
	{"{\"clock\":\"System has not been booted with systemd\"}", CHECK_UNKNOWN, NULL},
	{"{\"clock\":null}", CHECK_UNKNOWN, NULL},
};
CHECK(sys_clock, vectors, .code = "MKO-SYS-007",
	.title = "The clock of the server is not synchronised", .severity = CHECK_WARNING,
	.uses = CHECK_SERVER, .rank = 60, .expected = "a clock that NTP keeps right",
	.why = "Schedules fire by it, and certificates of nodes are judged by it.",
	.fix = "timedatectl set-ntp true", .test = test);
