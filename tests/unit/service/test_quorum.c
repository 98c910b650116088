/* Quorum: which voters would be left, from a scan and the rows of the nodes. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "service/quorum.h"

#define MAX 8

/* Control planes n1... with addresses 10.0.0.1...; @roles one letter each: v voter, s standby, p
 * spare, d dead voter; x a voter that only mko knows to be offline */
struct world {
	json_t *scan;
	struct node nodes[MAX];
	char names[MAX][24];
	char addresses[MAX][32];
	size_t n;
};

static const char *role_of(char letter)
{
	return letter == 's' ? "standby" : letter == 'p' ? "spare" : "voter";
}

static void make(struct world *w, const char *roles)
{
	json_t *members = json_array();

	w->n = strlen(roles);
	for (size_t i = 0; i < w->n; i++) {
		char endpoint[48];
		snprintf(w->names[i], sizeof(w->names[i]), "n%zu", i + 1);
		snprintf(w->addresses[i], sizeof(w->addresses[i]), "10.0.0.%zu", i + 1);
		snprintf(endpoint, sizeof(endpoint), "%s:19001", w->addresses[i]);
		w->nodes[i] = (struct node){.hostname = w->names[i],
			.ip_address = w->addresses[i],
			.role = NODE_ROLE_CONTROL_PLANE,
			.status = roles[i] == 'x' ? NODE_OFFLINE : NODE_ONLINE};
		json_array_append_new(members,
			json_pack("{s:s, s:s, s:b}", "address", endpoint, "role", role_of(roles[i]),
				"alive", roles[i] != 'd'));
	}
	w->scan = json_pack("{s:o}", "dqlite", members);
}

/* @down numbers of the nodes that go, "13" = n1 and n3 */
static struct quorum after(const char *roles, const char *down)
{
	struct world w;
	const struct node *gone[MAX];
	size_t n = 0;

	make(&w, roles);
	for (const char *p = down; *p != '\0'; p++)
		gone[n++] = &w.nodes[*p - '1'];
	struct quorum q = quorum_after(w.scan, w.nodes, w.n, gone, n);
	json_decref(w.scan);
	return q;
}

static void the_loss_of_voters_is_counted_by_who_lives(void **state)
{
	static const struct {
		const char *roles, *down;
		int64_t voters, alive, left, needed;
		bool safe;
	} rows[] = {
		{"vvv", "", 3, 3, 3, 2, true},
		{"vvv", "1", 3, 3, 2, 2, true},
		{"vvv", "12", 3, 3, 1, 2, false},
		{"vvvss", "12", 3, 3, 1, 2, false}, /* standbys do not vote */
		{"vvvss", "45", 3, 3, 3, 2, true},
		{"vdv", "1", 3, 2, 1, 2, false},
		{"vdv", "2", 3, 2, 2, 2, true}, /* the dead one may go */
		{"vxv", "1", 3, 2, 1, 2, false},
		{"v", "1", 1, 1, 0, 1, false},
		{"vp", "1", 1, 1, 0, 1, false},
		{"vp", "2", 1, 1, 1, 1, true},
		{"ddv", "1", 3, 1, 1, 2, true}, /* broken already, not by this */
		{"ddv", "3", 3, 1, 0, 2, false},
		{"vvvvv", "12", 5, 5, 3, 3, true},
		{"vvvv", "12", 4, 4, 2, 3, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct quorum q = after(rows[i].roles, rows[i].down);
		print_message("%s without %s\n", rows[i].roles, rows[i].down);
		assert_true(q.known);
		assert_int_equal(q.voters, rows[i].voters);
		assert_int_equal(q.alive, rows[i].alive);
		assert_int_equal(q.left, rows[i].left);
		assert_int_equal(q.needed, rows[i].needed);
		assert_int_equal(quorum_safe(&q), rows[i].safe);
	}
}

static void the_scan_says_which_address_a_node_has_in_the_cluster(void **state)
{
	struct world w;
	const struct node *gone = &w.nodes[0];

	(void)state;
	make(&w, "vvv");
	w.nodes[0].ip_address = (char *)(uintptr_t) "192.0.2.1"; /* another address for SSH */
	struct quorum q = quorum_after(w.scan, w.nodes, w.n, &gone, 1);
	assert_int_equal(q.left, 3);
	json_object_set_new(w.scan, "nodes",
		json_pack("[{s:s, s:s}]", "name", "n1", "address", "10.0.0.1"));
	q = quorum_after(w.scan, w.nodes, w.n, &gone, 1);
	assert_int_equal(q.left, 2);
	assert_true(quorum_votes(w.scan, gone));
	json_decref(w.scan);
}

static void an_address_is_no_prefix_of_another(void **state)
{
	struct world w;

	(void)state;
	make(&w, "vvv");
	w.nodes[0].ip_address = (char *)(uintptr_t) "10.0.0";
	assert_false(quorum_votes(w.scan, &w.nodes[0]));
	json_decref(w.scan);
}

static void the_only_member_of_a_new_cluster_listens_on_the_loopback(void **state)
{
	struct world w;
	const struct node *gone = &w.nodes[0];

	(void)state;
	make(&w, "v");
	json_decref(w.scan);
	w.scan = json_pack("{s:[{s:s, s:s}]}", "dqlite", "address", "127.0.0.1:19001", "role",
		"voter");
	struct quorum q = quorum_after(w.scan, w.nodes, w.n, &gone, 1);
	assert_int_equal(q.left, 0);
	w.nodes[0].role = NODE_ROLE_WORKER;
	q = quorum_after(w.scan, w.nodes, w.n, &gone, 1);
	assert_int_equal(q.left, 1);
	json_decref(w.scan);
}

static void without_a_scan_nothing_is_known(void **state)
{
	struct node node = {.hostname = (char *)(uintptr_t) "n1",
		.ip_address = (char *)(uintptr_t) "10.0.0.1"};
	const struct node *gone = &node;

	(void)state;
	struct quorum q = quorum_after(NULL, &node, 1, &gone, 1);
	assert_false(q.known);
	assert_false(quorum_votes(NULL, &node));
}

TEST_MAIN(cmocka_unit_test(the_loss_of_voters_is_counted_by_who_lives),
	cmocka_unit_test(the_scan_says_which_address_a_node_has_in_the_cluster),
	cmocka_unit_test(an_address_is_no_prefix_of_another),
	cmocka_unit_test(the_only_member_of_a_new_cluster_listens_on_the_loopback),
	cmocka_unit_test(without_a_scan_nothing_is_known))
