/* The desired state of a cluster: what it takes to get from what is there to what a file says, as
 * operations that exist anyway. */
#pragma once

#include <jansson.h>

#include "model/cluster.h"
#include "model/node.h"
#include "model/schedule.h"
#include "model/ups.h"
#include "service/service.h"

/** What is there. Borrowed. */
struct desired_state {
	const struct cluster *cluster; /**< NULL: there is none with this name */
	const struct node *nodes;      /**< the whole inventory */
	size_t n_nodes;
	const char *channel;            /**< the configured one, for clusters that say none */
	const struct ups_device *upses; /**< all of the inventory */
	size_t n_upses;
	const struct schedule *backup; /**< its schedule of backups, NULL: none */
	const json_t *playbooks;       /**< names of the custom ones that are sound, NULL: none */
};
/** What the caller allows. */
struct desired_options {
	bool prune;             /**< nodes that are not in the file leave the cluster */
	bool allow_quorum_loss; /**< handed on to the steps that ask the quorum guard */
};

/** Compare. Pure: nothing is asked, nothing is stored.
 * @want of desired_read()   @ret_plan owned:
 * {"cluster", "exists", "changes":[{"action":"add|change|remove","object","reason"}],
 * "notes":[{"object","reason"}] (what differs and is left alone), "steps":[a step of a workflow, or
 * {"name","record","target","body"}: a change of the inventory]}. No changes: no steps.
 * Errors: ERR_PRECONDITION with the path in the file of everything that is impossible. Any thread.
 */
struct err *desired_plan(const struct desired_state *now, const json_t *want,
	const struct desired_options *options, json_t **ret_plan) ERR_RESULT;
/** What is there in the words of desired_read(); the plan of it is empty. @now with a cluster
 * Owned. Any thread. */
json_t *desired_of(const struct desired_state *now);

/** Plan for a document against the store. @doc any JSON   @ret_plan as desired_plan()
 * Errors: ERR_INVALID, ERR_PRECONDITION, both by path. */
struct err *desired_plan_doc(struct service *svc, const json_t *doc,
	const struct desired_options *options, json_t **ret_plan) ERR_RESULT;
/** The document of a cluster as it is. Owned. */
struct err *desired_export(struct service *svc, const struct cluster *cluster,
	json_t **ret_doc) ERR_RESULT;
/** Make the cluster of a document when it is not there yet, without nodes. @ret_cluster
 * record_done() it. Errors: ERR_INVALID by path, those of cluster_create(). */
struct err *desired_cluster(struct service *svc, const struct actor *who, const json_t *doc,
	struct cluster *ret_cluster) ERR_RESULT;
/** What differs from the document that was applied last: {"applied_at","operation_id","by",
 * "changes","notes","refused":text or null}; NULL when none was. Owned. */
struct err *desired_drift(struct service *svc, const struct cluster *cluster,
	json_t **ret_drift) ERR_RESULT;
/** Do a step that changes the inventory. @step with "record", "target", "body"
 * Errors: those of node_create(), node_edit(), cluster_edit(). */
struct err *desired_record(struct service *svc, const struct actor *who,
	const json_t *step) ERR_RESULT;
