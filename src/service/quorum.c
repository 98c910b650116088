/* Owns the arithmetic of voters. Knows nothing of operations. */
#include "service/quorum.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* "10.0.0.1:19001" and "[fd00::1]:19001" name the host 10.0.0.1 and fd00::1. */
static bool same_host(const char *endpoint, const char *address)
{
	size_t len = strlen(address);
	bool bracket = endpoint[0] == '[';

	if (len == 0 || strncmp(endpoint + bracket, address, len) != 0)
		return false;
	char next = endpoint[len + bracket];
	return bracket ? next == ']' : next == ':' || next == '\0';
}

/* Before the first join the only member listens on the loopback. */
static bool alone(const json_t *members, const char *endpoint)
{
	return json_array_size(members) == 1 && same_host(endpoint, "127.0.0.1");
}

static const char *scanned_address(const json_t *scan, const char *hostname)
{
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(scan, "nodes"), i, item)
		if (strcmp(text_of(item, "name"), hostname) == 0)
			return text_of(item, "address");
	return "";
}

static bool is_voter(const json_t *member)
{
	return strcmp(text_of(member, "role"), "voter") == 0;
}

static bool is_node(const json_t *scan, const json_t *member, const struct node *node)
{
	const char *endpoint = text_of(member, "address");

	return same_host(endpoint, scanned_address(scan, node->hostname)) ||
		same_host(endpoint, node->ip_address) ||
		(node->role != NODE_ROLE_WORKER &&
			alone(json_object_get(scan, "dqlite"), endpoint));
}

bool quorum_votes(const json_t *scan, const struct node *node)
{
	size_t i;
	const json_t *member;

	json_array_foreach(json_object_get(scan, "dqlite"), i, member)
		if (is_voter(member) && is_node(scan, member, node))
			return true;
	return false;
}

static bool alive(const json_t *scan, const json_t *member, const struct node *nodes, size_t n)
{
	if (json_is_false(json_object_get(member, "alive")))
		return false;
	for (size_t i = 0; i < n; i++)
		if (is_node(scan, member, &nodes[i]))
			return nodes[i].status != NODE_OFFLINE;
	return true;
}

static bool goes_down(const json_t *scan, const json_t *member, const struct node *const *down,
	size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_node(scan, member, down[i]))
			return true;
	return false;
}

struct quorum quorum_after(const json_t *scan, const struct node *nodes, size_t n_nodes,
	const struct node *const *down, size_t n_down)
{
	struct quorum q = {0};
	size_t i;
	const json_t *member;

	json_array_foreach(json_object_get(scan, "dqlite"), i, member) {
		if (!is_voter(member))
			continue;
		bool lives = alive(scan, member, nodes, n_nodes);
		q.voters++;
		q.alive += lives;
		q.left += lives && !goes_down(scan, member, down, n_down);
	}
	q.known = q.voters > 0;
	q.needed = q.known ? q.voters / 2 + 1 : 0;
	return q;
}

bool quorum_safe(const struct quorum *q)
{
	return q->left >= q->needed || q->left == q->alive;
}
