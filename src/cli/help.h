/* Help at every level, made from the tables. */
#pragma once

#include "cli/run.h"

/** Write the help of a command, of a group of commands, or ("") of the whole program. @path words
 * typed so far   @to stdout or stderr */
void cli_help(const struct cli *cli, const char *path, FILE *to);
/** Append the usage line of a command: "mko node add [OPTIONS] NAME...". */
void cli_usage(const struct cli_cmd *cmd, struct str *out);
/** Append an option as typed: "-l, --limit N". @short_too with its letter */
void cli_opt_syntax(const struct cli_opt *opt, bool short_too, struct str *out);
