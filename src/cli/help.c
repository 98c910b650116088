/* Help from the tables: nothing here knows a command by name. */
#include "cli/help.h"

#include <string.h>

#include "base/mem.h"
#include "cli/style.h"

#define LEFT_MAX 34
#define WIDTH_DEFAULT 100

void cli_opt_syntax(const struct cli_opt *opt, bool short_too, struct str *out)
{
	if (short_too && opt->letter != 0)
		str_addf(out, "-%c, ", opt->letter);
	str_addf(out, "--%s", opt->name);
	if (opt->kind == CLI_OPT_CHOICE) {
		for (size_t i = 0; opt->choices->texts[i] != NULL; i++)
			str_addf(out, "%c%s", i == 0 ? ' ' : '|', opt->choices->texts[i]);
	} else if (opt->meta != NULL) {
		str_addf(out, " %s", opt->meta);
	}
}

void cli_usage(const struct cli_cmd *cmd, struct str *out)
{
	str_addf(out, "mko %s", cmd->path);
	for (size_t i = 0; i < cmd->n_args; i++) {
		const struct cli_arg *arg = &cmd->args[i];
		str_addf(out, arg->optional ? " [%s%s]" : " %s%s", arg->name,
			arg->repeat ? "..." : "");
	}
	for (size_t i = 0; i < cmd->n_opts; i++) {
		if (!cmd->opts[i].required)
			continue;
		str_addc(out, ' ');
		cli_opt_syntax(&cmd->opts[i], false, out);
	}
	str_adds(out, " [OPTIONS]");
}

