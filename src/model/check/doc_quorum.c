/* Most voters of the datastore answer, and have a leader. */
#include "model/check/check.h"

#include <string.h>

/* Whether anybody reaches this member. */
static bool answers(const struct check_run *run, const char *address)
{
	for (size_t i = 0; i < run->n; i++) {
		const json_t *member = NULL;
		size_t k = 0;
		json_array_foreach(said_value(&run->nodes[i], "datastore.members"), k, member) {
			const char *theirs = json_string_value(json_object_get(member, "address"));
			if (theirs != NULL && strcmp(theirs, address) == 0 &&
				json_is_true(json_object_get(member, "alive")))
				return true;
		}
	}
	return false;
}

/* The longest list of members: a node that was left behind knows only itself. */
static const json_t *members_of(const struct check_run *run)
{
	const json_t *best = NULL;

	for (size_t i = 0; i < run->n; i++) {
		const json_t *list = said_value(&run->nodes[i], "datastore.members");
		if (json_array_size(list) > json_array_size(best))
			best = list;
	}
	return best;
}

static bool anybody_has_leader(const struct check_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (said_truth(&run->nodes[i], "datastore.live") == 1)
			return true;
	return false;
}

/* Whether a person or a shutdown stopped MicroK8s there. @address "10.0.0.1:19001", NULL = anywhere
 */
static bool was_stopped(const struct check_run *run, const char *address)
{
	size_t len = address != NULL ? strcspn(address, ":") : 0;

	for (size_t i = 0; i < run->n; i++) {
		const char *theirs = run->nodes[i].address;
		bool same = address == NULL ||
			(theirs != NULL && strlen(theirs) == len &&
				strncmp(theirs, address, len) == 0);
		if (same &&
			check_list_has(said_value(&run->nodes[i], "microk8s.locks"),
				"stopped.lock"))
			return true;
	}
	return false;
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const json_t *members = members_of(run);
	const json_t *member = NULL;
	size_t i = 0;
	size_t voters = 0;
	size_t alive = 0;
	size_t stopped = 0;
	cleanup(str_done) struct str silent = STR_INIT;

	(void)node;
	json_array_foreach(members, i, member) {
		const char *role = json_string_value(json_object_get(member, "role"));
		const char *address = json_string_value(json_object_get(member, "address"));
		if (role == NULL || address == NULL || strcmp(role, "voter") != 0)
			continue;
		voters++;
		if (answers(run, address)) {
			alive++;
			continue;
		}
		stopped += was_stopped(run, address);
		str_addf(&silent, "%s%.60s", silent.len > 0 ? ", " : "", address);
	}
	if (voters == 0)
		return CHECK_SKIP;
	if (alive < voters / 2 + 1) /* what was stopped can be started: that is the cause then */
		return check_say(found, alive + stopped < voters / 2 + 1 ? CHECK_FAIL : CHECK_WARN,
			"%zu of %zu voters answer; silent: %s.", alive, voters, str_get(&silent));
	if (!anybody_has_leader(run) && !was_stopped(run, NULL))
		return check_say(found, CHECK_FAIL,
			"%zu of %zu voters listen, but no leader answers.", alive, voters);
	return CHECK_PASS;
}

#define MEMBER(address, role, alive)                                                               \
	"{\"address\":\"" address ":19001\",\"role\":\"" role "\",\"alive\":" alive "}"
static const struct check_vector vectors[] = {
	{"{\"datastore\":{\"live\":true,\"members\":[" MEMBER("10.0.0.1", "voter",
		 "true") "," MEMBER("10.0.0.2", "voter", "true") "," MEMBER("10.0.0.3", "voter",
		 "false") "]}}",
		CHECK_PASS, NULL},
	{"{\"datastore\":{\"live\":false,\"members\":[" MEMBER("10.0.0.1", "voter",
		 "true") "," MEMBER("10.0.0.2", "voter", "false") "," MEMBER("10.0.0.3", "voter",
		 "false") "," MEMBER("10.0.0.4", "standby", "true") "]}}",
		CHECK_FAIL, "1 of 3 voters answer; silent: 10.0.0.2:19001, 10.0.0.3:19001"},
	{"{\"datastore\":{\"live\":false,\"members\":[" MEMBER("10.0.0.1", "voter", "true") "]}}",
		CHECK_FAIL, "no leader"},
	{"[{\"address\":\"10.0.0.1\",\"data\":{\"microk8s\":{\"locks\":[\"stopped.lock\"]},\"datastore\":{\"live\":false,\"members\":[" MEMBER(
		 "10.0.0.1", "voter", "false") "]}}}]",
		CHECK_WARN, "0 of 1 voters answer"},
	{"{\"datastore\":{\"members\":[7,{}]}}", CHECK_SKIP, NULL},
	{NULL, CHECK_SKIP, NULL},
};
CHECK(doc_quorum, vectors, .code = "MKO-DOC-001", .title = "The datastore has lost its quorum",
	.severity = CHECK_BLOCKING, .uses = CHECK_DOCTOR, .rank = 3, .once = true,
	.expected = "more than half of the voters answer and have a leader",
	.why = "Without it the API answers nothing, and nothing in the cluster can be changed.",
	.fix = "Start the missing control planes; one that comes back is enough. If they are lost for good: mko cluster restore, or the procedure of MicroK8s for a lost quorum",
	.operation = "cluster.startup", .link = "https://microk8s.io/docs/restore-quorum",
	.test = test);
