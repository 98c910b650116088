/* Owns the rules of what is well. */
#include "model/health.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define HEARTBEAT_OLD_S 60 /* a kubelet renews each 10 s, and is given up after 40 s */

static const char *const state_texts[] = {"up", "unknown", "degraded", "down", NULL};
const struct enum_table health_state_table = {"health_state", state_texts};
static const char *const answer_texts[] = {"not_asked", "good", "bad", "refused", "silent", NULL};
const struct enum_table health_answer_table = {"health_answer", answer_texts};

static bool there(enum health_answer answer)
{
	return answer == HEALTH_GOOD || answer == HEALTH_BAD || answer == HEALTH_REFUSED;
}

/* Put a sentence behind others. */
static enum health_state say(struct str *reason, enum health_state state, const char *text)
{
	str_addf(reason, "%s%s", reason->len > 0 ? " " : "", text);
	return state;
}

static enum health_state worse(enum health_state a, enum health_state b)
{
	return a > b ? a : b;
}

static enum health_state judge_kube(const struct health_kube *kube, struct str *reason)
{
	enum health_state state = HEALTH_UP;
	char text[160];

	if (!kube->asked)
		return HEALTH_UP;
	if (!kube->known)
		return say(reason, HEALTH_DEGRADED, "The cluster does not know it.");
	if (!kube->ready)
		state = say(reason, HEALTH_DEGRADED, "Kubernetes says that it is not Ready.");
	if (kube->ready && kube->heartbeat_s != I64_NONE && kube->heartbeat_s > HEARTBEAT_OLD_S) {
		(void)snprintf(text, sizeof(text),
			"It is called Ready, but its last heartbeat is %lld s old.",
			(long long)kube->heartbeat_s);
		state = say(reason, HEALTH_DEGRADED, text);
	}
	if (kube->pressure[0] != '\0') {
		(void)snprintf(text, sizeof(text), "It has %s.", kube->pressure);
		state = worse(state, say(reason, HEALTH_DEGRADED, text));
	}
	return state;
}

static enum health_state judge_api(const struct health_node *seen, struct str *reason)
{
	static const char *const texts[] = {
		[HEALTH_NOT_ASKED] = NULL,
		[HEALTH_GOOD] = NULL,
		[HEALTH_BAD] = "Its API answers that it is not ready.",
		[HEALTH_REFUSED] = "Its API does not listen.",
		[HEALTH_SILENT] = "Its API does not answer.",
	};

	if (!seen->plane || texts[seen->api] == NULL)
		return HEALTH_UP;
	return say(reason, HEALTH_DEGRADED, texts[seen->api]);
}

enum health_state health_judge_node(const struct health_node *seen, struct str *reason)
{
	enum health_state state = HEALTH_UP;

	if (!there(seen->ssh) && !there(seen->agent) && !there(seen->api))
		return say(reason, HEALTH_DOWN, "It answers neither SSH nor MicroK8s.");
	if (seen->ssh == HEALTH_REFUSED)
		state = say(reason, HEALTH_DEGRADED,
			"It is there, but its SSH server does not listen.");
	if (seen->ssh == HEALTH_SILENT)
		state = say(reason, HEALTH_DEGRADED, "MicroK8s answers, SSH does not.");
	if (!seen->member)
		return state;
	if (seen->agent == HEALTH_REFUSED)
		state = say(reason, HEALTH_DEGRADED,
			"MicroK8s does not run (nobody listens on 25000).");
	if (seen->agent == HEALTH_SILENT || seen->agent == HEALTH_BAD)
		state = say(reason, HEALTH_DEGRADED,
			"The cluster agent (25000) does not answer as it should.");
	state = worse(state, judge_api(seen, reason));
	return worse(state, judge_kube(&seen->kube, reason));
}

int64_t health_margin(const struct health_cluster *seen)
{
	if (seen->voters == 0)
		return I64_NONE;
	return (int64_t)seen->voters_alive - (int64_t)(seen->voters / 2 + 1);
}

