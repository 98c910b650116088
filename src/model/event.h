/* Events for live streams: what changed, in order. */
#pragma once

#include "model/record.h"

/** A row of `events`; its id is the sequence number of the stream. */
struct event {
	int64_t id;
	int64_t at;
	char *topic;       /**< operations, nodes, clusters, ups, alerts */
	char *kind;        /**< "operation.started", "node.updated" ... */
	int64_t object_id; /**< I64_NONE: none */
	json_t *clusters;  /**< ids of the clusters it tells of; empty: only for who sees all */
	json_t *data;      /**< object: the new state, as the API shows it */
};
extern const struct record_type event_type;
