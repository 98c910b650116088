/* A cluster: nodes that form one MicroK8s plane. CONTRACT.md section 4. */
#pragma once

#include "model/power.h"
#include "model/record.h"

/** Life of a cluster. */
enum cluster_status {
	CLUSTER_INITIALIZING,
	CLUSTER_ACTIVE,
	CLUSTER_DEGRADED,
	CLUSTER_OFFLINE,
	CLUSTER_ERROR,
	CLUSTER_PAUSED
};
extern const struct enum_table cluster_status_table;

/** A row of `clusters`. Counts (node_count ...) are computed by the service, not stored. */
struct cluster {
	int64_t id;
	char *name;
	char *description;
	bool ha_enabled;
	char *channel;  /**< NULL: the configured default */
	json_t *addons; /**< array of {"name","args":[...]} or of texts */
	char *network_cidr;
	char *service_cidr;
	int64_t status;
	char *status_reason;
	int64_t health_score;  /**< 0 to 100, I64_NONE unknown */
	int64_t quorum_margin; /**< voters that may be lost before the cluster stops, I64_NONE
				  unknown */
	bool ha_active;        /**< MicroK8s reports high availability */
	json_t *upgrade;       /**< the last upgrade: {from, to, channel, status, operation_id,
				  params, nodes}, NULL: none */
	json_t *scan;          /**< last result of scan_cluster or setup (object), NULL: none */
	json_t *desired; /**< the file that was applied last: {"doc","applied_at","operation_id",
			    "by"}, NULL: none was */
	json_t *saved; /**< what it needs to come back as it was: {"shutdown","paused","suspended"},
			  NULL: nothing */
	char *kubeconfig;    /**< sealed, hidden */
	json_t *feeds;       /**< ids of the UPSes that feed it */
	int64_t feed_policy; /**< enum power_policy */
	int64_t min_feeds;   /**< how many it needs, with POWER_FEEDS_ALL */
	json_t *labels;      /**< {key: value}, words to find it by */
	json_t *hooks;       /**< {"before": {"cluster.upgrade": ["trim"]}, "after": {...}}: custom
				playbooks around its operations, in this order */
	int64_t scanned_at;
	int64_t created_at;
	int64_t updated_at;
	json_t *depends_on;     /**< ids of clusters that it needs: it goes down before them */
	bool power_maintenance; /**< rules of power leave it alone */
};
extern const struct record_type cluster_type;

/** A version "v1.32.9" or a channel "1.32/stable" as its minor number; -1 when it has none or is
 * NULL. Any thread. */
int64_t cluster_minor(const char *text);
/** Check the form of a cluster's hooks, not whether what they name exists. Errors: ERR_INVALID. Any
 * thread. */
struct err *cluster_check_hooks(const json_t *hooks) ERR_RESULT;
/** Check the labels of a cluster: as those of Kubernetes, and none is null. Errors: ERR_INVALID.
 * Any thread. */
struct err *cluster_check_labels(const json_t *labels) ERR_RESULT;
