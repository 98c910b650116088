/* Questions to the person, and secrets that must not be seen. */
#pragma once

#include "cli/run.h"

/** Ask for one of some letters. @allowed letters in lower case   Returns the answer, fallback for
 * Enter, anything else or the end of input. */
char cli_ask_char(struct cli *cli, const char *question, const char *allowed, char fallback);
/** Make sure that something is to be destroyed: with --yes at once; on a terminal the name must be
 * typed; else ERR_NOT_CONFIRMED.
 * @what "remove node n1"   @name that is to be typed */
struct err *cli_confirm(struct cli *cli, const char *what, const char *name) ERR_RESULT;
/** Read a secret: from a terminal without echo, else one line of stdin. @ret_secret the caller
 * wipes and frees (seal_wipe_free) Errors: ERR_INVALID when it is empty or longer than 1 KiB. */
struct err *cli_read_secret(struct cli *cli, const char *prompt, char **ret_secret) ERR_RESULT;
