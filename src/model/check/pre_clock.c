/* The clock of the node is kept right. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *text = said_text(node, "facts.timedatectl");

	(void)run;
	if (check_has_word(text, "yes"))
		return CHECK_PASS;
	if (check_has_word(text, "no"))
		return check_say(found, CHECK_FAIL, "The clock is not synchronised.");
	return CHECK_UNKNOWN;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"timedatectl\":\"yes\\n\"}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"timedatectl\":\"no\\n\"}}", CHECK_FAIL, "not synchronised"},
	{"{\"facts\":{\"timedatectl\":\"Failed to connect to bus\"}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_clock, vectors, .code = "MKO-PRE-014", .title = "The clock is not synchronised",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 61,
	.expected = "a clock that NTP keeps right",
	.why = "Certificates, tokens and heartbeats depend on it; a wrong clock at the installation makes certificates that are not valid yet.",
	.fix = "sudo timedatectl set-ntp true, and a time server that the node reaches",
	.link = "https://github.com/canonical/microk8s/issues/1150", .test = test);
