/* Requests in a row over one nut_stream: the greeting first, then one request after the other. */
#include "driver/nut.h"

#include <string.h>

#include "base/mem.h"
#include "driver/nut_line.h"

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS 2000

enum kind { POLL, LIST_UPS, LIST_VAR };

struct request {
	enum kind kind;
	char *ups;
	nut_reply_fn fn;
	void *user;
	size_t index; /**< in power_reading_poll */
	bool begun;   /**< BEGIN LIST was seen */
	struct power_reading reading;
	json_t *rows;
	struct request *next;
};

/** What is said after connecting, in this order. */
enum step { STEP_TLS, STEP_USER, STEP_PASSWORD, STEP_LOGIN, STEP_READY };

struct nut_client {
	struct loop *loop;
	char *address, *user, *password, *login;
	char *ca_file, *host_name, *pin;
	int port;
	int64_t deadline_ms, backoff_ms;
	void (*on_state)(void *user, const struct err *e);
	void *user_data;
	struct nut_stream *stream;
	struct loop_timer *deadline, *retry;
	enum step step;
	struct err *why; /**< why it is not ready */
	struct request *first, *last;
	size_t n_requests;
	int in_reply;
};

static void drop(struct nut_client *client, struct err *take_err);
static void greet(struct nut_client *client);
static void send_first(struct nut_client *client);

static void request_free(struct request *request)
{
	json_decref(request->rows);
	mem_free(request->ups);
	mem_free(request);
}

static void reply(struct nut_client *client, struct request *take_request, const struct err *e)
{
	const struct nut_reply answer = {.err = e,
		.ups = take_request->ups,
		.reading = e == NULL && take_request->kind != LIST_UPS ? &take_request->reading
								       : NULL,
		.rows = e == NULL ? take_request->rows : NULL};

	client->in_reply++;
	take_request->fn(take_request->user, &answer);
	client->in_reply--;
	request_free(take_request);
}

/** Answer the first request and send the next. */
static void finish(struct nut_client *client, const struct err *e)
{
	struct request *request = client->first;

	client->first = request->next;
	if (client->first == NULL)
		client->last = NULL;
	client->n_requests--;
	loop_timer_stop(client->deadline);
	send_first(client);
	reply(client, request, e);
}

static void finish_with(struct nut_client *client, struct err *take_err)
{
	finish(client, take_err);
	err_free(take_err);
}

static void send_words(struct nut_client *client, const char *const *words)
{
	struct str line = STR_INIT;

	for (size_t i = 0; words[i] != NULL; i++)
		nut_line_add(&line, words[i]);
	str_addc(&line, '\n');
	nut_stream_send(client->stream, str_get(&line));
	str_done(&line);
}
#define SEND(client, ...) send_words((client), (const char *const[]){__VA_ARGS__, NULL})

static void send_request(struct nut_client *client, const struct request *request)
{
	switch (request->kind) {
	case POLL:
		SEND(client, "GET", "VAR", request->ups, power_reading_poll[request->index]);
		break;
	case LIST_UPS:
		SEND(client, "LIST", "UPS");
		break;
	case LIST_VAR:
		SEND(client, "LIST", "VAR", request->ups);
		break;
	}
}

static void send_first(struct nut_client *client)
{
	if (client->first == NULL || client->step != STEP_READY)
		return;
	loop_timer_start(client->deadline, client->deadline_ms, 0);
	send_request(client, client->first);
}

static void poll_next(struct nut_client *client, struct request *request)
{
	request->index++;
	if (power_reading_poll[request->index] == NULL)
		finish(client, NULL);
	else
		send_request(client, request);
}

static bool is(char *const *words, size_t n, size_t i, const char *text)
{
	return i < n && strcmp(words[i], text) == 0;
}

/** "ERR word ...": of the status it is the end of a poll, of another variable only a gap. */
static void take_error(struct nut_client *client, struct request *request, const char *word)
{
	if (request->kind == POLL && request->index > 0 && strcmp(word, "VAR-NOT-SUPPORTED") == 0) {
		poll_next(client, request);
		return;
	}
	finish_with(client, err_new(ERR_UNAVAILABLE, "%s", word));
}

static void take_poll(struct nut_client *client, struct request *request, char *const *words,
	size_t n)
{
	const char *variable = power_reading_poll[request->index];

	if (n != 4 || !is(words, n, 0, "VAR") || !is(words, n, 1, request->ups) ||
		!is(words, n, 2, variable)) {
		drop(client, err_new(ERR_PROTOCOL, "the server answers something else"));
		return;
	}
	power_reading_set(&request->reading, variable, words[3]);
	poll_next(client, request);
}

