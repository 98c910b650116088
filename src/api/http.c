/* Owns requests between MHD and the domain worker. MHD calls http_handle() several times for a
 * request (header, parts of the body, end, and again after it was resumed); struct request says
 * where it stands. A request that waits for the worker is suspended: nothing touches it meanwhile.
 */
#include "api/http_int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/accept.h"
#include "api/gzip.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/rand.h"
#include "api/reply.h"
#include "model/metric.h"
#include "model/operation.h"
#include "service/scope.h"

#define BODY_MAX_DEFAULT ((size_t)1 << 20)
#define BODY_DRAIN_MAX ((int64_t)64 << 20)
#define STOP_ROUND_MS 50
#define STOP_ROUNDS 200 /* 10 s, then whoever is left is cut off */

void *http_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct listener *l = cls;
	struct request *r = mem_zalloc(sizeof(*r));
	const char *question = strchr(uri, '?');

	r->http = l->http;
	r->listener = l;
	r->connection = connection;
	r->conn = conn_of(connection);
	conn_reading(r->conn);
	r->begun_ms = loop_now_ms(l->http->loop);
	r->begun_s = metric_now();
	r->path = question != NULL ? mem_strndup(uri, (size_t)(question - uri)) : mem_strdup(uri);
	r->query = question != NULL ? mem_strdup(question + 1) : NULL;
	snprintf(r->id, sizeof(r->id), "%s%08llx", l->http->id_prefix,
		(unsigned long long)l->http->n_requests++);
	l->http->active++;
	metric_add(METRIC_HTTP_ACTIVE, NULL, 1);
	return r;
}

static void free_request(struct request *r)
{
	stream_close(r->stream);
	api_reply_done(&r->reply);
	api_work_free(r->slow_work);
	str_done(&r->body);
	err_free(r->early);
	mem_free(r->method);
	mem_free(r->path);
	mem_free(r->query);
	mem_free(r->address);
	mem_free(r->local_user);
	mem_free(r);
}

void http_over(void *cls, struct MHD_Connection *connection, void **con_cls,
	enum MHD_RequestTerminationCode code)
{
	struct request *r = *con_cls;

	(void)cls;
	(void)connection;
	if (r == NULL)
		return;
	*con_cls = NULL;
	if (r->stream != NULL && code == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED)
		log_info("request=%s %s cut off: the reader took nothing for %lld s", r->id,
			r->path, (long long)r->http->options.idle_timeout_s);
	r->http->active--;
	metric_add(METRIC_HTTP_ACTIVE, NULL, -1);
	conn_idle(r->conn);
	free_request(r);
}

/* Headers that the API reads; each may come once. */
static const struct {
	const char *name;
	size_t offset;
} headers[] = {
	{"Content-Type", offsetof(struct api_request, content_type)},
	{"Authorization", offsetof(struct api_request, authorization)},
	{"Cookie", offsetof(struct api_request, cookie)},
	{"Origin", offsetof(struct api_request, origin)},
	{"Host", offsetof(struct api_request, host)},
	{"If-Match", offsetof(struct api_request, if_match)},
	{"If-None-Match", offsetof(struct api_request, if_none_match)},
	{"Idempotency-Key", offsetof(struct api_request, idempotency_key)},
	{"Last-Event-ID", offsetof(struct api_request, last_event_id)},
};

/* Headers that say where a request ends: whoever sends two of them wants us and somebody between us
 * to disagree (request smuggling). */
static bool is_framing(const char *name)
{
	return strcasecmp(name, "Content-Length") == 0 ||
		strcasecmp(name, "Transfer-Encoding") == 0;
}

static void take_framing(struct request *r)
{
	if (r->framed && r->early == NULL)
		r->early = err_new(ERR_USAGE, "the length of the body is given twice");
	r->at_once |= r->framed; /* and what follows is not looked at: the connection closes */
	r->framed = true;
}

