/* cli_main(): the world of a real terminal around cli_exec(), and what is shown when a command
 * fails. */
#include "cli/cli.h"

#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"
#include "cli/args.h"
#include "cli/complaint.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/run.h"

#define LOCK_WAIT_MS 10000

static const char *const output_texts[] = {"table", "wide", "json", "yaml", "csv", "name", NULL};
const struct enum_table cli_output_table = {"output", output_texts};

char *cli_esc(const char *text)
{
	struct str s = STR_INIT;

	if (text != NULL)
		str_add_printable(&s, text);
	char *escaped = str_take(&s);
	return escaped != NULL ? escaped : mem_strdup("");
}

void cli_what(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	mem_free(cli->what);
	va_start(ap, fmt);
	cli->what = mem_vprintf(fmt, ap);
	va_end(ap);
}

void cli_note(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->quiet)
		return;
	va_start(ap, fmt);
	(void)vfprintf(cli->io->err, fmt, ap);
	va_end(ap);
	(void)fputc('\n', cli->io->err);
}

void cli_warn(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	(void)fputs("mko: ", cli->io->err);
	va_start(ap, fmt);
	(void)vfprintf(cli->io->err, fmt, ap);
	va_end(ap);
	(void)fputc('\n', cli->io->err);
}

const char *cli_env(const struct cli *cli, const char *name)
{
	const char *value = cli->io->env(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

struct err *cli_config(struct cli *cli, const struct config **ret_config)
{
	if (!cli->config_loaded) {
		if (cli->host->load_config == NULL)
			return err_new(ERR_INTERNAL, "this program cannot read a configuration");
		struct err *e = cli->host->load_config(cli->host->user, cli_opt_text(cli, "config"),
			&cli->config);
		if (e != NULL) {
			record_done(&config_type, &cli->config);
			return e;
		}
		cli->config_loaded = true;
	}
	*ret_config = &cli->config;
	return NULL;
}

/** Parse and run. */
static struct err *execute(struct cli *cli, int argc, char **argv)
{
	cleanup(mem_freep) char *path = NULL;
	bool help = false;

	TRY(cli_args_parse(cli, argc, argv, &path, &help));
	if (help || (cli->cmd == NULL && path[0] == '\0')) {
		cli_help(cli, path, cli->io->out);
		return NULL;
	}
	if (cli->cmd == NULL) {
		cli_help(cli, path, cli->io->err);
		cli->exit_code = err_exit_code(ERR_USAGE);
		return NULL;
	}
	return cli->cmd->run(cli);
}

/** Data that could not be written is a failure (a full disk, a closed pipe). */
static struct err *flush(struct cli *cli, struct err *e)
{
	if (e == NULL && (fflush(cli->io->out) != 0 || ferror(cli->io->out)))
		return err_new(ERR_IO, "the output could not be written");
	return e;
}

int cli_exec(const struct cli_io *io, int argc, char **argv, const struct cli_host *host)
{
	struct cli cli = {.io = io, .host = host, .program = "mko", .lock_wait_ms = LOCK_WAIT_MS};

	must(argc > 0);
	struct err *e = flush(&cli, execute(&cli, argc, argv));
	if (e != NULL) {
		cli_complain(&cli, e);
		cli.exit_code = err_exit_code(err_code(e));
	}
	err_free(e);
	cli_transport_closep(&cli.transport);
	if (cli.config_loaded)
		record_done(&config_type, &cli.config);
	cli_args_done(&cli);
	mem_free(cli.what);
	mem_free(cli.request_id);
	return cli.exit_code;
}

static const char *real_env(const char *name)
{
	return getenv(name); // NOLINT(concurrency-mt-unsafe): nobody changes the environment
}

/** Size of the terminal at one of our descriptors; 0 = unknown. */
static void terminal_size(int *ret_width, int *ret_height)
{
	struct winsize size = {.ws_col = 0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 &&
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return;
	*ret_width = size.ws_col;
	*ret_height = size.ws_row;
}

int cli_main(int argc, char **argv, const struct cli_host *host)
{
	struct cli_io io = {
		.in = stdin,
		.out = stdout,
		.err = stderr,
		.in_tty = isatty(STDIN_FILENO) != 0,
		.out_tty = isatty(STDOUT_FILENO) != 0,
		.err_tty = isatty(STDERR_FILENO) != 0,
		.clock = &clock_system,
		.env = real_env,
		.size = terminal_size,
		.interrupts = cli_interrupts,
	};

	if (argc > 1 && strcmp(argv[1], "op-runner") == 0 && host->op_runner != NULL)
		return host->op_runner(host->user, argc - 1, argv + 1);
	/* Widths of characters on the terminal; numbers stay as in C. A machine without locales
	 * still has C.UTF-8. */
	if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
	rand_init();
	terminal_size(&io.width, &io.height);
	return cli_exec(&io, argc, argv, host);
}
