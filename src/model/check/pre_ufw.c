/* An active ufw lets in what nodes say to each other. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	static const char *const ports[] = {"16443", "25000", "10250", "19001"};
	const char *text = said_text(node, "facts.ufw");
	size_t missing = 0;

	(void)run;
	if (text == NULL)
		return CHECK_UNKNOWN;
	if (strstr(text, "Status: active") == NULL)
		return CHECK_PASS;
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		if (strstr(text, ports[i]) != NULL)
			continue;
		str_addf(found, "%s%s",
			missing == 0 ? "ufw is active and has no rule for port " : ", ", ports[i]);
		missing++;
	}
	if (missing == 0 && strstr(text, "vxlan.calico") == NULL) {
		missing++;
		str_adds(found, "ufw is active and has no rule for the interface vxlan.calico");
	}
	return missing == 0 ? CHECK_PASS : CHECK_FAIL;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"ufw\":\"Status: inactive\\n\"}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"ufw\":\"Status: active\\n22/tcp ALLOW Anywhere\\n\"}}", CHECK_FAIL,
		"16443, 25000"},
	{"{\"facts\":{\"ufw\":\"Status: active\\n16443 25000 10250 19001 ALLOW\\n\"}}", CHECK_FAIL,
		"vxlan.calico"},
	{"{\"facts\":{\"ufw\":\"Status: active\\n16443 25000 10250 19001 Anywhere on vxlan.calico\\n\"}}",
		CHECK_PASS, NULL},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_ufw, vectors, .code = "MKO-PRE-016", .title = "The firewall ufw keeps nodes apart",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 40,
	.expected =
		"rules for 16443, 25000, 10250, 19001/tcp and 4789/udp from the nodes, and for vxlan.calico and cali+",
	.why = "Joins, the datastore and the pod network need these ports.",
	.fix = "mko node prepare NODE adds the rules; SSH is left as it is",
	.operation = "node.prepare", .link = "https://github.com/canonical/microk8s/issues/1712",
	.test = test);