/* MHD keeps the texts until the request is over. */
static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *key,
	const char *value)
{
	struct request *r = cls;

	(void)kind;
	if (is_framing(key))
		take_framing(r);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		if (strcasecmp(key, headers[i].name) != 0)
			continue;
		const char **at = (const char **)(void *)((char *)&r->api + headers[i].offset);
		if (*at != NULL && r->early == NULL)
			r->early = err_new(ERR_USAGE, "header %s is given twice", headers[i].name);
		*at = value != NULL ? value : "";
	}
	return MHD_YES;
}

static size_t body_max(const struct http *http)
{
	return http->options.body_max_bytes > 0 ? http->options.body_max_bytes : BODY_MAX_DEFAULT;
}

int64_t http_request_ms(const struct http *http)
{
	return http->options.request_ms > 0 ? http->options.request_ms : HTTP_REQUEST_MS;
}

static struct err *too_large(const struct http *http)
{
	return err_new(ERR_TOO_LARGE, "the body is larger than %zu bytes", body_max(http));
}

/* What can be said before the body is here. A client that is sending would lose an answer that
 * closes the connection, so a body that is not absurd is read to its end and thrown away. */
static void check_early(struct request *r)
{
	const char *length =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Content-Length");
	const char *expect = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Expect");
	int64_t bytes = 0;

	if (length == NULL || r->early != NULL)
		return;
	r->early = parse_i64(length, 0, INT64_MAX, &bytes);
	if (r->early != NULL) {
		r->early = err_recode(err_wrap(r->early, "Content-Length"), ERR_USAGE);
		r->at_once = true;
	} else if ((size_t)bytes > body_max(r->http)) {
		r->early = too_large(r->http);
		r->at_once = expect != NULL || bytes > BODY_DRAIN_MAX;
	}
}

static void fill_api(struct request *r, const char *method)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const char *via = NULL;

	r->method = mem_strdup(method);
	MHD_get_connection_values(r->connection, MHD_HEADER_KIND, take_header, r);
	via = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "X-Mko-Via");
	r->address = http_peer_address(r->connection);
	if (r->listener->door == API_DOOR_LOCAL)
		r->local_user = http_peer_name(info != NULL ? info->connect_fd : -1);
	r->api.door = r->listener->door;
	r->api.method = r->method;
	r->api.path = r->path;
	r->api.query = r->query;
	r->api.address = r->address;
	r->api.local_user = r->local_user;
	r->api.request_id = r->id;
	r->api.secure = r->listener->secure;
	r->api.accept = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Accept");
	r->takes_gzip = accept_quality(MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
					       "Accept-Encoding"),
				"gzip") > 0;
	r->api.via = via != NULL && strcmp(via, "cli") == 0 ? OP_VIA_CLI : OP_VIA_API;
	check_early(r);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (value != NULL)
		(void)MHD_add_response_header(response, name,
			value); /* NO: a newline in it; then it is left out */
}

/* The compressed form is another representation: its ETag must differ (RFC 9110, 8.8.3). */
static void add_coding(const struct request *r, struct MHD_Response *response)
{
	const struct api_reply *reply = &r->reply;

	if (!reply->stream)
		add_header(response, "Vary", "Accept-Encoding");
	if (!r->gzipped) {
		add_header(response, "ETag", reply->etag);
		return;
	}
	add_header(response, "Content-Encoding", "gzip");
	if (reply->etag == NULL)
		return;
	cleanup(mem_freep) char *etag =
		mem_printf("%.*s-gz\"", (int)strlen(reply->etag) - 1, reply->etag);
	add_header(response, "ETag", etag);
}

