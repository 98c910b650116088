/* Errors in three lines on stderr. Everything in them may come from outside and is escaped. */
#include "cli/complaint.h"

#include <string.h>

#include "base/mem.h"
#include "cli/style.h"

void cli_complain_line(struct cli *cli, const char *label, const char *text)
{
	cleanup(mem_freep) char *shown = cli_esc(text);

	(void)fprintf(cli->io->err, "  %s%s\n", label != NULL ? label : "", shown);
}

/** What to try when nobody said it. The caller frees; NULL = nothing. */
static char *usual_hint(const struct cli *cli, enum err_code code)
{
	const char *noun = cli->cmd != NULL && cli->cmd->noun != NULL ? cli->cmd->noun->name : NULL;

	if (code == ERR_NOT_FOUND && noun != NULL && cli->cmd->noun->collection != NULL)
		return mem_printf("mko %s list", noun);
	if (code == ERR_LOCKED)
		return mem_strdup("mko operation list --status running");
	if (code == ERR_UNAUTHENTICATED)
		return mem_strdup(
			"MKO_TOKEN=mko_... mko ..., or mko --token-file FILE ...    (made by: mko token create NAME)");
	if (code == ERR_FORBIDDEN)
		return mem_strdup(
			"ask an administrator for the role: mko user edit NAME --role ROLE");
	if (code == ERR_UNREACHABLE)
		return mem_strdup("mko web    (starts a server), or check --server and MKO_SERVER");
	if ((code == ERR_USAGE || code == ERR_INVALID) && cli->cmd != NULL)
		return mem_printf("mko %s --help", cli->cmd->path);
	if (code == ERR_INTERNAL || code == ERR_IO)
		return mem_strdup(
			"the same again with --verbose; it is a defect of mko when it repeats");
	return NULL;
}

static void complain_first_line(struct cli *cli, const struct err *e)
{
	const char *red = style_on(cli->color_err, STYLE_BAD);
	const char *off = style_off(cli->color_err);
	cleanup(mem_freep) char *what = NULL;

	if (cli->what != NULL)
		what = mem_printf("cannot %s", cli->what);
	else if (cli->cmd != NULL && cli->cmd->doing != NULL && err_code(e) != ERR_USAGE)
		what = mem_printf("cannot %s", cli->cmd->doing);
	else
		what = mem_strdup(err_field_count(e) > 0 ? "wrong usage" : err_slug(err_code(e)));
	if (cli->what == NULL && err_code(e) == ERR_USAGE) {
		mem_free(what);
		what = mem_strdup("wrong usage");
	}
	cleanup(mem_freep) char *shown = cli_esc(what);
	(void)fprintf(cli->io->err, "mko: %s%s%s\n", red, shown, off);
}

void cli_complain(struct cli *cli, const struct err *e)
{
	const char *hint = err_hint_text(e);
	cleanup(mem_freep) char *usual = hint == NULL ? usual_hint(cli, err_code(e)) : NULL;

	(void)fflush(cli->io->out);
	complain_first_line(cli, e);
	for (size_t i = 0; i < err_field_count(e); i++) {
		const char *message = NULL;
		const char *path = err_field_at(e, i, &message);
		cleanup(mem_freep) char *line = mem_printf("%s: %s", path, message);
		cli_complain_line(cli, NULL, line);
	}
	if (err_field_count(e) == 0)
		cli_complain_line(cli, NULL, err_message(e));
	if (cli->verbose) {
		cleanup(mem_freep) char *more = mem_printf("%s, raised at %s%s%s",
			err_slug(err_code(e)), err_origin(e),
			cli->request_id != NULL ? ", request " : "",
			cli->request_id != NULL ? cli->request_id : "");
		cli_complain_line(cli, NULL, more);
	}
	if (hint != NULL || usual != NULL)
		cli_complain_line(cli, "try: ", hint != NULL ? hint : usual);
}
