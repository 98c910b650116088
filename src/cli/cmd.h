/* What a command is: a row of tables. One file per command (src/cli/cmd_<noun>_<verb>.c) exports
 * one `const struct cli_cmd`; the list in meson.build registers it. Help, completion, `mko spec
 * cli` and the parser read nothing else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/record.h"

struct cli;

/** What an option takes and how it is checked. */
enum cli_opt_kind {
	CLI_OPT_FLAG,     /**< nothing; sets its key to true */
	CLI_OPT_UNFLAG,   /**< nothing; sets its key to false */
	CLI_OPT_TEXT,     /**< a text */
	CLI_OPT_NUMBER,   /**< an integer in [min, max] */
	CLI_OPT_DURATION, /**< "90s", "10m", "2h"; the key gets seconds */
	CLI_OPT_CHOICE,   /**< a word of choices */
	CLI_OPT_LIST,     /**< texts: given several times, or with commas; the key gets an array */
	CLI_OPT_PAIRS, /**< NAME=VALUE, given several times; the key gets an object, values are JSON
			  or texts */
	CLI_OPT_KIND_N_
};
/** What words complete a value in the shell. */
enum cli_words {
	CLI_WORDS_NONE,
	CLI_WORDS_FILES,
	CLI_WORDS_NODES,
	CLI_WORDS_CLUSTERS,
	CLI_WORDS_OPERATIONS,
	CLI_WORDS_OP_TYPES,
	CLI_WORDS_USERS,
	CLI_WORDS_TOKENS,
	CLI_WORDS_SCHEDULES,
	CLI_WORDS_NOTIFIERS,
	CLI_WORDS_WORKFLOWS,
	CLI_WORDS_PLAYBOOKS,
	CLI_WORDS_UPS,
	CLI_WORDS_N_
};

/** An option. */
struct cli_opt {
	const char *name; /**< long name without dashes */
	char letter;      /**< short name, 0 = none */
	enum cli_opt_kind kind;
	const char *meta;  /**< name of the value in help, "NAME" */
	const char *key;   /**< member of the request's body, or parameter of the query; NULL: the
			      command looks at it itself */
	const char *field; /**< field of the noun's record that gives help and default when they are
			      NULL here */
	const struct enum_table *choices;
	int64_t min, max;
	enum cli_words words;
	bool required;
	const char *help; /**< a sentence part, without a full stop */
	const char *def;  /**< default as shown in help, NULL = none */
};

/** Options shared by several commands. */
struct cli_optset {
	const char *title; /**< heading in help */
	const struct cli_opt *opts;
	size_t n;
};

/** A positional argument; the last one of a command may repeat. */
struct cli_arg {
	const char *name; /**< "NODE" */
	bool optional;
	bool repeat; /**< takes all that follow */
	enum cli_words words;
	const char *const *choices; /**< ends with NULL; NULL = any */
	const char *help;
};

/** How a value is shown to people; machines (json, yaml, csv) get it as it is. */
enum cli_show {
	CLI_SHOW_PLAIN,    /**< as it is; arrays joined by commas */
	CLI_SHOW_STATUS,   /**< a status word, in its colour */
	CLI_SHOW_AGO,      /**< a time, as its distance: "3m04s ago" */
	CLI_SHOW_TIME,     /**< a time, local */
	CLI_SHOW_BYTES,    /**< "7.6 GiB" */
	CLI_SHOW_MS,       /**< a duration in milliseconds */
	CLI_SHOW_YES,      /**< yes or no */
	CLI_SHOW_PROGRESS, /**< {"done":3,"total":9} as "3/9" */
	CLI_SHOW_KIND_N_
};
/** A column of a table. */
struct cli_column {
	const char *title; /**< "HOSTNAME" */
	const char *field; /**< path in the object, "target.name" */
	enum cli_show show;
	bool wide;   /**< only with -o wide and csv */
	bool right;  /**< numbers */
	bool shrink; /**< may be cut when the terminal is narrow */
};

/** A kind of object: what the commands of a noun have in common. */
struct cli_noun {
	const char *name;               /**< "node" */
	const char *collection;         /**< "nodes": /api/nodes; NULL = no objects */
	const char *key;                /**< field that names an object, "hostname" */
	const char *summary;            /**< for help */
	const struct record_type *type; /**< NULL = none */
	const struct cli_column *columns;
	size_t n_columns;
	enum cli_words words;
};

/** Properties of a command. */
enum cli_cmd_flag {
	CLI_CMD_HIDDEN = 1 << 0, /**< not in help and completion */
	CLI_CMD_RAW = 1 << 1,    /**< takes any words after its path, options are not parsed */
};

/** A command. */
struct cli_cmd {
	const char *path;    /**< words, "node add" */
	const char *alias;   /**< another path, NULL = none */
	const char *summary; /**< a sentence for the list of commands, without a full stop */
	const char *details; /**< more paragraphs for its own help, NULL = none */
	const char *example; /**< lines to type, NULL = none */
	const char *doing;   /**< "add the node": completes "cannot ..." in errors */
	const struct cli_noun *noun;
	const char *action; /**< last part of the route of an action, "install" */
	const struct cli_arg *args;
	size_t n_args;
	const struct cli_opt *opts;
	size_t n_opts;
	const struct cli_optset *sets[5]; /**< ends with NULL */
	const struct cli_column *columns; /**< NULL = the noun's */
	size_t n_columns;
	unsigned flags;
	/** Do it. Sets cli->exit_code when it ran but what it ran failed. */
	struct err *(*run)(struct cli *cli);
};

/** All commands, generated from the list in meson.build; ends with NULL. */
extern const struct cli_cmd *const cli_cmds[];
/** How many. */
extern const size_t cli_cmds_n;
/** All nouns in the order of help; ends with NULL. */
extern const struct cli_noun *const cli_nouns[];

/** Options that every command has. */
extern const struct cli_optset cli_global_options;

/** The command whose path or alias is exactly these words, NULL when there is none. */
const struct cli_cmd *cli_cmd_find(const char *path);
/** True when commands begin with these words followed by more ("node", "ups rules"). */
bool cli_cmd_is_group(const char *path);
/** The noun with this name, NULL when there is none. */
const struct cli_noun *cli_noun_find(const char *name);
/** Help of an option: its own, or that of the record's field. Never NULL. @cmd NULL for a global
 * option */
const char *cli_opt_help(const struct cli_cmd *cmd, const struct cli_opt *opt);
/** Default of an option as text, NULL when there is none. @cmd NULL for a global option */
const char *cli_opt_default(const struct cli_cmd *cmd, const struct cli_opt *opt);

#define CLI_OPTS_MAX 64
/** An option of a command with the heading it belongs to in help. */
struct cli_opt_ref {
	const char *title; /**< "Options", "Global options" */
	const struct cli_opt *opt;
};
/** The options of a command: its own, its sets, the global ones but those whose name it uses
 * itself. @cmd NULL: only the global ones Returns how many. */
size_t cli_opts_of(const struct cli_cmd *cmd, struct cli_opt_ref ret_refs[static CLI_OPTS_MAX]);
