/* What the files of watched health share. */
#pragma once

#include "model/alert_plan.h"
#include "model/node.h"
#include "service/health_watch.h"

/** What is believed of one subject of the newest report; in the order of its list. */
struct health_subject {
	int64_t id;
	struct health_track track;
	struct health_track risk;        /**< of clusters */
	struct health_track kubeconfig;  /**< of clusters: HEALTH_DEGRADED, it must be fetched */
	int64_t asked_at;                /**< when it was, UTC ms, 0: never */
	struct health_track certificate; /**< of nodes: HEALTH_DEGRADED, it ends soon */
	int64_t certificate_ends;        /**< UTC ms, 0: not known */
	char *reason;                    /**< at the time when the state was believed */
};
/** The subjects of one list. */
struct health_subjects {
	struct health_subject *items;
	size_t n;
};
/** What a server knows of health. */
struct health_monitor {
	json_t *report; /**< the newest, NULL: none yet */
	int64_t checked_at;
	int64_t rounds; /**< that were prepared */
	struct health_subjects nodes, clusters;
	bool owed; /**< something believed is not told yet */
};

/* --- health_score.c --- */
/** Make the score of a cluster in the store what is believed now; nothing is written when it is.
 * Errors: of the store; in a transaction. */
struct err *health_score_follow(struct service *svc, int64_t cluster_id) ERR_RESULT;

/* --- health_renew.c --- */
/** Ask for the kubeconfigs that are believed to be over, each at most once an hour. What is refused
 * is told in the log. Outside of a transaction. */
void health_renew(struct service *svc);

/* --- health_sync.c --- */
/** Tell what is believed: alerts and the status of nodes. Errors: of the store; in a transaction.
 * @input of the newest round */
struct err *health_sync(struct service *svc, const json_t *input) ERR_RESULT;
/** True when the status of a node in the store is another than what is believed.
 * @status enum node_status   @silent that status comes from here */
bool health_status_differs(const struct health_subject *s, int64_t status, bool silent);
/** True when the status of this node comes from here. */
bool health_is_silent(const struct node *node);
