/* Files that a person gives to a command. */
#pragma once

#include "cli/run.h"
#include "model/yaml.h"

/** Read a text file. @path "-" is stdin   @ret_text owned   @ret_len may be NULL
 * Errors: ERR_NOT_FOUND, ERR_TOO_LARGE (more than 1 MiB). */
struct err *cli_read_file(struct cli *cli, const char *path, char **ret_text,
	size_t *ret_len) ERR_RESULT;
/** Read a YAML file. @env put the environment's variables in place of ${NAME}, before it is parsed
 * @ret_file yaml_done() it   Errors: ERR_INVALID by line and column. */
struct err *cli_read_yaml(struct cli *cli, const char *path, bool env,
	struct yaml_file *ret_file) ERR_RESULT;
