/* Which voters of the datastore would be left? Pure: asks the last scan and the rows of the nodes,
 * contacts nobody. facts: dqlite needs a majority of its configured voters, whatever the number of
 * control planes; a cluster below it stops. */
#pragma once

#include <jansson.h>

#include "model/cluster.h"
#include "model/node.h"

/** What is known about the voters of a cluster, and what would be left of them. */
struct quorum {
	bool known;     /**< a scan named the voters; all numbers are 0 otherwise */
	int64_t voters; /**< configured */
	int64_t alive;  /**< of them, alive as far as is known */
	int64_t left;   /**< of these, not taken down */
	int64_t needed; /**< majority of the configured ones */
};

/** Whether a node is one of the voters in a scan. The scan's own name of the address is used where
 * it knows the node, for the address that mko uses may be another one.
 * @scan result of scan_cluster, NULL = never scanned   @node any node. Any thread. */
bool quorum_votes(const json_t *scan, const struct node *node);

/** The voters when all of `down` are down.
 * @scan result of scan_cluster, NULL = never scanned
 * @nodes all nodes of the cluster (a voter whose node mko saw offline is not alive)
 * @down array of nodes taken down at once, borrowed; may have no element. Any thread. */
struct quorum quorum_after(const json_t *scan, const struct node *nodes, size_t n_nodes,
	const struct node *const *down, size_t n_down);

/** True when the operation may go on: quorum is kept, or it is not this operation that breaks it
 * (no living voter is among `down`). */
bool quorum_safe(const struct quorum *q);
