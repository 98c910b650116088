/* Following: fetch the row, then the events after the last one seen, draw, let time pass. The row
 * first: when it says "ended", the events that are read after it are all. Survives a server that
 * goes away and comes back. */
#include "cli/follow.h"

#include <string.h>

#include "base/mem.h"
#include "cli/client.h"
#include "cli/progress.h"
#include "cli/prompt.h"
#include "cli/term.h"
#include "model/operation.h"

#define DRAW_EVERY_MS 100
#define POLL_LOCAL_MS 50
#define POLL_HTTP_MIN_MS 100
#define POLL_HTTP_MAX_MS 1000
#define EVENTS_PAGE "500"
#define LOST_MAX_MS 60000
#define WIDTH_DEFAULT 80
#define HEIGHT_DEFAULT 24
#define EXIT_INTERRUPTED 130
#define HOST_ERRORS_MAX 10

/** One operation being followed. */
struct follow {
	struct cli *cli;
	struct progress progress;
	struct term_block block;
	struct progress_frame frame;
	char *path, *events_path;  /**< of the API */
	int64_t seq;               /**< last event seen */
	int64_t pause_ms;          /**< between two looks */
	int64_t start_ms, lost_ms; /**< monotonic; lost_ms 0 = the server answers */
	int interrupts;
	bool detached, cancelling;
	json_t *row; /**< latest */
};

static bool is_live(const struct follow *f)
{
	return f->frame.lines == PROGRESS_LIVE && !f->cli->quiet;
}

static int64_t now_mono(const struct follow *f)
{
	return clock_mono(f->cli->io->clock);
}

static void measure(struct follow *f)
{
	const struct cli_io *io = f->cli->io;
	int width = io->width;
	int height = io->height;

	if (io->size != NULL)
		io->size(&width, &height);
	f->frame.width = width > 0 ? width : WIDTH_DEFAULT;
	f->frame.height = height > 0 ? height : HEIGHT_DEFAULT;
	f->frame.now_ms = clock_utc(io->clock);
}

static void draw(struct follow *f, bool at_once)
{
	cleanup(str_done) struct str text = STR_INIT;

	if (!is_live(f))
		return;
	if (!at_once && f->block.drawn_ms != 0 && now_mono(f) - f->block.drawn_ms < DRAW_EVERY_MS)
		return;
	measure(f);
	progress_draw(&f->progress, &f->frame, &text);
	term_block_draw(&f->block, str_get(&text), now_mono(f));
}

/** Write lines that stay, above the block. */
static void write_lines(struct follow *f, const struct str *lines)
{
	if (lines->len == 0 || f->cli->quiet)
		return;
	term_block_clear(&f->block);
	(void)fputs(str_get(lines), f->cli->io->err);
	(void)fflush(f->cli->io->err);
}

static struct err *fetch_row(struct follow *f)
{
	cleanup(str_done) struct str lines = STR_INIT;
	json_t *row = NULL;

	TRY(cli_get(f->cli, f->path, NULL, &row));
	json_decref(f->row);
	f->row = row;
	progress_take_operation(&f->progress, row);
	progress_take_steps(&f->progress, row, &lines);
	write_lines(f, &lines);
	return NULL;
}

/** Take in lines of events; returns how many. */
static size_t take_events(struct follow *f, const char *text)
{
	cleanup(str_done) struct str lines = STR_INIT;
	size_t n = 0;

	f->frame.now_ms = clock_utc(f->cli->io->clock);
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		json_t *event = json_loadb(text, len, 0, NULL);
		int64_t seq = cli_json_i64(event, "seq", f->seq + 1);
		if (event != NULL && seq > f->seq) {
			f->seq = seq;
			n++;
			progress_take_event(&f->progress, event, &f->frame, &lines);
		}
		json_decref(event);
		text += len + (text[len] == '\n' ? 1 : 0);
	}
	write_lines(f, &lines);
	return n;
}

static struct err *fetch_events(struct follow *f, size_t *ret_n)
{
	char after[32];

	*ret_n = 0;
	for (;;) {
		cleanup(str_done) struct str query = STR_INIT;
		cleanup(mem_freep) char *text = NULL;
		(void)snprintf(after, sizeof(after), "%lld", (long long)f->seq);
		cli_query_add(&query, "after", after);
		cli_query_add(&query, "limit", EVENTS_PAGE);
		struct err *e = cli_get_text(f->cli, f->events_path, str_get(&query), &text, NULL);
		if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
			err_ignore(e); /* it has not begun: no file yet */
			return NULL;
		}
		if (e != NULL)
			return e;
		size_t n = take_events(f, text);
		*ret_n += n;
		if (n == 0)
			return NULL;
	}
}

/** Go on without the server for a while: it may be restarted, and the runner goes on anyway. */
static struct err *lost(struct follow *f, struct err *e)
{
	enum err_code code = err_code(e);

