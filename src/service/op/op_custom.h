/* Operation types that users add: a playbook NAME.yml with its metadata NAME.meta.yml in the folder
 * `playbooks.dir` is the type custom.NAME. The folder is looked at when it is used. What is wrong
 * with one file concerns no other. Domain worker. */
#pragma once

#include <jansson.h>

#include "service/op/op_type.h"
#include "service/service.h"

#define OP_CUSTOM_PREFIX "custom."

struct op_custom;

/** Make an empty registry. */
struct op_custom *op_custom_new(void);
/** Free it with every type it ever gave out. NULL is fine. */
void op_custom_free(struct op_custom *custom);

/** The type with this name, built-in or custom; NULL when there is none or its files are wrong. A
 * pointer once given stays valid as long as the engine lives, also when the files change. */
const struct op_type *op_type_get(struct service *svc, const char *name);
/** Like op_type_get(), but says what is wrong. Errors: ERR_NOT_FOUND, ERR_INVALID by file, line and
 * column. */
struct err *op_type_need(struct service *svc, const char *name,
	const struct op_type **ret_type) ERR_RESULT;
/** Called with each playbook of the folder in the order of names. @type NULL: it is wrong, and why
 * says so. */
typedef void (*op_custom_fn)(void *user, const char *name, const struct op_type *type,
	const struct err *why);
/** Walk over the folder. Errors: ERR_IO, ERR_FORBIDDEN (the folder itself). */
struct err *op_custom_each(struct service *svc, op_custom_fn fn, void *user) ERR_RESULT;

/** When a hook runs. */
enum op_hook { OP_HOOK_BEFORE, OP_HOOK_AFTER };
/** The custom types that hook into an operation: those whose files say so in the order of names,
 * then those that its cluster names. @ret_types array ended with NULL, owned (the types are not)
 * A file that is wrong is no hook by itself, and the list of playbooks says why. Errors:
 * ERR_NOT_FOUND, ERR_INVALID of a playbook that the cluster names. */
struct err *op_custom_hooks(struct service *svc, const struct operation *op, enum op_hook when,
	const struct op_type ***ret_types) ERR_RESULT;

/** Text of a playbook and of its metadata, owned. @ret_meta may be NULL. Errors: ERR_NOT_FOUND,
 * ERR_IO. */
struct err *op_custom_read(struct service *svc, const char *name, char **ret_playbook,
	char **ret_meta) ERR_RESULT;
/** Check and store a playbook with its metadata. Errors: ERR_INVALID by line and column,
 * ERR_EXISTS. */
struct err *op_custom_add(struct service *svc, const struct actor *who, const char *name,
	const char *playbook, const char *meta) ERR_RESULT;
/** Remove both files. Errors: ERR_NOT_FOUND. */
struct err *op_custom_remove(struct service *svc, const struct actor *who,
	const char *name) ERR_RESULT;
/** The folder; the caller frees. */
char *op_custom_dir(const struct service *svc);