static bool is_edge(const struct request *request, char *const *words, size_t n, const char *edge)
{
	bool list = is(words, n, 0, edge) && is(words, n, 1, "LIST");

	if (request->kind == LIST_UPS)
		return list && n == 3 && is(words, n, 2, "UPS");
	return list && n == 4 && is(words, n, 2, "VAR") && is(words, n, 3, request->ups);
}

static bool take_row(struct request *request, char *const *words, size_t n)
{
	size_t at = request->kind == LIST_UPS ? 1 : 2;

	if (n != at + 2 || !is(words, n, 0, request->kind == LIST_UPS ? "UPS" : "VAR") ||
		(at == 2 && !is(words, n, 1, request->ups)))
		return false;
	/* Texts that are no UTF-8 are left out; nothing of ours needs them. */
	(void)json_object_set_new(request->rows, words[at], json_string(words[at + 1]));
	if (request->kind == LIST_VAR)
		power_reading_set(&request->reading, words[at], words[at + 1]);
	return true;
}

static void take_list(struct nut_client *client, struct request *request, char *const *words,
	size_t n)
{
	if (!request->begun && is_edge(request, words, n, "BEGIN")) {
		request->begun = true;
		return;
	}
	if (request->begun && is_edge(request, words, n, "END")) {
		finish(client, NULL);
		return;
	}
	if (!request->begun || !take_row(request, words, n))
		drop(client, err_new(ERR_PROTOCOL, "the server answers something else"));
	else if (json_object_size(request->rows) > NUT_ROWS_MAX)
		drop(client, err_new(ERR_TOO_LARGE, "the server lists more than %d", NUT_ROWS_MAX));
}

static void take_greeting(struct nut_client *client, char *const *words, size_t n)
{
	const struct nut_tls tls = {.ca_file = client->ca_file,
		.host_name = client->host_name,
		.pin_sha256 = client->pin};

	if (!is(words, n, 0, "OK")) {
		const char *word = n > 1 && is(words, n, 0, "ERR") ? words[1] : "no OK";
		drop(client,
			err_new(client->step == STEP_TLS ? ERR_UNREACHABLE : ERR_FORBIDDEN,
				"%s is refused: %s",
				client->step == STEP_TLS ? "STARTTLS" : "the login", word));
		return;
	}
	if (client->step == STEP_TLS) {
		client->step++;
		struct err *e = nut_stream_starttls(client->stream, &tls);
		if (e != NULL)
			drop(client, e);
		return; /* greets on when TLS is there */
	}
	client->step++;
	greet(client);
}

static void on_line(void *user, char *line)
{
	struct nut_client *client = user;
	char *words[NUT_WORDS_MAX];
	size_t n = 0;
	struct err *e = nut_line_split(line, words, &n);

	if (e != NULL) {
		drop(client, e);
		return;
	}
	if (client->step != STEP_READY) {
		take_greeting(client, words, n);
		return;
	}
	struct request *request = client->first;
	if (request == NULL)
		drop(client, err_new(ERR_PROTOCOL, "the server speaks unasked"));
	else if (is(words, n, 0, "ERR"))
		take_error(client, request, n > 1 ? words[1] : "ERR");
	else if (request->kind == POLL)
		take_poll(client, request, words, n);
	else
		take_list(client, request, words, n);
}

static bool has_tls(const struct nut_client *client)
{
	return client->ca_file != NULL || client->pin != NULL;
}

static void ready(struct nut_client *client)
{
	client->backoff_ms = BACKOFF_FIRST_MS;
	loop_timer_stop(client->deadline);
	err_freep(&client->why);
	if (client->on_state != NULL)
		client->on_state(client->user_data, NULL);
}

/** Say the next thing of the greeting that there is to say. */
static void greet(struct nut_client *client)
{
	if (client->step == STEP_TLS && !has_tls(client))
		client->step++;
	if (client->step == STEP_USER && client->user == NULL)
		client->step = STEP_READY;
	if (client->step == STEP_LOGIN && client->login == NULL)
		client->step = STEP_READY;
	switch (client->step) {
	case STEP_TLS:
		SEND(client, "STARTTLS");
		break;
	case STEP_USER:
		SEND(client, "USERNAME", client->user);
		break;
	case STEP_PASSWORD:
		SEND(client, "PASSWORD", client->password != NULL ? client->password : "");
		break;
	case STEP_LOGIN:
		SEND(client, "LOGIN", client->login);
		break;
	case STEP_READY:
		ready(client);
		break;
	}
}

static void on_opened(void *user)
{
	greet(user);
}

