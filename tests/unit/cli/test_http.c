/* The HTTP transport against a small server on a Unix socket and on TCP: what is sent, what comes
 * back, what is said when nobody is there. */
#include "testing.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/transport_http.h"

/** A server that answers one connection with a fixed text. */
struct server {
	int fd;
	const char *reply;
	char request[8192];
	pthread_t thread;
};

static void *serve(void *user)
{
	struct server *s = user;
	int fd = accept(s->fd, NULL, NULL);
	size_t len = 0;

	while (fd >= 0 && len < sizeof(s->request) - 1) {
		ssize_t n = read(fd, s->request + len, sizeof(s->request) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		s->request[len] = '\0';
		const char *body = strstr(s->request, "\r\n\r\n");
		const char *want = strstr(s->request, "Content-Length: ");
		if (body != NULL &&
			(want == NULL || strlen(body + 4) >= (size_t)strtol(want + 16, NULL, 10)))
			break;
	}
	if (fd >= 0 && s->reply != NULL)
		assert_int_equal(write(fd, s->reply, strlen(s->reply)), (ssize_t)strlen(s->reply));
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static void server_start(struct server *s, const char *path, int *ret_port)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);

	if (path != NULL) {
		(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
		s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(bind(s->fd, (struct sockaddr *)&un, sizeof(un)), 0);
	} else {
		s->fd = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(bind(s->fd, (struct sockaddr *)&in, sizeof(in)), 0);
		assert_int_equal(getsockname(s->fd, (struct sockaddr *)&in, &len), 0);
		if (ret_port != NULL)
			*ret_port = ntohs(in.sin_port);
	}
	assert_int_equal(listen(s->fd, 4), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
}

static struct cli_transport *open_transport(const char *url, const char *socket_path)
{
	struct cli_transport *t = NULL;
	const struct cli_http_options options = {.url = url,
		.socket_path = socket_path,
		.token = url != NULL ? "mko_secret" : NULL,
		.connect_timeout_ms = 2000,
		.timeout_ms = 3000};
	struct err *e = cli_http_open(&options, &t);

	assert_null(e);
	return t;
}

static void test_socket(void **state)
{
	(void)state;
	char dir[] = "/tmp/mko-test-XXXXXX";
	assert_non_null(mkdtemp(dir));
	char *path = mem_printf("%s/mko.sock", dir);
	struct server s = {
		.reply =
			"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nETag: \"e1\"\r\nLocation: /api/nodes/1\r\nRetry-After: 7\r\n"
			"Content-Length: 8\r\nConnection: close\r\n\r\n{\"id\":1}"};
	assert_false(cli_http_socket_alive(path));
	server_start(&s, path, NULL);
	struct cli_transport *t = open_transport(NULL, path);
	struct cli_response response = {.status = 0};
	const struct cli_request req = {.method = "POST",
		.path = "/api/nodes",
		.query = "a=b%20c",
		.body = "{\"x\":1}",
		.body_len = 7,
		.idempotency_key = "k1",
		.if_match = "\"m\""};
	assert_null(t->call(t, &req, &response));
	server_stop(&s);
	assert_int_equal(response.status, 201);
	assert_string_equal(str_get(&response.body), "{\"id\":1}");
	assert_string_equal(response.etag, "\"e1\"");
	assert_string_equal(response.location, "/api/nodes/1");
	assert_string_equal(response.content_type, "application/json");
	assert_int_equal(response.retry_after_s, 7);
	assert_int_equal(strncmp(s.request, "POST /api/nodes?a=b%20c HTTP/1.1\r\n", 34), 0);
	assert_non_null(strstr(s.request, "X-Mko-Via: cli\r\n"));
	assert_non_null(strstr(s.request, "Idempotency-Key: k1\r\n"));
	assert_non_null(strstr(s.request, "If-Match: \"m\"\r\n"));
	assert_non_null(strstr(s.request, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(s.request, "\r\n\r\n{\"x\":1}"));
	assert_null(strstr(s.request, "Authorization"));
	cli_response_done(&response);
	/* Nobody listens any more. */
	struct err *e = t->call(t, &req, &response);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_UNREACHABLE);
	err_free(e);
	cli_response_done(&response);
	cli_transport_closep(&t);
	(void)unlink(path);
	(void)rmdir(dir);
	mem_free(path);
}

static void test_tcp_with_a_token(void **state)
{
	(void)state;
	struct server s = {.reply = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"};
	int port = 0;
	server_start(&s, NULL, &port);
	char *url = mem_printf("http://127.0.0.1:%d/", port);
	struct cli_transport *t = open_transport(url, NULL);
	struct cli_response response = {.status = 0};
	const struct cli_request req = {.method = "DELETE", .path = "/api/nodes/n1"};
	assert_null(t->call(t, &req, &response));
	server_stop(&s);
	assert_int_equal(response.status, 204);
	assert_int_equal(strncmp(s.request, "DELETE /api/nodes/n1 HTTP/1.1\r\n", 31), 0);
	assert_non_null(strstr(s.request, "Authorization: Bearer mko_secret\r\n"));
	cli_response_done(&response);
	cli_transport_closep(&t);
	mem_free(url);
}

static void test_a_server_that_hangs_up(void **state)
{
	(void)state;
	struct server s = {.reply = NULL};
	int port = 0;
	server_start(&s, NULL, &port);
	char *url = mem_printf("http://127.0.0.1:%d", port);
	struct cli_transport *t = open_transport(url, NULL);
	struct cli_response response = {.status = 0};
	const struct cli_request req = {.method = "GET", .path = "/api/nodes"};
	struct err *e = t->call(t, &req, &response);
	server_stop(&s);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_UNREACHABLE);
	assert_null(strstr(err_message(e), "mko_secret"));
	err_free(e);
	cli_response_done(&response);
	cli_transport_closep(&t);
	mem_free(url);
}

static void test_urls(void **state)
{
	(void)state;
	static const char *const bad[] = {"localhost:5000", "ftp://x", "", "http://x\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cli_transport *t = NULL;
		struct err *e = cli_http_open(&(struct cli_http_options){.url = bad[i]}, &t);
		assert_non_null(e);
		assert_int_equal(err_code(e), ERR_INVALID);
		err_free(e);
	}
}

TEST_MAIN(cmocka_unit_test(test_socket), cmocka_unit_test(test_tcp_with_a_token),
	cmocka_unit_test(test_a_server_that_hangs_up), cmocka_unit_test(test_urls))
