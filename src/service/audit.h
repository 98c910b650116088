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
	char head[65]; /**< hash of the last row: keep a copy elsewhere to prove that the end was
			  not cut off */
};
/** Recompute the chain: finds a changed, removed, inserted or swapped row. Domain worker. */
struct err *audit_verify(struct service *svc, struct audit_report *ret_report) ERR_RESULT;
