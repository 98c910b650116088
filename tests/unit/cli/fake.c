/* The scripted world of the command line's tests. */
#include "testing.h"

#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define WORDS_MAX 40

static const struct fake_world *world;
static struct str requests;
static size_t *used; /* how often each answer was given */
static int waits, opens;
static struct clock fake_clock;

static const struct fake_answer *answer_for(const char *request)
{
	const struct fake_answer *last = NULL;

	for (size_t i = 0; i < world->n_answers; i++) {
		if (strcmp(world->answers[i].request, request) != 0)
			continue;
		last = &world->answers[i];
		if (used[i]++ == 0)
			return last;
	}
	return last;
}

static struct err *fake_call(struct cli_transport *t, const struct cli_request *req,
	struct cli_response *ret)
{
	cleanup(mem_freep) char *request = mem_printf("%s %s", req->method, req->path);

	(void)t;
	str_adds(&requests, request);
	if (req->query != NULL && req->query[0] != '\0')
		str_addf(&requests, "?%s", req->query);
	if (req->if_match != NULL)
		str_addf(&requests, " if-match=%s", req->if_match);
	if (req->body != NULL)
		str_addf(&requests, " %.*s", (int)req->body_len, req->body);
	str_addc(&requests, '\n');
	const struct fake_answer *a = answer_for(request);
	if (a == NULL) {
		ret->status = 404;
		str_adds(&ret->body,
			"{\"title\":\"no such object\",\"status\":404,\"code\":\"not_found\",\"detail\":\"not in the script\"}");
		return NULL;
	}
	if (a->status == 0)
		return err_new(ERR_UNREACHABLE, "nobody answers");
	ret->status = a->status;
	str_adds(&ret->body, a->body);
	ret->etag = mem_strdup(a->etag);
	return NULL;
}

static struct err *fake_idle(struct cli_transport *t, int64_t max_ms)
{
	(void)t;
	waits++;
	fake_clock.fake_ms += max_ms > 0 ? max_ms : 1;
	assert_true(waits < 5000); /* it would wait for ever */
	return NULL;
}

static void fake_close(struct cli_transport *t)
{
	mem_free(t);
}

static struct err *fake_open(void *user, const struct config *config, struct cli_transport **ret)
{
	(void)user;
	assert_non_null(config->data_dir);
	if (++opens <= world->locked)
		return err_new(ERR_LOCKED, "another mko works in %s", config->data_dir);
	struct cli_transport *t = mem_zalloc(sizeof(*t));
	*t = (struct cli_transport){.local = !world->remote,
		.call = fake_call,
		.idle = fake_idle,
		.close = fake_close};
	*ret = t;
	return NULL;
}

static struct err *fake_config(void *user, const char *path, struct config *ret)
{
	(void)user;
	record_init(&config_type, ret);
	ret->data_dir = mem_strdup("/nonexistent/mko");
	if (path != NULL && strcmp(path, "bad.yaml") == 0)
		return err_field(NULL, "bad.yaml:3",
			"web.listn: unknown key; did you mean web.listen?");
	return NULL;
}

static json_t *fake_openapi(void *user)
{
	(void)user;
	return json_pack("{s:s}", "openapi", "3.1.0");
}

static const struct cli_host fake_host = {.load_config = fake_config,
	.open_local = fake_open,
	.openapi = fake_openapi};

static const char *fake_env(const char *name)
{
	size_t len = strlen(name);

	if (world->env != NULL && strncmp(world->env, name, len) == 0 && world->env[len] == '=')
		return world->env + len + 1;
	return NULL;
}

static int fake_interrupts(void)
{
	return world->interrupt_at > 0 && waits >= world->interrupt_at ? 1 : 0;
}

/** Split a line into words in place. */
static int split(char *line, char **words)
{
	int n = 0;

	words[n++] = mem_strdup("mko");
	for (char *p = line; *p != '\0';) {
		char end = *p == '\'' ? '\'' : ' ';
		char *start = end == '\'' ? p + 1 : p;
		size_t len = strcspn(start, end == '\'' ? "'" : " ");
		assert_true(n < WORDS_MAX);
		words[n++] = mem_strndup(start, len);
		p = start + len;
		p += *p == '\'' ? 1 : 0;
		p += strspn(p, " ");
	}
	words[n] = NULL;
	return n;
}

struct fake_run fake_cli(const struct fake_world *given, const char *line)
{
	struct fake_run run = {.exit_code = -1};
	char *words[WORDS_MAX + 1];
	size_t out_len = 0, err_len = 0;
	char *copy = mem_strdup(line);
	char *text = mem_strdup(given->input != NULL ? given->input : "\n");

	world = given;
	used = mem_zalloc((given->n_answers + 1) * sizeof(*used));
	requests = STR_INIT;
	waits = opens = 0;
	fake_clock = clock_fake(FAKE_NOW_MS);
	FILE *in = fmemopen(text, strlen(text), "r");
	struct cli_io io = {
		.in = in,
		.out = open_memstream(&run.out, &out_len),
		.err = open_memstream(&run.err, &err_len),
		.in_tty = given->tty,
		.out_tty = given->tty,
		.err_tty = given->tty,
		.width = given->tty ? 80 : 0,
		.height = given->tty ? 24 : 0,
		.clock = &fake_clock,
		.env = fake_env,
		.interrupts = fake_interrupts,
	};
	int n = split(copy, words);
	run.exit_code = cli_exec(&io, n, words, given->host != NULL ? given->host : &fake_host);
	(void)fclose(io.out);
	(void)fclose(io.err);
	(void)fclose(in);
	mem_free(text);
	for (int i = 0; i < n; i++)
		mem_free(words[i]);
	mem_free(copy);
	mem_free(used);
	run.requests = str_take(&requests);
	return run;
}

void fake_done(struct fake_run *run)
{
	free(run->out);
	free(run->err);
	mem_free(run->requests);
}

void fake_expect(const struct fake_answer *answers, size_t n, const char *line, int exit_code,
	const char *wanted)
{
	const struct fake_world given = {.answers = answers, .n_answers = n};
	struct fake_run run = fake_cli(&given, line);

	if (run.exit_code != exit_code)
		print_message("mko %s: %s%s", line, run.out, run.err);
	assert_int_equal(run.exit_code, exit_code);
	if (wanted != NULL)
		assert_string_equal(run.requests, wanted);
	fake_done(&run);
}
