/* The API of a control plane whose services run answers. */
#include "model/check/check.h"

#include <string.h>

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *role = said_text(node, "microk8s.role");
	const char *kubelite = said_text(node, "microk8s.units.kubelite.active");
	const char *message = said_text(node, "microk8s.message");

	(void)run;
	if (role == NULL || strcmp(role, "control_plane") != 0 || kubelite == NULL ||
		strcmp(kubelite, "active") != 0 ||
		check_list_has(said_value(node, "microk8s.locks"), "stopped.lock"))
		return CHECK_SKIP;
	if (json_is_array(said_value(node, "kube_nodes")))
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "%s",
		message != NULL ? message : "The API does not answer.");
}

#define PLANE                                                                                      \
	"\"microk8s\":{\"role\":\"control_plane\",\"locks\":[],\"units\":{\"kubelite\":{\"active\":\"active\"}}}"
static const struct check_vector vectors[] = {
	{"{" PLANE ",\"kube_nodes\":[]}", CHECK_PASS, NULL},
	{"{" PLANE ",\"kube_nodes\":null}", CHECK_FAIL, "does not answer"},
	{"{\"microk8s\":{\"role\":\"worker\"}}", CHECK_SKIP, NULL},
};
CHECK(doc_api_silent, vectors, .code = "MKO-DOC-021",
	.title = "The Kubernetes API of the node does not answer", .severity = CHECK_BLOCKING,
	.uses = CHECK_DOCTOR, .rank = 46, .expected = "an answer within 15 s",
	.why = "Nobody can see or change the cluster through this control plane.",
	.fix = "journalctl -u snap.microk8s.daemon-kubelite; sudo snap restart microk8s.daemon-kubelite",
	.test = test);