	if (code != ERR_UNREACHABLE && code != ERR_UNAVAILABLE && code != ERR_LOCKED &&
		code != ERR_TIMEOUT)
		return e;
	if (f->lost_ms == 0) {
		f->lost_ms = now_mono(f);
		term_block_clear(&f->block);
		cli_note(f->cli,
			"the server does not answer; the operation goes on; waiting for it ...");
	}
	if (now_mono(f) - f->lost_ms > LOST_MAX_MS)
		return err_hint(e, "mko operation logs -f %lld    (when the server is back)",
			(long long)f->progress.id);
	err_ignore(e); /* tried again */
	/* The next request looks anew for a daemon, or serves here when it is gone for good. */
	cli_transport_closep(&f->cli->transport);
	f->pause_ms = POLL_HTTP_MAX_MS;
	return NULL;
}

/** One look at the operation. */
static struct err *look(struct follow *f)
{
	size_t n = 0;
	struct err *e = fetch_row(f);

	if (e == NULL)
		e = fetch_events(f, &n);
	if (e != NULL)
		return lost(f, e);
	f->lost_ms = 0;
	if (cli_is_local(f->cli))
		f->pause_ms = POLL_LOCAL_MS;
	else if (n > 0)
		f->pause_ms = POLL_HTTP_MIN_MS;
	else if (f->pause_ms < POLL_HTTP_MAX_MS)
		f->pause_ms = f->pause_ms * 3 / 2 < POLL_HTTP_MAX_MS ? f->pause_ms * 3 / 2
								     : POLL_HTTP_MAX_MS;
	return NULL;
}

static void say_detached(struct follow *f)
{
	long long id = (long long)f->progress.id;

	(void)fprintf(f->cli->io->err,
		"operation %lld goes on by itself\n"
		"  follow it:  mko operation logs -f %lld\n"
		"  cancel it:  mko operation cancel %lld\n",
		id, id, id);
	f->cli->exit_code = EXIT_INTERRUPTED;
	f->detached = true;
}

static struct err *cancel(struct follow *f)
{
	cleanup(mem_freep) char *path = mem_printf("%s/cancel", f->path);

	f->cancelling = true;
	cli_note(f->cli, "cancelling; Ctrl-C again leaves it alone");
	struct err *e = cli_call(f->cli, "POST", path, NULL, NULL);
	if (e != NULL && err_code(e) == ERR_CONFLICT) {
		err_ignore(e); /* it ended in the meantime */
		return NULL;
	}
	return e;
}

/** Somebody typed Ctrl-C: ask once. */
static struct err *interrupted(struct follow *f)
{
	const struct cli_io *io = f->cli->io;
	char answer = 'd';

	term_block_clear(&f->block);
	if (io->in_tty && io->err_tty && !f->cancelling && !f->cli->yes)
		answer = cli_ask_char(f->cli,
			"\nCancel the operation (c), or leave it running (d)? ", "cd", 'd');
	if (answer == 'c')
		return cancel(f);
	say_detached(f);
	return NULL;
}

static int interrupts_now(const struct follow *f)
{
	return f->cli->io->interrupts != NULL ? f->cli->io->interrupts() : 0;
}

static struct err *out_of_patience(struct follow *f)
{
	char text[CLOCK_TEXT_SIZE];
	long long id = (long long)f->progress.id;

	clock_format_duration(f->cli->wait_timeout_ms, text);
	return err_hint(err_new(ERR_TIMEOUT, "operation %lld is not finished after %s; it goes on",
				id, text),
		"mko operation logs -f %lld", id);
}

/** Between two looks: Ctrl-C, the end of patience, time. */
static struct err *between(struct follow *f)
{
	if (interrupts_now(f) != f->interrupts) {
		f->interrupts = interrupts_now(f);
		return interrupted(f);
	}
	int64_t waited = now_mono(f) - f->start_ms;
	if (f->cli->wait_timeout_ms > 0 && waited >= f->cli->wait_timeout_ms)
		return out_of_patience(f);
	struct err *e = cli_idle(f->cli, f->pause_ms);
	return e != NULL ? lost(f, e) : NULL;
}

static struct err *loop(struct follow *f)
{
	while (!f->detached) {
		TRY(look(f));
		draw(f, false);
		if (f->lost_ms == 0 && progress_is_final(&f->progress))
			return NULL;
		TRY(between(f));
	}
	return NULL;
}

static bool is_bad(const json_t *host)
{
	int status = enum_value(&op_host_status_table, cli_json_text(host, "status", ""));

	return status == OP_HOST_FAILED || status == OP_HOST_UNREACHABLE;
}

static bool has_bad_host(const json_t *operation)
{
	const json_t *hosts = cli_json_get(operation, "hosts");

	for (size_t i = 0; i < json_array_size(hosts); i++)
		if (is_bad(json_array_get(hosts, i)))
			return true;
	return false;
}

/** The hosts that went wrong, each its own line; the table of hosts shows the others. */
static struct err *add_host_errors(const json_t *operation, struct err *take_err)
{
	const json_t *host = NULL;
	size_t i = 0;
	size_t n = 0;

