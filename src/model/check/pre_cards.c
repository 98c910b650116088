/* Which network card the pod network takes. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	static const char *const ours[] = {"vxlan.calico", "flannel.1", "cni0", "docker0", "lo"};
	const json_t *cards = said_value(node, "facts.addresses");
	const json_t *card = NULL;
	size_t i = 0;
	size_t n = 0;

	(void)run;
	if (!json_is_array(cards))
		return CHECK_UNKNOWN;
	json_array_foreach(cards, i, card) {
		const char *name = json_string_value(json_array_get(card, 0));
		bool skip = name == NULL || !json_is_string(json_array_get(card, 1)) ||
			strncmp(name, "cali", 4) == 0;
		for (size_t k = 0; !skip && k < ARRAY_LEN(ours); k++)
			skip = strcmp(name, ours[k]) == 0;
		if (skip)
			continue;
		str_addf(found, "%s%.30s", n == 0 ? "Cards with addresses: " : ", ", name);
		n++;
	}
	if (n > 1)
		return CHECK_FAIL;
	str_reset(found);
	return CHECK_PASS;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"addresses\":[[\"eth0\",\"10.0.0.1\"],[\"cali12\",\"10.1.0.1\"],[\"eth1\",null]]}}",
		CHECK_PASS, NULL},
	{"{\"facts\":{\"addresses\":[[\"eth0\",\"10.0.0.1\"],[\"wlan0\",\"192.0.2.1\"]]}}",
		CHECK_FAIL, "eth0, wlan0"},
	{"{\"facts\":{\"addresses\":[7,{}]}}", CHECK_PASS, NULL},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_cards, vectors, .code = "MKO-PRE-037", .title = "The node has several network cards",
	.severity = CHECK_INFO, .uses = CHECK_PREREQUISITE, .expected = "one card with an address",
	.why = "Calico takes the first card it finds, which may be the wrong one: pods of different nodes do not reach each other.",
	.fix = "Set IP_AUTODETECTION_METHOD (can-reach=ADDRESS or interface=NAME) in cni.yaml, and kubelet --node-ip",
	.link = "https://github.com/canonical/microk8s/issues/1511", .test = test);
