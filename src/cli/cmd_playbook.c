/* mko playbook list, show: what operations run. */
#include <string.h>

#include "base/mem.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/tables.h"

const struct cli_cmd cmd_playbook_list = {
	.path = "playbook list",
	.summary = "List the playbooks with what they act on and how dangerous they are",
	.doing = "list the playbooks",
	.example = "mko playbook list",
	.noun = &noun_playbook,
	.sets = {&cli_list_options},
	.run = cli_run_list,
};

/** The text as it is in the file, but nothing that a terminal would obey. */
static void print_text(struct cli *cli, const json_t *playbook)
{
	cleanup(mem_freep) char *copy = mem_strdup(cli_json_text(playbook, "text", ""));
	char *rest = copy;

	(void)fputc('\n', cli->io->out);
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		cleanup(mem_freep) char *shown = cli_esc(line);
		if (rest != NULL || line[0] != '\0')
			(void)fprintf(cli->io->out, "%s\n", shown);
	}
}

static struct err *run_show(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("playbooks", cli->args[0], NULL);
	json_t *playbook = NULL;

	cli_what(cli, "show playbook %s", cli->args[0]);
	TRY(cli_get(cli, path, NULL, &playbook));
	struct err *e = NULL;
	if (cli->output == CLI_TABLE || cli->output == CLI_WIDE) {
		json_t *rest = json_copy(playbook);
		json_object_del(rest, "text");
		e = cli_print_object(cli, "name", rest);
		json_decref(rest);
		print_text(cli, playbook);
	} else {
		e = cli_print_object(cli, "name", playbook);
	}
	json_decref(playbook);
	return e;
}

static const struct cli_arg one_playbook[] = {
	{.name = "PLAYBOOK", .words = CLI_WORDS_PLAYBOOKS, .help = "name"}};
const struct cli_cmd cmd_playbook_show = {
	.path = "playbook show",
	.summary = "Show a playbook: its variables, and its text",
	.example = "mko playbook show node_status",
	.noun = &noun_playbook,
	.args = one_playbook,
	.n_args = ARRAY_LEN(one_playbook),
	.run = run_show,
};
