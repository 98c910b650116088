/* Measures rounds of health checks of many endpoints that this program plays itself: a TCP port
 * (SSH) and a TLS server (cluster agent) on each of many loopback addresses. Prints processor time
 * of a round, per endpoint, and peak memory. `./dev bench health` runs it; it is no test. */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/seal.h"
#include "service/health.h"

#define AGENT_PORT 25000
#define SSH_PORT 22022
#define THREADS 48
#define ROUNDS 3

static void must_be(bool right, const char *what)
{
	if (right)
		return;
	perror(what);
	exit(1);
}

/* ---- the endpoints ---- */

static gnutls_certificate_credentials_t credentials;

static void make_certificate(void)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	unsigned char serial = 1;

	must_be(gnutls_x509_privkey_init(&key) == 0 &&
			gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, 2048, 0) == 0 &&
			gnutls_x509_crt_init(&crt) == 0 &&
			gnutls_x509_crt_set_version(crt, 3) == 0 &&
			gnutls_x509_crt_set_serial(crt, &serial, 1) == 0 &&
			gnutls_x509_crt_set_key(crt, key) == 0 &&
			gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600) == 0 &&
			gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 86400) == 0 &&
			gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) == 0 &&
			gnutls_certificate_allocate_credentials(&credentials) == 0 &&
			gnutls_certificate_set_x509_key(credentials, &crt, 1, key) == 0,
		"certificate");
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must_be(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
			bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
			listen(fd, 4096) == 0,
		"listen");
	return fd;
}

static void *accept_only(void *user)
{
	for (;;) {
		int fd = accept(*(int *)user, NULL, NULL);
		if (fd >= 0)
			(void)close(fd);
	}
	return NULL;
}

static void answer(int fd)
{
	static const char reply[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK";
	gnutls_session_t session;
	char request[1024];

	must_be(gnutls_init(&session, GNUTLS_SERVER) == 0 &&
			gnutls_set_default_priority(session) == 0 &&
			gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials) == 0,
		"session");
	gnutls_transport_set_int(session, fd);
	if (gnutls_handshake(session) == 0 &&
		gnutls_record_recv(session, request, sizeof(request)) > 0) {
		(void)gnutls_record_send(session, reply, sizeof(reply) - 1);
		(void)gnutls_bye(session, GNUTLS_SHUT_WR);
	}
	gnutls_deinit(session);
	(void)close(fd);
}

static void *serve(void *user)
{
	for (;;) {
		int fd = accept(*(int *)user, NULL, NULL);
		if (fd >= 0)
			answer(fd);
	}
	return NULL;
}

/* A process of its own, so that its work is not counted. */
static pid_t start_endpoints(void)
{
	int ssh = listen_on(SSH_PORT);
	int agent = listen_on(AGENT_PORT);
	pid_t pid = fork();
	pthread_t thread;

	must_be(pid >= 0, "fork");
	if (pid > 0) {
		(void)close(ssh);
		(void)close(agent);
		return pid;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_IGN);
	make_certificate();
	for (int i = 0; i < THREADS; i++)
		must_be(pthread_create(&thread, NULL, serve, &agent) == 0, "thread");
	(void)accept_only(&ssh);
	_exit(0);
}

/* ---- the rounds ---- */

/* Nodes with two endpoints each, at addresses of their own. */
static json_t *input_of(size_t endpoints, const char *key)
{
	json_t *nodes = json_array();

	for (size_t i = 0; i < endpoints / 2; i++) {
		char address[32];
		(void)snprintf(address, sizeof(address), "127.%zu.%zu.%zu", 1 + i / 62500,
			i / 250 % 250, 1 + i % 250);
		json_array_append_new(nodes,
			json_pack("{s:I, s:s, s:s, s:i, s:i, s:b, s:b, s:b, s:s}", "id",
				(json_int_t)i + 1, "name", address, "address", address, "port",
				SSH_PORT, "cluster_id", 1, "member", 1, "plane", 0, "light",
				i % 2 != 0, "agent_was", "good"));
	}
	return json_pack("{s:s, s:o, s:[{s:i, s:s}]}", "secret_key", key, "nodes", nodes,
		"clusters", "id", 1, "name", "prod");
}

static double cpu_s(void)
{
	struct rusage use;

	(void)getrusage(RUSAGE_SELF, &use);
	return (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
		(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static double wall_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t count_up(const json_t *report)
{
	const json_t *node = NULL;
	size_t i = 0;
	size_t n = 0;

	json_array_foreach(json_object_get(report, "nodes"), i, node)
		n += strcmp(json_string_value(json_object_get(node, "agent")), "good") == 0 &&
			strcmp(json_string_value(json_object_get(node, "ssh")), "good") == 0;
	return n;
}

/* The quickest of some rounds. @ret_us processor time of an endpoint */
static void measure(size_t endpoints, const char *key, double *ret_us)
{
	json_t *input = input_of(endpoints, key);
	double cpu = 0;
	double wall = 0;
	size_t up = endpoints;

	for (int i = 0; i < ROUNDS; i++) {
		json_t *report = NULL;
		double cpu_began = cpu_s();
		double wall_began = wall_s();
		struct err *e = health_run(input, &report);
		if (e != NULL) {
			fprintf(stderr, "%s\n", err_message(e));
			exit(1);
		}
		double took = cpu_s() - cpu_began;
		if (i == 0 || took < cpu) {
			cpu = took;
			wall = wall_s() - wall_began;
		}
		size_t n = count_up(report);
		up = n < up ? n : up;
		json_decref(report);
	}
	struct rusage use;
	(void)getrusage(RUSAGE_SELF, &use);
	*ret_us = cpu * 1e6 / (double)endpoints;
	printf("%zu %zu %.3f %.3f %.1f %ld\n", endpoints, 2 * up, cpu, wall, *ret_us,
		use.ru_maxrss);
	(void)fflush(stdout);
	json_decref(input);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/mko-bench-health-XXXXXX";
	struct seal_key *key = NULL;
	double us = 0;

	rand_init();
	must_be(mkdtemp(folder) != NULL, "mkdtemp");
	cleanup(mem_freep) char *path = fs_join(folder, "secret.key");
	err_free(seal_key_open(path, &key));
	seal_key_free(key);
	pid_t endpoints = start_endpoints();
	(void)sleep(2); /* its key takes a moment */
	for (int i = 1; i < argc; i++)
		measure((size_t)strtoul(argv[i], NULL, 10), path, &us);
	(void)kill(endpoints, SIGKILL);
	(void)waitpid(endpoints, NULL, 0);
	(void)unlink(path);
	(void)rmdir(folder);
	return 0;
}
