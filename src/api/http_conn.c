/* Owns connections as such: how many there may be, and how long one may take to send a whole
 * request. A connection waits while it has not: it stands in a list, the one that waits longest
 * first, and is closed when its time is over or when its place is needed. */
#include "api/http_int.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include "base/log.h"

#define SWEEP_MS 500
#define FILES_RESERVED 256 /* for the store, operations, standard streams */
#define CONNECTIONS_LEAST 16

struct conn {
	struct http *http;
	struct conn *prev, *next; /* of the waiting */
	int fd;                   /* MHD's */
	int64_t since_ms;
	bool waiting;
	bool reading; /* a request has begun */
};

static void leave(struct conn *c)
{
	struct http *http = c->http;

	if (!c->waiting)
		return;
	*(c->prev != NULL ? &c->prev->next : &http->waiting) = c->next;
	*(c->next != NULL ? &c->next->prev : &http->waiting_last) = c->prev;
	c->waiting = false;
}

static void join(struct conn *c, bool reading)
{
	struct http *http = c->http;

	leave(c);
	c->reading = reading;
	c->waiting = true;
	c->since_ms = loop_now_ms(http->loop);
	c->next = NULL;
	c->prev = http->waiting_last;
	*(c->prev != NULL ? &c->prev->next : &http->waiting) = c;
	http->waiting_last = c;
}

void conn_reading(struct conn *c)
{
	join(c, true);
}

void conn_served(struct conn *c)
{
	leave(c);
}

void conn_idle(struct conn *c)
{
	join(c, false);
}

struct conn *conn_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	must(info != NULL && info->socket_context != NULL);
	return info->socket_context;
}

/* MHD sees the end of the socket and closes it in its own time. */
static void cut_off(struct conn *c)
{
	leave(c);
	(void)shutdown(c->fd, SHUT_RDWR);
}

void http_sweep(void *user)
{
	struct http *http = user;
	int64_t now = loop_now_ms(http->loop);

	for (struct conn *c = http->waiting, *next; c != NULL; c = next) {
		next = c->next;
		if (now - c->since_ms >=
			(c->reading ? http_request_ms(http) : http->options.idle_timeout_s * 1000))
			cut_off(c);
	}
	if (http->waiting == NULL)
		loop_timer_stop(http->sweep);
}

static void conn_open(struct http *http, struct MHD_Connection *connection, void **ret)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct conn *c = mem_zalloc(sizeof(*c));

	must(info != NULL);
	c->http = http;
	c->fd = info->connect_fd;
	if (http->waiting == NULL)
		loop_timer_start(http->sweep, SWEEP_MS, SWEEP_MS);
	join(c, false);
	http->n_connections++;
	*ret = c;
}

void http_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		conn_open(l->http, connection, socket_context);
		return;
	}
	struct conn *c = *socket_context;
	leave(c);
	c->http->n_connections--;
	mem_free(c);
	*socket_context = NULL;
}

/* The local door is for the owner alone and always open. Over the network, whoever has waited
 * longest without a request makes room; when all are being served, the new one is refused. */
enum MHD_Result http_accept(void *cls, const struct sockaddr *address, socklen_t len)
{
	struct listener *l = cls;
	struct http *http = l->http;

	(void)address;
	(void)len;
	if (l->door == API_DOOR_LOCAL || http->n_connections < http->connections_max)
		return MHD_YES;
	if (http->waiting == NULL)
		return MHD_NO;
	cut_off(http->waiting);
	return MHD_YES;
}

size_t http_connections_max(void)
{
	struct rlimit files = {0};

	must(getrlimit(RLIMIT_NOFILE, &files) == 0);
	if (files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max < HTTP_CONNECTIONS_MAX + FILES_RESERVED
			? files.rlim_max
			: HTTP_CONNECTIONS_MAX + FILES_RESERVED;
		if (setrlimit(RLIMIT_NOFILE, &files) != 0)
			log_debug("the limit of open files cannot be raised");
		must(getrlimit(RLIMIT_NOFILE, &files) == 0);
	}
	if (files.rlim_cur >= HTTP_CONNECTIONS_MAX + FILES_RESERVED)
		return HTTP_CONNECTIONS_MAX;
	if (files.rlim_cur < FILES_RESERVED + CONNECTIONS_LEAST)
		return CONNECTIONS_LEAST;
	return files.rlim_cur - FILES_RESERVED;
}
