/* mko user ..., mko token ..., mko audit ...: who may do what, and who did. Passwords come from
 * stdin or a prompt, or are made up. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/seal.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"
#include "model/account.h"

#define PASSWORD_CHARS 20

const struct cli_cmd cmd_user_list = {
	.path = "user list",
	.summary = "List the users",
	.doing = "list the users",
	.noun = &noun_user,
	.sets = {&cli_list_options},
	.run = cli_run_list,
};

/** The password for an account: from stdin, else made up. @ret_made whether it was made up and must
 * be shown */
static struct err *get_password(struct cli *cli, char **ret_password, bool *ret_made)
{
	*ret_made = !cli_opt_given(cli, "password-stdin") && !cli_opt_given(cli, "ask-password");
	if (*ret_made) {
		*ret_password = rand_text(PASSWORD_CHARS);
		return NULL;
	}
	if (cli_opt_given(cli, "ask-password") && !cli->io->in_tty)
		return err_hint(err_new(ERR_USAGE, "there is no terminal to ask for the password"),
			"--password-stdin");
	return cli_read_secret(cli, "Password", ret_password);
}

/** Show a password that was made up; it is shown this once. */
static struct err *show_password(struct cli *cli, json_t *object, const char *name,
	const char *password)
{
	if (cli_output_is_document(cli)) {
		json_object_set_new(object, "password", json_string(password));
		return cli_print_document(cli, object);
	}
	cleanup(mem_freep) char *shown = cli_esc(name);
	(void)fprintf(cli->io->out, "User: %s\nPassword: %s\n", shown, password);
	cli_note(cli, "the password is not shown again");
	return NULL;
}

static struct err *run_user_add(struct cli *cli)
{
	json_t *body = json_object();
	json_t *user = NULL;
	char *password = NULL;
	bool made = false;

	cli_what(cli, "add user %s", cli->args[0]);
	struct err *e = get_password(cli, &password, &made);
	if (e != NULL) {
		json_decref(body);
		return e;
	}
	json_object_set_new(body, "name", json_string(cli->args[0]));
	json_object_set_new(body, "password", json_string(password));
	cli_opts_to_json(cli, NULL, body);
	e = cli_add(cli, body, made ? &user : NULL);
	if (e == NULL && made)
		e = show_password(cli, user, cli->args[0], password);
	json_decref(user);
	seal_wipe_free(password);
	return e;
}

static struct err *run_passwd(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("users", cli->args[0], "password", NULL);
	json_t *body = json_object();
	char *password = NULL;
	bool made = false;

	cli_what(cli, "set the password of user %s", cli->args[0]);
	struct err *e = get_password(cli, &password, &made);
	if (e == NULL) {
		json_object_set_new(body, "password", json_string(password));
		e = cli_call(cli, "POST", path, body, NULL);
	}
	if (e == NULL && made) {
		json_t *object = json_pack("{s:s}", "name", cli->args[0]);
		e = show_password(cli, object, cli->args[0], password);
		json_decref(object);
	} else if (e == NULL) {
		cli_note(cli, "the password was changed; all sessions of the user have ended");
	}
	json_decref(body);
	seal_wipe_free(password);
	return e;
}

static const struct cli_arg new_user[] = {
	{.name = "NAME", .help = "account name: lower case, begins with a letter"}};
static const struct cli_arg one_user[] = {
	{.name = "USER", .words = CLI_WORDS_USERS, .help = "name or number"}};
#define PASSWORD_OPTIONS                                                                            \
	{.name = "password-stdin",                                                                  \
		.kind = CLI_OPT_FLAG,                                                               \
		.help = "read the password from stdin; without it a random one is made and shown"}, \
	{                                                                                           \
		.name = "ask-password", .kind = CLI_OPT_FLAG,                                       \
		.help = "ask for the password at the terminal"                                      \
	}
#define CLUSTERS_OPTION                                                                            \
	{                                                                                          \
		.name = "cluster", .kind = CLI_OPT_LIST, .meta = "CLUSTER", .key = "clusters",     \
		.words = CLI_WORDS_CLUSTERS,                                                       \
		.help = "limit it to this cluster, its nodes and operations; may be repeated",     \
		.def = "all clusters"                                                              \
	}
