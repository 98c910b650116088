/* mko node add and mko node edit: the two share their options; a sudo password comes from stdin or
 * a prompt, never from an argument. */
#include <string.h>

#include "base/mem.h"
#include "base/seal.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/follow.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"
#include "model/node.h"

#define HOST_KEY_WAIT_MS 60000

#define COMMON_OPTIONS                                                                             \
	{.name = "user",                                                                           \
		.letter = 'u',                                                                     \
		.kind = CLI_OPT_TEXT,                                                              \
		.meta = "USER",                                                                    \
		.key = "ssh_user",                                                                 \
		.field = "ssh_user"},                                                              \
		{.name = "port",                                                                   \
			.letter = 'p',                                                             \
			.kind = CLI_OPT_NUMBER,                                                    \
			.meta = "PORT",                                                            \
			.key = "ssh_port",                                                         \
			.field = "ssh_port",                                                       \
			.max = INT32_MAX}, /* the range is the API's to judge, with all other      \
					      fields at once */                                    \
		{.name = "key-path",                                                               \
			.letter = 'k',                                                             \
			.kind = CLI_OPT_TEXT,                                                      \
			.meta = "FILE",                                                            \
			.key = "ssh_key_path",                                                     \
			.field = "ssh_key_path",                                                   \
			.words = CLI_WORDS_FILES},                                                 \
		{.name = "cluster-id",                                                             \
			.kind = CLI_OPT_TEXT,                                                      \
			.meta = "CLUSTER",                                                         \
			.key = "cluster_id",                                                       \
			.words = CLI_WORDS_CLUSTERS,                                               \
			.help = "cluster it belongs to, by name or number"},                       \
		{.name = "cluster",                                                                \
			.kind = CLI_OPT_TEXT,                                                      \
			.meta = "CLUSTER",                                                         \
			.key = "cluster_id",                                                       \
			.words = CLI_WORDS_CLUSTERS,                                               \
			.help = "the same as --cluster-id"},                                       \
		{.name = "role",                                                                   \
			.kind = CLI_OPT_CHOICE,                                                    \
			.choices = &node_role_table,                                               \
			.key = "role",                                                             \
			.field = "role"},                                                          \
		{.name = "power-tier",                                                             \
			.kind = CLI_OPT_NUMBER,                                                    \
			.meta = "N",                                                               \
			.min = 0,                                                                  \
			.max = NODE_POWER_TIER_MAX,                                                \
			.key = "power_tier",                                                       \
			.field = "power_tier"},                                                    \
		{.name = "tags",                                                                   \
			.kind = CLI_OPT_LIST,                                                      \
			.meta = "TAG,...",                                                         \
			.key = "tags",                                                             \
			.help = "words for your own use"},                                         \
		{.name = "notes",                                                                  \
			.kind = CLI_OPT_TEXT,                                                      \
			.meta = "TEXT",                                                            \
			.key = "notes",                                                            \
			.help = "free text"},                                                      \
		{.name = "sudo-password-stdin",                                                    \
			.kind = CLI_OPT_FLAG,                                                      \
			.help = "read the password for sudo from stdin (kept sealed)"},            \
	{                                                                                          \
		.name = "ask-sudo-password", .kind = CLI_OPT_FLAG,                                 \
		.help = "ask for the password for sudo at the terminal"                            \
	}

static const struct cli_opt add_opts[] = {
	{.name = "hostname",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "hostname",
		.field = "hostname",
		.required = true},
	{.name = "ip",
		.letter = 'i',
		.kind = CLI_OPT_TEXT,
		.meta = "ADDRESS",
		.key = "ip_address",
		.field = "ip_address",
		.required = true},
	COMMON_OPTIONS,
	{.name = "no-host-key",
		.kind = CLI_OPT_FLAG,
		.help = "do not ask the node for its SSH host key now; the first test does"},
};
static const struct cli_opt edit_opts[] = {
	{.name = "hostname",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "hostname",
		.field = "hostname"},
	{.name = "ip",
		.letter = 'i',
		.kind = CLI_OPT_TEXT,
		.meta = "ADDRESS",
		.key = "ip_address",
		.field = "ip_address"},
	COMMON_OPTIONS,
};

/** Put the options into the body, the sudo password too when it was asked for. */
static struct err *fill_body(struct cli *cli, json_t *body)
{
	char *password = NULL;

	cli_opts_to_json(cli, NULL, body);
	if (!cli_opt_given(cli, "sudo-password-stdin") && !cli_opt_given(cli, "ask-sudo-password"))
		return NULL;
	if (cli_opt_given(cli, "ask-sudo-password") && !cli->io->in_tty)
		return err_hint(err_new(ERR_USAGE, "there is no terminal to ask for the password"),
			"--sudo-password-stdin");
	TRY(cli_read_secret(cli, "Password for sudo on the node", &password));
	json_object_set_new(body, "sudo_password", json_string(password));
	seal_wipe_free(password);
	return NULL;
}

