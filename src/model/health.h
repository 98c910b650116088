/* Health as it is judged from what nodes and API servers answer, without SSH. Pure; any thread.
 * Source of the scheme: shared facts on MicroK8s, section 7. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "model/record.h"

/** A verdict. The worse, the higher. */
enum health_state {
	HEALTH_UP,
	HEALTH_UNKNOWN,  /**< nothing could be asked */
	HEALTH_DEGRADED, /**< it works, but not as it should */
	HEALTH_DOWN,
};
extern const struct enum_table health_state_table;

/** How a machine reacted to one question. */
enum health_answer {
	HEALTH_NOT_ASKED,
	HEALTH_GOOD,
	HEALTH_BAD,     /**< it answered that it is not well */
	HEALTH_REFUSED, /**< the machine is there, the service is not */
	HEALTH_SILENT,  /**< nobody answered */
};
extern const struct enum_table health_answer_table;

/** What Kubernetes says of a node. */
struct health_kube {
	bool known; /**< it is a node of the cluster */
	bool asked; /**< the API could be asked */
	bool ready, cordoned;
	int64_t heartbeat_s; /**< age of its lease, I64_NONE = has none */
	char pressure[64];   /**< "DiskPressure", "" = none */
};

/** What one round learned of a node. */
struct health_node {
	bool member; /**< MicroK8s should run on it */
	bool plane;  /**< as a control plane */
	enum health_answer ssh, agent, api;
	struct health_kube kube;
};
/** Judge a node. @reason what is not well and what is known, a sentence; empty when all is well */
enum health_state health_judge_node(const struct health_node *seen, struct str *reason);

/** What one round learned of a cluster. */
struct health_cluster {
	size_t nodes, nodes_well;
	size_t planes, planes_ready;
	size_t planes_alive;         /**< their agent answers */
	size_t voters, voters_alive; /**< 0: not known which vote */
};
/** Voters that may still be lost before the cluster stops; I64_NONE = not known. */
int64_t health_margin(const struct health_cluster *seen);
/** Judge a cluster. @reason as for a node */
enum health_state health_judge_cluster(const struct health_cluster *seen, struct str *reason);

/** Read what Kubernetes says of a node.
 * @nodes reply of /api/v1/nodes   @leases of the leases of kube-node-lease; both may be anything,
 * NULL = not asked
 * @name and @address of the node in the inventory; either fits */
struct health_kube health_read_kube(const json_t *nodes, const json_t *leases, const char *name,
	const char *address);