static const struct cli_opt user_add_opts[] = {
	CLUSTERS_OPTION,
	{.name = "role",
		.letter = 'r',
		.kind = CLI_OPT_CHOICE,
		.choices = &role_table,
		.key = "role",
		.field = "role"},
	PASSWORD_OPTIONS,
};
const struct cli_cmd cmd_user_add = {
	.path = "user add",
	.summary = "Add a user",
	.example = "mko user add ann --role operator",
	.noun = &noun_user,
	.args = new_user,
	.n_args = ARRAY_LEN(new_user),
	.opts = user_add_opts,
	.n_opts = ARRAY_LEN(user_add_opts),
	.run = run_user_add,
};

static struct err *run_user_edit(struct cli *cli)
{
	json_t *body = json_object();

	cli_what(cli, "change user %s", cli->args[0]);
	cli_opts_to_json(cli, NULL, body);
	if (cli_opt_given(cli, "all-clusters"))
		json_object_set_new(body, "clusters", json_null());
	return cli_edit(cli, cli->args[0], body);
}

static const struct cli_opt user_edit_opts[] = {
	CLUSTERS_OPTION,
	{.name = "all-clusters", .kind = CLI_OPT_FLAG, .help = "end the limit to clusters"},
	{.name = "role",
		.letter = 'r',
		.kind = CLI_OPT_CHOICE,
		.choices = &role_table,
		.key = "role",
		.field = "role"},
	{.name = "disable",
		.kind = CLI_OPT_FLAG,
		.key = "disabled",
		.help = "may not log in any more"},
	{.name = "enable", .kind = CLI_OPT_UNFLAG, .key = "disabled", .help = "may log in again"},
};
const struct cli_cmd cmd_user_edit = {
	.path = "user edit",
	.summary = "Change the role or the clusters of a user, disable or enable it",
	.example =
		"mko user edit ann --role viewer\nmko user edit ann --cluster prod\nmko user edit bob --disable",
	.noun = &noun_user,
	.args = one_user,
	.n_args = ARRAY_LEN(one_user),
	.opts = user_edit_opts,
	.n_opts = ARRAY_LEN(user_edit_opts),
	.run = run_user_edit,
};
const struct cli_cmd cmd_user_remove = {
	.path = "user remove",
	.summary = "Remove a user with sessions and tokens",
	.example = "mko user remove bob",
	.noun = &noun_user,
	.args = one_user,
	.n_args = ARRAY_LEN(one_user),
	.run = cli_run_remove,
};
/** The number of a user; sessions know their accounts by it. */
static struct err *user_id(struct cli *cli, const char *name, int64_t *ret)
{
	cleanup(mem_freep) char *path = cli_path("users", name, NULL);
	json_t *user = NULL;

	TRY(cli_get(cli, path, NULL, &user));
	*ret = cli_json_i64(user, "id", 0);
	json_decref(user);
	return NULL;
}

/** Give each session the name of its user. */
static void add_names(json_t *sessions, const json_t *users)
{
	size_t i, k;
	json_t *session = NULL;
	const json_t *user = NULL;

	json_array_foreach(sessions, i, session)
		json_array_foreach(users, k, user)
			if (cli_json_i64(user, "id", -1) == cli_json_i64(session, "user_id", -2))
				json_object_set(session, "user", json_object_get(user, "name"));
}

static const struct cli_column session_columns[] = {
	{"ID", "id", .right = true},
	{"USER", "user"},
	{"ADDRESS", "address"},
	{"OPENED", "created_at", CLI_SHOW_AGO},
	{"ENDS", "expires_at", CLI_SHOW_TIME},
};

static struct err *run_user_sessions(struct cli *cli)
{
	cleanup(str_done) struct str query = STR_INIT;
	json_t *sessions = NULL, *users = NULL;
	int64_t id = 0;

	if (cli->n_args > 0) {
		cli_what(cli, "list the sessions of user %s", cli->args[0]);
		TRY(user_id(cli, cli->args[0], &id));
		cleanup(mem_freep) char *number = mem_printf("%lld", (long long)id);
		cli_query_add(&query, "user_id", number);
	}
	TRY(cli_get_list(cli, "sessions", str_get(&query), 0, &sessions));
	struct err *e = cli_get_list(cli, "users", NULL, 0, &users);
	if (e == NULL) {
		add_names(sessions, users);
		e = cli_print_list(cli, session_columns, ARRAY_LEN(session_columns), "id",
			sessions);
	}
	json_decref(sessions);
	json_decref(users);
	return e;
}

