/* Owns what an operation that takes nodes down would cost: voters, pods that cannot move, volumes
 * that stay behind. Says what the last scan knew, with its age; contacts nobody. */
#include "base/mem.h"
#include "service/cluster.h"
#include "service/op/op_int.h"

#define LIST_MAX 500 /**< rows of a list of one node */

static json_t *time_json(int64_t at)
{
	char text[CLOCK_TEXT_SIZE];

	if (at == I64_NONE)
		return json_null();
	clock_format(at, text);
	return json_string(text);
}

/* What a node told comes from outside: only what has the right shape is passed on. */
static json_t *number_of(const json_t *impact, const char *key)
{
	const json_t *value = json_object_get(impact, key);

	return json_is_integer(value) ? json_integer(json_integer_value(value)) : json_null();
}

static json_t *pods_of(const json_t *impact)
{
	json_t *list = json_array();
	size_t i;
	const json_t *item;

	json_array_foreach(json_object_get(impact, "stay"), i, item) {
		json_t *pod = json_object_get(item, "pod");
		json_t *why = json_object_get(item, "why");
		if (json_is_string(pod) && json_is_string(why) && json_array_size(list) < LIST_MAX)
			json_array_append_new(list,
				json_pack("{s:O, s:O}", "pod", pod, "why", why));
	}
	return list;
}

static json_t *volumes_of(const json_t *impact)
{
	json_t *list = json_array();
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(impact, "volumes"), i, item)
		if (json_is_string(item) && json_array_size(list) < LIST_MAX)
			json_array_append(list, item);
	return list;
}

/* Written by us when the node told it, see op_ingest.c. */
static int64_t node_told_at(const struct node *node)
{
	const json_t *at = json_object_get(node->impact, "at");

	return json_is_integer(at) ? json_integer_value(at) : I64_NONE;
}

static json_t *node_part(const struct cluster *c, const struct node *node)
{
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "hostname",
		node->hostname, "voter", quorum_votes(c->scan, node), "seen_at",
		time_json(node_told_at(node)), "pods", number_of(node->impact, "pods"), "emptydir",
		number_of(node->impact, "emptydir"), "stay_count",
		number_of(node->impact, "stay_count"), "stay", pods_of(node->impact),
		"volume_count", number_of(node->impact, "volume_count"), "volumes",
		volumes_of(node->impact));
}

static json_t *voters_json(const struct quorum *q)
{
	return q->known ? json_pack("{s:I, s:I, s:I, s:I}", "configured", (json_int_t)q->voters,
				  "alive", (json_int_t)q->alive, "left", (json_int_t)q->left,
				  "needed", (json_int_t)q->needed)
			: json_null();
}

static struct err *cluster_part(struct service *svc, const struct op_run *run, int64_t cluster_id,
	json_t *list)
{
	struct cluster c;
	struct quorum q;
	json_t *nodes = json_array();

	TRY(store_get(svc->store, &cluster_type, cluster_id, &c));
	struct err *e = op_guard_look(svc, run, &c, &q);
	for (size_t i = 0; e == NULL && i < run->n_nodes; i++)
		if (op_guard_falls(run, &run->nodes[i]) && run->nodes[i].cluster_id == cluster_id)
			json_array_append_new(nodes, node_part(&c, &run->nodes[i]));
	if (e == NULL)
		json_array_append_new(list,
			json_pack("{s:s, s:o, s:o, s:O}", "cluster", c.name, "scanned_at",
				time_json(c.scanned_at), "voters", voters_json(&q), "nodes",
				nodes));
	json_decref(nodes);
	record_done(&cluster_type, &c);
	return e;
}

struct err *op_impact(struct service *svc, const struct op_run *run, json_t **ret_json)
{
	json_t *list = json_array();
	struct err *e = NULL;

	for (size_t i = 0; e == NULL && run->type->down != OP_DOWN_NONE && i < run->n_nodes; i++)
		if (op_guard_first(run, i))
			e = cluster_part(svc, run, run->nodes[i].cluster_id, list);
	if (e != NULL) {
		json_decref(list);
		return e;
	}
	*ret_json = list;
	return NULL;
}
