/* One operation while it is planned, run or finished: what a type's functions get. Domain worker
 * only. */
#pragma once

#include "driver/run_spec.h"
#include "model/cluster.h"
#include "model/node.h"
#include "service/op/op.h"

/** A resource that the operation needs. */
struct op_want {
	char resource[32]; /**< "cluster:3", "node:5" */
	bool exclusive;
};

/** The run. Made by op_run_open(), freed by op_run_close(). */
struct op_run {
	struct operation *op; /**< borrowed from the caller */
	const struct op_type *type;
	struct cluster *cluster; /**< the target, NULL for node types; owned */
	struct node *nodes;      /**< hosts to act on, in order; owned array */
	size_t n_nodes;
	struct node *helpers; /**< control planes that are asked for the sake of the hosts; owned */
	size_t n_helpers;
	bool wake;      /**< the hosts get magic packets before the run */
	json_t *spared; /**< names of hosts that stay up although the type takes nodes down, array;
			   NULL = none; owned */
	json_t *vars;   /**< extra variables for the playbook, owned */
};

/** Add the other control planes of the hosts' clusters as helpers: somebody who can speak to the
 * API when a host is a worker, or is gone. Called by plan(). */
struct err *op_run_add_helpers(struct service *svc, struct op_run *run) ERR_RESULT;
/** Add one node as a helper, unless it is a host of the run. @name id or name; @ret_hostname owned
 * Errors: ERR_NOT_FOUND. */
struct err *op_run_add_helper(struct service *svc, struct op_run *run, const char *name,
	char **ret_hostname) ERR_RESULT;
/** A host of the run stays up: the quorum guard does not count it as down. Called by plan(). */
void op_run_spare(struct op_run *run, const char *hostname);
/** Load type, target and hosts of an operation. @op with type, target, params; a new one (id 0)
 * takes its hosts from `wanted`
 * @wanted array of ids or names for OP_TARGET_NODES, NULL = all nodes; ignored when the operation
 * has an id (then its hosts rows count) Errors: ERR_NOT_FOUND, ERR_PRECONDITION (no hosts). */
struct err *op_run_open(struct service *svc, struct operation *op, const json_t *wanted,
	struct op_run *ret_run) ERR_RESULT;
/** Free what the run owns. */
void op_run_close(struct op_run *run);
/** Ids of the clusters that a run concerns; 0 for nodes without one. Owned. */
json_t *op_run_clusters(const struct op_run *run);
/** Call the type's plan(). */
struct err *op_run_plan(struct service *svc, struct op_run *run) ERR_RESULT;
/** The node with this hostname in the run, NULL when there is none. */
struct node *op_run_node(struct op_run *run, const char *hostname);
/** Drop the hosts that the operation does not need. Called by plan(); the rest keeps its order. */
void op_run_keep(struct op_run *run, bool (*wanted)(const struct op_run *, const struct node *));
/** Keep only the control planes of a cluster and the nodes that `nodes` names. Called by plan().
 * Errors: ERR_PRECONDITION, it has none yet. */
struct err *op_run_keep_planes(struct op_run *run) ERR_RESULT;
/** Whether the parameter `nodes` of an operation on a cluster names this node. Such nodes are in
 * the run also when they do not belong to the cluster. */
bool op_run_named(const struct op_run *run, const struct node *node);
/** The host names of the nodes that the parameter `nodes` names. Owned array. */
json_t *op_run_named_hosts(const struct op_run *run);
/** Set a variable for the playbook. @take_value owned */
void op_run_set(struct op_run *run, const char *name, json_t *take_value);
/** Set a variable to a text; NULL sets nothing. */
void op_run_set_text(struct op_run *run, const char *name, const char *text);
/** The value of a checked parameter, NULL when it was not given and has no default. */
const json_t *op_run_param(const struct op_run *run, const char *name);
/** A text parameter, NULL when absent. */
const char *op_run_param_text(const struct op_run *run, const char *name);
/** Set mko_hosts_entries to the nodes of the run and all others of their clusters: what is written
 * to a node must not depend on how many nodes an operation is about. */
struct err *op_run_set_hosts_entries(struct service *svc, struct op_run *run) ERR_RESULT;
/** Set mko_other_nodes to the nodes that are not in the run, so that a machine which is one of them
 * is found. */
struct err *op_run_set_other_nodes(struct service *svc, struct op_run *run) ERR_RESULT;
/** Resources that the run holds while it runs: its target and its hosts. Owned array of *ret_n. */
struct op_want *op_run_wants(const struct op_run *run, size_t *ret_n);
/** The spec for the runner; secrets are opened here. @ret_spec zeroed memory, run_spec_done() it */
struct err *op_run_spec(struct service *svc, const struct op_run *run,
	struct run_spec *ret_spec) ERR_RESULT;
/** Check parameters against the type, fill in defaults. @params object or NULL   @ret_params owned
 * Errors: ERR_INVALID with every wrong parameter. */
struct err *op_params_check(const struct op_type *type, const json_t *params,
	json_t **ret_params) ERR_RESULT;
