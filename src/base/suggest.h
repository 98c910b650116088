/* "Did you mean": the nearest of some known words. */
#pragma once

#include <stddef.h>

/** A search for the word nearest to one that was typed. Set with suggest_start(). */
struct suggest {
	const char *word; /**< what was typed, borrowed */
	const char *best; /**< nearest so far, borrowed, NULL = none is near enough */
	size_t distance;  /**< of best */
};

/** Start a search. @word borrowed until the end */
struct suggest suggest_start(const char *word);
/** Offer a candidate; ignored when NULL or too far to be a slip of the fingers. */
void suggest_try(struct suggest *s, const char *candidate);
/** Edit distance of two texts: insert, delete, replace, swap of neighbours; letters without case.
 * Texts are cut at 64 bytes. */
size_t suggest_distance(const char *a, const char *b);
