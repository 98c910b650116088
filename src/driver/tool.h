/* Programs of this machine that are asked something (systemctl, upsc): run to their end under a
 * limit of time and of output. Blocks: pool threads and children only, never the loop or the domain
 * worker. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/** What a program said. tool_result_done() frees. */
struct tool_result {
	int status;     /**< its exit code; -1: a signal ended it */
	bool timed_out; /**< it was killed at the limit of time */
	struct str out; /**< stdout and stderr, at most the limit; overflowed: it said more */
};

/** Run a program with what it says collected; stdin is empty, the locale is C.
 * @argv ends with NULL; looked up in PATH; never a shell   @timeout_ms 1 to 600,000: then it is
 * killed with its children   @max_output bytes; what is more is dropped   @ret zeroed memory
 * Errors: ERR_NOT_FOUND (no such program), ERR_IO. Any thread but the loop's. */
struct err *tool_run(const char *const *argv, int64_t timeout_ms, size_t max_output,
	struct tool_result *ret) ERR_RESULT;
/** Free what the result holds. */
void tool_result_done(struct tool_result *result);
