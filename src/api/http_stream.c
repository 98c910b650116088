/* Owns streams. A stream is a cursor: into the ring of the latest events, else into the store, or
 * into a file. A slow reader therefore costs nothing but its socket; one that takes nothing is cut
 * off by MHD's timeout. */
#include "api/http_int.h"

#include <string.h>
#include <sys/socket.h>

#include "api/opfile.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/event.h"
#include "model/metric.h"
#include "service/event.h"
#include "service/query.h"
#include "service/scope.h"

#define PAGE_N 500
#define BLOCK ((size_t)4 << 10)
#define STREAM_SOCKET_BYTES (128 << 10)
#define FILE_BYTES ((int64_t)64 << 10)

static bool wants(const struct stream *s, const char *topic)
{
	size_t len = strlen(topic);

	for (const char *at = s->what.topics; at != NULL && (at = strstr(at, topic)) != NULL; at++)
		if (at[-1] == ',' && at[len] == ',')
			return true;
	return s->what.topics == NULL;
}

/* A page of events for one stream that is behind the ring. */
struct page {
	struct work work;      /* first */
	struct stream *stream; /* NULL: the stream was closed meanwhile */
	int64_t after;         /* in: start; out: where it ends */
	struct str text;
	char *topics;
	struct scope *scope;
	struct err *error;
};

static void page_row(struct page *page, const struct event *event)
{
	struct stream filter = {.what = {.topics = page->topics}};

	page->after = event->id;
	if (wants(&filter, event->topic) && scope_has_all(page->scope, event->clusters))
		api_event_text(event, &page->text);
}

static void page_run(struct work *work, void *user)
{
	struct page *page = (struct page *)(void *)work;
	struct store_rows rows;

	page->error = event_list(user, page->after, PAGE_N, &rows);
	if (page->error != NULL)
		return;
	for (size_t i = 0; i < rows.n; i++)
		page_row(page, query_row(&rows, i));
	query_rows_done(&rows);
}

static void page_free(struct page *page)
{
	str_done(&page->text);
	mem_free(page->topics);
	scope_free(page->scope);
	err_free(page->error);
	mem_free(page);
}

static void page_done(struct work *work, const struct err *commit_error)
{
	struct page *page = (struct page *)(void *)work;
	struct stream *s = page->stream;

	if (s != NULL) {
		s->page = NULL;
		if (page->error != NULL || commit_error != NULL) {
			s->ended = true; /* the client comes back with its Last-Event-ID */
		} else {
			str_add(&s->first, str_get(&page->text), page->text.len);
			/* Nothing there at all: ids were skipped (rolled back), not lost. */
			s->what.after = page->after > s->what.after ? page->after
								    : s->request->http->ring_floor;
		}
		stream_wake(s);
	}
	page_free(page);
}

static void load_page(struct stream *s)
{
	struct page *page = mem_zalloc(sizeof(*page));

	page->work = (struct work){.kind = WORK_READ, .run = page_run, .done = page_done};
	page->stream = s;
	page->after = s->what.after;
	page->topics = mem_strdup(s->what.topics);
	page->scope = scope_copy(s->what.scope);
	if (!worker_submit(s->request->http->worker, &page->work)) {
		page_free(page); /* the next heartbeat tries again */
		return;
	}
	s->page = page;
}

/* Move what the ring has for this stream into its buffer, at most about a block. */
static void from_ring(struct stream *s)
{
	struct http *http = s->request->http;

	if (s->page != NULL)
		return;
	if (s->what.after < http->ring_floor) {
		load_page(s);
		return;
	}
	/* Ids rise in the ring: the first one that is new lies at most (id - floor) steps in. */
	size_t low = 0, high = http->ring_n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (http->ring[(http->ring_begin + middle) % HTTP_RING_N].id > s->what.after)
			high = middle;
		else
			low = middle + 1;
	}
	for (size_t i = low; i < http->ring_n && s->first.len < BLOCK; i++) {
		const struct http_event *event = &http->ring[(http->ring_begin + i) % HTTP_RING_N];
		s->what.after = event->id;
		if (wants(s, event->topic) && scope_covers(s->what.scope, event->clusters))
			str_adds(&s->first, event->text);
	}
}

static void from_file(struct stream *s)
{
	bool final = s->what.final; /* looked at before the file: what was written before it became
				       final is read below */
	struct err *e = opfile_bytes(s->what.path, s->what.after, FILE_BYTES, &s->first);

	if (e != NULL) {
		log_warn("request=%s %s: %s, ending the stream", s->request->id, s->what.path,
			err_message(e));
		err_free(e);
		s->ended = true;
		return;
	}
	if (s->what.lines) {
		const char *end = s->first.len > 0 ? memrchr(s->first.data, '\n', s->first.len)
						   : NULL;
		size_t whole = end != NULL ? (size_t)(end - s->first.data) + 1 : 0;
		if (whole < s->first.len) {
			s->first.len = whole; /* the rest of the line is read when it is complete */
			s->first.data[whole] = '\0';
		}
	}
	s->what.after += (int64_t)s->first.len;
	if (s->first.len == 0 && final)
		s->ended = true;
}

