/* Samples over time: figures of nodes, clusters and UPSes, finer for the last hour than for the
 * last year. A block holds SAMPLE_SLOTS averages of each series of a subject in one tier. */
#pragma once

#include "model/record.h"

#define SAMPLE_SLOTS 60      /**< values of a block */
#define SAMPLE_TIERS 5       /**< rows of sample_tiers */
#define SAMPLE_SERIES_MAX 12 /**< series of a subject */

/** How fine, and for how long. */
struct sample_tier {
	int64_t step_s;
	int64_t keep_s;
};
/** From the finest to the coarsest. */
extern const struct sample_tier sample_tiers[SAMPLE_TIERS];
/** What a series is. */
struct sample_series {
	const char *name; /**< "api_ms" */
	const char *unit; /**< "ms" */
	const char *help;
};
/** All series; ended by a row without a name. */
extern const struct sample_series sample_series[];
/** The row with this name, NULL when there is none. */
const struct sample_series *sample_series_get(const char *name);

/** A row of `samples`. */
struct sample_block {
	int64_t id;
	char *subject;  /**< "node/3", "cluster/1", "ups/2" */
	int64_t tier;   /**< of sample_tiers */
	int64_t begin;  /**< of its first slot, UTC ms; a multiple of the block's length */
	json_t *series; /**< {"api_ms":[12.5,null,...]} */
};
extern const struct record_type sample_block_type;