static void add_headers(const struct request *r, struct MHD_Response *response)
{
	const struct api_reply *reply = &r->reply;
	char seconds[24];

	add_header(response, "Content-Type", reply->content_type);
	add_header(response, "Location", reply->location);
	add_coding(r, response);
	add_header(response, "Set-Cookie", reply->set_cookie);
	add_header(response, "Allow", reply->allow);
	add_header(response, "Cache-Control",
		reply->cache_control != NULL ? reply->cache_control : "no-store");
	add_header(response, "X-Request-Id", r->id);
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "Referrer-Policy", "no-referrer");
	add_header(response, "Content-Security-Policy",
		"default-src 'none'; frame-ancestors 'none'");
	if (reply->replayed)
		add_header(response, "Idempotent-Replayed", "true");
	if (reply->status == 401)
		add_header(response, "WWW-Authenticate", "Bearer realm=\"mko\"");
	if (reply->retry_after_s > 0) {
		snprintf(seconds, sizeof(seconds), "%lld", (long long)reply->retry_after_s);
		add_header(response, "Retry-After", seconds);
	}
}

static struct MHD_Response *plain_response(struct request *r)
{
	size_t len = r->reply.body.len;
	char *text = str_take(&r->reply.body);

	if (text == NULL)
		return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "",
			MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
}

/* A method that no route has is a word of the client's. */
static void count_request(const struct request *r)
{
	const char *route = r->reply.route != NULL ? r->reply.route : "none";
	const char *method = r->reply.route != NULL ? r->method : "any";
	char status[16];

	snprintf(status, sizeof(status), "%d", r->reply.status);
	metric_add(METRIC_HTTP_REQUESTS, METRIC_LABELS(method, route, status), 1);
	metric_observe(METRIC_HTTP_SECONDS, METRIC_LABELS(method, route),
		metric_now() - r->begun_s);
}

static void log_request(const struct request *r)
{
	int64_t took_ms = loop_now_ms(r->http->loop) - r->begun_ms;

	log_debug("request=%s %s %s status=%d took_ms=%lld", r->id, r->method, r->path,
		r->reply.status, (long long)took_ms);
}

static enum MHD_Result send_reply(struct request *r)
{
	struct MHD_Response *response = NULL;
	bool is_head = strcmp(r->method, "HEAD") == 0;

	conn_served(r->conn);

	if (r->reply.stream && !r->reply.failed && !is_head) {
		response = stream_open(r);
		if (response == NULL)
			api_reply_error(&r->api,
				err_new(ERR_UNAVAILABLE, "too many streams are open"), &r->reply);
	}
	if (response == NULL)
		response = plain_response(r);
	add_headers(r, response);
	enum MHD_Result result =
		MHD_queue_response(r->connection, (unsigned)r->reply.status, response);
	MHD_destroy_response(response);
	r->state = REQUEST_REPLIED;
	log_request(r);
	count_request(r);
	return result;
}

static enum MHD_Result refuse(struct request *r, struct err *take_error)
{
	api_reply_error(&r->api, take_error, &r->reply);
	return send_reply(r);
}

static void run_request(struct work *work, void *user)
{
	struct request *r = (struct request *)(void *)work;

	api_serve(user, &r->api, &r->reply);
}

static void resume(struct request *r)
{
	r->http->queued--;
	r->state = REQUEST_READY;
	MHD_resume_connection(r->connection);
	listener_run_soon(r->listener); /* one MHD_run for all that are answered in this turn */
}

static void request_done(struct work *work, const struct err *commit_error);

static void work_ready(void *data)
{
	struct request *r = data;

	reply_clear(&r->reply);
	r->api.work = r->slow_work;
	if (worker_submit(r->http->worker, &r->work))
		return;
	api_reply_error(&r->api, err_new(ERR_UNAVAILABLE, "too many requests are waiting"),
		&r->reply);
	resume(r);
}

static void work_run(void *data)
{
	struct request *r = data;

	api_work_run(r->slow_work);
}

/* Compressing a long list takes milliseconds: not on the loop. */
static void gzip_run(void *data)
{
	struct request *r = data;

	r->gzipped = gzip_body(&r->reply.body);
}

static void gzip_ready(void *data)
{
	resume(data);
}

