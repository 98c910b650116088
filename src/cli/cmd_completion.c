/* mko completion SHELL prints a script; the hidden mko __complete answers it. */
#include <string.h>

#include "base/mem.h"
#include "cli/complete.h"
#include "cli/tables.h"

static struct err *run_completion(struct cli *cli)
{
	(void)fputs(cli_complete_script(cli->args[0]), cli->io->out);
	return NULL;
}

static const char *const shells[] = {"bash", "zsh", "fish", NULL};
static const struct cli_arg args[] = {
	{.name = "SHELL", .choices = shells, .help = "bash, zsh or fish"}};
const struct cli_cmd cmd_completion = {
	.path = "completion",
	.summary = "Print a script that completes commands, options and names in the shell",
	.example =
		"source <(mko completion bash)\nmko completion fish >~/.config/fish/completions/mko.fish",
	.args = args,
	.n_args = ARRAY_LEN(args),
	.run = run_completion,
};

static struct err *run_complete(struct cli *cli)
{
	cleanup(str_done) struct str out = STR_INIT;
	size_t from = cli->n_args > 0 && strcmp(cli->args[0], "--") == 0 ? 1 : 0;

	cli->quiet = true;
	cli_complete(cli, cli->args + from, cli->n_args - from, &out);
	(void)fputs(str_get(&out), cli->io->out);
	return NULL;
}

const struct cli_cmd cmd_complete = {
	.path = "__complete",
	.summary = "Answer a completion script",
	.flags = CLI_CMD_HIDDEN | CLI_CMD_RAW,
	.run = run_complete,
};
