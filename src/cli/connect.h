/* Choosing the way to the API. */
#pragma once

#include "cli/run.h"

/** Open cli->transport unless it is open: --server or MKO_SERVER by HTTP; the socket of a daemon on
 * this data directory; else in this process, waiting a little when another CLI works there. Errors:
 * ERR_LOCKED, ERR_UNREACHABLE, ERR_INVALID (URL, token file). */
struct err *cli_connect(struct cli *cli) ERR_RESULT;
