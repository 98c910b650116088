/* Owns the socket, the TLS session and the buffers. */
#include "driver/nut_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "driver/nut_line.h"

#define OUT_MAX 65536
#define READS_PER_TURN 8

enum state { CONNECTING, PLAIN, HANDSHAKE, SECURE, CLOSED };

struct nut_stream {
	enum state state;
	int fd;
	struct loop_poll *poll;
	const struct nut_stream_handler *handler;
	void *user;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	char *pin;
	char in[NUT_LINE_MAX];
	size_t in_len;
	struct str out;
	bool sending; /**< a TLS record is half sent
		       */
	int depth;    /**< callbacks that are running */
	bool freed;
};

static void release(struct nut_stream *stream)
{
	loop_poll_free(stream->poll);
	if (stream->session != NULL)
		gnutls_deinit(stream->session);
	if (stream->credentials != NULL)
		gnutls_certificate_free_credentials(stream->credentials);
	if (stream->fd >= 0)
		(void)close(stream->fd);
	str_done(&stream->out);
	mem_free(stream->pin);
	mem_free(stream);
}

void nut_stream_free(struct nut_stream *stream)
{
	if (stream == NULL)
		return;
	stream->state = CLOSED;
	stream->freed = true;
	if (stream->depth == 0)
		release(stream);
}

static void leave(struct nut_stream *stream)
{
	stream->depth--;
	if (stream->depth == 0 && stream->freed)
		release(stream);
}

static void fail(struct nut_stream *stream, struct err *take_err)
{
	if (stream->state == CLOSED) {
		err_ignore(take_err); /* the first one was told */
		return;
	}
	stream->state = CLOSED;
	loop_poll_free(stream->poll);
	stream->poll = NULL;
	stream->handler->closed(stream->user, take_err);
}

/** Bytes written, 0 when it would block, -1 on an error. */
static ssize_t write_some(struct nut_stream *stream, const char *data, size_t len)
{
	if (stream->state == SECURE) {
		/* What GnuTLS has begun it wants to end by itself. */
		ssize_t n = stream->sending ? gnutls_record_send(stream->session, NULL, 0)
					    : gnutls_record_send(stream->session, data, len);
		stream->sending = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
		if (stream->sending)
			return 0;
		return n < 0 ? -1 : n;
	}
	ssize_t n = send(stream->fd, data, len, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n;
}

static void flush(struct nut_stream *stream)
{
	while (stream->out.len > 0 && (stream->state == PLAIN || stream->state == SECURE)) {
		ssize_t n = write_some(stream, stream->out.data, stream->out.len);
		if (n < 0) {
			fail(stream, err_new(ERR_UNREACHABLE, "the connection broke"));
			return;
		}
		if (n == 0)
			break;
		stream->out.len -= (size_t)n;
		memmove(stream->out.data, stream->out.data + n, stream->out.len + 1);
	}
	if (stream->poll != NULL && stream->state != HANDSHAKE)
		loop_poll_want_write(stream->poll, stream->out.len > 0);
}

void nut_stream_send(struct nut_stream *stream, const char *text)
{
	if (stream->state == CLOSED)
		return;
	stream->depth++;
	str_adds(&stream->out, text);
	if (stream->out.overflowed != 0)
		fail(stream, err_new(ERR_PROTOCOL, "the server takes no more requests"));
	else
		flush(stream);
	leave(stream);
}

/** Hand out whole lines; what is left stays. */
static void hand_out(struct nut_stream *stream)
{
	char line[NUT_LINE_MAX];

	while (stream->state == PLAIN || stream->state == SECURE) {
		char *end = memchr(stream->in, '\n', stream->in_len);
		if (end == NULL)
			break;
		size_t len = (size_t)(end - stream->in);
		memcpy(line, stream->in, len);
		line[len] = '\0';
		stream->in_len -= len + 1;
		memmove(stream->in, end + 1, stream->in_len);
		if (memchr(line, '\0', len) != NULL) {
			fail(stream, err_new(ERR_PROTOCOL, "the server sends no text"));
			return;
		}
		if (len > 0 && line[len - 1] == '\r')
			line[len - 1] = '\0';
		stream->handler->line(stream->user, line);
	}
	if (stream->in_len == sizeof(stream->in))
		fail(stream, err_new(ERR_PROTOCOL, "the server sends a line without end"));
}

/** One read. Returns false when there is nothing more now. */
static bool read_some(struct nut_stream *stream)
{
	char *to = stream->in + stream->in_len;
	size_t room = sizeof(stream->in) - stream->in_len;
	const int on = 1;
	ssize_t n = 0;

	/* Else upsd's Nagle and our delayed acknowledgement cost 40 ms a list. */
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	if (stream->state == SECURE) {
		n = gnutls_record_recv(stream->session, to, room);
		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			return false;
	} else {
		n = recv(stream->fd, to, room, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
	}
	if (n <= 0) {
		fail(stream, err_new(ERR_UNREACHABLE, "the server closed the connection"));
		return false;
	}
	stream->in_len += (size_t)n;
	hand_out(stream);
	return true;
}

/** Bounded, so that a flood of one server does not starve the others; the rest comes next turn. */
static void read_all(struct nut_stream *stream)
{
	for (int i = 0; stream->state == PLAIN || stream->state == SECURE; i++) {
		bool buffered = stream->state == SECURE &&
			gnutls_record_check_pending(stream->session) > 0;
		if ((i >= READS_PER_TURN && !buffered) || !read_some(stream))
			return;
	}
}

static void connected(struct nut_stream *stream)
{
	int problem = 0;
	socklen_t len = sizeof(problem);

	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0)
		problem = errno;
	if (problem != 0) {
		fail(stream, err_recode(err_errno(problem, "connect"), ERR_UNREACHABLE));
		return;
	}
	stream->state = PLAIN;
	loop_poll_want_write(stream->poll, false);
	stream->handler->opened(stream->user);
}

/** The certificate that was pinned, and no other. */
static struct err *check_pin(struct nut_stream *stream)
{
	char text[HASH_TEXT_SIZE];
	unsigned int n = 0;
	const gnutls_datum_t *certificates = gnutls_certificate_get_peers(stream->session, &n);

	if (certificates == NULL || n == 0)
		return err_new(ERR_FORBIDDEN, "the server shows no certificate");
	hash_sha256(certificates[0].data, certificates[0].size, text);
	if (strcmp(text, stream->pin) != 0)
		return err_new(ERR_FORBIDDEN,
			"the server's certificate is not the pinned one (SHA-256 %s)", text);
	return NULL;
}

static void shake_hands(struct nut_stream *stream)
{
	int rc = gnutls_handshake(stream->session);

	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED) {
		loop_poll_want_write(stream->poll,
			gnutls_record_get_direction(stream->session) == 1);
		return;
	}
	if (rc < 0 && gnutls_error_is_fatal(rc) == 0)
		return;
	if (rc < 0) {
		fail(stream, err_new(ERR_FORBIDDEN, "TLS: %s", gnutls_strerror(rc)));
		return;
	}
	struct err *e = stream->pin != NULL ? check_pin(stream) : NULL;
	if (e != NULL) {
		fail(stream, e);
		return;
	}
	stream->state = SECURE;
	loop_poll_want_write(stream->poll, false);
	stream->handler->opened(stream->user);
}