static const struct cli_arg maybe_user[] = {{.name = "USER",
	.words = CLI_WORDS_USERS,
	.optional = true,
	.help = "name or number; without it all users"}};
const struct cli_cmd cmd_user_sessions = {
	.path = "user sessions",
	.summary = "List who is logged in to the web page, from where and until when",
	.doing = "list the sessions",
	.example = "mko user sessions ann",
	.noun = &noun_user,
	.args = maybe_user,
	.n_args = ARRAY_LEN(maybe_user),
	.run = run_user_sessions,
};

static struct err *run_user_sign_out(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("users", cli->args[0], "sessions", NULL);

	cli_what(cli, "sign out user %s", cli->args[0]);
	TRY(cli_call(cli, "DELETE", path, NULL, NULL));
	cli_note(cli, "all sessions of the user have ended; tokens still work");
	return NULL;
}

const struct cli_cmd cmd_user_sign_out = {
	.path = "user sign-out",
	.summary = "End all web sessions of a user; its tokens still work",
	.example = "mko user sign-out ann",
	.noun = &noun_user,
	.args = one_user,
	.n_args = ARRAY_LEN(one_user),
	.run = run_user_sign_out,
};

static const struct cli_opt passwd_opts[] = {PASSWORD_OPTIONS};
const struct cli_cmd cmd_user_passwd = {
	.path = "user passwd",
	.summary = "Set the password of a user; ends all its sessions",
	.example = "mko user passwd ann --ask-password",
	.noun = &noun_user,
	.args = one_user,
	.n_args = ARRAY_LEN(one_user),
	.opts = passwd_opts,
	.n_opts = ARRAY_LEN(passwd_opts),
	.run = run_passwd,
};

const struct cli_cmd cmd_token_list = {
	.path = "token list",
	.summary = "List the tokens (never their text)",
	.doing = "list the tokens",
	.noun = &noun_token,
	.sets = {&cli_list_options},
	.run = cli_run_list,
};

static struct err *run_token_create(struct cli *cli)
{
	json_t *body = json_object();
	json_t *token = NULL;

	cli_what(cli, "create token %s", cli->args[0]);
	json_object_set_new(body, "name", json_string(cli->args[0]));
	cli_opts_to_json(cli, NULL, body);
	TRY(cli_add(cli, body, &token));
	struct err *e = NULL;
	if (cli_output_is_document(cli)) {
		e = cli_print_document(cli, token);
	} else {
		(void)fprintf(cli->io->out, "%s\n", cli_json_text(token, "token", ""));
		cli_note(cli,
			"the token is not shown again; use it: MKO_TOKEN=... mko --server URL ...");
	}
	json_decref(token);
	return e;
}

static const struct cli_arg new_token[] = {{.name = "NAME", .help = "name of the token"}};
static const struct cli_arg one_token[] = {
	{.name = "TOKEN", .words = CLI_WORDS_TOKENS, .help = "name or number"}};
static const struct cli_opt token_opts[] = {
	CLUSTERS_OPTION,
	{.name = "role",
		.letter = 'r',
		.kind = CLI_OPT_CHOICE,
		.choices = &role_table,
		.key = "role",
		.field = "role"},
	{.name = "expires",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.key = "expires_s",
		.min = 1,
		.help = "end after this time: 12h, 30d",
		.def = "never"},
};
const struct cli_cmd cmd_token_create = {
	.path = "token create",
	.summary = "Create a token for a program and print it once",
	.example = "mko token create ci --role operator --expires 30d -o json",
	.noun = &noun_token,
	.args = new_token,
	.n_args = ARRAY_LEN(new_token),
	.opts = token_opts,
	.n_opts = ARRAY_LEN(token_opts),
	.run = run_token_create,
};
const struct cli_cmd cmd_token_revoke = {
	.path = "token revoke",
	.summary = "Revoke a token; it stays in the list",
	.example = "mko token revoke ci --yes",
	.noun = &noun_token,
	.args = one_token,
	.n_args = ARRAY_LEN(one_token),
	.run = cli_run_remove,
};

