/* Commands of mko itself: init, version, inventory, web, system config, system setup-code. */
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/seal.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"
#include "gen/version.h"

#define PASSWORD_CHARS 20

static struct err *print_admin(struct cli *cli, const char *name, const char *password)
{
	const struct config *config = NULL;

	if (cli_output_is_document(cli)) {
		json_t *object = json_pack("{s:s}", "name", name);
		if (password != NULL)
			json_object_set_new(object, "password", json_string(password));
		struct err *e = cli_print_document(cli, object);
		json_decref(object);
		return e;
	}
	(void)fprintf(cli->io->out, "Administrator: %s\n", name);
	if (password != NULL)
		(void)fprintf(cli->io->out, "Password: %s\n", password);
	if (password != NULL)
		cli_note(cli,
			"The password is for the web interface and is not shown again; commands on this machine need none.");
	if (cli_opt_text(cli, "server") == NULL && cli_env(cli, "MKO_SERVER") == NULL) {
		TRY(cli_config(cli, &config));
		cleanup(mem_freep) char *dir = cli_esc(config->data_dir);
		cli_note(cli, "Data directory: %s\nNext: mko node add --hostname NAME --ip ADDRESS",
			dir);
	}
	return NULL;
}

static struct err *run_init(struct cli *cli)
{
	const char *name = cli_opt_text(cli, "name") != NULL ? cli_opt_text(cli, "name") : "admin";
	bool given = cli_opt_given(cli, "password-stdin");
	char *password = NULL;
	json_t *reply = NULL;

	if (given)
		TRY(cli_read_secret(cli, "Password", &password));
	else
		password = rand_text(PASSWORD_CHARS);
	json_t *body = json_pack("{s:s, s:s}", "name", name, "password", password);
	struct err *e = cli_call(cli, "POST", "/api/setup", body, &reply);
	json_decref(body);
	if (e != NULL && err_code(e) == ERR_CONFLICT) {
		err_free(e);
		e = err_hint(err_new(ERR_CONFLICT,
				     "it is initialised already: an administrator exists"),
			"mko user list, mko user passwd %s", name);
	}
	if (e == NULL)
		e = print_admin(cli, cli_json_text(reply, "user.name", name),
			given ? NULL : password);
	seal_wipe_free(password);
	json_decref(reply);
	return e;
}

static const struct cli_opt init_opts[] = {
	{.name = "name",
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.help = "name of the first administrator",
		.def = "admin"},
	{.name = "password-stdin",
		.kind = CLI_OPT_FLAG,
		.help = "read its password from stdin; without it a random one is made and shown once"},
};
const struct cli_cmd cmd_init = {
	.path = "init",
	.summary = "Prepare the data directory and make the first administrator",
	.doing = "initialise mko",
	.example = "mko init\nprintf %s \"$PASSWORD\" | mko init --password-stdin",
	.opts = init_opts,
	.n_opts = ARRAY_LEN(init_opts),
	.run = run_init,
};

static struct err *run_version(struct cli *cli)
{
	if (!cli_output_is_document(cli)) {
		(void)fprintf(cli->io->out, "mko %s\n", MKO_VERSION);
		return NULL;
	}
	json_t *json = json_pack("{s:s, s:s}", "name", "mko", "version", MKO_VERSION);
	struct err *e = cli_print_document(cli, json);
	json_decref(json);
	return e;
}

const struct cli_cmd cmd_version = {
	.path = "version",
	.summary = "Show the version of mko",
	.run = run_version,
};

static struct err *run_inventory(struct cli *cli)
{
	const char *host = cli_opt_text(cli, "host");
	json_t *inventory = NULL;

	if ((host != NULL) == cli_opt_given(cli, "list"))
		return err_new(ERR_USAGE, "either --list or --host NAME");
	TRY(cli_get(cli, "/api/inventory", NULL, &inventory));
	const json_t *shown = inventory;
	struct err *e = NULL;
	if (host != NULL)
		shown = json_object_get(cli_json_get(inventory, "_meta.hostvars"), host);
	if (shown == NULL)
		e = err_hint(err_new(ERR_NOT_FOUND, "no node \"%s\"", host), "mko node list");
	else
		e = cli_print_document(cli, shown);
	json_decref(inventory);
	return e;
}

static const struct cli_opt inventory_opts[] = {
	{.name = "list", .kind = CLI_OPT_FLAG, .help = "all groups, hosts and variables"},
	{.name = "host",
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.words = CLI_WORDS_NODES,
		.help = "variables of one host"},
};
const struct cli_cmd cmd_inventory = {
	.path = "inventory",
	.summary = "Print the nodes as an Ansible inventory (dynamic inventory protocol)",
	.details =
		"For plain Ansible: a script that runs `mko inventory \"$@\"` is an inventory for ansible -i.",
	.doing = "print the inventory",
	.example = "mko inventory --list\nmko inventory --host n1",
	.opts = inventory_opts,
	.n_opts = ARRAY_LEN(inventory_opts),
	.run = run_inventory,
};

static struct err *run_web(struct cli *cli)
{
	const struct config *config = NULL;
	const struct cli_serve options = {
		.listen = cli_opt_text(cli, "listen"),
		.tls_cert = cli_opt_text(cli, "tls-cert"),
		.tls_key = cli_opt_text(cli, "tls-key"),
		.insecure_http = cli_opt_given(cli, "insecure-http"),
	};

	if (cli->host->serve == NULL)
		return err_new(ERR_USAGE, "this program has no server in it");
	if ((options.tls_cert == NULL) != (options.tls_key == NULL))
		return err_new(ERR_USAGE, "--tls-cert and --tls-key need each other");
	TRY(cli_config(cli, &config));
	return cli->host->serve(cli->host->user, config, &options);
}

static const struct cli_opt web_opts[] = {
	{.name = "listen",
		.kind = CLI_OPT_TEXT,
		.meta = "ADDRESS:PORT",
		.help = "where to listen",
		.def = "web.listen of the configuration: 127.0.0.1:5000"},
	{.name = "tls-cert",
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.help = "certificate chain (PEM) for HTTPS"},
	{.name = "tls-key",
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.help = "private key (PEM) for HTTPS"},
	{.name = "insecure-http",
		.kind = CLI_OPT_FLAG,
		.help = "listen beyond this machine without TLS: passwords and tokens can be read on the way"},
};
const struct cli_cmd cmd_web = {
	.path = "web",
	.alias = "serve",
	.summary = "Run the server: web interface, REST API and everything that goes on by itself",
	.doing = "serve",
	.example = "mko web\nmko web --listen 0.0.0.0:5000 --tls-cert cert.pem --tls-key key.pem",
	.opts = web_opts,
	.n_opts = ARRAY_LEN(web_opts),
	.run = run_web,
};

static struct err *run_setup_code(struct cli *cli)
{
	json_t *reply = NULL;
	struct err *e = NULL;

	TRY(cli_get(cli, "/api/setup-code", NULL, &reply));
	if (cli_output_is_document(cli))
		e = cli_print_document(cli, reply);
	else
		(void)fprintf(cli->io->out, "%s\n", cli_json_text(reply, "code", ""));
	json_decref(reply);
	return e;
}

const struct cli_cmd cmd_system_setup_code = {
	.path = "system setup-code",
	.summary =
		"Show the one-time code that the web interface asks for before the first administrator exists",
	.doing = "show the set-up code",
	.noun = &noun_system,
	.run = run_setup_code,
};
