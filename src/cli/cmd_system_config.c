/* mko system config show, set, check. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/tables.h"

static const struct cli_column config_columns[] = {
	{"KEY", "key"},
	{"VALUE", "value"},
	{"DEFAULT", "default"},
	{"UNIT", "unit", .wide = true},
	{"RELOADABLE", "reloadable", CLI_SHOW_YES, .wide = true},
	{"MEANING", "help", .wide = true, .shrink = true},
};

static struct err *run_config_show(struct cli *cli)
{
	json_t *reply = NULL;

	TRY(cli_get(cli, "/api/config", NULL, &reply));
	struct err *e = cli_print_list(cli, config_columns, ARRAY_LEN(config_columns), "key",
		json_object_get(reply, "items"));
	json_decref(reply);
	return e;
}

const struct cli_cmd cmd_system_config_show = {
	.path = "system config show",
	.alias = "system config",
	.summary = "Show every setting with its value and default (-o wide: its meaning)",
	.doing = "show the configuration",
	.noun = &noun_system,
	.run = run_config_show,
};

/** The value of a key as its kind wants it; what does not fit is sent as text and refused by the
 * server with its reason. */
static json_t *value_json(const char *key, const char *text)
{
	const struct field *f = record_field(&config_type, key);
	int64_t number = 0;
	bool yes = false;
	struct err *e = NULL;
	json_t *value = NULL;

	if (text[0] == '\0')
		return json_null();
	if (f != NULL && f->kind == FIELD_I64) {
		e = parse_i64(text, INT64_MIN + 1, INT64_MAX, &number);
		value = e == NULL ? json_integer(number) : NULL;
	} else if (f != NULL && f->kind == FIELD_BOOL) {
		e = parse_bool(text, &yes);
		value = e == NULL ? json_boolean(yes) : NULL;
	}
	err_ignore(e);
	return value != NULL ? value : json_string(text);
}

static struct err *read_changes(const struct cli *cli, json_t *body)
{
	for (size_t i = 0; i < cli->n_args; i++) {
		const char *equals = strchr(cli->args[i], '=');
		if (equals == NULL || equals == cli->args[i])
			return err_hint(err_new(ERR_USAGE, "\"%s\" is not KEY=VALUE", cli->args[i]),
				"mko system config show    (lists the keys)");
		cleanup(mem_freep) char *key =
			mem_strndup(cli->args[i], (size_t)(equals - cli->args[i]));
		json_t *value = value_json(key, equals + 1);
		if (value == NULL)
			return err_new(ERR_USAGE, "%s: the value is not valid UTF-8", key);
		json_object_set_new(body, key, value);
	}
	return NULL;
}

static void tell_change(struct cli *cli, const json_t *reply)
{
	size_t i;
	const json_t *key;

	cli_note(cli, "written to %s", cli_json_text(reply, "file", "the configuration"));
	json_array_foreach(json_object_get(reply, "restart_required"), i, key)
		cli_note(cli, "%s takes effect when the server starts again: systemctl restart mko",
			json_string_value(key));
}

static struct err *run_config_set(struct cli *cli)
{
	json_t *body = json_object();
	json_t *reply = NULL;
	cleanup(mem_freep) char *etag = NULL;

	struct err *e = read_changes(cli, body);
	if (e == NULL)
		e = cli_get_etag(cli, "/api/config", &etag);
	if (e == NULL)
		e = cli_patch(cli, "/api/config", etag, body, &reply);
	if (e == NULL && cli_output_is_document(cli))
		e = cli_print_document(cli, reply);
	else if (e == NULL)
		tell_change(cli, reply);
	json_decref(body);
	json_decref(reply);
	return e;
}

static const struct cli_arg changes[] = {{.name = "KEY=VALUE",
	.repeat = true,
	.help = "setting and value; KEY= goes back to the default"}};
const struct cli_cmd cmd_system_config_set = {
	.path = "system config set",
	.summary = "Change settings in the configuration file; comments stay",
	.details =
		"What may be changed while the server runs takes effect at once; the command says what needs a restart.",
	.doing = "change the configuration",
	.example = "mko system config set web.session_hours=8 log.level=debug",
	.noun = &noun_system,
	.args = changes,
	.n_args = ARRAY_LEN(changes),
	.run = run_config_set,
};

static struct err *run_config_check(struct cli *cli)
{
	struct config config;
	const char *path = cli->n_args > 0 ? cli->args[0] : cli_opt_text(cli, "config");

	if (cli->host->load_config == NULL)
		return err_new(ERR_USAGE, "this program reads no configuration");
	struct err *e = cli->host->load_config(cli->host->user, path, &config);
	if (e == NULL) {
		cleanup(mem_freep) char *shown = cli_esc(config.file);
		(void)fprintf(cli->io->out, "%s: good\n", shown);
	}
	record_done(&config_type, &config);
	return e;
}

static const struct cli_arg check_args[] = {{.name = "FILE",
	.optional = true,
	.words = CLI_WORDS_FILES,
	.help = "file to check; without it the one that mko would read"}};
const struct cli_cmd cmd_system_config_check = {
	.path = "system config check",
	.summary = "Check a configuration file: every wrong line is named",
	.doing = "accept the configuration",
	.example = "mko system config check /etc/mko/mko.yaml",
	.noun = &noun_system,
	.args = check_args,
	.n_args = ARRAY_LEN(check_args),
	.run = run_config_check,
};