static const struct cli_opt audit_opts[] = {
	{.name = "actor",
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "actor",
		.words = CLI_WORDS_USERS,
		.help = "only what this one did"},
	{.name = "action",
		.kind = CLI_OPT_TEXT,
		.meta = "ACTION",
		.key = "action",
		.help = "only this action, for example node.create"},
};
const struct cli_cmd cmd_audit_list = {
	.path = "audit list",
	.summary = "List who did what, the newest first (20 unless --limit says otherwise)",
	.doing = "list the audit log",
	.example = "mko audit list --actor ann --limit 100",
	.noun = &noun_audit,
	.opts = audit_opts,
	.n_opts = ARRAY_LEN(audit_opts),
	.sets = {&cli_list_options},
	.run = cli_run_list_newest,
};

/** Say what is proved, and from where on. */
static void tell_proved(struct cli *cli, const json_t *report)
{
	long long unproven = (long long)cli_json_i64(report, "unproven", 0);
	long long pruned = (long long)cli_json_i64(report, "pruned", 0);

	(void)fprintf(cli->io->out, "the audit log is whole: %lld entries, head %s\n",
		(long long)cli_json_i64(report, "rows", 0), cli_json_text(report, "head", "-"));
	if (unproven > 0)
		(void)fprintf(cli->io->out,
			"proved from entry %lld on; entries up to %lld are older than the seal and not proved\n",
			unproven + 1, unproven);
	else if (pruned > 0)
		(void)fprintf(cli->io->out,
			"proved from entry %lld on; those before were removed for their age\n",
			pruned + 1);
}

static struct err *run_audit_verify(struct cli *cli)
{
	json_t *report = NULL;
	struct err *e = NULL;

	TRY(cli_get(cli, "/api/audit/verify", NULL, &report));
	bool ok = json_is_true(json_object_get(report, "ok"));
	if (cli_output_is_document(cli))
		e = cli_print_document(cli, report);
	else if (ok)
		tell_proved(cli, report);
	if (e == NULL && !ok)
		e = err_hint(err_new(ERR_FAILED, "the chain is broken at entry %lld: %s",
				     (long long)cli_json_i64(report, "bad_id", 0),
				     cli_json_text(report, "reason", "its hash does not fit")),
			"mko audit list, and compare with a backup");
	json_decref(report);
	return e;
}

const struct cli_cmd cmd_audit_verify = {
	.path = "audit verify",
	.summary = "Check that no entry of the audit log was changed or removed",
	.doing = "vouch for the audit log",
	.noun = &noun_audit,
	.run = run_audit_verify,
};

/** Number of the entry in the last line of a page, -1 when there is none. */
static int64_t last_entry(const char *page, size_t len)
{
	const char *start = len > 1 ? memrchr(page, '\n', len - 1) : NULL;
	const char *line = start != NULL ? start + 1 : page;
	json_t *entry = json_loadb(line, len - (size_t)(line - page), 0, NULL);
	int64_t id = cli_json_i64(entry, "id", -1);

	json_decref(entry);
	return id;
}

static struct err *run_audit_export(struct cli *cli)
{
	int64_t after = 0;

	for (;;) {
		cleanup(mem_freep) char *query =
			mem_printf("after=%lld&limit=1000", (long long)after);
		cleanup(mem_freep) char *page = NULL;
		size_t len = 0;
		TRY(cli_get_text(cli, "/api/audit/export", query, &page, &len));
		if (len == 0)
			return NULL;
		after = last_entry(page, len);
		if (after < 0)
			return err_new(ERR_PROTOCOL, "the server sent a line that is no entry");
		if (fwrite(page, 1, len, cli->io->out) != len)
			return err_errno(errno, "write the export");
	}
}

const struct cli_cmd cmd_audit_export = {
	.path = "audit export",
	.summary = "Print the whole audit log as JSON lines, the oldest first",
	.details =
		"Each line has the hash of the entry and of the one before it: a copy kept elsewhere proves the log later.",
	.doing = "export the audit log",
	.example = "mko audit export > audit.jsonl",
	.noun = &noun_audit,
	.run = run_audit_export,
};
