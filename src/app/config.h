/* Reading the configuration file into the table of model/config.h. Knows YAML and the environment;
 * decides where the data directory is. */
#pragma once

#include "base/err.h"
#include "model/config.h"

/** Where to look; NULL members: the real environment. Tests set them. */
struct config_env {
	const char *(*get)(const char *name); /**< getenv() */
	const char *system_file;              /**< /etc/mko/mko.yaml */
	const char *system_data_dir;          /**< /var/lib/mko */
	int euid;                             /**< effective user, -1 = the real one */
};

/** Read the configuration: --config, else $MKO_CONFIG, else the system's file when there is one,
 * else defaults; then $MKO_DATA_DIR.
 * @path of --config or NULL   @env NULL = the real one   @ret_config uninitialised; always
 * initialised by this call, also on error; free with config_done(). data_dir is set and absolute on
 * success. Errors: ERR_NOT_FOUND (a file that was asked for), ERR_INVALID (every wrong key as
 * "FILE:LINE: key: why"). Any thread. */
struct err *config_load(const char *path, const struct config_env *env,
	struct config *ret_config) ERR_RESULT;
/** Read YAML text into an initialised configuration. @name of the file for messages   Errors:
 * ERR_INVALID as above. Pure. */
struct err *config_parse(const char *name, const char *text, size_t len,
	struct config *config) ERR_RESULT;
/** Free what a configuration owns. */
void config_done(struct config *config);