	json_array_foreach(cli_json_get(operation, "hosts"), i, host) {
		const char *status = cli_json_text(host, "status", "");
		const char *message = cli_json_text(host, "message", "");
		const char *task = cli_json_text(host, "task", "");
		if (!is_bad(host))
			continue;
		if (++n <= HOST_ERRORS_MAX)
			take_err = err_field(take_err, cli_json_text(host, "hostname", "?"),
				"%s%s%s%s%s", status, task[0] != '\0' ? ": " : "", task,
				message[0] != '\0' ? ": " : "", message);
	}
	if (n > HOST_ERRORS_MAX)
		take_err = err_field(take_err, "and", "%zu more", n - HOST_ERRORS_MAX);
	return take_err;
}

/** Why a step of it went wrong, and how far the whole came. */
static struct err *add_step_errors(const json_t *operation, struct err *take_err)
{
	const json_t *steps = cli_json_get(operation, "result.steps");
	const json_t *step = NULL;
	size_t done = 0;
	size_t i = 0;

	json_array_foreach(steps, i, step) {
		const char *reason = cli_json_text(step, "reason", NULL);
		done += strcmp(cli_json_text(step, "status", ""), "succeeded") == 0;
		if (reason != NULL)
			take_err =
				err_field(take_err, cli_json_text(step, "name", "?"), "%s", reason);
	}
	if (i > 0)
		take_err = err_field(take_err, "reached", "%zu of %zu steps were done", done, i);
	return take_err;
}

struct err *cli_operation_error(const json_t *operation)
{
	static const struct {
		enum err_code code;
		const char *words;
	} rows[OP_STATUS_N_] = {
		[OP_PARTIAL] = {ERR_PARTIAL, "succeeded only in part"},
		[OP_FAILED] = {ERR_FAILED, "failed"},
		[OP_CANCELLED] = {ERR_CANCELLED, "was cancelled"},
		[OP_TIMED_OUT] = {ERR_TIMEOUT, "took too long and was ended"},
		[OP_INTERRUPTED] = {ERR_FAILED, "was interrupted"},
	};
	int status = enum_value(&op_status_table, cli_json_text(operation, "status", ""));
	const char *summary = cli_json_text(operation, "error.summary", "");
	long long id = (long long)cli_json_i64(operation, "id", 0);

	if (status < OP_PARTIAL || status >= OP_STATUS_N_)
		return NULL;
	/* What went wrong on a host is said in the host's own line. */
	if (cli_json_text(operation, "error.host", NULL) != NULL && has_bad_host(operation))
		summary = "";
	cleanup(mem_freep) char *which = mem_printf("operation %lld", id);
	struct err *e = err_new(rows[status].code, "%s %s", which, rows[status].words);
	e = err_field(e, which, "%s%s%s", rows[status].words, summary[0] != '\0' ? ": " : "",
		summary);
	e = add_step_errors(operation, e);
	e = add_host_errors(operation, e);
	const char *next = cli_json_text(operation, "next", NULL);
	return next != NULL ? err_hint(e, "%s", next) : e;
}

static void finish(struct follow *f, json_t **ret_final)
{
	char took[CLOCK_TEXT_SIZE];
	cleanup(mem_freep) char *name = cli_esc(f->progress.name);

	if (f->detached || !progress_is_final(&f->progress))
		return;
	term_block_clear(&f->block);
	clock_format_duration(f->progress.finished_ms > f->progress.started_ms
			? f->progress.finished_ms - f->progress.started_ms
			: 0,
		took);
	cli_note(f->cli, "%s: %s in %s (operation %lld)", name, f->progress.status, took,
		(long long)f->progress.id);
	if (ret_final != NULL)
		*ret_final = json_incref(f->row);
}

struct err *cli_follow(struct cli *cli, const json_t *operation, bool diff, json_t **ret_final)
{
	struct follow f = {.cli = cli, .block = {.to = cli->io->err}, .pause_ms = POLL_HTTP_MIN_MS};
	cleanup(mem_freep) char *id =
		mem_printf("%lld", (long long)cli_json_i64(operation, "id", 0));

	f.path = cli_path("operations", id, NULL);
	f.events_path = cli_path("operations", id, "events", NULL);
	f.frame.lines = cli->verbose ? PROGRESS_ALL
		: cli->io->err_tty   ? PROGRESS_LIVE
				     : PROGRESS_PLAIN;
	f.frame.color = cli->color_err;
	f.frame.diff = diff;
	f.start_ms = now_mono(&f);
	f.interrupts = interrupts_now(&f);
	progress_take_operation(&f.progress, operation);
	if (!is_live(&f)) {
		cleanup(mem_freep) char *name = cli_esc(f.progress.name);
		cli_note(cli, "%s (operation %s)", name, id);
	}
	struct err *e = loop(&f);
	finish(&f, ret_final);
	term_block_clear(&f.block);
	if (e == NULL && !f.detached)
		e = cli_operation_error(f.row);
	progress_done(&f.progress);
	mem_free(f.path);
	mem_free(f.events_path);
	json_decref(f.row);
	return e;
}
