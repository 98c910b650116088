/* Owns the magic packets of a run: before it starts, and again while a machine does not answer,
 * since packets get lost and a machine that just powers off hears none. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/runner_int.h"
#include "driver/wol.h"

#define WAKE_PACKETS 3
#define ANSWER_MS 300

static struct err *send_some(const char *mac, int *ret_sent)
{
	*ret_sent = 0;
	for (int n = 0; n < WAKE_PACKETS; n++) {
		int sent = 0;
		TRY(wol_send(mac, &sent));
		*ret_sent += sent;
	}
	return NULL;
}

/* That none got out is said, and no reason to stop: the machine may be on. */
struct err *wake_first(struct journal *j)
{
	for (size_t i = 0; i < j->spec->n_hosts; i++) {
		const struct run_host *h = &j->spec->hosts[i];
		int sent = 0;
		if (h->wake == NULL)
			continue;
		struct err *e = send_some(h->wake, &sent);
		json_t *event = NULL;
		if (e != NULL) {
			cleanup(mem_freep) char *text =
				mem_printf("%s was not woken: %s", h->hostname, err_message(e));
			event = json_pack("{s:s, s:s}", "event", "warning", "message", text);
		} else {
			event = json_pack("{s:s, s:s, s:i}", "event", "wake", "host", h->hostname,
				"sent", sent);
		}
		err_free(e);
		TRY(journal_event(j, event));
	}
	return NULL;
}

/* A connection that begins; -1 when it cannot. */
static int begin_connection(const struct run_host *h)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char port[16];

	snprintf(port, sizeof(port), "%d", (int)h->port);
	if (getaddrinfo(h->address, port, &hints, &found) != 0)
		return -1;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS)
		fs_closep(&fd);
	freeaddrinfo(found);
	return fd;
}

static bool connected(int fd)
{
	int problem = 0;
	socklen_t len = sizeof(problem);
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return fd >= 0 && poll(&p, 1, 0) == 1 &&
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) == 0 && problem == 0;
}

static bool asleep(const struct journal *j, size_t i)
{
	return j->spec->hosts[i].wake != NULL && !j->hosts[i].answered;
}

/* Asks all sleepers together: who accepts a connection within ANSWER_MS is awake. */
static void note_awake(struct journal *j)
{
	size_t n = j->spec->n_hosts;
	cleanup(mem_freep) int *fds = mem_zalloc((n + 1) * sizeof(int));

	for (size_t i = 0; i < n; i++)
		fds[i] = asleep(j, i) ? begin_connection(&j->spec->hosts[i]) : -1;
	(void)poll(NULL, 0, ANSWER_MS);
	for (size_t i = 0; i < n; i++) {
		j->hosts[i].answered |= connected(fds[i]);
		fs_closep(&fds[i]);
	}
}

bool wake_again(struct journal *j)
{
	bool more = false;

	note_awake(j);
	for (size_t i = 0; i < j->spec->n_hosts; i++) {
		int sent = 0;
		if (!asleep(j, i))
			continue;
		more = true;
		err_ignore(send_some(j->spec->hosts[i].wake, &sent)); /* told the first time */
	}
	return more;
}
