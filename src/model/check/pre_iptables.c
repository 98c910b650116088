/* Rules in one backend of iptables only. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int64_t legacy = 0;
	int64_t nft = 0;

	(void)run;
	if (!said_number(node, "facts.iptables_legacy", &legacy) ||
		!said_number(node, "facts.iptables_nft", &nft))
		return CHECK_UNKNOWN;
	if (legacy <= 0 || nft <= 0)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL,
		"There are %lld rules of iptables-legacy and %lld of iptables-nft.",
		(long long)legacy, (long long)nft);
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"iptables_legacy\":0,\"iptables_nft\":31}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"iptables_legacy\":4,\"iptables_nft\":31}}", CHECK_FAIL, "4 rules"},
	{"{\"facts\":{\"iptables_nft\":31}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_iptables, vectors, .code = "MKO-PRE-041", .title = "Two backends of iptables are mixed",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE, .expected = "rules in one backend",
	.why = "Packets pass both sets of rules, and each tool shows only its own: what is allowed in one is dropped in the other.",
	.fix = "sudo update-alternatives --config iptables, flush the other set, reboot",
	.test = test);
