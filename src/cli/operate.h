/* Starting operations: what every such command does with --dry-run, --print-command, --detach and
 * the wait. */
#pragma once

#include "cli/run.h"

/** POST a body that starts an operation and do as cli_op_options say.
 * @take_body owned; the options' keys are added   @ret_final the operation at its end, NULL when it
 * was not waited for; owned; may be NULL: then the result is printed. Errors: those of the API and
 * cli_follow(). */
struct err *cli_operate(struct cli *cli, const char *path, json_t *take_body,
	json_t **ret_final) ERR_RESULT;
/** Wait for what a reply {"operation":{...}} started, or let it go on with --detach. @ret_final as
 * above, not printed */
struct err *cli_operation_started(struct cli *cli, const json_t *reply,
	json_t **ret_final) ERR_RESULT;
/** Print the table of an operation's hosts, whatever -o says. @title NULL = none */
void cli_print_hosts(struct cli *cli, const char *title, const json_t *operation);
/** Print the operation's result per host (or the object with -o json). */
struct err *cli_print_result(struct cli *cli, const json_t *operation) ERR_RESULT;