/** Let the API ask the node for its host key. @ret_node the node afterwards, owned */
static struct err *learn_host_key(struct cli *cli, const char *hostname, json_t **ret_node)
{
	cleanup(mem_freep) char *node_path = cli_path("nodes", hostname, NULL);
	json_t *reply = NULL;
	bool quiet = cli->quiet;
	int64_t wait = cli->wait_timeout_ms;

	json_t *body = json_pack("{s:s, s:s}", "type", "node.host_key", "target", hostname);
	struct err *e = cli_post(cli, "/api/operations", NULL, body, &reply);
	json_decref(body);
	if (e != NULL)
		return e;
	cli->quiet = true; /* two lines of progress for one key are too many */
	cli->wait_timeout_ms = wait > 0 ? wait : HOST_KEY_WAIT_MS;
	e = cli_follow(cli, json_object_get(reply, "operation"), false, NULL);
	cli->quiet = quiet;
	cli->wait_timeout_ms = wait;
	json_decref(reply);
	if (e == NULL)
		e = cli_get(cli, node_path, NULL, ret_node);
	return e;
}

/** The node is added whether it answers or not: it may not be installed yet. */
static void show_host_key(struct cli *cli, json_t **node)
{
	const char *hostname = cli_json_text(*node, "hostname", "");
	cleanup(mem_freep) char *shown = cli_esc(hostname);
	json_t *now = NULL;
	struct err *e = learn_host_key(cli, hostname, &now);

	if (e != NULL) {
		const char *why = NULL;
		if (err_field_count(e) > 0)
			(void)err_field_at(e, 0, &why);
		cleanup(mem_freep) char *text = cli_esc(why != NULL ? why : err_message(e));
		cli_warn(cli, "its SSH host key could not be learned: %s\n  try: mko node test %s",
			text, shown);
		err_ignore(e); /* said; the first test learns it */
		return;
	}
	if (now == NULL)
		return;
	cleanup(mem_freep) char *fingerprint =
		cli_esc(cli_json_text(now, "host_key_fingerprint", "?"));
	cli_note(cli,
		"host key %s\n  (compare it on the node: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)",
		fingerprint);
	json_decref(*node);
	*node = now;
}

static struct err *run_add(struct cli *cli)
{
	json_t *body = json_object();
	json_t *node = NULL;

	cli_what(cli, "add node %s", cli_opt_text(cli, "hostname"));
	struct err *e = fill_body(cli, body);
	if (e != NULL) {
		json_decref(body);
		return e;
	}
	TRY(cli_add(cli, body, &node));
	if (!cli->output_given && !cli->quiet) {
		cleanup(mem_freep) char *name = cli_esc(cli_json_text(node, "hostname", "?"));
		(void)fprintf(cli->io->out, "node %s added (number %lld)\n", name,
			(long long)cli_json_i64(node, "id", 0));
		(void)fflush(cli->io->out);
	}
	if (!cli_opt_given(cli, "no-host-key"))
		show_host_key(cli, &node);
	e = cli->output_given ? cli_print_object(cli, "hostname", node) : NULL;
	json_decref(node);
	return e;
}

static struct err *run_edit(struct cli *cli)
{
	json_t *body = json_object();

	cli_what(cli, "change node %s", cli->args[0]);
	struct err *e = fill_body(cli, body);
	if (e != NULL) {
		json_decref(body);
		return e;
	}
	return cli_edit(cli, cli->args[0], body);
}

const struct cli_cmd cmd_node_add = {
	.path = "node add",
	.summary = "Add a node to the inventory",
	.details =
		"The node is asked for its SSH host key, which is shown and from then on required. Nothing is changed on it.",
	.example =
		"mko node add --hostname n1 --ip 192.168.1.10 --user ubuntu --key-path ~/.ssh/id_ed25519\n"
		"mko node add --hostname n2 --ip 192.168.1.11 --cluster prod --role worker",
	.noun = &noun_node,
	.opts = add_opts,
	.n_opts = ARRAY_LEN(add_opts),
	.run = run_add,
};
static const struct cli_arg one_node[] = {
	{.name = "NODE", .words = CLI_WORDS_NODES, .help = "host name or number"}};
const struct cli_cmd cmd_node_edit = {
	.path = "node edit",
	.summary = "Change what is known of a node",
	.details = "An empty value takes the old one away: --notes \"\".",
	.example = "mko node edit n1 --port 2222\nmko node edit n1 --cluster \"\"",
	.noun = &noun_node,
	.args = one_node,
	.n_args = ARRAY_LEN(one_node),
	.opts = edit_opts,
	.n_opts = ARRAY_LEN(edit_opts),
	.run = run_edit,
};
