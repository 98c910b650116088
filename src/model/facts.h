/* Snapshots of what kind of machine a node was: one row each time that something changed. */
#pragma once

#include "model/record.h"

/** A row of `node_facts`. */
struct facts {
	int64_t id;
	int64_t node_id;
	int64_t operation_id; /**< that read it, I64_NONE once it is pruned */
	int64_t taken_at;
	json_t *facts; /**< object: fact and value; some values are objects of texts or numbers */
};
extern const struct record_type facts_type;
