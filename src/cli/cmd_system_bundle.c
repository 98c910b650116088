/* mko system support-bundle: what somebody who helps needs, without secrets and addresses. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/tables.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/prompt.h"

#define KEY_FILE_MAX 16384

/* The key itself, or the first line of a file that is no comment. */
static struct err *read_key(const char *given, char **ret_key)
{
	char *text = NULL;

	if (strncmp(given, "age1", 4) == 0 || strncmp(given, "ssh-", 4) == 0) {
		*ret_key = mem_strdup(given);
		return NULL;
	}
	struct err *e = fs_read(given, KEY_FILE_MAX, &text, NULL);
	if (e != NULL)
		return err_hint(err_wrap(e, "--encrypt"),
			"--encrypt age1... or the path of a public key, such as ~/.ssh/id_ed25519.pub");
	const char *line = text;
	while (*line == '#' || *line == '\n')
		line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
	*ret_key = mem_strndup(line, strcspn(line, "\r\n"));
	mem_free(text);
	return NULL;
}

/* Let the nodes be inspected. @ret_id I64_NONE: not asked for */
static struct err *inspect(struct cli *cli, const char *cluster, int64_t *ret_id)
{
	json_t *final = NULL;

	*ret_id = I64_NONE;
	if (!cli_opt_given(cli, "inspect"))
		return NULL;
	if (cluster == NULL)
		return err_hint(err_new(ERR_USAGE, "--inspect needs --cluster"),
			"mko system support-bundle --cluster prod --inspect");
	json_t *body = json_pack("{s:s, s:s}", "type", "cluster.inspect", "target", cluster);
	struct err *e = cli_operate(cli, "/api/operations", body, &final);
	*ret_id = cli_json_i64(final, "id", I64_NONE);
	json_decref(final);
	if (e == NULL || *ret_id == I64_NONE)
		return e;
	cli_note(cli, "some nodes gave no report: %s", err_message(e)); /* the others did */
	err_free(e);
	return NULL;
}

static char *default_name(bool encrypted)
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
	return mem_printf("mko-support-%s.tar.gz%s", when, encrypted ? ".age" : "");
}

static struct err *write_bundle(struct cli *cli, const char *data, size_t len, bool encrypted)
{
	const char *asked = cli_opt_text(cli, "file");
	cleanup(mem_freep) char *file = asked != NULL ? mem_strdup(asked) : default_name(encrypted);

	if (asked != NULL && strcmp(asked, "-") == 0) {
		(void)fwrite(data, 1, len, cli->io->out);
		return NULL;
	}
	struct err *e = fs_write_new(file, data, len, 0600);
	if (e != NULL)
		return err_hint(e, "mko system support-bundle --file ANOTHER_FILE");
	cleanup(mem_freep) char *shown = cli_esc(file);
	cli_note(cli, "written to %s (%zu KiB); what was masked: %s%s%s", shown,
		(len + 1023) / 1024, encrypted ? "age -d -i PRIVATE_KEY " : "tar -xzOf ", shown,
		encrypted ? " | tar -xzO manifest.json" : " manifest.json");
	return NULL;
}

static struct err *run(struct cli *cli)
{
	const char *cluster = cli_opt_text(cli, "cluster");
	cleanup(mem_freep) char *key = NULL;
	cleanup(str_done) struct str query = STR_INIT;
	char *data = NULL;
	size_t len = 0;
	int64_t inspection;

	if (cli_opt_given(cli, "encrypt"))
		TRY(read_key(cli_opt_text(cli, "encrypt"), &key));
	TRY(inspect(cli, cluster, &inspection));
	if (cluster != NULL)
		cli_query_add(&query, "cluster", cluster);
	if (key != NULL)
		cli_query_add(&query, "recipient", key);
	if (inspection != I64_NONE) {
		cleanup(mem_freep) char *number = mem_printf("%lld", (long long)inspection);
		cli_query_add(&query, "inspection", number);
	}
	TRY(cli_get_text(cli, "/api/support-bundle", str_get(&query), &data, &len));
	struct err *e = write_bundle(cli, data, len, key != NULL);
	mem_free(data);
	return e;
}

static const struct cli_opt opts[] = {
	{.name = "cluster",
		.kind = CLI_OPT_TEXT,
		.meta = "CLUSTER",
		.words = CLI_WORDS_CLUSTERS,
		.help = "only this cluster, its nodes and operations; without it: everything"},
	{.name = "inspect",
		.kind = CLI_OPT_FLAG,
		.help = "run microk8s inspect on each node of --cluster first, and put the reports in"},
	{.name = "encrypt",
		.kind = CLI_OPT_TEXT,
		.meta = "KEY",
		.help = "encrypt to a public key of age or SSH (age1..., ssh-ed25519 ..., or a file with one); the server needs the program age"},
	{.name = "file",
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.help = "where to write it, a new file; - for standard output (default: mko-support-TIME.tar.gz)"},
};

const struct cli_cmd cmd_system_support_bundle = {
	.path = "system support-bundle",
	.summary = "Pack what somebody who helps needs to see, with secrets and addresses masked",
	.details =
		"An archive with inventory, operations and their logs, findings, settings, versions, the server's doctor and journal. Passwords, keys "
		"and tokens are taken out; the same address gets the same number everywhere. manifest.json in it lists every file with its checksum and "
		"what was masked by which rule. Names of hosts stay.",
	.example =
		"mko system support-bundle\nmko system support-bundle --cluster prod --inspect\nmko system support-bundle --encrypt "
		"~/.ssh/id_ed25519.pub --file bundle.tar.gz.age",
	.doing = "make a support bundle",
	.noun = &noun_system,
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.run = run,
};
