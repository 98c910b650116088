/* The API over HTTP (libcurl): TCP with a token, or the Unix socket of the daemon. */
#pragma once

#include "cli/transport.h"

/** Where to connect. All texts are copied. */
struct cli_http_options {
	const char *url;         /**< "https://host:5000"; NULL with a socket */
	const char *socket_path; /**< NULL with a URL */
	const char *token;       /**< NULL = none */
	int64_t connect_timeout_ms;
	int64_t timeout_ms; /**< of a whole request */
	bool verbose;       /**< curl's own trace on stderr */
};

/** Make a transport; nothing is connected yet. @ret_transport owned, close() frees
 * Errors: ERR_INVALID (URL). Main thread. */
struct err *cli_http_open(const struct cli_http_options *options,
	struct cli_transport **ret_transport) ERR_RESULT;
/** True when something accepts connections on a Unix socket. */
bool cli_http_socket_alive(const char *path);
