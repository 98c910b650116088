/* The NUT client against servers that answer, are slow, lie, flood or die, and against a real upsd
 * with dummy-ups where it is installed. */
#include "testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"
#include "driver/nut.h"
#include "scratch.h"
#include "testing_err.h"

#define ENOUGH_MS 60000 /* only a test that hangs needs it */

/** How the fake upsd behaves once it is greeted. */
enum manner { GOOD, SILENT, GARBAGE, ENDLESS, FLOOD, OTHER_UPS, HANGS_UP, STALE, BINARY, REFUSES };

/** A upsd of our own: one thread, one client after the other. */
struct fake {
	pthread_t thread;
	int listener, port;
	_Atomic int manner;
	_Atomic int logins;
};

static void say(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void flood(int fd)
{
	char line[64];

	say(fd, "BEGIN LIST VAR ups\n");
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(line, sizeof(line), "VAR ups a.b%d \"%d\"\n", i, i);
		say(fd, line);
	}
	say(fd, "END LIST VAR ups\n");
}

static void endless(int fd)
{
	char part[1024];

	memset(part, 'x', sizeof(part));
	for (int i = 0; i < 1000; i++)
		(void)!send(fd, part, sizeof(part), MSG_NOSIGNAL);
}

static void answer_well(int fd, const char *line)
{
	if (strcmp(line, "LIST UPS") == 0)
		say(fd, "BEGIN LIST UPS\nUPS ups \"a \\\"good\\\" one\"\nEND LIST UPS\n");
	else if (strcmp(line, "LIST VAR ups") == 0)
		say(fd, "BEGIN LIST VAR ups\nVAR ups ups.status \"OL CHRG\"\nVAR ups battery.charge \"77\"\nEND LIST VAR ups\n");
	else if (strcmp(line, "GET VAR ups ups.status") == 0)
		say(fd, "VAR ups ups.status \"OB DISCHRG\"\n");
	else if (strcmp(line, "GET VAR ups battery.charge") == 0)
		say(fd, "VAR ups battery.charge \"42.5\"\n");
	else if (strncmp(line, "GET VAR ups ", 12) == 0)
		say(fd, "ERR VAR-NOT-SUPPORTED\n");
	else if (strncmp(line, "GET VAR", 7) == 0)
		say(fd, "ERR UNKNOWN-UPS\n");
	else
		say(fd, "OK\n");
}

/** False: hang up. */
static bool answer(struct fake *fake, int fd, const char *line)
{
	bool request = strncmp(line, "GET", 3) == 0 || strncmp(line, "LIST", 4) == 0;

	fake->logins += strcmp(line, "LOGIN ups") == 0;
	if (!request && fake->manner == REFUSES)
		say(fd, "ERR ACCESS-DENIED\n");
	else if (!request || fake->manner == GOOD || fake->manner == REFUSES)
		answer_well(fd, line);
	else if (fake->manner == GARBAGE)
		say(fd, "\x01\xff nonsense \"open\n");
	else if (fake->manner == BINARY)
		(void)!send(fd, "VAR\0x\n", 6, MSG_NOSIGNAL);
	else if (fake->manner == ENDLESS)
		endless(fd);
	else if (fake->manner == FLOOD)
		flood(fd);
	else if (fake->manner == OTHER_UPS)
		say(fd, "VAR other ups.status \"OB LB\"\n");
	else if (fake->manner == STALE)
		say(fd, "ERR DATA-STALE\n");
	return fake->manner != HANGS_UP || !request;
}

static void serve(struct fake *fake, int fd)
{
	char line[4096];
	FILE *requests = fdopen(fd, "r");

	must(requests != NULL);
	while (fgets(line, sizeof(line), requests) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (!answer(fake, fd, line))
			break;
	}
	must(fclose(requests) == 0);
}

