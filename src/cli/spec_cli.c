/* The command line's specification, from the tables of commands. */
#include <string.h>

#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/help.h"
#include "cli/spec.h"

static const struct {
	int code;
	const char *means;
} exit_codes[] = {
	{0, "done, and it is true"},
	{1, "the operation ran and failed, or a check found a problem"},
	{2, "wrong usage, invalid input"},
	{3, "no such object"},
	{4, "conflict or precondition: name taken, target locked, quorum at risk, not confirmed"},
	{5, "not logged in or not allowed"},
	{6, "unreachable: server, node, UPS"},
	{7, "timed out"},
	{8, "cancelled"},
	{9, "some hosts succeeded and some failed"},
	{70, "internal error"},
	{130, "interrupted"},
};

static const char *const opt_kinds[CLI_OPT_KIND_N_] = {
	[CLI_OPT_FLAG] = "flag",
	[CLI_OPT_UNFLAG] = "flag",
	[CLI_OPT_TEXT] = "text",
	[CLI_OPT_NUMBER] = "number",
	[CLI_OPT_DURATION] = "duration",
	[CLI_OPT_CHOICE] = "choice",
	[CLI_OPT_LIST] = "list",
	[CLI_OPT_PAIRS] = "pairs",
};

/** Text in a cell of a Markdown table. */
static void add_cell(struct str *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '|' || *p == '<' || *p == '*')
			str_addc(out, '\\');
		if (*p == '\n')
			str_addc(out, ' ');
		else
			str_addc(out, *p);
	}
}

static void option_row(struct str *out, const struct cli_cmd *cmd, const struct cli_opt *opt)
{
	cleanup(str_done) struct str syntax = STR_INIT;
	const char *def = cli_opt_default(cmd, opt);

	cli_opt_syntax(opt, true, &syntax);
	str_adds(out, "| `");
	for (const char *p = str_get(&syntax); *p != '\0'; p++)
		str_addf(out, *p == '|' ? "\\%c" : "%c", *p);
	str_adds(out, "` | ");
	add_cell(out, cli_opt_help(cmd, opt));
	if (opt->required)
		str_adds(out, " (required)");
	else if (def != NULL && def[0] != '\0') {
		str_adds(out, " (default: ");
		add_cell(out, def);
		str_addc(out, ')');
	}
	str_adds(out, " |\n");
}

static void options_table(struct str *out, const struct cli_cmd *cmd)
{
	struct cli_opt_ref refs[CLI_OPTS_MAX];
	size_t n = cli_opts_of(cmd, refs);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		bool global = strcmp(refs[i].title, cli_global_options.title) == 0;
		if (global == (cmd != NULL))
			continue;
		if (!any)
			str_adds(out, "\n| option | meaning |\n| --- | --- |\n");
		any = true;
		option_row(out, cmd, refs[i].opt);
	}
}

static void command_section(struct str *out, const struct cli_cmd *cmd)
{
	cleanup(str_done) struct str usage = STR_INIT;

	cli_usage(cmd, &usage);
	str_addf(out, "\n### mko %s\n\n%s.", cmd->path, cmd->summary);
	if (cmd->details != NULL)
		str_addf(out, " %s", cmd->details);
	if (cmd->alias != NULL)
		str_addf(out, " Also: `mko %s`.", cmd->alias);
	str_addf(out, "\n\n```\n%s\n```\n", str_get(&usage));
	for (size_t i = 0; i < cmd->n_args; i++)
		str_addf(out, "%s- `%s`: %s\n", i == 0 ? "\n" : "", cmd->args[i].name,
			cmd->args[i].help);
	options_table(out, cmd);
	if (cmd->example != NULL)
		str_addf(out, "\nExamples:\n\n```\n%s\n```\n", cmd->example);
}

void cli_spec_cli_markdown(struct str *out)
{
	str_adds(out,
		"# Command line\n\nMade by `mko spec cli` from the program's tables; do not edit.\n\n"
		"`mko NOUN VERB [ARGUMENTS] [OPTIONS]`. What takes a number also takes a name. Data goes to stdout, all else to stderr.\n"
		"\n## Exit codes\n\n| code | means |\n| --- | --- |\n");
	for (size_t i = 0; i < ARRAY_LEN(exit_codes); i++)
		str_addf(out, "| %d | %s |\n", exit_codes[i].code, exit_codes[i].means);
	str_adds(out, "\n## Global options\n");
	options_table(out, NULL);
	str_adds(out, "\n## Commands\n");
	for (size_t i = 0; i < cli_cmds_n; i++)
		if ((cli_cmds[i]->flags & CLI_CMD_HIDDEN) == 0)
			command_section(out, cli_cmds[i]);
}

static json_t *opt_json(const struct cli_cmd *cmd, const struct cli_opt *opt)
{
	json_t *json = json_pack("{s:s, s:s, s:b, s:s}", "name", opt->name, "kind",
		opt_kinds[opt->kind], "required", opt->required, "help", cli_opt_help(cmd, opt));
	const char letter[2] = {opt->letter, '\0'};
	const char *def = cli_opt_default(cmd, opt);

	if (opt->letter != 0)
		json_object_set_new(json, "letter", json_string(letter));
	if (opt->meta != NULL)
		json_object_set_new(json, "value", json_string(opt->meta));
	if (def != NULL)
		json_object_set_new(json, "default", json_string(def));
	if (opt->kind == CLI_OPT_CHOICE) {
		json_t *choices = json_array();
		for (size_t i = 0; opt->choices->texts[i] != NULL; i++)
			json_array_append_new(choices, json_string(opt->choices->texts[i]));
		json_object_set_new(json, "choices", choices);
	}
	return json;
}

static json_t *options_json(const struct cli_cmd *cmd)
{
	struct cli_opt_ref refs[CLI_OPTS_MAX];
	size_t n = cli_opts_of(cmd, refs);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if ((strcmp(refs[i].title, cli_global_options.title) == 0) == (cmd == NULL))
			json_array_append_new(list, opt_json(cmd, refs[i].opt));
	return list;
}

static json_t *command_json(const struct cli_cmd *cmd)
{
	json_t *args = json_array();

	for (size_t i = 0; i < cmd->n_args; i++)
		json_array_append_new(args,
			json_pack("{s:s, s:b, s:b, s:s}", "name", cmd->args[i].name, "optional",
				cmd->args[i].optional, "repeat", cmd->args[i].repeat, "help",
				cmd->args[i].help));
	json_t *json = json_pack("{s:s, s:s, s:o, s:o}", "path", cmd->path, "summary", cmd->summary,
		"args", args, "options", options_json(cmd));
	if (cmd->alias != NULL)
		json_object_set_new(json, "alias", json_string(cmd->alias));
	if (cmd->example != NULL)
		json_object_set_new(json, "example", json_string(cmd->example));
	return json;
}

json_t *cli_spec_cli_json(void)
{
	json_t *commands = json_array();
	json_t *codes = json_array();

	for (size_t i = 0; i < cli_cmds_n; i++)
		if ((cli_cmds[i]->flags & CLI_CMD_HIDDEN) == 0)
			json_array_append_new(commands, command_json(cli_cmds[i]));
	for (size_t i = 0; i < ARRAY_LEN(exit_codes); i++)
		json_array_append_new(codes,
			json_pack("{s:i, s:s}", "code", exit_codes[i].code, "means",
				exit_codes[i].means));
	return json_pack("{s:o, s:o, s:o}", "commands", commands, "global_options",
		options_json(NULL), "exit_codes", codes);
}