/** Write words after an indent, broken at the width. The first line starts at column `at`. */
static void wrap(FILE *to, const char *text, int at, int indent, int width)
{
	int column = at;

	while (*text != '\0') {
		size_t word = strcspn(text, " \n");
		if (column > indent && column + (int)word + 1 > width) {
			(void)fprintf(to, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			(void)fputc(' ', to);
			column++;
		}
		(void)fprintf(to, "%.*s", (int)word, text);
		column += (int)word;
		text += word;
		text += *text != '\0' ? 1 : 0;
	}
	(void)fputc('\n', to);
}

static int width_of(const struct cli *cli)
{
	return cli->io->width >= 60 && cli->io->width < WIDTH_DEFAULT ? cli->io->width
								      : WIDTH_DEFAULT;
}

/** Write a row: what to type on the left, what it does on the right. */
static void row(const struct cli *cli, FILE *to, const char *left, int left_width,
	const char *right)
{
	int used = 2 + (int)strlen(left);
	int indent = 2 + left_width + 2;

	(void)fprintf(to, "  %s", left);
	if (used > indent - 2) {
		(void)fputc('\n', to);
		used = 0;
	}
	(void)fprintf(to, "%*s", indent - used, "");
	wrap(to, right, indent, indent, width_of(cli));
}

static void title(const struct cli *cli, FILE *to, const char *text)
{
	bool color = to == cli->io->out ? cli->color_out : cli->color_err;

	(void)fprintf(to, "\n%s%s:%s\n", style_on(color, STYLE_BOLD), text, style_off(color));
}

static void option_row(const struct cli *cli, FILE *to, const struct cli_opt *opt, int left_width)
{
	cleanup(str_done) struct str left = STR_INIT;
	cleanup(str_done) struct str right = STR_INIT;
	const char *def = cli_opt_default(cli->cmd, opt);

	if (opt->letter == 0)
		str_adds(&left, "    ");
	cli_opt_syntax(opt, true, &left);
	str_adds(&right, cli_opt_help(cli->cmd, opt));
	if (opt->required)
		str_adds(&right, " (required)");
	else if (def != NULL && def[0] != '\0' && opt->kind != CLI_OPT_FLAG &&
		opt->kind != CLI_OPT_UNFLAG)
		str_addf(&right, " [default: %s]", def);
	row(cli, to, str_get(&left), left_width, str_get(&right));
}

static void options(const struct cli *cli, FILE *to)
{
	struct cli_opt_ref refs[CLI_OPTS_MAX];
	size_t n = cli_opts_of(cli->cmd, refs);
	size_t widest = 0;
	const char *last = NULL;

	for (size_t i = 0; i < n; i++) {
		cleanup(str_done) struct str left = STR_INIT;
		cli_opt_syntax(refs[i].opt, false, &left);
		if (left.len + 4 > widest && left.len + 4 <= LEFT_MAX)
			widest = left.len + 4;
	}
	for (size_t i = 0; i < n; i++) {
		if (last == NULL || strcmp(last, refs[i].title) != 0)
			title(cli, to, refs[i].title);
		last = refs[i].title;
		option_row(cli, to, refs[i].opt, (int)widest);
	}
}

static void command_help(const struct cli *cli, FILE *to)
{
	const struct cli_cmd *cmd = cli->cmd;
	cleanup(str_done) struct str usage = STR_INIT;

	cli_usage(cmd, &usage);
	(void)fprintf(to, "usage: %s\n\n", str_get(&usage));
	(void)fprintf(to, "%s.\n", cmd->summary);
	if (cmd->details != NULL) {
		(void)fputc('\n', to);
		wrap(to, cmd->details, 0, 0, width_of(cli));
	}
	if (cmd->alias != NULL)
		(void)fprintf(to, "Also: mko %s\n", cmd->alias);
	if (cmd->n_args > 0)
		title(cli, to, "Arguments");
	for (size_t i = 0; i < cmd->n_args; i++)
		row(cli, to, cmd->args[i].name, 10, cmd->args[i].help);
	options(cli, to);
	if (cmd->example != NULL) {
		title(cli, to, "Examples");
		for (const char *p = cmd->example; *p != '\0';) {
			size_t len = strcspn(p, "\n");
			(void)fprintf(to, "  %.*s\n", (int)len, p);
			p += len + (p[len] == '\n' ? 1 : 0);
		}
	}
}

/** Rows of the commands below a path; "" = the top level, where groups are one row each. */
static void command_rows(const struct cli *cli, FILE *to, const char *path)
{
	size_t len = strlen(path);
	size_t widest = 10;

	for (size_t i = 0; i < cli_cmds_n; i++)
		if ((cli_cmds[i]->flags & CLI_CMD_HIDDEN) == 0 && len > 0 &&
			strncmp(cli_cmds[i]->path, path, len) == 0 &&
			cli_cmds[i]->path[len] == ' ' &&
			strlen(cli_cmds[i]->path) - len - 1 > widest)
			widest = strlen(cli_cmds[i]->path) - len - 1;
	for (size_t i = 0; i < cli_cmds_n; i++) {
		const struct cli_cmd *cmd = cli_cmds[i];
		if ((cmd->flags & CLI_CMD_HIDDEN) != 0)
			continue;
		if (len == 0 && strchr(cmd->path, ' ') == NULL)
			row(cli, to, cmd->path, (int)widest, cmd->summary);
		else if (len > 0 && strncmp(cmd->path, path, len) == 0 && cmd->path[len] == ' ')
			row(cli, to, cmd->path + len + 1, (int)widest, cmd->summary);
	}
}

/** The verbs of a noun as one text: "list, show, add". */
static void verbs_of(const char *noun, struct str *out)
{
	size_t len = strlen(noun);

	for (size_t i = 0; i < cli_cmds_n; i++)
		if ((cli_cmds[i]->flags & CLI_CMD_HIDDEN) == 0 &&
			strncmp(cli_cmds[i]->path, noun, len) == 0 && cli_cmds[i]->path[len] == ' ')
			str_addf(out, "%s%s", out->len > 0 ? " " : "", cli_cmds[i]->path + len + 1);
}

static void top_help(const struct cli *cli, FILE *to)
{
	(void)fputs("usage: mko NOUN VERB [ARGUMENTS] [OPTIONS]\n\n"
		    "Turns machines into MicroK8s clusters and keeps them well.\n",
		to);
	title(cli, to, "Commands");
	command_rows(cli, to, "");
	for (size_t i = 0; cli_nouns[i] != NULL; i++) {
		cleanup(str_done) struct str verbs = STR_INIT;
		cleanup(str_done) struct str text = STR_INIT;
		verbs_of(cli_nouns[i]->name, &verbs);
		if (verbs.len == 0)
			continue;
		str_addf(&text, "%s: %s", cli_nouns[i]->summary, str_get(&verbs));
		row(cli, to, cli_nouns[i]->name, 10, str_get(&text));
	}
	options(cli, to);
	(void)fputs("\nmko NOUN --help and mko NOUN VERB --help say more.\n"
		    "First steps: mko init, mko node add, mko cluster add, mko cluster setup.\n",
		to);
}

static void group_help(const struct cli *cli, const char *path, FILE *to)
{
	const struct cli_noun *noun = cli_noun_find(path);

	(void)fprintf(to, "usage: mko %s VERB [ARGUMENTS] [OPTIONS]\n", path);
	if (noun != NULL)
		(void)fprintf(to, "\n%s.\n", noun->summary);
	title(cli, to, "Verbs");
	command_rows(cli, to, path);
	(void)fprintf(to, "\nmko %s VERB --help says more.\n", path);
}

void cli_help(const struct cli *cli, const char *path, FILE *to)
{
	if (cli->cmd != NULL)
		command_help(cli, to);
	else if (path[0] == '\0')
		top_help(cli, to);
	else
		group_help(cli, path, to);
}
