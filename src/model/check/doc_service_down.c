/* The services of MicroK8s run. */
#include "model/check/check.h"

#include <string.h>

static const struct {
	const char *unit;
	bool plane, worker;
} units[] = {
	{"k8s-dqlite", true, false},
	{"containerd", true, true},
	{"kubelite", true, true},
	{"cluster-agent", true, true},
	{"apiserver-proxy", false, true},
};

static bool is_down(const struct check_node *node, const char *unit)
{
	char path[96] = "microk8s.units.";

	(void)strncat(path, unit, 40);
	(void)strncat(path, ".active", 8);
	const char *active = said_text(node, path);
	return active != NULL && (strcmp(active, "failed") == 0 || strcmp(active, "inactive") == 0);
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *role = said_text(node, "microk8s.role");
	const char *status = said_text(node, "microk8s.status");
	size_t n = 0;

	(void)run;
	if (role == NULL || status == NULL || !json_is_object(said_value(node, "microk8s.units")) ||
		strcmp(status, "installed") == 0 ||
		check_list_has(said_value(node, "microk8s.locks"), "stopped.lock"))
		return CHECK_SKIP;
	bool worker = strcmp(role, "worker") == 0;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if ((worker ? units[i].worker : units[i].plane) && is_down(node, units[i].unit))
			str_addf(found, "%s%s", n++ == 0 ? "Not running: " : ", ", units[i].unit);
	return n == 0 ? CHECK_PASS : CHECK_FAIL;
}

#define UNITS(role, rest)                                                                          \
	"{\"microk8s\":{\"role\":\"" role "\",\"status\":\"error\",\"units\":{" rest "}}}"
static const struct check_vector vectors[] = {
	{UNITS("worker",
		 "\"k8s-dqlite\":{\"active\":\"inactive\"},\"kubelite\":{\"active\":\"active\"}"),
		CHECK_PASS, NULL},
	{UNITS("control_plane",
		 "\"k8s-dqlite\":{\"active\":\"failed\"},\"containerd\":{\"active\":\"inactive\"}"),
		CHECK_FAIL, "k8s-dqlite, containerd"},
	{"{\"microk8s\":{\"status\":\"installed\"}}", CHECK_SKIP, NULL},
};
CHECK(doc_service_down, vectors, .code = "MKO-DOC-013",
	.title = "A service of MicroK8s does not run", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 26, .expected = "all services of the node's role active",
	.why = "Each of them is needed: the datastore, the container engine, kubelite, the cluster agent, a worker's way to the API.",
	.fix = "journalctl -u snap.microk8s.daemon-NAME says why; sudo snap start microk8s.daemon-NAME",
	.test = test);
