/* The node still has the address under which it joined. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *address = said_text(node, "microk8s.address");
	const json_t *cards = said_value(node, "facts.addresses");
	const json_t *card = NULL;
	size_t i = 0;

	(void)run;
	if (address == NULL || !json_is_array(cards) || strncmp(address, "127.", 4) == 0)
		return CHECK_SKIP;
	json_array_foreach(cards, i, card) {
		const char *theirs = json_string_value(json_array_get(card, 1));
		if (theirs != NULL && strcmp(theirs, address) == 0)
			return CHECK_PASS;
	}
	return check_say(found, CHECK_FAIL,
		"The datastore takes part as %s, which no interface has.", address);
}

static const struct check_vector vectors[] = {
	{"{\"microk8s\":{\"address\":\"10.0.0.1\"},\"facts\":{\"addresses\":[[\"eth0\",\"10.0.0.1\"]]}}",
		CHECK_PASS, NULL},
	{"{\"microk8s\":{\"address\":\"10.0.0.1\"},\"facts\":{\"addresses\":[[\"eth0\",\"10.0.0.9\"],7]}}",
		CHECK_FAIL, "10.0.0.1"},
	{"{\"microk8s\":{\"address\":\"127.0.0.1\"},\"facts\":{\"addresses\":[]}}", CHECK_SKIP,
		NULL},
};
CHECK(doc_address_changed, vectors, .code = "MKO-DOC-016",
	.title = "The address of the node has changed", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 4,
	.expected = "the address under which the node joined, on one of its interfaces",
	.why = "The datastore binds to that address and the others look for it there.",
	.fix = "Give the node its old address back (a fixed lease), or let it leave and join again",
	.link = "https://github.com/canonical/microk8s/issues/1955", .test = test);
