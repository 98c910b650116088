/* One command line while it runs: what was typed, where it reads and writes, the way to the API. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/cmd.h"

/** Formats of the data on stdout. */
enum cli_output { CLI_TABLE, CLI_WIDE, CLI_JSON, CLI_YAML, CLI_CSV, CLI_NAME, CLI_OUTPUT_N_ };
/** Names of enum cli_output. */
extern const struct enum_table cli_output_table;

/** The outside world; tests give their own. */
struct cli_io {
	FILE *in, *out, *err;
	bool in_tty, out_tty, err_tty;
	int width, height; /**< of the terminal in cells; 0 = unknown */
	const struct clock *clock;
	const char *(*env)(const char *name); /**< getenv() */
	void (*size)(int *ret_width,
		int *ret_height); /**< the size now, NULL: it does not change */
	int (*interrupts)(void);  /**< how often Ctrl-C was typed since the program started, NULL:
				     never */
};

/** A value of an option as typed. */
struct cli_value {
	const struct cli_opt *opt;
	const char *text; /**< last one typed, borrowed from argv; NULL = not given */
	int64_t number;   /**< parsed, for kinds with numbers; seconds for durations */
	json_t *list;     /**< for CLI_OPT_LIST array, for CLI_OPT_PAIRS object, owned */
};

/** A command line. Use cli_opt_*() to read its options. */
struct cli {
	const struct cli_io *io;
	const struct cli_host *host;
	const char *program; /**< "mko" */

	const struct cli_cmd *cmd; /**< NULL until it is found */
	struct cli_value values[CLI_OPTS_MAX];
	size_t n_values;
	const char **args; /**< positional, borrowed texts; array owned */
	size_t n_args;

	enum cli_output output;
	bool output_given; /**< -o was typed */
	bool no_headers, quiet, verbose, yes;
	bool color_out, color_err;
	int64_t wait_timeout_ms; /**< 0 = no limit */

	struct config config;
	bool config_loaded;
	struct cli_transport *transport; /**< NULL until the first request */
	int64_t lock_wait_ms; /**< how long to wait for another CLI that works in this data
				 directory */

	char *what;       /**< what is being done, for errors; see cli_what() */
	char *request_id; /**< of the last error reply */
	int exit_code;    /**< when no error is returned */
};

/** Run a command line with the given world. Returns the exit code. */
int cli_exec(const struct cli_io *io, int argc, char **argv, const struct cli_host *host);

/** Say what is being done, shown as "mko: cannot <text>" when it fails. */
void cli_what(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A line for people on stderr; not with -q. Texts from outside must be escaped already (cli_esc).
 */
void cli_note(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Like cli_note(), also with -q: warnings. */
void cli_warn(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A text escaped for the terminal, the caller frees. NULL gives "". */
char *cli_esc(const char *text);
/** Environment variable, NULL when unset or empty. */
const char *cli_env(const struct cli *cli, const char *name);
/** The configuration, read once. Errors of the host's load_config. */
struct err *cli_config(struct cli *cli, const struct config **ret_config) ERR_RESULT;
