/* Probes: every way in which a machine may react is told apart, and none can hold up the others. */
#include "testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "driver/probe.h"

/* A socket of the loopback; listens or only takes the port. */
static int bound(uint16_t *ret_port, bool listens)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	if (listens)
		assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

#define LONG_MS 60000 /* for who does answer: also on a slow machine, under a checker of memory */

static struct probe ask(const char *scheme, uint16_t port, bool connect)
{
	return (struct probe){.url = mem_printf("%s://127.0.0.1:%u/", scheme, port),
		.connect = connect};
}

/* Answers each connection with a text, until its socket is shut down. */
struct server {
	pthread_t thread;
	int fd;
	const char *text;
	size_t times;
};

static void *serve(void *data)
{
	struct server *s = data;
	char request[2048];
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		if (recv(fd, request, sizeof(request), 0) > 0)
			for (size_t i = 0; i < s->times; i++)
				if (send(fd, s->text, strlen(s->text), MSG_NOSIGNAL) < 0)
					break;
		shutdown(fd, SHUT_RDWR);
		close(fd);
	}
	return NULL;
}

static uint16_t start(struct server *s, const char *text, size_t times)
{
	uint16_t port = 0;

	*s = (struct server){.fd = bound(&port, true), .text = text, .times = times};
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	return port;
}

static void stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static void done(struct probe *probes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		probe_done(&probes[i]);
}

static void reactions_are_told_apart(void **state)
{
	struct server good;
	struct server garbage;
	uint16_t accepting = 0;
	uint16_t refused = 0;
	int accepting_fd = bound(&accepting, true);
	int refused_fd = bound(&refused, false);
	struct probe all[] = {
		ask("http", start(&good, "HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nbad", 1),
			false),
		ask("http", refused, false),
		ask("http", accepting, true),
		ask("https", start(&garbage, "\x16\x03 what is this \x1b[2J", 1), false),
		{.url = mem_strdup("file:///etc/passwd")},
	};

	(void)state;
	assert_null(probe_all(all, ARRAY_LEN(all), LONG_MS, 16, NULL));
	assert_int_equal(all[0].outcome, PROBE_ANSWERED);
	assert_int_equal(all[0].status, 503);
	assert_string_equal(str_get(&all[0].body), "bad");
	assert_string_equal(all[0].error, "");
	assert_int_equal(all[1].outcome, PROBE_REFUSED);
	assert_int_equal(all[2].outcome, PROBE_ANSWERED);
	assert_int_equal(all[3].outcome, PROBE_FAILED);
	assert_true(all[3].error[0] != '\0');
	assert_int_equal(all[4].outcome, PROBE_FAILED);
	done(all, ARRAY_LEN(all));
	stop(&good);
	stop(&garbage);
	close(accepting_fd);
	close(refused_fd);
}

static void a_server_is_believed_only_with_its_own_ca(void **state)
{
	static const struct probe_identity nonsense =
		{.ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
			.token = "t"};
	struct server s;
	struct probe one = ask("https", start(&s, "\x16\x03", 1), false);

	one.identity = &nonsense;
	(void)state;
	assert_null(probe_all(&one, 1, LONG_MS, 1, NULL));
	assert_int_not_equal(one.outcome, PROBE_ANSWERED);
	assert_true(one.error[0] != '\0');
	done(&one, 1);
	stop(&s);
}

static void an_answer_without_end_is_cut(void **state)
{
	struct server s;
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	static char text[4096];

	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 0; i + 1 < sizeof(head); i++)
		text[i] = head[i];
	struct probe one = ask("http", start(&s, text, 5000), false);
	one.body_max = 10000;

	(void)state;
	assert_null(probe_all(&one, 1, LONG_MS, 1, NULL));
	assert_int_equal(one.outcome, PROBE_ANSWERED);
	assert_true(one.body.len <= 10000);
	done(&one, 1);
	stop(&s);
}

static void many_silent_ones_cost_the_time_of_a_few_rounds(void **state)
{
	struct probe all[200];
	uint16_t port = 0;
	int fd = bound(&port, true);
	int64_t begin = clock_mono(&clock_system);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i] = ask("http", port, false);
	assert_null(probe_all(all, ARRAY_LEN(all), 1000, 100, NULL));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(all[i].outcome, PROBE_SILENT);
	assert_true(clock_mono(&clock_system) - begin < 60000); /* one by one it would be 200 s */
	done(all, ARRAY_LEN(all));
	close(fd);
}

static void who_is_told_to_stop_does_not_wait(void **state)
{
	uint16_t port = 0;
	int fd = bound(&port, true);
	struct probe one = ask("http", port, false);
	const atomic_bool stop = true;

	(void)state;
	assert_null(probe_all(&one, 1, LONG_MS, 1, &stop));
	assert_int_equal(one.outcome, PROBE_NOT_ASKED);
	done(&one, 1);
	close(fd);
}

static void nobody_to_ask_is_fine(void **state)
{
	(void)state;
	assert_null(probe_all(NULL, 0, 500, 16, NULL));
}

TEST_MAIN(cmocka_unit_test(reactions_are_told_apart),
	cmocka_unit_test(a_server_is_believed_only_with_its_own_ca),
	cmocka_unit_test(an_answer_without_end_is_cut),
	cmocka_unit_test(many_silent_ones_cost_the_time_of_a_few_rounds),
	cmocka_unit_test(who_is_told_to_stop_does_not_wait),
	cmocka_unit_test(nobody_to_ask_is_fine))
