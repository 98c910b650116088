/* The audit log: hash-chained rows of who did what. */
#pragma once

#include <jansson.h>

#include "service/service.h"

/** Add a row. @action "node.create"   @object "node/3 n1"   @take_detail owned, may be NULL;
 * secrets must be masked already
 * @outcome "ok" or an error slug. Domain worker, inside a transaction. */
struct err *audit_write(struct service *svc, const struct actor *who, const char *action,
	const char *object, json_t *take_detail, const char *outcome) ERR_RESULT;

/** What audit_verify() found. */
struct audit_report {
	int64_t rows;       /**< rows looked at */
	int64_t bad_id;     /**< first row that does not fit, I64_NONE: the chain is whole */
	const char *reason; /**< static text */
	int64_t unproven;   /**< last row that is older than the seals: the rows up to it are not
			       looked at, but for the hash of this one; 0: none */
	int64_t pruned;     /**< last row that retention removed, 0: none */
	char head[65]; /**< hash of the last row: a copy kept elsewhere proves the log even against
			  somebody who has secret.key */
};
/** Recompute the chain: finds a changed, removed, inserted or swapped row, and rows cut off at
 * either end. Domain worker. */
struct err *audit_verify(struct service *svc, struct audit_report *ret_report) ERR_RESULT;
/** Seal a log that is older than the seals, as the migration has found it: what was written before
 * stays unproven, what follows is proved. An entry of the log says so. Nothing to do for others.
 * In a transaction of its own, once the store is open. */
struct err *audit_adopt(struct service *svc) ERR_RESULT;
/** Remove rows older than so many days (0: none), from the oldest on; the newest stays. A sealed
 * mark and a row of the log say what was removed, so that the rest is still proved. @ret_n how many
 * Errors: ERR_CONFLICT when what would be removed is not whole: evidence stays. Domain worker, in a
 * transaction. */
struct err *audit_prune(struct service *svc, const struct actor *who, int64_t keep_days,
	int64_t *ret_n) ERR_RESULT;
