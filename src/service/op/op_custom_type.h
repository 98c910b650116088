/* One custom playbook as an operation type. Inside of operations. */
#pragma once

#include <sys/stat.h>

#include "model/playbook.h"
#include "service/op/op_type.h"

/** What tells a file from the one that was read. */
struct file_stamp {
	struct timespec mtime, ctime;
	off_t size;
	ino_t ino;
};

/** A playbook of the folder. */
struct custom_type {
	struct custom_type *older; /**< given out before the files changed */
	char *name;                /**< "trim" */
	struct file_stamp stamps[2];
	struct err *why; /**< what is wrong, NULL = nothing */
	struct playbook_meta meta;
	struct op_type type; /**< its texts belong to this struct */
	char *type_name, *title, *path;
	struct op_param *params;
	const char **choices; /**< all choices of all variables, each list ended by NULL */
	bool seen;            /**< while the folder is read */
};

/** Read both files of a playbook. Always gives one; what is wrong is in `why`. @dir of the
 * playbooks   Owned. */
struct custom_type *custom_type_load(const char *dir, const char *name);
/** Check metadata as it would be read from a file. Errors: ERR_INVALID by line and column. */
struct err *custom_type_check(const char *file_name, const char *text, size_t len,
	struct playbook_meta *ret_meta) ERR_RESULT;
/** True when the files are those that were read. */
bool custom_type_fresh(const struct custom_type *t, const char *dir);
/** Free one and all older ones; NULL is fine. */
void custom_type_free(struct custom_type *t);
