/* Host names are unique over the inventory. */
#include "model/check/check.h"

#include <string.h>

static bool calls_itself(const struct check_node *node, const char *name)
{
	const char *own = said_text(node, "hostname");

	return own != NULL && strcmp(own, name) == 0;
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *name = said_text(node, "hostname");
	const json_t *other = NULL;
	size_t n = 0;
	size_t k = 0;

	if (name == NULL)
		return CHECK_UNKNOWN;
	for (size_t i = 0; i < run->n; i++)
		if (&run->nodes[i] != node && calls_itself(&run->nodes[i], name))
			str_addf(found, "%s%.63s", n++ == 0 ? "The same host name has: " : ", ",
				run->nodes[i].name);
	json_array_foreach(run->others, k, other) {
		const char *theirs = json_string_value(json_object_get(other, "hostname"));
		if (theirs != NULL && strcmp(theirs, name) == 0)
			str_addf(found, "%s%.63s", n++ == 0 ? "The same host name has: " : ", ",
				theirs);
	}
	return n == 0 ? CHECK_PASS : CHECK_FAIL;
}

static const struct check_vector vectors[] = {
	{"[{\"name\":\"n1\",\"data\":{\"hostname\":\"a\"}},{\"name\":\"n2\",\"data\":{\"hostname\":\"b\"}}]",
		CHECK_PASS, NULL},
	{"[{\"name\":\"n1\",\"data\":{\"hostname\":\"pi\"}},{\"name\":\"n2\",\"data\":{\"hostname\":\"pi\"}},{\"name\":\"n3\"}]",
		CHECK_FAIL, "n2"},
	{"{}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_same_name, vectors, .code = "MKO-PRE-034", .title = "Two nodes have the same host name",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 16,
	.expected = "a host name that no other node of the inventory has",
	.why = "They would be one node in Kubernetes: each takes the other's place.",
	.fix = "On one of them: sudo hostnamectl set-hostname NAME, before MicroK8s is installed",
	.link = "https://github.com/canonical/microk8s/issues/1807", .test = test);