static void on_ready(void *user)
{
	struct nut_stream *stream = user;

	stream->depth++;
	if (stream->state == CONNECTING)
		connected(stream);
	else if (stream->state == HANDSHAKE)
		shake_hands(stream);
	if (stream->state == PLAIN || stream->state == SECURE)
		flush(stream);
	read_all(stream);
	leave(stream);
}

static struct err *fill_address(const char *address, int port, struct sockaddr_storage *ret,
	socklen_t *ret_len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*ret_len = sizeof(*v4);
		return NULL;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(*v6);
		return NULL;
	}
	return err_new(ERR_INVALID, "%s is no address", address);
}

static struct err *start(struct nut_stream *stream, struct loop *loop, const char *address,
	int port)
{
	struct sockaddr_storage to;
	socklen_t len = 0;
	const int on = 1;

	TRY(fill_address(address, port, &to, &len));
	stream->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (stream->fd < 0)
		return err_errno(errno, "make a socket");
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(stream->fd, (const struct sockaddr *)(const void *)&to, len) != 0 &&
		errno != EINPROGRESS)
		return err_recode(err_errno(errno, "connect"), ERR_UNREACHABLE);
	TRY(loop_poll_new(loop, stream->fd, on_ready, stream, &stream->poll));
	loop_poll_want_write(stream->poll, true);
	return NULL;
}

struct err *nut_stream_open(struct loop *loop, const struct nut_endpoint *to,
	const struct nut_stream_handler *handler, void *user, struct nut_stream **ret)
{
	struct nut_stream *stream = mem_zalloc(sizeof(*stream));

	stream->fd = -1;
	stream->handler = handler;
	stream->user = user;
	stream->out.max = OUT_MAX;
	struct err *e = start(stream, loop, to->address, to->port);
	if (e != NULL) {
		nut_stream_free(stream);
		return e;
	}
	*ret = stream;
	return NULL;
}

static struct err *make_session(struct nut_stream *stream, const struct nut_tls *tls)
{
	if (gnutls_certificate_allocate_credentials(&stream->credentials) != 0 ||
		gnutls_init(&stream->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK) != 0 ||
		gnutls_set_default_priority(stream->session) != 0)
		return err_new(ERR_INTERNAL, "TLS cannot be started");
	if (tls->ca_file != NULL) {
		int n = gnutls_certificate_set_x509_trust_file(stream->credentials, tls->ca_file,
			GNUTLS_X509_FMT_PEM);
		if (n <= 0)
			return err_new(ERR_NOT_FOUND, "%s holds no CA certificate", tls->ca_file);
		gnutls_session_set_verify_cert(stream->session, tls->host_name, 0);
	}
	stream->pin = mem_strdup(tls->pin_sha256);
	(void)gnutls_credentials_set(stream->session, GNUTLS_CRD_CERTIFICATE, stream->credentials);
	gnutls_transport_set_int(stream->session, stream->fd);
	return NULL;
}

struct err *nut_stream_starttls(struct nut_stream *stream, const struct nut_tls *tls)
{
	if (tls->ca_file == NULL && tls->pin_sha256 == NULL)
		return err_new(ERR_INVALID, "TLS wants a CA file or a pinned certificate");
	if (stream->in_len > 0)
		return err_new(ERR_PROTOCOL, "the server sent text before TLS");
	if (stream->state != PLAIN)
		return err_new(ERR_INTERNAL, "TLS is there already");
	TRY(make_session(stream, tls));
	stream->state = HANDSHAKE;
	loop_poll_want_write(stream->poll, true);
	return NULL;
}