/** Everything that waits gets the error; the connection is tried again. */
static void drop(struct nut_client *client, struct err *take_err)
{
	struct request *list = client->first;

	nut_stream_free(client->stream);
	client->stream = NULL;
	client->step = STEP_TLS;
	client->first = NULL;
	client->last = NULL;
	client->n_requests = 0;
	err_free(client->why);
	client->why = take_err;
	loop_timer_stop(client->deadline);
	loop_timer_start(client->retry, client->backoff_ms, 0);
	client->backoff_ms = client->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS
								     : client->backoff_ms * 2;
	while (list != NULL) {
		struct request *request = list;
		list = request->next;
		reply(client, request, client->why);
	}
	if (client->on_state != NULL)
		client->on_state(client->user_data, client->why);
}

static void on_closed(void *user, struct err *take_err)
{
	drop(user, take_err);
}

static void on_deadline(void *user)
{
	struct nut_client *client = user;

	drop(client,
		err_new(ERR_TIMEOUT, "no answer within %lld ms", (long long)client->deadline_ms));
}

static void on_retry(void *user)
{
	static const struct nut_stream_handler handler = {.opened = on_opened,
		.line = on_line,
		.closed = on_closed};
	struct nut_client *client = user;
	const struct nut_endpoint to = {.address = client->address, .port = client->port};

	loop_timer_start(client->deadline, client->deadline_ms, 0);
	struct err *e = nut_stream_open(client->loop, &to, &handler, client, &client->stream);
	if (e != NULL)
		drop(client, e);
}

struct nut_client *nut_client_new(struct loop *loop, const struct nut_options *options)
{
	struct nut_client *client = mem_zalloc(sizeof(*client));

	client->loop = loop;
	client->address = mem_strdup(options->address);
	client->port = options->port;
	client->user = mem_strdup(options->user);
	client->password = mem_strdup(options->password);
	client->login = mem_strdup(options->login);
	if (options->tls != NULL) {
		client->ca_file = mem_strdup(options->tls->ca_file);
		client->host_name = mem_strdup(options->tls->host_name);
		client->pin = mem_strdup(options->tls->pin_sha256);
	}
	client->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : NUT_DEADLINE_MS;
	client->backoff_ms = BACKOFF_FIRST_MS;
	client->on_state = options->on_state;
	client->user_data = options->user_data;
	client->why = err_new(ERR_UNAVAILABLE, "not connected yet");
	client->deadline = loop_timer_new(loop, on_deadline, client);
	client->retry = loop_timer_new(loop, on_retry, client);
	loop_timer_start(client->retry, 0, 0);
	return client;
}

void nut_client_free(struct nut_client *client)
{
	if (client == NULL)
		return;
	must(client->in_reply == 0);
	client->on_state = NULL;
	drop(client, err_new(ERR_CANCELLED, "the client is closed"));
	must(client->first == NULL); /* nobody asks from the last replies */
	loop_timer_free(client->deadline);
	loop_timer_free(client->retry);
	err_free(client->why);
	mem_free(client->address);
	mem_free(client->user);
	mem_free(client->password);
	mem_free(client->login);
	mem_free(client->ca_file);
	mem_free(client->host_name);
	mem_free(client->pin);
	mem_free(client);
}

bool nut_client_is_ready(const struct nut_client *client)
{
	return client->step == STEP_READY;
}

static void ask(struct nut_client *client, enum kind kind, const char *ups, nut_reply_fn fn,
	void *user)
{
	struct request *request = mem_zalloc(sizeof(*request));

	request->kind = kind;
	request->ups = mem_strdup(ups);
	request->fn = fn;
	request->user = user;
	request->rows = kind == POLL ? NULL : json_object();
	power_reading_init(&request->reading);
	if (client->step != STEP_READY) {
		reply(client, request, client->why);
		return;
	}
	if (client->n_requests == NUT_QUEUE_MAX) {
		struct err *e = err_new(ERR_UNAVAILABLE, "too many requests wait");
		reply(client, request, e);
		err_free(e);
		return;
	}
	client->n_requests++;
	if (client->last != NULL) {
		client->last->next = request;
		client->last = request;
		return;
	}
	client->first = request;
	client->last = request;
	send_first(client);
}

void nut_poll(struct nut_client *client, const char *ups, nut_reply_fn fn, void *user)
{
	ask(client, POLL, ups, fn, user);
}

void nut_list_ups(struct nut_client *client, nut_reply_fn fn, void *user)
{
	ask(client, LIST_UPS, "", fn, user);
}

void nut_variables(struct nut_client *client, const char *ups, nut_reply_fn fn, void *user)
{
	ask(client, LIST_VAR, ups, fn, user);
}
