/* Commands that are nearly only a table: list, show, add, edit, remove, and actions on nodes and
 * clusters. */
#pragma once

#include "cli/run.h"

/** List the noun's collection: options with a key are filters. */
struct err *cli_run_list(struct cli *cli) ERR_RESULT;
/** List with the newest first and 20 rows unless said otherwise. */
struct err *cli_run_list_newest(struct cli *cli) ERR_RESULT;
/** Show the object named by the first argument. */
struct err *cli_run_show(struct cli *cli) ERR_RESULT;
/** Create an object from the options. */
struct err *cli_run_add(struct cli *cli) ERR_RESULT;
/** Change the object named by the first argument by the options given. */
struct err *cli_run_edit(struct cli *cli) ERR_RESULT;
/** Remove the object named by the first argument once it is confirmed; --force goes into the query.
 */
struct err *cli_run_remove(struct cli *cli) ERR_RESULT;
/** Start cmd->action on the object named by the first argument and wait. */
struct err *cli_run_action(struct cli *cli) ERR_RESULT;

/** Start cmd->action on the nodes named by the arguments, or on all with --all, and wait. */
struct err *cli_run_on_nodes(struct cli *cli) ERR_RESULT;

/** The same, without printing the result. @ret_final the operation at its end, NULL when it was not
 * waited for; owned */
struct err *cli_operate_nodes(struct cli *cli, json_t **ret_final) ERR_RESULT;

/** The same, then show what it left. @print shows what there is, also when some hosts have failed;
 * the failure of the operation is the error then, for it says more */
struct err *cli_operate_and_print(struct cli *cli,
	struct err *(*print)(struct cli *cli, const json_t *operation)) ERR_RESULT;

/** POST body and print what was made. @take_body owned   @ret_object NULL = not wanted; owned */
struct err *cli_add(struct cli *cli, json_t *take_body, json_t **ret_object) ERR_RESULT;
/** PATCH an object and print it. @name id or name   @take_body owned */
struct err *cli_edit(struct cli *cli, const char *name, json_t *take_body) ERR_RESULT;
/** The name of an object as the API shows it (for the confirmation of what was given by number).
 * @ret_name owned */
struct err *cli_object_name(struct cli *cli, const char *id_or_name, char **ret_name) ERR_RESULT;
