/* Looking again and again: --watch. */
#pragma once

#include "cli/cmd.h"

/** The option, for the options of a command. */
#define CLI_WATCH_OPT                                                                              \
	{                                                                                          \
		.name = "watch", .letter = 'w', .kind = CLI_OPT_FLAG,                              \
		.help = "look again each 10 s until Ctrl-C"                                        \
	}
/** Look once, or with --watch again and again until Ctrl-C; on a terminal in place. Errors: those
 * of the look. @look prints what there is; @user is its own */
struct err *cli_watch(struct cli *cli, struct err *(*look)(struct cli *cli, void *user),
	void *user) ERR_RESULT;
