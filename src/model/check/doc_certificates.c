/* Certificates are good for a while. */
#include "model/check/check.h"

#define SOON_DAYS 30

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *certs = said_value(node, "certs");
	const json_t *cert = NULL;
	size_t i = 0;
	size_t n = 0;
	bool over = false;

	(void)run;
	if (!json_is_array(certs) || json_array_size(certs) == 0)
		return CHECK_SKIP;
	json_array_foreach(certs, i, cert) {
		const char *name = json_string_value(json_object_get(cert, "name"));
		const json_t *days = json_object_get(cert, "days_left");
		if (name == NULL || !json_is_integer(days) || json_integer_value(days) >= SOON_DAYS)
			continue;
		over = over || json_integer_value(days) < 0;
		str_addf(found, "%s%.40s: %lld days left", n++ == 0 ? "" : ", ", name,
			(long long)json_integer_value(days));
	}
	return n == 0 ? CHECK_PASS : over ? CHECK_FAIL : CHECK_WARN;
}

static const struct check_vector vectors[] = {
	{"{\"certs\":[{\"name\":\"server.crt\",\"days_left\":364},{\"name\":\"odd\",\"days_left\":null}]}",
		CHECK_PASS, NULL},
	{"{\"certs\":[{\"name\":\"server.crt\",\"days_left\":5}]}", CHECK_WARN,
		"server.crt: 5 days"},
	{"{\"certs\":[{\"name\":\"server.crt\",\"days_left\":-3}]}", CHECK_FAIL, "-3 days"},
	{"{\"certs\":[]}", CHECK_SKIP, NULL},
};
CHECK(doc_certificates, vectors, .code = "MKO-DOC-015",
	.title = "A certificate ends soon or is over", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 20, .expected = "30 days left on every certificate",
	.why = "MicroK8s renews none of them by itself; when they end, the API and the join stop with x509 errors.",
	.fix = "mko cluster certs renew CLUSTER", .operation = "cluster.certs_renew",
	.link = "https://github.com/canonical/microk8s/issues/5576", .test = test);
