/* The API as a function: request in, reply out. HTTP server and CLI call the same dispatch on the
 * same route table. Synchronous; domain worker only. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"
#include "service/service.h"

/** Slow work that a request needs and that must not hold up the domain worker: making or checking a
 * password's hash (argon2id), or a task on this machine. A reply that carries it is not finished:
 * run it anywhere, then serve the same request again with `work` set. */
struct api_work {
	/** Any thread: reads or does something outside of the store. NULL: a password is the work.
	 */
	struct err *(*task)(const json_t *input, json_t **ret_output);
	json_t *input;     /**< of the task, owned, may be NULL */
	json_t *output;    /**< what it gave, owned */
	struct err *error; /**< why it failed, owned */
	char *password;    /**< wiped when freed */
	/** Checked against stored instead of password, which is hashed too when it matches; wiped
	 * when freed. */
	char *old_password;
	char *stored; /**< the hash to check against, NULL = make a hash */
	char *hash;   /**< result unless a password was only checked */
	bool matches; /**< result when stored is given */
};
/** Do the work: about 50 to 100 ms of one core for a password, as long as it says for a task. Any
 * thread. */
void api_work_run(struct api_work *work);
/** Wipe and free; NULL is fine. */
void api_work_free(struct api_work *work);

/** What an HTTP server streams after a reply with `stream` set. */
enum api_stream_kind { API_STREAM_NONE, API_STREAM_EVENTS, API_STREAM_FILE };
struct api_stream {
	enum api_stream_kind kind;
	char *topics;                 /**< EVENTS: ",nodes,operations,", NULL = all; owned */
	struct scope *scope;          /**< clusters the caller is limited to, NULL = all; owned */
	int64_t token_id, session_id; /**< by what the caller was known; both I64_NONE: local */
	uint64_t rights_epoch;        /**< of the service, when the caller was */
	char *path;                   /**< FILE: of an operation; owned */
	int64_t after; /**< EVENTS: last sequence number the client has. FILE: byte offset to start
			  from */
	int64_t after_seq; /**< FILE of events: skip lines up to this seq */
	int64_t operation; /**< FILE: its operation's id; the stream ends when that is final and all
			      is sent */
	bool final;        /**< the operation was final already */
	bool lines;        /**< FILE: send whole lines only */
};

/** How a request reached us, which decides who the caller is. */
enum api_door {
	API_DOOR_LOCAL, /**< in-process or the 0600 Unix socket: the administrator of this data
			   directory */
	API_DOOR_HTTP   /**< TCP: needs a token or a session */
};

/** One request; all texts are borrowed; NULL = header absent. */
struct api_request {
	enum api_door door;
	const char *method; /**< "GET" */
	const char *path;   /**< decoded nothing: "/api/nodes/7" without the query */
	const char *query;  /**< raw text after '?', or NULL */
	const char *body;
	size_t body_len;
	const char *content_type, *authorization, *cookie, *origin, *host, *if_match,
		*if_none_match, *idempotency_key;
	const char *accept;        /**< what replies the client takes */
	const char *address;       /**< of the peer, NULL local */
	const char *local_user;    /**< login name at a local door */
	const char *request_id;    /**< given by the server: unique */
	int64_t via;               /**< enum op_via: cli when X-Mko-Via: cli at a local door */
	bool secure;               /**< came over TLS: cookies get Secure, Origin must be https */
	const char *last_event_id; /**< of an event stream */
	bool takes_json; /**< the caller is this process and takes a list as `json` of the reply */
	const struct api_work *work; /**< finished work of the first pass, NULL on the first pass */
};

/** A reply. Zero-initialise; api_reply_done() frees. */
struct api_reply {
	int status;
	const char *content_type; /**< static text */
	struct str body;
	json_t *json; /**< instead of the body: a list for a caller that takes_json; owned */
	char *location, *etag, *set_cookie, *allow, *cache_control; /**< owned or NULL */
	int64_t retry_after_s;                                      /**< 0 = none */
	bool stream; /**< an event stream follows: the HTTP server serves it as `streaming` says;
			in-process callers get what is there now */
	struct api_stream streaming;
	struct api_work *work; /**< not finished: owned, see struct api_work. api_dispatch() never
				  returns it */
	bool failed;           /**< an error reply: what the request did was undone */
	const char *route; /**< pattern of the route that answered, static text; NULL: none did */
	bool replayed;     /**< the stored answer of an earlier request with this Idempotency-Key */
};

/** Serve one request in its own transaction. Every error becomes a problem+json reply; never fails.
 * @svc the domain   @ret_reply zeroed. Domain worker, no transaction open. */
void api_dispatch(struct service *svc, const struct api_request *req, struct api_reply *ret_reply);
/** Serve one request inside the transaction that the caller has opened (one job of a batch; it uses
 * a savepoint of its own). The reply may ask for work, and is not true before the caller's commit:
 * api_reply_error() replaces it when that fails. */
void api_serve(struct service *svc, const struct api_request *req, struct api_reply *ret_reply);
/** Make a reply from an error. @req for the request ID   @take_err owned   @reply what it held is
 * freed. Any thread. */
void api_reply_error(const struct api_request *req, struct err *take_err, struct api_reply *reply);
/** Free what a reply owns. */
void api_reply_done(struct api_reply *reply);

struct event;
/** Append an event as a Server-Sent Event: "id: 7\ndata: {...}\n\n". Any thread. */
void api_event_text(const struct event *event, struct str *out);

/** OpenAPI 3.1 document of every route, made from the route table. Owned by the caller. Any thread.
 */
json_t *api_openapi(void);
