/* Members of the datastore are known by address. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *names = said_value(node, "datastore.named");
	const json_t *one = NULL;
	size_t i = 0;
	size_t n = 0;

	(void)run;
	if (!json_is_array(names))
		return CHECK_SKIP;
	json_array_foreach(names, i, one)
		if (json_is_string(one))
			str_addf(found, "%s%.60s", n++ == 0 ? "cluster.yaml names: " : ", ",
				json_string_value(one));
	return n == 0 ? CHECK_PASS : CHECK_FAIL;
}

static const struct check_vector vectors[] = {
	{"{\"datastore\":{\"named\":[]}}", CHECK_PASS, NULL},
	{"{\"datastore\":{\"named\":[\"pi3.lan\"]}}", CHECK_FAIL, "pi3.lan"},
	{"{\"datastore\":null}", CHECK_SKIP, NULL},
};
CHECK(doc_member_named, vectors, .code = "MKO-DOC-024",
	.title = "A member of the datastore is known by a host name", .severity = CHECK_WARNING,
	.uses = CHECK_DOCTOR, .rank = 5, .expected = "an IP address for each member",
	.why = "The datastore binds to what the name means at that moment; another answer of the DNS, and the member is lost.",
	.fix = "Let that node leave and join by address: mko cluster leave, mko cluster join",
	.operation = "cluster.leave", .link = "https://github.com/canonical/microk8s/issues/4396",
	.test = test);
