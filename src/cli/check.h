/* Showing what checks found: for check-prerequisites and the doctor. */
#pragma once

#include "cli/run.h"

/** Start a reading operation, wait for it, show what the checks say about it.
 * @path of the action   @take_body owned   Errors: as cli_operate(); ERR_FAILED when something
 * blocking was found, or anything but a remark with --strict. */
struct err *cli_check(struct cli *cli, const char *path, json_t *take_body) ERR_RESULT;
/** Show what the checks say about an operation that has read nodes. @operation its number. Errors:
 * those of the API; ERR_FAILED as above. */
struct err *cli_check_show(struct cli *cli, const char *operation) ERR_RESULT;
/** Show what the checks say at a path of the API. Errors as cli_check_show(). */
struct err *cli_check_get(struct cli *cli, const char *path) ERR_RESULT;
/** The body that names the nodes which the arguments, --cluster or --all mean. @ret_body owned.
 * Errors: ERR_USAGE, ERR_PRECONDITION (a cluster without nodes), those of the API. */
struct err *cli_check_nodes(struct cli *cli, json_t **ret_body) ERR_RESULT;
/** Show one check from the program's own table. Errors: ERR_NOT_FOUND. */
struct err *cli_check_explain(struct cli *cli, const char *code) ERR_RESULT;

/** Options of every command that shows checks. */
extern const struct cli_optset cli_check_options;
/** --all and --cluster, for cli_check_nodes(). */
extern const struct cli_optset cli_select_options;
