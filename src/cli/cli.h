/* The door of the command line. It speaks to the API only, through a transport; what is no API call
 * (the daemon, the runner, the OpenAPI document, reading the configuration) is given by the host,
 * which app fills in. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "cli/transport.h"
#include "model/config.h"

/** What `mko web` got on its command line; NULL and false: as configured. */
struct cli_serve {
	const char *listen; /**< "ADDRESS:PORT" */
	const char *tls_cert, *tls_key;
	bool insecure_http; /**< may listen beyond loopback without TLS */
};

/** What is asked of cli_host.privileges. */
enum cli_privileges {
	CLI_PRIVILEGES_TEXT,
	CLI_PRIVILEGES_SETUP,
	CLI_PRIVILEGES_CHECK,
	CLI_PRIVILEGES_REMOVE,
};
/** What app gives to the command line. Any function may be NULL: the command then says that this
 * build has it not. */
struct cli_host {
	void *user; /**< first argument of every function */
	/** Read the configuration. @path of --config, NULL = $MKO_CONFIG, /etc/mko/mko.yaml,
	 * defaults   @ret_config initialised and filled; data_dir is always set afterwards
	 * (absolute); the caller frees with record_done() also after an error. */
	struct err *(*load_config)(void *user, const char *path, struct config *ret_config);
	/** Serve the API in this process: takes DATA_DIR/mko.lock. @config outlives the transport
	 * @ret_transport owned Errors: ERR_LOCKED when another process holds the lock (the CLI then
	 * tries the socket, waits a little, tries again). */
	struct err *(*open_local)(void *user, const struct config *config,
		struct cli_transport **ret_transport);
	/** Run the daemon until it is told to stop. */
	struct err *(*serve)(void *user, const struct config *config,
		const struct cli_serve *options);
	/** `mko op-runner ...`: argv[0] is "op-runner". Returns the exit code. Called before
	 * anything else is read or parsed. */
	int (*op_runner)(void *user, int argc, char **argv);
	/** The OpenAPI document, owned by the caller. */
	json_t *(*openapi)(void *user);
	/** What the account of the server may do as root on this machine. @account checked   @ret
	 * owned: TEXT a JSON text, else the object of driver/privileges.h. Errors as there. */
	struct err *(*privileges)(void *user, enum cli_privileges what, const char *account,
		json_t **ret);
};

/** Run one command line. @argv as main() got it   Returns the exit code of CONTRACT.md section 2.
 * Main thread. */
int cli_main(int argc, char **argv, const struct cli_host *host);