enum health_state health_judge_cluster(const struct health_cluster *seen, struct str *reason)
{
	enum health_state state = HEALTH_UP;
	char text[160];

	if (seen->planes == 0)
		return say(reason, HEALTH_UNKNOWN, "It has no control plane in the inventory.");
	if (seen->planes_ready == 0)
		return say(reason, HEALTH_DOWN,
			seen->planes_alive > 0
				? "No API of a control plane is ready, although some of them run: the datastore has lost its quorum, or MicroK8s is stopped."
				: "No control plane answers.");
	if (health_margin(seen) == 0 && seen->voters > 1)
		state = say(reason, HEALTH_DEGRADED, "The loss of one more voter stops it.");
	if (seen->planes_ready < seen->planes) {
		(void)snprintf(text, sizeof(text), "%zu of %zu control planes are ready.",
			seen->planes_ready, seen->planes);
		state = say(reason, HEALTH_DEGRADED, text);
	}
	if (seen->nodes_well < seen->nodes) {
		(void)snprintf(text, sizeof(text), "%zu of %zu nodes are well.", seen->nodes_well,
			seen->nodes);
		state = say(reason, HEALTH_DEGRADED, text);
	}
	return state;
}

/* ---- what Kubernetes says ---- */

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool has_address(const json_t *node, const char *address)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(json_object_get(node, "status"), "addresses"), i, one)
		if (same(text_at(one, "type"), "InternalIP") &&
			same(text_at(one, "address"), address))
			return true;
	return false;
}

static const json_t *find_node(const json_t *nodes, const char *name, const char *address)
{
	const json_t *node = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(nodes, "items"), i, node)
		if (same(text_at(json_object_get(node, "metadata"), "name"), name) ||
			has_address(node, address))
			return node;
	return NULL;
}

static void read_conditions(const json_t *node, struct health_kube *kube)
{
	static const char *const pressures[] = {"DiskPressure", "MemoryPressure", "PIDPressure",
		"NetworkUnavailable"};
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(json_object_get(node, "status"), "conditions"), i, one) {
		const char *type = text_at(one, "type");
		bool yes = same(text_at(one, "status"), "True");
		if (same(type, "Ready"))
			kube->ready = yes;
		for (size_t k = 0; yes && k < ARRAY_LEN(pressures); k++)
			if (same(type, pressures[k]))
				(void)snprintf(kube->pressure, sizeof(kube->pressure), "%s", type);
	}
	kube->cordoned =
		json_is_true(json_object_get(json_object_get(node, "spec"), "unschedulable"));
}

static bool renewed_at(const json_t *lease, int64_t *ret_ms)
{
	const char *text = text_at(json_object_get(lease, "spec"), "renewTime");

	return text != NULL && clock_parse(text, ret_ms) == 0;
}

/* Age against the newest lease of all: our clock may be another than the cluster's. */
static int64_t heartbeat_s(const json_t *leases, const char *name)
{
	const json_t *lease = NULL;
	int64_t newest = 0;
	int64_t own = I64_NONE;
	int64_t at = 0;
	size_t i = 0;

	json_array_foreach(json_object_get(leases, "items"), i, lease) {
		if (!renewed_at(lease, &at))
			continue;
		newest = at > newest ? at : newest;
		if (same(text_at(json_object_get(lease, "metadata"), "name"), name))
			own = at;
	}
	return own == I64_NONE ? I64_NONE : (newest - own) / 1000;
}

struct health_kube health_read_kube(const json_t *nodes, const json_t *leases, const char *name,
	const char *address)
{
	struct health_kube kube = {.asked = json_is_array(json_object_get(nodes, "items")),
		.heartbeat_s = I64_NONE};
	const json_t *node = find_node(nodes, name, address);

	if (node == NULL)
		return kube;
	kube.known = true;
	read_conditions(node, &kube);
	kube.heartbeat_s = heartbeat_s(leases, text_at(json_object_get(node, "metadata"), "name"));
	return kube;
}
