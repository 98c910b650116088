/* mko operation logs: the output as it was written, or the structured events, also while it grows.
 */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/follow.h"
#include "cli/tables.h"
#include "model/operation.h"

#define POLL_MS 200
#define EXIT_INTERRUPTED 130

/** What was read so far. */
struct tail {
	struct cli *cli;
	char *path;     /**< of the log or the events */
	int64_t offset; /**< bytes, or the number of the last event */
	bool events;
	bool at_line_start;
};

/** Write text to stdout: raw into a file or pipe, escaped but for line ends and tabs on a terminal.
 */
static void write_text(struct tail *t, const char *text, size_t len)
{
	FILE *out = t->cli->io->out;

	if (!t->cli->io->out_tty) {
		(void)fwrite(text, 1, len, out);
		return;
	}
	cleanup(str_done) struct str shown = STR_INIT;
	while (len > 0) {
		size_t n = 0;
		while (n < len && text[n] != '\n' && text[n] != '\t' && text[n] != '\0')
			n++;
		char *part = mem_strndup(text, n);
		str_add_printable(&shown, part);
		mem_free(part);
		if (n < len && text[n] != '\0')
			str_addc(&shown, text[n]);
		n += n < len ? 1 : 0;
		text += n;
		len -= n;
	}
	(void)fwrite(str_get(&shown), 1, shown.len, out);
}

/** The number of the last event in lines. */
static int64_t last_seq(const char *text, int64_t fallback)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		json_t *event = json_loadb(text, len, 0, NULL);
		fallback = cli_json_i64(event, "seq", fallback);
		json_decref(event);
		text += len + (text[len] == '\n' ? 1 : 0);
	}
	return fallback;
}

/** Print what has come; @ret_more whether there was anything. */
static struct err *step(struct tail *t, bool *ret_more)
{
	cleanup(str_done) struct str query = STR_INIT;
	cleanup(mem_freep) char *text = NULL;
	size_t len = 0;
	char from[32];

	(void)snprintf(from, sizeof(from), "%lld", (long long)t->offset);
	cli_query_add(&query, t->events ? "after" : "offset", from);
	TRY(cli_get_text(t->cli, t->path, str_get(&query), &text, &len));
	*ret_more = len > 0;
	if (len == 0)
		return NULL;
	t->offset = t->events ? last_seq(text, t->offset) : t->offset + (int64_t)len;
	write_text(t, text, len);
	if (fflush(t->cli->io->out) != 0)
		return err_new(ERR_IO, "the output could not be written");
	return NULL;
}

static struct err *drain(struct tail *t)
{
	bool more = true;

	while (more)
		TRY(step(t, &more));
	return NULL;
}

static struct err *follow(struct tail *t, const char *path)
{
	const struct cli_io *io = t->cli->io;
	int interrupts = io->interrupts != NULL ? io->interrupts() : 0;

	for (;;) {
		json_t *operation = NULL;
		TRY(cli_get(t->cli, path, NULL, &operation));
		int status = enum_value(&op_status_table, cli_json_text(operation, "status", ""));
		bool final = status >= 0 && op_status_final(status);
		struct err *e = drain(t);
		if (e == NULL && final)
			e = cli_operation_error(operation);
		json_decref(operation);
		if (e != NULL || final)
			return e;
		if (io->interrupts != NULL && io->interrupts() != interrupts) {
			t->cli->exit_code = EXIT_INTERRUPTED;
			return NULL;
		}
		TRY(cli_idle(t->cli, POLL_MS));
	}
}

static struct err *run_logs(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("operations", cli->args[0], NULL);
	struct tail t = {.cli = cli, .events = cli_opt_given(cli, "events")};

	cli_what(cli, "show the log of operation %s", cli->args[0]);
	t.path = cli_path("operations", cli->args[0], t.events ? "events" : "log", NULL);
	struct err *e = cli_opt_given(cli, "follow") ? follow(&t, path) : drain(&t);
	mem_free(t.path);
	return e;
}

static const struct cli_arg one_operation[] = {
	{.name = "OPERATION", .words = CLI_WORDS_OPERATIONS, .help = "number"}};
static const struct cli_opt opts[] = {
	{.name = "follow",
		.letter = 'f',
		.kind = CLI_OPT_FLAG,
		.help = "go on until the operation ends; the exit code is that of the operation"},
	{.name = "events", .kind = CLI_OPT_FLAG, .help = "structured events, a JSON object a line"},
};
const struct cli_cmd cmd_operation_logs = {
	.path = "operation logs",
	.summary = "Print the output of an operation",
	.example =
		"mko operation logs 12\nmko operation logs -f 12\nmko operation logs 12 --events | jq .task",
	.noun = &noun_operation,
	.args = one_operation,
	.n_args = ARRAY_LEN(one_operation),
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.run = run_logs,
};
