/* mko system setup-privileges, check-privileges: of this machine, by this process, whoever serves
 * the API. */
#include "base/mem.h"
#include "base/parse.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/tables.h"

#define ACCOUNT "mko"

static const struct cli_column allowed_columns[] = {{"COMMAND", "command"}, {"WHY", "why"}};
static const struct cli_column checked_columns[] = {
	{"ALLOWED", "allowed", CLI_SHOW_YES},
	{"COMMAND", "command"},
	{"REASON", "reason", .shrink = true},
};

/* Ask the host. @account of --user, checked */
static struct err *ask(struct cli *cli, enum cli_privileges what, json_t **ret)
{
	const char *account = cli_opt_text(cli, "user");
	const char *given = account != NULL ? account : ACCOUNT;
	struct err *wrong = check_user(given);

	if (wrong != NULL) {
		struct err *e = err_new(ERR_USAGE, "--user: %s", err_message(wrong));
		err_free(wrong);
		return e;
	}
	if (cli->host->privileges == NULL)
		return err_new(ERR_UNAVAILABLE, "this build has no privileges to set up");
	return cli->host->privileges(cli->host->user, what, given, ret);
}

static struct err *print_text(struct cli *cli)
{
	json_t *text = NULL;

	TRY(ask(cli, CLI_PRIVILEGES_TEXT, &text));
	(void)fputs(json_string_value(text), cli->io->out);
	json_decref(text);
	return NULL;
}

static struct err *remove_file(struct cli *cli)
{
	json_t *done = NULL;

	cli_what(cli, "remove the privileges");
	TRY(ask(cli, CLI_PRIVILEGES_REMOVE, &done));
	cli_note(cli,
		json_is_true(cli_json_get(done, "changed")) ? "removed %s; the account stays"
							    : "there is no %s",
		cli_json_text(done, "file", "?"));
	struct err *e = cli_output_is_document(cli) ? cli_print_document(cli, done) : NULL;
	json_decref(done);
	return e;
}

static struct err *run_setup(struct cli *cli)
{
	json_t *done = NULL;

	cli_what(cli, "set up the privileges");
	if (cli_opt_given(cli, "print") && cli_opt_given(cli, "remove"))
		return err_new(ERR_USAGE, "either --print or --remove");
	if (cli_opt_given(cli, "print"))
		return print_text(cli);
	if (cli_opt_given(cli, "remove"))
		return remove_file(cli);
	TRY(ask(cli, CLI_PRIVILEGES_SETUP, &done));
	if (json_is_true(cli_json_get(done, "account_created")))
		cli_note(cli, "made the account %s", cli_json_text(done, "account", "?"));
	cli_note(cli,
		json_is_true(cli_json_get(done, "changed")) ? "%s is in place"
							    : "%s is as it shall be",
		cli_json_text(done, "file", "?"));
	struct err *e = cli_output_is_document(cli)
		? cli_print_document(cli, done)
		: cli_print_list(cli, allowed_columns, ARRAY_LEN(allowed_columns), "command",
			  cli_json_get(done, "items"));
	json_decref(done);
	return e;
}

static struct err *run_check(struct cli *cli)
{
	json_t *found = NULL;

	cli_what(cli, "check the privileges");
	TRY(ask(cli, CLI_PRIVILEGES_CHECK, &found));
	struct err *e = cli_output_is_document(cli)
		? cli_print_document(cli, found)
		: cli_print_list(cli, checked_columns, ARRAY_LEN(checked_columns), "command",
			  cli_json_get(found, "items"));
	if (e == NULL && cli_json_i64(found, "missing", 0) > 0) {
		cli->exit_code = 1;
		cli_note(cli, "try: sudo mko system setup-privileges --user %s",
			cli_json_text(found, "account", "?"));
	}
	json_decref(found);
	return e;
}

#define OPT_USER                                                                                   \
	{                                                                                          \
		.name = "user", .kind = CLI_OPT_TEXT, .meta = "ACCOUNT",                           \
		.help = "account that the server runs as", .def = ACCOUNT                          \
	}
static const struct cli_opt setup_opts[] = {
	OPT_USER,
	{.name = "print", .kind = CLI_OPT_FLAG, .help = "print the file for sudo, change nothing"},
	{.name = "remove", .kind = CLI_OPT_FLAG, .help = "take the file away again"},
};
static const struct cli_opt check_opts[] = {OPT_USER};

const struct cli_cmd cmd_system_setup_privileges = {
	.path = "system setup-privileges",
	.summary = "Make an account for the server and allow it the few commands that need root",
	.details =
		"On this machine, as root. The account is a system account without a password or a shell. The file /etc/sudoers.d/mko holds fixed "
		"commands with all their arguments, nothing that could run another program, and is checked by visudo before it is moved in. "
		"Nodes need no such file: what mko does there it does over SSH. mko ups configure writes NUT's files and stays for root.",
	.example =
		"mko system setup-privileges --print\nsudo mko system setup-privileges\nsudo mko system setup-privileges --remove",
	.noun = &noun_system,
	.opts = setup_opts,
	.n_opts = ARRAY_LEN(setup_opts),
	.run = run_setup,
};
const struct cli_cmd cmd_system_check_privileges = {
	.path = "system check-privileges",
	.summary = "Ask sudo whether the server's account may run each command that needs root",
	.details =
		"Runs none of them. By root for any account, or by the account itself. Exit code 1 when one is missing.",
	.example = "sudo mko system check-privileges",
	.noun = &noun_system,
	.opts = check_opts,
	.n_opts = ARRAY_LEN(check_opts),
	.run = run_check,
};
