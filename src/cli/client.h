/* Requests to the API as commands need them: JSON in, JSON out, problems as errors. Opens the
 * transport at the first request. */
#pragma once

#include "cli/run.h"

/** Build "/api/A/B/C" with each segment percent-encoded. Arguments are texts, ended by NULL. The
 * caller frees. */
char *cli_path(const char *first, ...) __attribute__((sentinel));
/** Append "name=value" (encoded) to a query, with '&' when it is not the first. */
void cli_query_add(struct str *query, const char *name, const char *value);

/** Send a request; a reply with an error status becomes an error with its fields and hint.
 * @path may end with '?' and an encoded query   @body NULL = none   @ret_json NULL = not wanted;
 * owned; NULL when the reply has no body Errors: those of the API by their slug; ERR_UNREACHABLE,
 * ERR_TIMEOUT, ERR_PROTOCOL of the transport. */
struct err *cli_call(struct cli *cli, const char *method, const char *path, const json_t *body,
	json_t **ret_json) ERR_RESULT;
/** GET as JSON. */
struct err *cli_get(struct cli *cli, const char *path, const char *query,
	json_t **ret_json) ERR_RESULT;
/** GET as it is, for texts. @ret_text NUL-ended, owned   @ret_len may be NULL */
struct err *cli_get_text(struct cli *cli, const char *path, const char *query, char **ret_text,
	size_t *ret_len) ERR_RESULT;
/** POST that starts work: with an idempotency key of its own. */
struct err *cli_post(struct cli *cli, const char *path, const char *query, const json_t *body,
	json_t **ret_json) ERR_RESULT;
/** GET an object only for its ETag. @ret_etag owned, NULL when it has none */
struct err *cli_get_etag(struct cli *cli, const char *path, char **ret_etag) ERR_RESULT;
/** PATCH with If-Match. @etag NULL = none   @ret_json as in cli_call() */
struct err *cli_patch(struct cli *cli, const char *path, const char *etag, const json_t *body,
	json_t **ret_json) ERR_RESULT;
/** GET a collection, page by page. @query filters, NULL = none   @limit most items, 0 = all
 * @ret_items array, owned */
struct err *cli_get_list(struct cli *cli, const char *collection, const char *query, int64_t limit,
	json_t **ret_items) ERR_RESULT;
/** Let time pass (pumps the engine when it runs in this process). */
struct err *cli_idle(struct cli *cli, int64_t max_ms) ERR_RESULT;
/** True when operations only move while this process pumps them. */
bool cli_is_local(const struct cli *cli);

/** Text of a member, fallback when it is absent or no text; borrowed. @path "target.name" */
const char *cli_json_text(const json_t *object, const char *path, const char *fallback);
/** Integer of a member, fallback when it is absent or no integer. */
int64_t cli_json_i64(const json_t *object, const char *path, int64_t fallback);
/** A member by its path, NULL when absent; borrowed. */
const json_t *cli_json_get(const json_t *object, const char *path);
