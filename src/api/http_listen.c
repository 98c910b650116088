/* Owns sockets: which addresses may be used, who sits at the other end, and how MHD runs inside our
 * loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/http_int.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/parse.h"

#define BACKLOG 1024
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* "127.0.0.1:5000", "[::1]:5000", "localhost:5000", ":5000" -> host and port. */
static struct err *split_address(const char *text, char **ret_host, char **ret_port)
{
	const char *colon = strrchr(text, ':');
	int64_t port = 0;

	if (colon == NULL)
		return err_hint(err_new(ERR_INVALID, "listen address \"%s\" has no port", text),
			"write ADDRESS:PORT, for example 127.0.0.1:5000");
	struct err *e = parse_i64(colon + 1, 0, 65535, &port);
	if (e != NULL)
		return err_wrap(e, "port of the listen address \"%s\"", text);
	const char *host = text;
	size_t len = (size_t)(colon - text);
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	*ret_host = mem_strndup(host, len);
	*ret_port = mem_strdup(colon + 1);
	return NULL;
}

static bool is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >>
			       24) == 127;
	return sa->sa_family == AF_INET6 &&
		IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
}

/* Hand a descriptor out of its scope. */
static int give_fd(int *fd)
{
	int given = *fd;

	*fd = -1;
	return given;
}

static struct err *bind_address(const struct http_options *o, const struct addrinfo *info,
	int *ret_fd)
{
	cleanup(fs_closep) int fd =
		socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return err_errno(errno, "open a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) != 0) {
		if (errno != EADDRINUSE)
			return err_errno(errno, "listen on %s", o->listen);
		return err_hint(err_new(ERR_CONFLICT, "%s is in use by another program", o->listen),
			"ss -ltnp shows which; --listen chooses another address");
	}
	if (listen(fd, BACKLOG) != 0)
		return err_errno(errno, "listen on %s", o->listen);
	*ret_fd = give_fd(&fd);
	return NULL;
}

static struct err *open_tcp(const struct http_options *o, int *ret_fd)
{
	cleanup(mem_freep) char *host = NULL;
	cleanup(mem_freep) char *port = NULL;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *list = NULL;

	TRY(split_address(o->listen, &host, &port));
	must(host != NULL);
	int rc = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list);
	if (rc != 0)
		return err_new(ERR_INVALID, "listen address \"%s\": %s", o->listen,
			gai_strerror(rc));
	struct err *e = NULL;
	if (!is_loopback(list->ai_addr) && o->tls_cert == NULL && !o->insecure_http)
		e = err_hint(err_new(ERR_INVALID,
				     "%s can be reached from other machines and has no TLS",
				     o->listen),
			"give --tls-cert and --tls-key, or --insecure-http when the network is trusted");
	if (e == NULL)
		e = bind_address(o, list, ret_fd);
	freeaddrinfo(list);
	return e;
}

/* A socket file that nobody listens on is left over from a crash. */
static struct err *clear_stale(const struct sockaddr_un *un)
{
	cleanup(fs_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)un, sizeof(*un)) == 0)
		return err_new(ERR_CONFLICT, "another server answers on %s", un->sun_path);
	if (unlink(un->sun_path) != 0 && errno != ENOENT)
		return err_errno(errno, "remove %s", un->sun_path);
	return NULL;
}

static struct err *open_unix(const char *path, int *ret_fd)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(un.sun_path))
		return err_new(ERR_INVALID, "the path of the socket is longer than %zu bytes: %s",
			sizeof(un.sun_path) - 1, path);
	memcpy(un.sun_path, path, strlen(path) + 1);
	TRY(clear_stale(&un));
	cleanup(fs_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(errno, "open a socket");
	mode_t old = umask(0177); /* nobody else may connect, not even for a moment */
	int rc = bind(fd, (const struct sockaddr *)(const void *)&un, sizeof(un));
	int saved = errno;
	umask(old);
	if (rc != 0)
		return err_errno(saved, "open %s", path);
	if (listen(fd, BACKLOG) != 0)
		return err_errno(errno, "listen on %s", path);
	*ret_fd = give_fd(&fd);
	return NULL;
}

