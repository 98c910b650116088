/* What is held to be the state of a thing that is asked again and again: one lost answer changes
 * nothing, and what comes and goes wakes nobody. Pure; any thread. */
#pragma once

#include "model/health.h"

#define HEALTH_WORSE_TIMES 3  /**< answers in a row until a worse state is believed */
#define HEALTH_BETTER_TIMES 2 /**< until a better one is */
#define HEALTH_FLAP_SPAN 20   /**< newest answers in which changes are counted */
#define HEALTH_FLAP_BEGIN 8   /**< changes among them: it comes and goes */
#define HEALTH_FLAP_END 4     /**< so few: it has come to rest */

/** The state of one subject. Zero-initialise. */
struct health_track {
	enum health_state state;     /**< believed */
	int64_t since;               /**< when it began, UTC ms */
	bool known;                  /**< false: nothing is believed yet */
	enum health_state candidate; /**< heard last */
	int64_t candidate_since;
	int64_t times; /**< in a row that it was another than the believed one */
	bool heard_any;
	enum health_state heard; /**< the newest answer */
	uint32_t changes; /**< a bit for each of the newest answers: another than the one before */
	bool flapping;    /**< it comes and goes, whatever is believed */
	int64_t flapping_since;
};
/** Take one answer. @now UTC ms. Returns true when the believed state changed, or it began or ended
 * to come and go. */
bool health_track_take(struct health_track *track, enum health_state heard, int64_t now);
