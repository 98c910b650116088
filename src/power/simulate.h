/* Rules under a virtual clock: a recorded or made-up outage goes through power_step(), one poll
 * each whole second (CONTRACT.md section 5). Also what the tests of the engine run. */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "power/engine.h"

/** Takes one line of the timeline: an object, borrowed for the call. */
typedef void (*power_line_fn)(void *user, const json_t *line);

/** What is simulated. */
struct power_simulation {
	const char *trace;                 /**< JSON lines */
	const char *rules;                 /**< JSON: {"clusters":{},"rules":[]} */
	const struct power_config *config; /**< the limits */
	/** Save and load the state when (step number % n) == 0, to prove that nothing is lost; 0 =
	 * never. */
	int64_t reload_every;
	power_line_fn line;
	void *user;
};

/** Run it. Errors: ERR_INVALID, with the line of the trace or the rule that is wrong; nothing was
 * printed then. Any thread. */
struct err *power_simulate(const struct power_simulation *simulation) ERR_RESULT;