/* The address that a browser needs. */
static char *url_of(int fd, bool secure)
{
	struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(sa);
	char host[INET6_ADDRSTRLEN + 2], port[8];

	if (getsockname(fd, (struct sockaddr *)(void *)&sa, &len) != 0 ||
		getnameinfo((struct sockaddr *)(void *)&sa, len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return NULL;
	bool six = sa.ss_family == AF_INET6;
	return mem_printf("%s://%s%s%s:%s", secure ? "https" : "http", six ? "[" : "", host,
		six ? "]" : "", port);
}

static int family_of(int fd)
{
	struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(sa);

	return getsockname(fd, (struct sockaddr *)(void *)&sa, &len) == 0 ? sa.ss_family
									  : AF_UNSPEC;
}

static struct err *start_tcp(struct http *http, int fd)
{
	bool secure = http->options.tls_cert != NULL;

	TRY(listener_start(http, fd, API_DOOR_HTTP, secure));
	if (http->url == NULL)
		http->url = url_of(fd, secure);
	return NULL;
}

static struct err *start_one(struct http *http, int fd, bool *ret_tcp)
{
	if (family_of(fd) == AF_UNIX)
		return listener_start(http, fd, API_DOOR_LOCAL, false);
	*ret_tcp = true;
	return start_tcp(http, fd);
}

static struct err *start_inherited(struct http *http, bool *ret_tcp)
{
	for (size_t i = 0; i < http->options.n_inherited; i++)
		TRY(start_one(http, http->options.inherited[i], ret_tcp));
	return NULL;
}

struct err *http_listen_all(struct http *http)
{
	const struct http_options *o = &http->options;
	bool tcp = false;
	int fd = -1;

	if ((o->tls_cert == NULL) != (o->tls_key == NULL))
		return err_new(ERR_INVALID, "TLS needs both a certificate and a key");
	if (o->tls_cert != NULL)
		TRY(tls_open(o->tls_cert, o->tls_key, &http->tls));
	TRY(start_inherited(http, &tcp));
	if (o->socket_path != NULL) {
		TRY(open_unix(o->socket_path, &fd));
		TRY(listener_start(http, fd, API_DOOR_LOCAL, false));
	}
	if (o->listen != NULL && !tcp) {
		TRY(open_tcp(o, &fd));
		TRY(start_tcp(http, fd));
	}
	return NULL;
}

static void on_timer(void *user)
{
	listener_run(user);
}

void listener_run(struct listener *l)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms = 0;

	MHD_run(l->mhd);
	if (MHD_get_timeout(l->mhd, &timeout_ms) == MHD_YES)
		loop_timer_start(l->timer, timeout_ms < 60000 ? (int64_t)timeout_ms : 60000, 0);
	else
		loop_timer_stop(l->timer);
}

void listener_run_soon(struct listener *l)
{
	loop_timer_start(l->timer, 0, 0);
}

static void on_poll(void *user)
{
	listener_run(user);
}

static void on_mhd_log(void *cls, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
static void on_mhd_log(void *cls, const char *fmt, va_list ap)
{
	(void)cls;
	cleanup(mem_freep) char *text = mem_vprintf(fmt, ap);
	log_debug("http: %s", text);
}

static struct MHD_Daemon *start_mhd(struct listener *l)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
		(l->secure ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{l->secure ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0,
			(void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)tls_retrieve},
		{MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(flags, 0, http_accept, l, http_handle, l,
		MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, (void *)NULL, MHD_OPTION_LISTEN_SOCKET,
		l->fd,
		/* ours is kept by http_accept(): MHD would let all others wait at its own */
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * HTTP_CONNECTIONS_MAX),
		MHD_OPTION_NOTIFY_CONNECTION, http_connection, (void *)l,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)l->http->options.idle_timeout_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_HEADERS_MAX, MHD_OPTION_NOTIFY_COMPLETED,
		http_over, (void *)l, MHD_OPTION_URI_LOG_CALLBACK, http_begin, (void *)l,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

struct err *listener_start(struct http *http, int fd, enum api_door door, bool secure)
{
	must(http->n_listeners < HTTP_LISTENERS_MAX);
	struct listener *l = &http->listeners[http->n_listeners];

	*l = (struct listener){.http = http, .fd = fd, .door = door, .secure = secure};
	l->mhd = start_mhd(l);
	if (l->mhd == NULL) {
		close(fd);
		return err_new(ERR_IO, "start the HTTP server");
	}
	l->timer = loop_timer_new(http->loop, on_timer, l);
	http->n_listeners++;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	must(info != NULL);
	TRY(loop_poll_new(http->loop, info->epoll_fd, on_poll, l, &l->poll));
	listener_run(l);
	return NULL;
}

char *http_peer_name(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct passwd pw, *found = NULL;
	char buffer[4096];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return mem_strdup("local");
	if (getpwuid_r(cred.uid, &pw, buffer, sizeof(buffer), &found) == 0 && found != NULL)
		return mem_strdup(pw.pw_name);
	return mem_printf("uid-%u", cred.uid);
}

char *http_peer_address(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char host[INET6_ADDRSTRLEN];

	if (info == NULL || info->client_addr == NULL)
		return NULL;
	const struct sockaddr *sa = info->client_addr;
	socklen_t len = sa->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6);
	if ((sa->sa_family != AF_INET && sa->sa_family != AF_INET6) ||
		getnameinfo(sa, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
		return NULL;
	return mem_strdup(host);
}
