/* Waiting for an operation, with what it does in sight. */
#pragma once

#include "cli/run.h"

/** Follow an operation until it ends, --wait-timeout is over or the person leaves it (Ctrl-C).
 * @operation object of the API   @diff show differences of files
 * @ret_final the object at the end (also when it failed), NULL when it was not waited for; owned;
 * may be NULL Errors by the final status: ERR_FAILED, ERR_PARTIAL, ERR_CANCELLED, ERR_TIMEOUT (also
 * of the wait), with a line for each host that failed; those of the transport. After Ctrl-C and
 * "detach" cli->exit_code is 130 and there is no error. */
struct err *cli_follow(struct cli *cli, const json_t *operation, bool diff,
	json_t **ret_final) ERR_RESULT;
/** The error that a final operation means for the exit code, NULL when it succeeded. Pure. */
struct err *cli_operation_error(const json_t *operation) ERR_RESULT;
