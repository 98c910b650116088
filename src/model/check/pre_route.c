/* A default route. */
#include "model/check/check.h"

#include <string.h>

/* A line of /proc/net/route: interface, destination, gateway, flags ... as hexadecimal numbers. */
static bool is_default(const char *line, size_t len)
{
	const char *tab = memchr(line, '\t', len);

	return tab != NULL && (size_t)(tab - line) + 10 <= len &&
		strncmp(tab + 1, "00000000", 8) == 0;
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *at = said_text(node, "facts.route");
	const char *line = NULL;
	size_t len = 0;

	(void)run;
	if (at == NULL)
		return CHECK_UNKNOWN;
	while ((line = check_next_line(&at, &len)) != NULL)
		if (is_default(line, len))
			return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "There is no default route.");
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"route\":\"Iface\\tDestination\\tGateway\\neth0\\t00000000\\t0100000A\\t0003\\n\"}}",
		CHECK_PASS, NULL},
	{"{\"facts\":{\"route\":\"Iface\\tDestination\\neth0\\t0000000A\\t00000000\\n\"}}",
		CHECK_FAIL, "no default route"},
	{"{\"facts\":{\"route\":\"eth0\\t0000\"}}", CHECK_FAIL, NULL},
	{"{\"facts\":{}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_route, vectors, .code = "MKO-PRE-015", .title = "There is no default route",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 62,
	.expected = "a default route, if only to nowhere",
	.why = "MicroK8s looks for its own address there: services start late and certificates are not renewed.",
	.fix = "Set a default route, or --advertise-address for the API server and --node-ip for the kubelet",
	.test = test);
