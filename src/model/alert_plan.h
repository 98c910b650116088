/* Which alerts there should be, from what is believed of nodes and clusters: what follows from
 * something else is no alert of its own. Pure; any thread. */
#pragma once

#include "model/alert.h"
#include "model/health_track.h"

/** A node as the plan sees it. Borrowed. */
struct alert_node {
	int64_t id;
	const char *name, *address;
	int64_t cluster_id; /**< I64_NONE: in none */
	const struct health_track *track;
	const struct health_track *certificate; /**< HEALTH_DEGRADED: it ends soon */
	int64_t certificate_ends;               /**< UTC ms */
	const char *reason;
	bool excused; /**< an operation of ours is at work on it, or has stopped it */
};
/** A cluster. Borrowed. */
struct alert_cluster {
	int64_t id;
	const char *name;
	const struct health_track *track;
	const struct health_track *risk; /**< HEALTH_DEGRADED: no voter may be lost */
	const char *reason;
	bool excused;
};
/** What is known of all. */
struct alert_view {
	const struct alert_node *nodes;
	size_t n_nodes;
	const struct alert_cluster *clusters;
	size_t n_clusters;
};
/** An alert that there should be. Owned texts. */
struct alert_want {
	enum alert_rule_id rule;
	char *subject, *name, *reason;
	int64_t cluster_id, node_id, since;
	json_t *members;
};
/** All of them. Zero-initialise; alert_plan_done() frees. */
struct alert_plan {
	struct alert_want *wants;
	size_t n;
};
/** Make the plan. A network is a /24 of IPv4 or a /64 of IPv6; three of its nodes that are down,
 * and at least half of it, are one alert. */
void alert_plan_make(const struct alert_view *view, struct alert_plan *ret_plan);
/** Free what a plan owns. */
void alert_plan_done(struct alert_plan *plan);
