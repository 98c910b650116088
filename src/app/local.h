/* The transport of a command line that serves itself: the same route table, in this process,
 * without a daemon. */
#pragma once

#include "base/err.h"
#include "cli/transport.h"
#include "model/config.h"

/** Open the data directory and serve from this process. The lock is held during calls only, so that
 * several command lines can wait for operations side by side; when a daemon takes over meanwhile,
 * the transport goes on through its socket.
 * @config borrowed until closed   @ret_transport owned: its close()   Errors: ERR_LOCKED (a server
 * runs), those of domain_open(). */
struct err *local_open(const struct config *config,
	struct cli_transport **ret_transport) ERR_RESULT;
