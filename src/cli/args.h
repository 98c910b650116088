/* Parsing of a command line against the tables: finds the command, checks every option. No I/O. */
#pragma once

#include "cli/run.h"

/** Parse argv into cli: command, values, args. Global options may stand anywhere. With --help,
 * --version or no words at all cli->cmd may stay NULL; the path typed so far is given.
 * @ret_path words that lead to a command or group, owned by the caller   @ret_help whether help was
 * asked for (or nothing typed) Errors: ERR_USAGE with "did you mean" and a hint. */
struct err *cli_args_parse(struct cli *cli, int argc, char **argv, char **ret_path,
	bool *ret_help) ERR_RESULT;
/** Free what parsing made. */
void cli_args_done(struct cli *cli);

/** True when the option was given. @name long name; must be one of the command's */
bool cli_opt_given(const struct cli *cli, const char *name);
/** Text of an option, NULL when it was not given; borrowed. */
const char *cli_opt_text(const struct cli *cli, const char *name);
/** Number of an option (seconds for durations), fallback when it was not given. */
int64_t cli_opt_number(const struct cli *cli, const char *name, int64_t fallback);
/** Array or object of an option of kind list or pairs, NULL when it was not given; borrowed. */
json_t *cli_opt_list(const struct cli *cli, const char *name);
/** Put every option that has a key and was given into a JSON object. @set only options of this set,
 * NULL = only the command's own */
void cli_opts_to_json(const struct cli *cli, const struct cli_optset *set, json_t *object);
/** Append every option that has a key and was given to a query text. @set as above */
void cli_opts_to_query(const struct cli *cli, const struct cli_optset *set, struct str *query);
