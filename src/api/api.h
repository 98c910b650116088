/* The API as a function: request in, reply out. HTTP server and CLI call the same dispatch on the same route table.
 * Synchronous; domain worker only. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"
#include "service/service.h"

/** How a request reached us, which decides who the caller is. */
enum api_door {
	API_DOOR_LOCAL, /**< in-process or the 0600 Unix socket: the administrator of this data directory */
	API_DOOR_HTTP	/**< TCP: needs a token or a session */
};

/** One request; all texts are borrowed; NULL = header absent. */
struct api_request {
	enum api_door door;
	const char *method; /**< "GET" */
	const char *path;   /**< decoded nothing: "/api/nodes/7" without the query */
	const char *query;  /**< raw text after '?', or NULL */
	const char *body;
	size_t body_len;
	const char *content_type, *authorization, *cookie, *origin, *host, *if_match, *if_none_match, *idempotency_key;
	const char *address;	/**< of the peer, NULL local */
	const char *local_user; /**< login name at a local door */
	const char *request_id; /**< given by the server: unique */
	int64_t via;		/**< enum op_via: cli when X-Mko-Via: cli at a local door */
};

/** A reply. Zero-initialise; api_reply_done() frees. */
struct api_reply {
	int status;
	const char *content_type; /**< static text */
	struct str body;
	char *location, *etag, *set_cookie, *allow, *cache_control; /**< owned or NULL */
	int64_t retry_after_s;					    /**< 0 = none */
	bool stream; /**< an event stream follows: the HTTP server serves it (topics and start in the request) */
};

/** Serve one request in its own transaction (savepoint in a batch). Every error becomes a problem+json reply; never fails.
 * @svc the domain   @ret_reply zeroed. */
void api_dispatch(struct service *svc, const struct api_request *req, struct api_reply *ret_reply);
/** Free what a reply owns. */
void api_reply_done(struct api_reply *reply);
