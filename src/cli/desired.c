/* Owns how differences between a cluster and its file look. */
#include "cli/desired.h"

#include <string.h>

#include "base/mem.h"
#include "cli/client.h"
#include "cli/style.h"

static const struct {
	const char *action;
	char sign;
	enum style style;
} rows[] = {
	{"add", '+', STYLE_GOOD},
	{"change", '~', STYLE_WARN},
	{"remove", '-', STYLE_BAD},
};

static void print_line(struct cli *cli, char sign, enum style style, const json_t *line)
{
	cleanup(mem_freep) char *object = cli_esc(cli_json_text(line, "object", "?"));
	cleanup(mem_freep) char *reason = cli_esc(cli_json_text(line, "reason", "?"));

	(void)fprintf(cli->io->out, "  %s%c%s %s: %s\n", style_on(cli->color_out, style), sign,
		style_off(cli->color_out), object, reason);
}

void cli_print_difference(struct cli *cli, const char *name, const json_t *difference)
{
	size_t counts[ARRAY_LEN(rows)] = {0};
	cleanup(mem_freep) char *shown = cli_esc(name);
	size_t i;
	const json_t *line;

	if (json_array_size(cli_json_get(difference, "changes")) == 0)
		(void)fprintf(cli->io->out, "cluster %s: no changes\n", shown);
	else
		(void)fprintf(cli->io->out, "cluster %s:\n", shown);
	json_array_foreach(cli_json_get(difference, "changes"), i, line) {
		const char *action = cli_json_text(line, "action", "");
		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			if (strcmp(rows[k].action, action) != 0)
				continue;
			print_line(cli, rows[k].sign, rows[k].style, line);
			counts[k]++;
		}
	}
	json_array_foreach(cli_json_get(difference, "notes"), i, line)
		print_line(cli, '!', STYLE_WARN, line);
	if (counts[0] + counts[1] + counts[2] > 0)
		(void)fprintf(cli->io->out, "%zu to add, %zu to change, %zu to remove\n", counts[0],
			counts[1], counts[2]);
}