static void *run_fake(void *user)
{
	struct fake *fake = user;

	for (;;) {
		int fd = accept(fake->listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		serve(fake, fd);
	}
}

static int listen_on_loopback(int *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(bind(fd, (struct sockaddr *)(void *)&address, len) == 0 && listen(fd, 8) == 0 &&
		getsockname(fd, (struct sockaddr *)(void *)&address, &len) == 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void fake_start(struct fake *fake, enum manner manner)
{
	*fake = (struct fake){.manner = manner};
	fake->listener = listen_on_loopback(&fake->port);
	must(pthread_create(&fake->thread, NULL, run_fake, fake) == 0);
}

static void fake_stop(struct fake *fake)
{
	(void)shutdown(fake->listener, SHUT_RDWR);
	(void)pthread_join(fake->thread, NULL);
	(void)close(fake->listener);
}

/** A client with its loop; what came last. */
struct bench {
	struct loop *loop;
	struct nut_client *client;
	struct loop_timer *guard;
	bool hung, ready, answered;
	int lost;
	int code; /**< of the last error, -1 = none */
	char message[256];
	struct power_reading reading;
	size_t n_rows;
	char row[128];
};

static void on_guard(void *user)
{
	((struct bench *)user)->hung = true;
	loop_stop(((struct bench *)user)->loop);
}

static void note(struct bench *b, const struct err *e)
{
	b->code = e != NULL ? (int)err_code(e) : -1;
	(void)snprintf(b->message, sizeof(b->message), "%s", e != NULL ? err_message(e) : "");
}

static void on_state(void *user, const struct err *e)
{
	struct bench *b = user;

	b->ready = e == NULL;
	b->lost += e != NULL;
	note(b, e);
	loop_stop(b->loop);
}

static void on_reply(void *user, const struct nut_reply *reply)
{
	struct bench *b = user;

	b->answered = true;
	note(b, reply->err);
	if (reply->reading != NULL)
		b->reading = *reply->reading;
	if (reply->rows != NULL) {
		b->n_rows = json_object_size(reply->rows);
		const char *text = json_string_value(json_object_get(reply->rows, "ups"));
		(void)snprintf(b->row, sizeof(b->row), "%s", text != NULL ? text : "");
	}
	loop_stop(b->loop);
}

static void bench_start(struct bench *b, int port, int64_t deadline_ms)
{
	*b = (struct bench){.code = -2};
	assert_ok(loop_new(&b->loop));
	b->guard = loop_timer_new(b->loop, on_guard, b);
	loop_timer_start(b->guard, ENOUGH_MS, 0);
	const struct nut_options options = {.address = "127.0.0.1",
		.port = port,
		.user = "mko",
		.password = "a b\"c",
		.login = "ups",
		.deadline_ms = deadline_ms,
		.on_state = on_state,
		.user_data = b};
	b->client = nut_client_new(b->loop, &options);
}

static void bench_stop(struct bench *b)
{
	nut_client_free(b->client);
	loop_timer_free(b->guard);
	loop_free(b->loop);
}

static void until_ready(struct bench *b)
{
	while (!b->ready && !b->hung)
		loop_run(b->loop);
	assert_false(b->hung);
}

typedef void (*ask_fn)(struct nut_client *client, const char *ups, nut_reply_fn fn, void *user);

static void ask_and_wait(struct bench *b, ask_fn ask, const char *ups)
{
	b->answered = false;
	ask(b->client, ups, on_reply, b);
	while (!b->answered && !b->hung)
		loop_run(b->loop);
	assert_false(b->hung);
}

static void a_poll_reads_what_there_is(void **state)
{
	(void)state;
	struct fake fake;
	struct bench b;
	fake_start(&fake, GOOD);
	bench_start(&b, fake.port, ENOUGH_MS);
	nut_poll(b.client, "ups", on_reply, &b);
	assert_int_equal(b.code, ERR_UNAVAILABLE); /* answered at once: not connected yet */
	until_ready(&b);
	assert_int_equal(fake.logins, 1);
	ask_and_wait(&b, nut_poll, "ups");
	assert_int_equal(b.code, -1);
	assert_string_equal(b.reading.status, "OB DISCHRG");
	assert_int_equal(b.reading.values[POWER_CHARGE], 42500);
	assert_true(b.reading.values[POWER_RUNTIME] == I64_NONE);
	ask_and_wait(&b, nut_poll, "nobody");
	assert_string_equal(b.message, "UNKNOWN-UPS");
	ask_and_wait(&b, nut_variables, "ups");
	assert_int_equal(b.n_rows, 2);
	assert_int_equal(b.reading.values[POWER_CHARGE], 77000);
	b.answered = false;
	nut_list_ups(b.client, on_reply, &b);
	while (!b.answered && !b.hung)
		loop_run(b.loop);
	assert_string_equal(b.row, "a \"good\" one");
	assert_int_equal(b.lost, 0);
	bench_stop(&b);
	fake_stop(&fake);
}

static void requests_may_wait_in_a_row(void **state)
{
	(void)state;
	struct fake fake;
	struct bench b;
	fake_start(&fake, GOOD);
	bench_start(&b, fake.port, ENOUGH_MS);
	until_ready(&b);
	for (int i = 0; i < NUT_QUEUE_MAX; i++)
		nut_poll(b.client, "ups", on_reply, &b);
	b.code = -2;
	nut_poll(b.client, "ups", on_reply, &b);
	assert_int_equal(b.code, ERR_UNAVAILABLE);
	assert_string_equal(b.message, "too many requests wait");
	bench_stop(&b); /* the rest is answered: cancelled */
	assert_int_equal(b.code, ERR_CANCELLED);
	fake_stop(&fake);
}

/* What a bad server costs: this poll, and the connection where it cannot be trusted any more. */
static void a_bad_server_is_a_miss_and_never_a_reading(void **state)
{
	(void)state;
	static const struct {
		enum manner manner;
		ask_fn ask;
		int code;
		int64_t deadline_ms;
		bool dropped;
	} cases[] = {
		{SILENT, nut_poll, ERR_TIMEOUT, 300, true},
		{GARBAGE, nut_poll, ERR_PROTOCOL, ENOUGH_MS, true},
		{BINARY, nut_poll, ERR_PROTOCOL, ENOUGH_MS, true},
		{ENDLESS, nut_poll, ERR_PROTOCOL, ENOUGH_MS, true},
		{OTHER_UPS, nut_poll, ERR_PROTOCOL, ENOUGH_MS, true},
		{HANGS_UP, nut_poll, ERR_UNREACHABLE, ENOUGH_MS, true},
		{FLOOD, nut_variables, ERR_TOO_LARGE, ENOUGH_MS, true},
		{STALE, nut_poll, ERR_UNAVAILABLE, ENOUGH_MS, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake fake;
		struct bench b;
		fake_start(&fake, cases[i].manner);
		bench_start(&b, fake.port, cases[i].deadline_ms);
		until_ready(&b);
		ask_and_wait(&b, cases[i].ask, "ups");
		assert_int_equal(b.code, cases[i].code);
		assert_int_equal(nut_client_is_ready(b.client), !cases[i].dropped);
		/* It connects again by itself, and the next good answer counts. */
		fake.manner = GOOD;
		b.ready = !cases[i].dropped;
		until_ready(&b);
		ask_and_wait(&b, nut_poll, "ups");
		assert_int_equal(b.code, -1);
		bench_stop(&b);
		fake_stop(&fake);
	}
}

static void a_refused_login_says_so_and_is_tried_again(void **state)
{
	(void)state;
	struct fake fake;
	struct bench b;
	fake_start(&fake, REFUSES);
	bench_start(&b, fake.port, ENOUGH_MS);
	while (b.lost < 2 && !b.hung)
		loop_run(b.loop);
	assert_int_equal(b.code, ERR_FORBIDDEN);
	assert_string_equal(b.message, "the login is refused: ACCESS-DENIED");
	fake.manner = GOOD;
	until_ready(&b);
	bench_stop(&b);
	fake_stop(&fake);
}

static void a_server_that_is_not_there_is_unreachable(void **state)
{
	(void)state;
	struct bench b;
	int port = 0;
	int fd = listen_on_loopback(&port);
	(void)close(fd);
	bench_start(&b, port, ENOUGH_MS);
	while (b.lost < 1 && !b.hung)
		loop_run(b.loop);
	assert_int_equal(b.code, ERR_UNREACHABLE);
	bench_stop(&b);
}

static void tls_is_never_unverified_and_never_left_out(void **state)
{
	(void)state;
	struct fake fake;
	struct bench b;
	const struct nut_tls pinned = {.pin_sha256 = "00"};
	fake_start(&fake, GOOD); /* says OK to STARTTLS and then speaks no TLS */
	bench_start(&b, fake.port, 300);
	nut_client_free(b.client);
	const struct nut_options options = {.address = "127.0.0.1",
		.port = fake.port,
		.tls = &pinned,
		.deadline_ms = 300,
		.on_state = on_state,
		.user_data = &b};
	b.client = nut_client_new(b.loop, &options);
	while (b.lost < 1 && !b.hung)
		loop_run(b.loop);
	assert_false(b.ready);
	assert_int_equal(fake.logins, 0);
	bench_stop(&b);
	fake_stop(&fake);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	must(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static pid_t run_program(const char *path, const char *dir, const char *const *args)
{
	char conf[512];
	char place[512];
	pid_t pid = 0;
	char *env[] = {conf, place, (char *)(uintptr_t) "PATH=/usr/bin:/bin", NULL};

	(void)snprintf(conf, sizeof(conf), "NUT_CONFPATH=%s", dir);
	(void)snprintf(place, sizeof(place), "NUT_STATEPATH=%s", dir);
	must(posix_spawn(&pid, path, NULL, NULL, (char **)(uintptr_t)args, env) == 0);
	return pid;
}

static void end_program(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void a_real_upsd_is_read(void **state)
{
	(void)state;
	static const char upsd[] = "/lib/nut/upsd";
	static const char dummy[] = "/lib/nut/dummy-ups";
	char text[768];
	struct bench b;
	int port = 0;

	if (access(upsd, X_OK) != 0 || access(dummy, X_OK) != 0 || geteuid() != 0) {
		print_message("nut-server is not here, or this is not root\n");
		skip();
	}
	char *dir = scratch_make();
	int fd = listen_on_loopback(&port);
	(void)close(fd);
	(void)snprintf(text, sizeof(text), "[ups]\n  driver = dummy-ups\n  port = %s/ups.dev\n",
		dir);
	write_file(dir, "ups.conf", text);
	(void)snprintf(text, sizeof(text), "LISTEN 127.0.0.1 %d\n", port);
	write_file(dir, "upsd.conf", text);
	write_file(dir, "upsd.users", "[mko]\n  password = \"a b\\\"c\"\n  upsmon primary\n");
	write_file(dir, "ups.dev",
		"ups.status: OB DISCHRG\nbattery.charge: 61\nbattery.runtime: 840\nups.model: Sim\n");
	(void)chmod(dir, 0700);
	pid_t driver = run_program(dummy, dir,
		(const char *const[]){"dummy-ups", "-a", "ups", "-F", "-u", "root", NULL});
	pid_t server =
		run_program(upsd, dir, (const char *const[]){"upsd", "-F", "-u", "root", NULL});
	bench_start(&b, port, ENOUGH_MS);
	until_ready(&b);
	do /* WAIT and DRIVER-NOT-CONNECTED until both have met */
		ask_and_wait(&b, nut_poll, "ups");
	while (!b.hung && (b.code != -1 || strcmp(b.reading.status, "OB DISCHRG") != 0));
	assert_int_equal(b.reading.values[POWER_CHARGE], 61000);
	assert_int_equal(b.reading.values[POWER_RUNTIME], 840000);
	ask_and_wait(&b, nut_variables, "ups");
	assert_true(b.n_rows > 10);
	b.lost = 0; /* it was tried before upsd listened */
	end_program(server);
	while (b.lost == 0 && !b.hung)
		loop_run(b.loop);
	assert_int_equal(b.code, ERR_UNREACHABLE);
	bench_stop(&b);
	end_program(driver);
	scratch_drop(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_poll_reads_what_there_is),
		cmocka_unit_test(requests_may_wait_in_a_row),
		cmocka_unit_test(a_bad_server_is_a_miss_and_never_a_reading),
		cmocka_unit_test(a_refused_login_says_so_and_is_tried_again),
		cmocka_unit_test(a_server_that_is_not_there_is_unreachable),
		cmocka_unit_test(tls_is_never_unverified_and_never_left_out),
		cmocka_unit_test(a_real_upsd_is_read),
	};
	rand_init();
	return cmocka_run_group_tests_name("nut", tests, NULL, NULL);
}