static void request_done(struct work *work, const struct err *commit_error)
{
	struct request *r = (struct request *)(void *)work;

	if (commit_error != NULL) {
		struct err *e = err_new(ERR_UNAVAILABLE, "the store cannot be written: %s",
			err_message(commit_error));
		log_error("request=%s %s %s: %s", r->id, r->method, r->path,
			err_message(commit_error));
		r->reply.retry_after_s = 0;
		api_reply_error(&r->api, e, &r->reply);
	} else if (r->reply.work != NULL) {
		r->slow_work = MOVE(r->reply.work);
		pool_submit(r->http->loop, work_run, work_ready, r);
		return;
	}
	if (r->takes_gzip && !r->reply.stream && r->reply.body.len >= GZIP_MIN)
		pool_submit(r->http->loop, gzip_run, gzip_ready, r);
	else
		resume(r);
}

/* The request is here in full: hand it to the domain. */
static enum MHD_Result submit(struct request *r)
{
	if (r->http->stopping)
		return refuse(r, err_new(ERR_UNAVAILABLE, "the server is stopping"));
	r->api.body = str_get(&r->body);
	r->api.body_len = r->body.len;
	bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
	r->work = (struct work){.kind = reads ? WORK_READ : WORK_BATCH,
		.run = run_request,
		.done = request_done};
	if (!worker_submit(r->http->worker, &r->work))
		return refuse(r, err_new(ERR_UNAVAILABLE, "too many requests are waiting"));
	conn_served(r->conn);
	r->state = REQUEST_QUEUED;
	r->http->queued++;
	metric_set(METRIC_WORKER_QUEUE, NULL, (double)worker_pending(r->http->worker));
	MHD_suspend_connection(r->connection);
	return MHD_YES;
}

/* A part of the body. What comes after a refusal is thrown away: MHD answers at its end. */
static enum MHD_Result take_body(struct request *r, const char *data, size_t *size)
{
	if (r->early == NULL && r->body.len + *size > body_max(r->http))
		r->early = too_large(r->http);
	if (r->early == NULL)
		str_add(&r->body, data, *size);
	*size = 0;
	return MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is MHD's */
enum MHD_Result http_handle(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload_data, size_t *upload_data_size,
	void **con_cls)
{
	struct request *r = *con_cls;

	(void)cls;
	(void)connection;
	(void)url;
	(void)version;
	if (r == NULL)
		return MHD_NO;
	switch (r->state) {
	case REQUEST_HEADER:
		fill_api(r, method);
		r->state = REQUEST_BODY;
		return r->at_once ? refuse(r, MOVE(r->early)) : MHD_YES;
	case REQUEST_BODY:
		if (*upload_data_size > 0)
			return take_body(r, upload_data, upload_data_size);
		return r->early != NULL ? refuse(r, MOVE(r->early)) : submit(r);
	case REQUEST_READY:
		return send_reply(r);
	case REQUEST_QUEUED:
	case REQUEST_REPLIED:
		break;
	}
	*upload_data_size = 0;
	return MHD_YES;
}

static void on_heartbeat(void *user)
{
	stream_heartbeat(user);
	stream_check(user); /* tokens and sessions end by themselves, too */
}

/* Say until when the certificate is good; a server with an old one is better than none. */
static void tell_expiry(const struct http *http)
{
	char until[CLOCK_TEXT_SIZE];
	int64_t expires_at = tls_expires_at(http->tls);

	clock_format(expires_at, until);
	metric_set(METRIC_TLS_EXPIRES, NULL, (double)expires_at / 1000);
	if (expires_at < clock_utc(&clock_system))
		log_warn("TLS certificate %s ended at %s: browsers refuse it, renew it",
			http->options.tls_cert, until);
	else
		log_info("TLS certificate %s is valid until %s", http->options.tls_cert, until);
}

void http_reload_tls(struct http *http)
{
	if (http->tls == NULL)
		return;
	struct err *e = tls_reload(http->tls);
	if (e != NULL)
		log_error("the new TLS certificate cannot be used: %s, keeping the old one",
			err_message(e));
	else
		tell_expiry(http);
	err_free(e);
}

static void on_tls_timer(void *user)
{
	struct http *http = user;

	if (tls_files_changed(http->tls))
		http_reload_tls(http);
}

static void start_timers(struct http *http)
{
	http->heartbeat = loop_timer_new(http->loop, on_heartbeat, http);
	int64_t every_ms = http->options.heartbeat_s * 1000;
	loop_timer_start(http->heartbeat, every_ms, every_ms);
	if (http->tls == NULL)
		return;
	tell_expiry(http);
	http->tls_timer = loop_timer_new(http->loop, on_tls_timer, http);
	loop_timer_start(http->tls_timer, HTTP_TLS_CHECK_MS, HTTP_TLS_CHECK_MS);
}

struct err *http_new(struct loop *loop, struct worker *worker, const struct http_options *o,
	struct http **ret_http)
{
	struct http *http = mem_zalloc(sizeof(*http));

