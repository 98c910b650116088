/* Reading from the person at the terminal. */
#include "cli/prompt.h"

#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/seal.h"

#define LINE_MAX_BYTES 1024

/** Read a line without its end; false at the end of input. */
static bool read_line(FILE *in, char *line, size_t size)
{
	if (fgets(line, (int)size, in) == NULL) {
		clearerr(in); /* an interrupted read is no end */
		line[0] = '\0';
		return false;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

char cli_ask_char(struct cli *cli, const char *question, const char *allowed, char fallback)
{
	char line[16];

	(void)fputs(question, cli->io->err);
	(void)fflush(cli->io->err);
	if (!read_line(cli->io->in, line, sizeof(line)))
		(void)fputc('\n', cli->io->err);
	/* A capital letter is the same answer. */
	for (const char *p = allowed; *p != '\0'; p++)
		if (line[0] == *p || line[0] == *p - 'a' + 'A')
			return *p;
	return fallback;
}

struct err *cli_confirm(struct cli *cli, const char *what, const char *name)
{
	char line[300];
	cleanup(mem_freep) char *shown_what = cli_esc(what);
	cleanup(mem_freep) char *shown_name = cli_esc(name);

	if (cli->yes)
		return NULL;
	if (!cli->io->in_tty || !cli->io->err_tty)
		return err_hint(err_new(ERR_NOT_CONFIRMED,
					"it was not confirmed, and there is no terminal to ask"),
			"the same again with --yes");
	(void)fprintf(cli->io->err, "This will %s. Type %s to confirm: ", shown_what, shown_name);
	(void)fflush(cli->io->err);
	(void)read_line(cli->io->in, line, sizeof(line));
	if (strcmp(line, name) == 0)
		return NULL;
	return err_hint(err_new(ERR_NOT_CONFIRMED, "it was not confirmed"),
		"the same again, and type the name %s", name);
}

/** Turn the echo of the terminal off or back; false when stdin has none. */
static bool set_echo(FILE *in, bool on)
{
	struct termios t;
	int fd = fileno(in);

	if (fd < 0 || tcgetattr(fd, &t) != 0)
		return false;
	t.c_lflag = on ? t.c_lflag | ECHO : t.c_lflag & ~(tcflag_t)ECHO;
	return tcsetattr(fd, TCSAFLUSH, &t) == 0;
}

struct err *cli_read_secret(struct cli *cli, const char *prompt, char **ret_secret)
{
	char line[LINE_MAX_BYTES + 2];
	bool hidden = false;

	if (cli->io->in_tty) {
		(void)fprintf(cli->io->err, "%s: ", prompt);
		(void)fflush(cli->io->err);
		hidden = set_echo(cli->io->in, false);
	}
	(void)read_line(cli->io->in, line, sizeof(line));
	if (hidden) {
		(void)set_echo(cli->io->in, true);
		(void)fputc('\n', cli->io->err);
	}
	struct err *e = NULL;
	if (line[0] == '\0')
		e = err_new(ERR_INVALID, "%s: nothing was given", prompt);
	else if (strlen(line) > LINE_MAX_BYTES)
		e = err_new(ERR_INVALID, "%s: too long, at most %d bytes", prompt, LINE_MAX_BYTES);
	else
		*ret_secret = mem_strdup(line);
	explicit_bzero(line, sizeof(line));
	return e;
}
