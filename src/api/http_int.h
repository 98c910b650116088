/* The inside of the HTTP server, for http*.c. */
#pragma once

#include <microhttpd.h>

#include "api/http.h"
#include "api/http_tls.h"
#include "base/mem.h"

#define HTTP_RING_N 4096 /* events kept for streams; older ones are read from the store */
#define HTTP_STREAMS_MAX 2000
#define HTTP_CONNECTIONS_MAX 12000 /* or what the limit of open files allows */
#define HTTP_REQUEST_MS 30000      /* a request must be there in full, from its first line on */
#define HTTP_ID_PREFIX_LEN 8       /* of request IDs: random, one for each start of the server */
#define HTTP_TLS_CHECK_MS 2000     /* how often the files of the certificate are looked at */
#define HTTP_HEADERS_MAX                                                                           \
	((size_t)16 << 10) /* of one connection: an open stream costs this and a block */

/** One listening socket with its own MHD daemon, run by our loop. */
struct listener {
	struct http *http;
	struct MHD_Daemon *mhd;
	struct loop_poll *poll;
	struct loop_timer *timer;
	int fd; /* listening; closed by MHD */
	enum api_door door;
	bool secure;
};
#define HTTP_LISTENERS_MAX 8

struct page;
/** One connection, see http_conn.c. */
struct conn;

/** One stream: a cursor into the ring or a file; it holds no events of its own but the first page.
 */
struct stream {
	struct request *request;
	uint64_t number;        /* of all streams ever; newer ones have higher ones */
	struct api_stream what; /* owns its texts */
	struct str first; /* bytes to send before anything else: the first page, a page from the
			     store, a heartbeat */
	size_t first_at;
	bool suspended;
	bool ended;        /* send what is left and close */
	struct page *page; /* from the store, on its way; NULL = none */
	struct stream *prev, *next;
};

/** Where a request stands: see http.c. */
enum request_state { REQUEST_HEADER, REQUEST_BODY, REQUEST_QUEUED, REQUEST_READY, REQUEST_REPLIED };

/** One request. Freed when MHD says that it is over. */
struct request {
	struct work work; /* first */
	struct http *http;
	struct listener *listener;
	struct MHD_Connection *connection;
	struct conn *conn;
	enum request_state state;
	char id[HTTP_ID_PREFIX_LEN + 17]; /* prefix and number */
	char *method, *path, *query, *address, *local_user;
	struct str body;
	int64_t begun_ms;
	double begun_s; /* metric_now() */
	struct api_request api;
	struct api_reply reply;
	struct api_work *slow_work;
	struct stream *stream;
	struct err *early; /* refused before the body was read */
	bool at_once;      /* and the body is not waited for */
	bool framed;       /* the length of the body was told */
	bool takes_gzip;
	bool gzipped; /* the body of the reply is */
};

/** The server. */
struct http {
	struct loop *loop;
	struct worker *worker;
	struct http_options options;
	struct listener listeners[HTTP_LISTENERS_MAX];
	size_t n_listeners;
	char *url;
	struct conn *waiting, *waiting_last; /* connections without a whole request */
	size_t n_connections, connections_max;
	struct loop_timer *sweep; /* runs while there are some that wait */
	char id_prefix[HTTP_ID_PREFIX_LEN + 1];
	uint64_t n_requests; /* ever; the rest of a request ID */
	size_t active;       /* requests that MHD knows */
	size_t queued;       /* of these, in the hands of the worker or the pool */
	struct stream *streams;
	size_t n_streams;
	uint64_t streams_ever;
	uint64_t rights_epoch;      /* newest that was told */
	bool checking, check_again; /* stream_check() */
	struct http_event ring[HTTP_RING_N];
	size_t ring_begin, ring_n;
	int64_t ring_floor; /* every event after this one is in the ring */
	struct tls *tls;    /* NULL: plain */
	struct loop_timer *tls_timer;
	struct loop_timer *heartbeat;
	struct loop_timer *stop_timer;
	int stop_rounds;
	bool stopping;
	void (*stopped)(void *user);
	void *stopped_user;
};

/** Open the sockets of the options. */
struct err *http_listen_all(struct http *http) ERR_RESULT;
/** Start MHD on a listening socket. */
struct err *listener_start(struct http *http, int fd, enum api_door door, bool secure) ERR_RESULT;
/** Let MHD work and re-arm its timer. */
void listener_run(struct listener *l);
/** listener_run() in the next turn of the loop; many calls in this turn make one. */
void listener_run_soon(struct listener *l);
/** The most connections over the network; raises the limit of open files as far as it may. */
size_t http_connections_max(void);
/** Milliseconds that a request may take from its first line to its end. */
int64_t http_request_ms(const struct http *http);
/** MHD's accept policy: refuses, or makes room. */
enum MHD_Result http_accept(void *cls, const struct sockaddr *address, socklen_t len);
/** Cut off the connections whose time is over; of the timer. @user the struct http */
void http_sweep(void *user);
/** MHD opened or closed a connection. */
void http_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode code);
/** The connection behind MHD's handle. */
struct conn *conn_of(struct MHD_Connection *connection);
/** The first line of a request is here: its time runs. */
void conn_reading(struct conn *c);
/** A request is here in full: the connection waits for us, not we for it. */
void conn_served(struct conn *c);
/** An answer is over: wait for the next request. */
void conn_idle(struct conn *c);

/** Login name of the peer of a Unix socket. Caller frees. */
char *http_peer_name(int fd);
/** "10.0.0.7" of the peer, NULL for a Unix socket. Caller frees. */
char *http_peer_address(struct MHD_Connection *connection);

/** MHD's access handler. */
enum MHD_Result http_handle(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload_data, size_t *upload_data_size,
	void **con_cls);
/** MHD's first sight of a request: keeps the raw address. */
void *http_begin(void *cls, const char *uri, struct MHD_Connection *connection);
/** MHD is done with a request. */
void http_over(void *cls, struct MHD_Connection *connection, void **con_cls,
	enum MHD_RequestTerminationCode code);

/** Make the streaming response of a request whose reply says so. NULL: too many streams. */
struct MHD_Response *stream_open(struct request *request);
/** Free the stream of a request that is over. */
void stream_close(struct stream *stream);
/** Wake one stream to look for more. */
void stream_wake(struct stream *stream);
/** End all streams. */
void stream_end_all(struct http *http);
/** End a stream with a reason that its client can read. */
void stream_end(struct stream *stream, const char *reason);
/** Ask the domain whether those who read streams still may. */
void stream_check(struct http *http);
/** Send heartbeats, find clients that left. */
void stream_heartbeat(struct http *http);
