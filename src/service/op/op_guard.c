/* Owns the question whether an operation may take its nodes down, for every type in one place. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "service/cluster.h"
#include "service/op/op_int.h"
#include "service/quorum.h"

/* The nodes of one cluster that an operation takes down. */
struct fall {
	const struct node **nodes; /**< borrowed from the run */
	size_t n;
};

static bool spared(const struct op_run *run, const struct node *node)
{
	size_t i;
	const json_t *name;

	json_array_foreach(run->spared, i, name)
		if (strcmp(json_string_value(name), node->hostname) == 0)
			return true;
	return false;
}

bool op_guard_falls(const struct op_run *run, const struct node *node)
{
	return run->type->down != OP_DOWN_NONE && !spared(run, node);
}

bool op_guard_first(const struct op_run *run, size_t i)
{
	if (run->nodes[i].cluster_id == I64_NONE)
		return false;
	for (size_t k = 0; k < i; k++)
		if (run->nodes[k].cluster_id == run->nodes[i].cluster_id)
			return false;
	return true;
}

static struct fall fall_of(const struct op_run *run, int64_t cluster_id)
{
	struct fall f = {.nodes = mem_zalloc((run->n_nodes + 1) * sizeof(struct node *))};

	for (size_t i = 0; i < run->n_nodes; i++)
		if (run->nodes[i].cluster_id == cluster_id && !spared(run, &run->nodes[i]))
			f.nodes[f.n++] = &run->nodes[i];
	return f;
}

/* The worst moment: all of them together, or that one of them whose fall leaves least. */
static struct quorum worst(const struct op_run *run, const json_t *scan,
	const struct store_rows *members, const struct fall *f)
{
	const struct node *nodes = members->n > 0 ? store_row(members, 0) : NULL;

	if (run->type->down != OP_DOWN_EACH)
		return quorum_after(scan, nodes, members->n, f->nodes, f->n);
	struct quorum least = quorum_after(scan, nodes, members->n, NULL, 0);
	for (size_t i = 0; i < f->n; i++) {
		struct quorum q = quorum_after(scan, nodes, members->n, &f->nodes[i], 1);
		if (q.left < least.left)
			least = q;
	}
	return least;
}

struct err *op_guard_look(struct service *svc, const struct op_run *run, const struct cluster *c,
	struct quorum *ret_quorum)
{
	struct store_rows members = {0};

	TRY(cluster_nodes(svc, c->id, &members));
	struct fall f = fall_of(run, c->id);
	*ret_quorum = worst(run, c->scan, &members, &f);
	mem_free(f.nodes);
	store_rows_done(&members);
	return NULL;
}

/* Nodes of a cluster that was never scanned: only what cannot vote may go. */
static struct err *refuse_unknown(const struct op_run *run, const struct cluster *c)
{
	for (size_t i = 0; i < run->n_nodes; i++) {
		const struct node *node = &run->nodes[i];
		if (node->cluster_id != c->id || node->role == NODE_ROLE_WORKER ||
			node->microk8s_status != MICROK8S_RUNNING || spared(run, node))
			continue;
		return err_hint(
			err_new(ERR_QUORUM,
				"nobody knows which nodes of cluster %s vote: it was not scanned yet",
				c->name),
			"mko cluster scan %s", c->name);
	}
	return NULL;
}

static struct err *refuse(const struct op_run *run, const struct cluster *c, const struct quorum *q)
{
	return err_hint(
		err_new(ERR_QUORUM,
			"%s would leave cluster %s %lld of %lld voters; it needs %lld to go on",
			run->type->name, c->name, (long long)q->left, (long long)q->voters,
			(long long)q->needed),
		"bring the other voters back and scan again (mko cluster scan %s), or accept the loss: --allow-quorum-loss",
		c->name);
}

/* A paused cluster is left alone until somebody resumes it. */
static struct err *guard_pause(const struct op_run *run, const struct cluster *c)
{
	if (json_object_get(c->saved, "paused") == NULL || run->type->when_paused ||
		run->type->risk == OP_RISK_READ)
		return NULL;
	return err_hint(err_new(ERR_PRECONDITION, "cluster %s is paused", c->name),
		"mko cluster resume %s", c->name);
}

static struct err *guard_quorum(struct service *svc, const struct op_run *run,
	const struct cluster *c)
{
	bool guarded = run->type->down == OP_DOWN_EACH || run->type->down == OP_DOWN_TOGETHER;
	struct quorum q;

	if (!guarded || json_is_true(op_run_param(run, "allow_quorum_loss")))
		return NULL;
	TRY(op_guard_look(svc, run, c, &q));
	if (!q.known)
		return refuse_unknown(run, c);
	return quorum_safe(&q) ? NULL : refuse(run, c, &q);
}

static struct err *guard_cluster(struct service *svc, const struct op_run *run, int64_t cluster_id)
{
	struct cluster c;

	TRY(store_get(svc->store, &cluster_type, cluster_id, &c));
	struct err *e = guard_pause(run, &c);
	if (e == NULL)
		e = guard_quorum(svc, run, &c);
	record_done(&cluster_type, &c);
	return e;
}

struct err *op_guard(struct service *svc, const struct op_run *run)
{
	if (run->op->check_mode)
		return NULL;
	for (size_t i = 0; i < run->n_nodes; i++)
		if (op_guard_first(run, i))
			TRY(guard_cluster(svc, run, run->nodes[i].cluster_id));
	return NULL;
}
