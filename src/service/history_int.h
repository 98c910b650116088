/* What the files of history share. */
#pragma once

#include <math.h>
#include <stdbool.h>

#include "service/history.h"

/** One series in one tier: the values of the block that goes on, and the slot that is not full. */
struct history_series {
	const struct sample_series *of;
	float values[SAMPLE_SLOTS]; /**< NAN: nothing was measured */
	double sum;
	int64_t n;
};
/** The block that goes on. */
struct history_tier {
	int64_t block;  /**< when it begins, UTC ms; -1: none yet */
	int64_t slot;   /**< that is being filled */
	int64_t row_id; /**< of its row, 0: it has none */
	int64_t new_id; /**< the same when the transaction that goes on is committed */
	bool dirty;     /**< a slot was closed since it was written */
	struct history_series *series;
	size_t n_series;
};
/** A subject. */
struct history_subject {
	char *name;
	struct history_tier tiers[SAMPLE_TIERS];
};
/** A block that is over and not written. */
struct history_done {
	char *subject;
	int64_t tier, begin, row_id;
	json_t *series;
};
/** All of it. Subjects are sorted by name. */
struct history {
	struct history_subject **subjects;
	size_t n;
	struct history_done *done;
	size_t n_done;
	int64_t flushed_at, pruned_at;
};

/** Milliseconds of a block of a tier. */
int64_t history_block_ms(size_t tier);
/** The values of a block that goes on, the slot that is being filled too: {name: [values]}. Owned.
 */
json_t *history_series_json(const struct history_tier *t);
/** The subject with this name, NULL when none is known. */
struct history_subject *history_find(const struct history *h, const char *name);
