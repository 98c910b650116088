/* Looking up commands, nouns and options in the tables. Pure. */
#include "cli/cmd.h"

#include <string.h>

#include "base/mem.h"

const struct cli_cmd *cli_cmd_find(const char *path)
{
	for (size_t i = 0; i < cli_cmds_n; i++) {
		const struct cli_cmd *cmd = cli_cmds[i];
		if (strcmp(cmd->path, path) == 0 ||
			(cmd->alias != NULL && strcmp(cmd->alias, path) == 0))
			return cmd;
	}
	return NULL;
}

bool cli_cmd_is_group(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < cli_cmds_n; i++)
		if (strncmp(cli_cmds[i]->path, path, len) == 0 && cli_cmds[i]->path[len] == ' ')
			return true;
	return false;
}

const struct cli_noun *cli_noun_find(const char *name)
{
	for (size_t i = 0; cli_nouns[i] != NULL; i++)
		if (strcmp(cli_nouns[i]->name, name) == 0)
			return cli_nouns[i];
	return NULL;
}

/** The record's field behind an option, NULL when there is none. */
static const struct field *opt_field(const struct cli_cmd *cmd, const struct cli_opt *opt)
{
	if (cmd == NULL || cmd->noun == NULL || cmd->noun->type == NULL || opt->field == NULL)
		return NULL;
	return record_field(cmd->noun->type, opt->field);
}

const char *cli_opt_help(const struct cli_cmd *cmd, const struct cli_opt *opt)
{
	const struct field *f = opt_field(cmd, opt);

	if (opt->help != NULL)
		return opt->help;
	return f != NULL && f->help != NULL ? f->help : "";
}

const char *cli_opt_default(const struct cli_cmd *cmd, const struct cli_opt *opt)
{
	const struct field *f = opt_field(cmd, opt);

	if (opt->def != NULL)
		return opt->def;
	/* On a change nothing given means nothing changed. */
	bool changes = cmd != NULL && strstr(cmd->path, " edit") != NULL;
	return f != NULL && !changes ? f->def : NULL;
}

static size_t add_refs(struct cli_opt_ref *refs, size_t n, const char *title,
	const struct cli_opt *opts, size_t n_opts)
{
	for (size_t i = 0; i < n_opts; i++) {
		must(n < CLI_OPTS_MAX);
		refs[n++] = (struct cli_opt_ref){title, &opts[i]};
	}
	return n;
}

static bool is_named(const struct cli_opt_ref *refs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(refs[i].opt->name, name) == 0)
			return true;
	}
	return false;
}

size_t cli_opts_of(const struct cli_cmd *cmd, struct cli_opt_ref ret_refs[static CLI_OPTS_MAX])
{
	size_t n = 0;

	if (cmd != NULL) {
		n = add_refs(ret_refs, n, "Options", cmd->opts, cmd->n_opts);
		for (size_t i = 0; i < ARRAY_LEN(cmd->sets) && cmd->sets[i] != NULL; i++)
			n = add_refs(ret_refs, n, cmd->sets[i]->title, cmd->sets[i]->opts,
				cmd->sets[i]->n);
	}
	size_t n_own = n;
	for (size_t i = 0; i < cli_global_options.n; i++) {
		const struct cli_opt *global = &cli_global_options.opts[i];
		if (!is_named(ret_refs, n_own, global->name))
			n = add_refs(ret_refs, n, cli_global_options.title, global, 1);
	}
	return n;
}
