/* The metadata of a user's own playbook: what makes it an operation type. DESIGN.md section 3. */
#pragma once

#include "model/record.h"

/** Types of a variable. */
enum playbook_var_type {
	PLAYBOOK_VAR_TEXT,
	PLAYBOOK_VAR_INTEGER,
	PLAYBOOK_VAR_BOOLEAN,
	PLAYBOOK_VAR_CHOICE
};
extern const struct enum_table playbook_var_type_table;
/** What a playbook acts on. */
enum playbook_target { PLAYBOOK_TARGET_NODE, PLAYBOOK_TARGET_CLUSTER };
extern const struct enum_table playbook_target_table;
/** How dangerous it is, as enum op_risk. */
extern const struct enum_table playbook_risk_table;

/** A variable. */
struct playbook_var {
	int64_t id; /**< unused, records start with one */
	char *name;
	int64_t type;
	bool required;
	char *help;
	int64_t min, max; /**< of a number; most characters of a text; both I64_NONE: no limit */
	json_t *choices;  /**< texts, for PLAYBOOK_VAR_CHOICE */
	char *def;        /**< as text, NULL = none */
};

/** The file NAME.meta.yml. */
struct playbook_meta {
	int64_t id; /**< unused */
	char *title;
	char *summary;
	int64_t target;
	int64_t risk;
	char *timeout;     /**< as written: "10m" */
	int64_t timeout_s; /**< of it */
	bool check_mode;
	json_t *before, *after; /**< names of operation types, arrays; NULL = none */
	json_t *variables;      /**< as written */
	struct playbook_var *vars;
	size_t n_vars;
};

/** Read the metadata. @json of the file   @ret_meta playbook_meta_done() it
 * Errors: ERR_INVALID with every wrong field by its path ("variables[1].type"). */
struct err *playbook_meta_read(const json_t *json, struct playbook_meta *ret_meta) ERR_RESULT;
/** Free; a zeroed one is fine. */
void playbook_meta_done(struct playbook_meta *meta);
/** check_fn for the name of a playbook: ^[a-z][a-z0-9_-]{0,40}$ . */
struct err *playbook_check_name(const char *text) ERR_RESULT;
