/* Machine IDs are unique over the inventory. */
#include "model/check/check.h"

#include <string.h>

static bool is_machine(const char *theirs, const char *id)
{
	return theirs != NULL && strcmp(theirs, id) == 0;
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *id = said_text(node, "machine_id");
	const json_t *other = NULL;
	size_t n = 0;
	size_t k = 0;

	if (id == NULL || id[0] == '\0')
		return CHECK_UNKNOWN;
	for (size_t i = 0; i < run->n; i++)
		if (&run->nodes[i] != node &&
			is_machine(said_text(&run->nodes[i], "machine_id"), id))
			str_addf(found, "%s%.63s", n++ == 0 ? "The same machine ID has: " : ", ",
				run->nodes[i].name);
	json_array_foreach(run->others, k, other) {
		const char *name = json_string_value(json_object_get(other, "hostname"));
		if (name != NULL &&
			is_machine(json_string_value(json_object_get(other, "machine_id")), id))
			str_addf(found, "%s%.63s", n++ == 0 ? "The same machine ID has: " : ", ",
				name);
	}
	return n == 0 ? CHECK_PASS : CHECK_FAIL;
}

static const struct check_vector vectors[] = {
	{"[{\"name\":\"n1\",\"data\":{\"machine_id\":\"a1\"}},{\"name\":\"n2\",\"data\":{\"machine_id\":\"b2\"}}]",
		CHECK_PASS, NULL},
	{"[{\"name\":\"n1\",\"data\":{\"machine_id\":\"a1\"}},{\"name\":\"n2\",\"data\":{\"machine_id\":\"a1\"}}]",
		CHECK_FAIL, "n2"},
	{"{\"machine_id\":null}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_same_machine, vectors, .code = "MKO-PRE-035",
	.title = "Two nodes have the same machine ID", .severity = CHECK_BLOCKING,
	.uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 16,
	.expected = "a machine ID that no other node of the inventory has",
	.why = "One is a copy of the other, or one machine was added twice; copies get the same network addresses.",
	.fix = "On a copy: sudo rm /etc/machine-id; sudo systemd-machine-id-setup. An entry too many: mko node remove NAME",
	.test = test);
