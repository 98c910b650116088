/* mko spec openapi|api|cli|config|checks|cluster-file: what the program's tables say about it. */
#include <string.h>

#include "base/mem.h"
#include "cli/output.h"
#include "cli/spec.h"
#include "cli/tables.h"
#include "model/desired.h"

static void print_text(struct cli *cli, void (*make)(struct str *out))
{
	cleanup(str_done) struct str text = STR_INIT;

	make(&text);
	(void)fputs(str_get(&text), cli->io->out);
}

static struct err *print_json(struct cli *cli, json_t *take_json)
{
	struct err *e = cli_print_document(cli, take_json);

	json_decref(take_json);
	return e;
}

static struct err *print_api(struct cli *cli, bool page)
{
	cleanup(str_done) struct str text = STR_INIT;

	if (cli->host->openapi == NULL)
		return err_new(ERR_USAGE, "this program has no API in it");
	json_t *document = cli->host->openapi(cli->host->user);
	if (!page)
		return print_json(cli, document);
	cli_spec_api_markdown(document, &text);
	(void)fputs(str_get(&text), cli->io->out);
	json_decref(document);
	return NULL;
}

static struct err *run_spec(struct cli *cli)
{
	const char *kind = cli->args[0];
	bool config = strcmp(kind, "config") == 0;

	if (strcmp(kind, "checks") == 0 && !cli_output_is_document(cli)) {
		print_text(cli, cli_spec_checks_markdown);
		return NULL;
	}
	if (strcmp(kind, "checks") == 0)
		return print_json(cli, cli_spec_checks_json());
	if (strcmp(kind, "openapi") == 0 || strcmp(kind, "api") == 0)
		return print_api(cli, strcmp(kind, "api") == 0 && !cli_output_is_document(cli));
	if (strcmp(kind, "cluster-file") == 0)
		return print_json(cli, desired_schema());
	if (config && cli->output == CLI_YAML) /* a configuration file to begin with */
		print_text(cli, cli_spec_config_yaml);
	else if (cli_output_is_document(cli))
		return print_json(cli, config ? cli_spec_config_json() : cli_spec_cli_json());
	else
		print_text(cli, config ? cli_spec_config_markdown : cli_spec_cli_markdown);
	return NULL;
}

static const char *const kinds[] = {"openapi", "api", "cli", "config", "checks", "cluster-file",
	NULL};
static const struct cli_arg args[] = {{.name = "KIND",
	.choices = kinds,
	.help = "openapi, api, cli, config, checks or cluster-file"}};
const struct cli_cmd cmd_spec = {
	.path = "spec",
	.summary =
		"Print the specification of the REST API, the command line, the configuration, the checks or cluster files",
	.details =
		"openapi is JSON (or -o yaml). api, cli, config and checks are Markdown, or -o json; config -o yaml is a configuration file with every key. "
		"cluster-file is the JSON Schema of what mko cluster apply takes.",
	.example = "mko spec openapi >openapi.json\nmko spec config -o yaml >mko.yaml",
	.args = args,
	.n_args = ARRAY_LEN(args),
	.run = run_spec,
};
