/* The HTTP server: sockets in, api_serve() on the domain worker, replies and streams out. Loop
 * only. */
#pragma once

#include "api/api.h"
#include "loop/loop.h"
#include "loop/work.h"

struct http;

/** What to serve on. Zero-initialise; texts are borrowed for the life of the server. */
struct http_options {
	const char *listen;             /**< "127.0.0.1:5000", "[::1]:0", NULL = none */
	const char *tls_cert, *tls_key; /**< PEM files for `listen`, NULL = plain */
	const char *socket_path;        /**< Unix socket, made 0600; NULL = none */
	bool insecure_http;             /**< allow a non-loopback address without TLS */
	size_t body_max_bytes;          /**< 0 = 1 MiB */
	int64_t request_ms;     /**< from the first line of a request to its end, 0 = 30 s */
	int64_t idle_timeout_s; /**< closes silent connections and cuts off readers that take
				   nothing, > 0 */
	int64_t heartbeat_s;    /**< between signs of life on a quiet stream, > 0 */
	int64_t newest_event;   /**< newest event in the store: later ones come by http_publish() */
	const int *inherited;   /**< listening sockets from the service manager; `listen` is not
				   opened when one is a TCP socket */
	size_t n_inherited;
};

/** Open the sockets and serve. @worker runs the requests; its hooks' user is the struct service
 * @ret_http http_stop() and http_free() Errors: ERR_CONFLICT (address taken, another server on the
 * socket), ERR_INVALID (bad or refused address, unusable certificate), ERR_IO. */
struct err *http_new(struct loop *loop, struct worker *worker, const struct http_options *o,
	struct http **ret_http) ERR_RESULT;
/** "http://127.0.0.1:5000" with the real port, NULL without TCP; borrowed. */
const char *http_url(const struct http *http);

/** A committed event for the streams. */
struct http_event {
	int64_t id;
	char *topic;            /**< owned */
	struct scope *clusters; /**< owned: which ones it tells of */
	char *text;             /**< owned: as api_event_text() writes it */
	int64_t operation;      /**< the operation it is about, 0 = none */
	bool final;             /**< that operation has its final status */
};
/** Hand over new events in order; wakes the streams. @take_events owned: array of n with their
 * texts */
void http_publish(struct http *http, struct http_event *take_events, size_t n);
/** Somebody's rights may have ended: streams whose reader may no longer read end with the reason.
 * @epoch service.rights_epoch, after the commit */
void http_rights_changed(struct http *http, uint64_t epoch);
/** Files of an operation grew: wake the streams that follow them. @operation 0 = any */
void http_wake_files(struct http *http, int64_t operation);

/** Read the certificate's files again (SIGHUP); the server also looks at them by itself. A pair
 * that cannot be used is logged, and the old one stays. Nothing to do without TLS. */
void http_reload_tls(struct http *http);

/** Stop listening, end streams, let requests in flight finish; then call done once. */
void http_stop(struct http *http, void (*done)(void *user), void *user);
/** Requests being served and streams open. */
size_t http_busy(const struct http *http);
/** Close every connection and free. No job of this server may be pending. NULL is fine. */
void http_free(struct http *http);