/* MHD wants bytes: give what is buffered, else look for more, else sleep. */
static ssize_t read_stream(void *cls, uint64_t pos, char *buffer, size_t max)
{
	struct stream *s = cls;

	(void)pos;
	if (s->first_at == s->first.len) {
		str_reset(&s->first);
		s->first_at = 0;
		if (!s->ended && s->what.kind == API_STREAM_EVENTS)
			from_ring(s);
		else if (!s->ended)
			from_file(s);
	}
	size_t n = s->first.len - s->first_at;
	if (n > max)
		n = max;
	if (n > 0) {
		memcpy(buffer, s->first.data + s->first_at, n);
		s->first_at += n;
		return (ssize_t)n;
	}
	if (s->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	s->suspended = true;
	MHD_suspend_connection(s->request->connection);
	return 0;
}

/* The kernel would buffer megabytes for a reader that takes nothing; a stream needs far less, and a
 * full buffer is what tells a slow reader. */
static void bound_socket(const struct request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const int bytes = STREAM_SOCKET_BYTES;

	if (info != NULL &&
		setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) != 0)
		log_debug("request=%s SO_SNDBUF: %m, ignoring", r->id);
}

struct MHD_Response *stream_open(struct request *r)
{
	struct http *http = r->http;

	if (http->n_streams >= HTTP_STREAMS_MAX || http->stopping)
		return NULL;
	struct stream *s = mem_zalloc(sizeof(*s));
	s->request = r;
	s->what = r->reply.streaming;
	r->reply.streaming = (struct api_stream){.kind = API_STREAM_NONE};
	s->first = r->reply.body;
	r->reply.body = STR_INIT;
	s->number = ++http->streams_ever;
	s->next = http->streams;
	if (s->next != NULL)
		s->next->prev = s;
	http->streams = s;
	http->n_streams++;
	bound_socket(r);
	metric_set(METRIC_HTTP_STREAMS, NULL, (double)http->n_streams);
	r->stream = s;
	if (s->what.rights_epoch != http->rights_epoch)
		stream_check(http); /* somebody's rights ended while this was opened */
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, s, NULL);
}

void stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	struct http *http = s->request->http;
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		http->streams = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	http->n_streams--;
	metric_set(METRIC_HTTP_STREAMS, NULL, (double)http->n_streams);
	if (s->page != NULL)
		s->page->stream = NULL;
	str_done(&s->first);
	mem_free(s->what.topics);
	mem_free(s->what.path);
	scope_free(s->what.scope);
	mem_free(s);
}

void stream_wake(struct stream *s)
{
	if (!s->suspended)
		return;
	s->suspended = false;
	MHD_resume_connection(s->request->connection);
	listener_run_soon(s->request->listener);
}

/* The last words of a stream, in the form of what it carries. */
static void add_reason(struct stream *s, const char *reason)
{
	json_t *json = s->what.kind == API_STREAM_EVENTS
		? json_pack("{ss}", "reason", reason)
		: json_pack("{ss ss}", "event", "end", "reason", reason);
	cleanup(mem_freep) char *data = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	if (s->what.kind == API_STREAM_EVENTS)
		str_addf(&s->first, "event: end\ndata: %s\n\n", data);
	else if (s->what.lines)
		str_addf(&s->first, "%s\n", data);
	else
		str_addf(&s->first, "\nmko: the stream ends here: %s\n", reason);
}

void stream_end(struct stream *s, const char *reason)
{
	if (!s->ended)
		add_reason(s, reason);
	s->ended = true;
	stream_wake(s);
}

void stream_end_all(struct http *http)
{
	for (struct stream *s = http->streams; s != NULL; s = s->next)
		stream_end(s, "the server is stopping");
}

/* A suspended connection does not notice that its client left: look ourselves. */
static bool client_left(const struct stream *s)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(s->request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	char byte;

	return info != NULL && recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void stream_heartbeat(struct http *http)
{
	for (struct stream *s = http->streams; s != NULL; s = s->next) {
		if (!s->suspended)
			continue;
		if (client_left(s))
			s->ended = true;
		else if (s->what.kind == API_STREAM_EVENTS)
			str_adds(&s->first, ": heartbeat\n\n"); /* suspended: the buffer is empty */
		else if (s->what.lines)
			str_adds(&s->first, "\n"); /* an empty line between JSON lines */
		stream_wake(s);
	}
}

/* An operation is over: streams of its files end when all is sent. */
static void note_final(struct http *http, const struct http_event *event)
{
	if (!event->final)
		return;
	for (struct stream *s = http->streams; s != NULL; s = s->next)
		if (s->what.kind == API_STREAM_FILE && s->what.operation == event->operation)
			s->what.final = true;
}

static void ring_push(struct http *http, struct http_event event)
{
	if (http->ring_n == HTTP_RING_N) {
		struct http_event *oldest = &http->ring[http->ring_begin];
		http->ring_floor = oldest->id;
		mem_free(oldest->topic);
		scope_free(oldest->clusters);
		mem_free(oldest->text);
		http->ring_begin = (http->ring_begin + 1) % HTTP_RING_N;
		http->ring_n--;
	}
	http->ring[(http->ring_begin + http->ring_n) % HTTP_RING_N] = event;
	http->ring_n++;
}

void http_publish(struct http *http, struct http_event *take_events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		note_final(http, &take_events[i]);
		ring_push(http, take_events[i]);
	}
	mem_free(take_events);
	for (struct stream *s = http->streams; s != NULL; s = s->next)
		stream_wake(s);
}

void http_wake_files(struct http *http, int64_t operation)
{
	for (struct stream *s = http->streams; s != NULL; s = s->next)
		if (s->what.kind == API_STREAM_FILE &&
			(operation == 0 || s->what.operation == operation))
			stream_wake(s);
}
