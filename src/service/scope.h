/* What an account limited to clusters may see. While a request of such an account is served,
 * svc->scope is its set: everything that finds or lists by a name from outside asks here, so that
 * foreign objects do not exist for it. NULL is no limit (administrators, local doors, the engine).
 */
#pragma once

#include <jansson.h>

#include "service/service.h"

/** A set of clusters. */
struct scope {
	int64_t *ids;
	size_t n;
};

/** Make a set from an array of ids (NULL: returns NULL, no limit). Owned: scope_free(). */
struct scope *scope_new(const json_t *ids);
/** Keep of a set only what another has too (NULL: leave it as it is). @scope NULL: becomes a copy.
 * Returns the set, owned. */
struct scope *scope_narrow(struct scope *take_scope, const json_t *ids);
/** Copy; NULL stays NULL. Owned. */
struct scope *scope_copy(const struct scope *scope);
/** Free; NULL is fine. */
void scope_free(struct scope *scope);
/** True when the cluster is in the set, or there is no limit. */
bool scope_has(const struct scope *scope, int64_t cluster_id);
/** True when every id of a non-empty array is in the set, or there is no limit. */
bool scope_has_all(const struct scope *scope, const json_t *ids);
/** True when every cluster of a non-empty set is in the other, or there is no limit. */
bool scope_covers(const struct scope *scope, const struct scope *of);
/** True when a set lacks a cluster that another has. NULL is no limit, on both sides. */
bool scope_narrower(const struct scope *scope, const struct scope *than);
/** The set as a JSON array; NULL for no limit. Owned. */
json_t *scope_json(const struct scope *scope);

/** True when this request may see the record. Domain worker. */
bool scope_sees(const struct service *svc, const struct record_type *type, const void *obj);
/** Narrow a list to what this request may see. Errors: ERR_FORBIDDEN for types that belong to no
 * cluster. @q borrows svc->scope. Domain worker. */
struct err *scope_where(const struct service *svc, const struct record_type *type,
	struct store_query *q) ERR_RESULT;
/** Errors: ERR_FORBIDDEN when this request is limited to clusters. @what "change accounts" */
struct err *scope_need_none(const struct service *svc, const char *what) ERR_RESULT;
/** Replace names of clusters in body["clusters"] by their ids. Errors: ERR_INVALID (no such
 * cluster). Domain worker. */
struct err *scope_resolve(struct service *svc, json_t *body) ERR_RESULT;
