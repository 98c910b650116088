/* How a command reaches the API: one struct, two implementations: over HTTP (transport_http.c) and
 * inside this process (given by app, because cli may not see services). Both pass through the same
 * route table. One caller, one thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/** One request; all texts are borrowed. */
struct cli_request {
	const char *method; /**< "GET" */
	const char *path;   /**< "/api/nodes/n1": each segment percent-encoded, no query */
	const char *query;  /**< "status=online&limit=10": encoded, without '?', NULL = none */
	const char *body;   /**< JSON text, NULL = none */
	size_t body_len;
	const char *idempotency_key; /**< NULL = none */
	const char *if_match;        /**< NULL = none */
	bool takes_json;             /**< a reply inside this process may come as `json` */
};

/** The reply. Zero-initialise; cli_response_done() frees. */
struct cli_response {
	int status;            /**< HTTP status */
	char *content_type;    /**< owned, NULL = none */
	char *etag;            /**< owned, NULL = none */
	char *location;        /**< owned, NULL = none */
	int64_t retry_after_s; /**< 0 = none */
	struct str body;
	json_t *json; /**< instead of the body when the request takes_json; owned */
};

/** A way to the API. Implementations embed it as their first member. */
struct cli_transport {
	bool local; /**< in this process: operations move only while idle() is called */
	/** Send a request and wait for the whole reply. A reply with an error status is a success
	 * here.
	 * @ret_response zeroed by the caller   Errors: ERR_UNREACHABLE, ERR_TIMEOUT, ERR_PROTOCOL,
	 * ERR_TOO_LARGE. */
	struct err *(*call)(struct cli_transport *t, const struct cli_request *req,
		struct cli_response *ret_response);
	/** Let time pass while an operation runs: pump the engine, or sleep. Returns earlier when
	 * something happened or a signal came. @max_ms most milliseconds, >= 0 */
	struct err *(*idle)(struct cli_transport *t, int64_t max_ms);
	/** Free it and what it holds (the lock of the data directory). */
	void (*close)(struct cli_transport *t);
};

/** Free what a reply owns; it may be used again. */
void cli_response_done(struct cli_response *response);
/** Close *t when it is not NULL; for cleanup(cli_transport_closep). */
void cli_transport_closep(struct cli_transport **t);