	http->loop = loop;
	http->worker = worker;
	http->options = *o;
	http->ring_floor = o->newest_event;
	cleanup(mem_freep) char *prefix = rand_text(HTTP_ID_PREFIX_LEN);
	snprintf(http->id_prefix, sizeof(http->id_prefix), "%s", prefix);
	http->connections_max = http_connections_max();
	http->sweep = loop_timer_new(loop, http_sweep, http);
	struct err *e = http_listen_all(http);
	http->options.inherited = NULL; /* MHD owns them now */
	http->options.n_inherited = 0;
	if (e != NULL) {
		http_free(http);
		return e;
	}
	start_timers(http);
	*ret_http = http;
	return NULL;
}

const char *http_url(const struct http *http)
{
	return http->url;
}

size_t http_busy(const struct http *http)
{
	return http->active;
}

static void run_all(struct http *http)
{
	for (size_t i = 0; i < http->n_listeners; i++)
		listener_run(&http->listeners[i]);
}

/* Wait for the requests in flight; connections without a request may be closed at any time. */
static void on_stop_round(void *user)
{
	struct http *http = user;

	run_all(http);
	/* What the worker or the pool has in hand always comes back; it must not find its request
	 * freed. */
	if (http->queued > 0 || (http->active > 0 && http->stop_rounds++ < STOP_ROUNDS))
		return;
	loop_timer_free(http->stop_timer);
	http->stop_timer = NULL;
	http->stopped(http->stopped_user);
}

void http_stop(struct http *http, void (*done)(void *user), void *user)
{
	must(!http->stopping);
	http->stopping = true;
	http->stopped = done;
	http->stopped_user = user;
	for (size_t i = 0; i < http->n_listeners; i++) {
		MHD_socket fd = MHD_quiesce_daemon(http->listeners[i].mhd);
		if (fd != MHD_INVALID_SOCKET)
			close(fd);
	}
	if (http->options.socket_path != NULL)
		(void)unlink(http->options.socket_path);
	stream_end_all(http);
	http->stop_timer = loop_timer_new(http->loop, on_stop_round, http);
	loop_timer_start(http->stop_timer, 0, STOP_ROUND_MS);
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	stream_end_all(http);
	for (size_t i = 0; i < http->n_listeners; i++) {
		struct listener *l = &http->listeners[i];
		MHD_run(l->mhd); /* takes note of what was resumed */
		loop_poll_free(l->poll);
		loop_timer_free(l->timer);
		MHD_stop_daemon(l->mhd);
	}
	for (size_t i = 0; i < http->ring_n; i++) {
		struct http_event *event = &http->ring[(http->ring_begin + i) % HTTP_RING_N];
		mem_free(event->topic);
		scope_free(event->clusters);
		mem_free(event->text);
	}
	loop_timer_free(http->heartbeat);
	loop_timer_free(http->tls_timer);
	loop_timer_free(http->sweep);
	loop_timer_free(http->stop_timer);
	tls_close(http->tls);
	mem_free(http->url);
	mem_free(http);
}
