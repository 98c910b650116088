/* Completion. The scripts hand all words to `mko __complete`, which answers from the same tables as
 * the parser and help. */
#include "cli/complete.h"

#include <string.h>

#include "base/mem.h"
#include "cli/client.h"
#include "cli/tables.h"

static const char bash_script[] =
	"# bash completion for mko: mko completion bash >/etc/bash_completion.d/mko\n"
	"_mko() {\n"
	"\tlocal word line\n"
	"\tlocal IFS=$'\\n'\n"
	"\tlocal -a words=(\"${COMP_WORDS[@]:1:COMP_CWORD}\")\n"
	"\tCOMPREPLY=()\n"
	"\tfor line in $(\"${COMP_WORDS[0]}\" __complete -- \"${words[@]}\" 2>/dev/null); do\n"
	"\t\tword=${line%%$'\\t'*}\n"
	"\t\tif [ \"$word\" = :files ]; then\n"
	"\t\t\tcompopt -o default\n"
	"\t\telse\n"
	"\t\t\tCOMPREPLY+=(\"$word\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"}\n"
	"complete -F _mko mko\n";

static const char zsh_script[] =
	"#compdef mko\n"
	"# zsh completion for mko: mko completion zsh >\"${fpath[1]}/_mko\"\n"
	"_mko() {\n"
	"\tlocal line word\n"
	"\tlocal -a answers\n"
	"\tfor line in ${(f)\"$($words[1] __complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\"}; do\n"
	"\t\tword=${line%%$'\\t'*}\n"
	"\t\tif [[ $word == :files ]]; then\n"
	"\t\t\t_files\n"
	"\t\telse\n"
	"\t\t\tanswers+=(\"${word//:/\\\\:}:${line#*$'\\t'}\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\t(( $#answers )) && _describe mko answers\n"
	"}\n"
	"compdef _mko mko\n";

static const char fish_script[] =
	"# fish completion for mko: mko completion fish >~/.config/fish/completions/mko.fish\n"
	"function __mko_complete\n"
	"\tset -l words (commandline -opc) (commandline -ct)\n"
	"\tfor line in (mko __complete -- $words[2..-1] 2>/dev/null)\n"
	"\t\tif string match -q ':files*' -- $line\n"
	"\t\t\t__fish_complete_path (commandline -ct)\n"
	"\t\telse\n"
	"\t\t\techo $line\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"complete -c mko -f -a '(__mko_complete)'\n";

static const struct {
	const char *shell, *script;
} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

const char *cli_complete_script(const char *shell)
{
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		if (strcmp(scripts[i].shell, shell) == 0)
			return scripts[i].script;
	return NULL;
}

/** A completion being made. */
struct completion {
	struct cli *cli;
	const char *prefix; /**< what is typed of the word */
	struct str *out;
};

static void offer(struct completion *c, const char *word, const char *description)
{
	if (strncmp(word, c->prefix, strlen(c->prefix)) != 0)
		return;
	str_add_printable(c->out, word);
	str_addc(c->out, '\t');
	str_add_printable(c->out, description);
	str_addc(c->out, '\n');
}

/** Names of the objects of a noun. Errors mean no names. */
static void offer_names(struct completion *c, const struct cli_noun *noun)
{
	json_t *items = NULL;
	const json_t *item = NULL;
	size_t i = 0;

	c->cli->lock_wait_ms = 0; /* a key was pressed: an answer now or none */
	struct err *e = cli_get_list(c->cli, noun->collection, NULL, 500, &items);
	err_ignore(e); /* completion has nothing to say about it */
	json_array_foreach(items, i, item) {
		cleanup(mem_freep) char *number =
			mem_printf("%lld", (long long)cli_json_i64(item, "id", 0));
		const char *description = cli_json_text(item, "status", noun->name);
		offer(c, cli_json_text(item, noun->key, number),
			noun == &noun_operation ? cli_json_text(item, "name", description)
						: description);
	}
	json_decref(items);
}

static void offer_types(struct completion *c)
{
	json_t *reply = NULL;
	const json_t *item = NULL;
	size_t i = 0;
	struct err *e = cli_get(c->cli, "/api/operation-types", NULL, &reply);

	err_ignore(e); /* as above */
	json_array_foreach(json_object_get(reply, "items"), i, item)
		offer(c, cli_json_text(item, "name", ""), cli_json_text(item, "summary", ""));
	json_decref(reply);
}

static void offer_words(struct completion *c, enum cli_words words)
{
	if (words == CLI_WORDS_NONE)
		return;
	if (words == CLI_WORDS_FILES) {
		str_adds(c->out, ":files\t\n");
		return;
	}
	if (words == CLI_WORDS_OP_TYPES) {
		offer_types(c);
		return;
	}
	for (size_t i = 0; cli_nouns[i] != NULL; i++)
		if (cli_nouns[i]->words == words)
			offer_names(c, cli_nouns[i]);
}

static void offer_texts(struct completion *c, const char *const *texts)
{
	for (size_t i = 0; texts[i] != NULL; i++)
		offer(c, texts[i], "");
}

static void offer_option_value(struct completion *c, const struct cli_opt *opt)
{
	if (opt->kind == CLI_OPT_CHOICE)
		offer_texts(c, opt->choices->texts);
	else
		offer_words(c, opt->words);
}

static void offer_options(struct completion *c, const struct cli_cmd *cmd)
{
	struct cli_opt_ref refs[CLI_OPTS_MAX];
	size_t n = cli_opts_of(cmd, refs);

	for (size_t i = 0; i < n; i++) {
		cleanup(mem_freep) char *word = mem_printf("--%s", refs[i].opt->name);
		offer(c, word, cli_opt_help(cmd, refs[i].opt));
	}
}

/** The next words below a path, each once. */
static void offer_verbs(struct completion *c, const char *path)
{
	size_t len = strlen(path);
	cleanup(str_done) struct str seen = STR_INIT;

	for (size_t i = 0; i < cli_cmds_n; i++) {
		const char *rest = cli_cmds[i]->path;
		if ((cli_cmds[i]->flags & CLI_CMD_HIDDEN) != 0)
			continue;
		if (len > 0 && (strncmp(rest, path, len) != 0 || rest[len] != ' '))
			continue;
		rest += len > 0 ? len + 1 : 0;
		cleanup(mem_freep) char *word = mem_strndup(rest, strcspn(rest, " "));
		cleanup(mem_freep) char *mark = mem_printf("|%s|", word);
		if (strstr(str_get(&seen), mark) != NULL)
			continue;
		str_adds(&seen, mark);
		const struct cli_noun *noun = len == 0 ? cli_noun_find(word) : NULL;
		offer(c, word, noun != NULL ? noun->summary : cli_cmds[i]->summary);
	}
}

/** The option whose value the word is, NULL when it is none. */
static const struct cli_opt *option_before(const struct cli_cmd *cmd, const char *word)
{
	struct cli_opt_ref refs[CLI_OPTS_MAX];
	size_t n = cli_opts_of(cmd, refs);

	for (size_t i = 0; i < n; i++) {
		const struct cli_opt *opt = refs[i].opt;
		bool takes = opt->kind != CLI_OPT_FLAG && opt->kind != CLI_OPT_UNFLAG;
		bool is_long = strncmp(word, "--", 2) == 0 && strcmp(word + 2, opt->name) == 0;
		bool is_short = opt->letter != 0 && word[0] == '-' && word[1] == opt->letter &&
			word[2] == '\0';
		if (takes && (is_long || is_short))
			return opt;
	}
	return NULL;
}

/** What was typed before the word. */
struct typed {
	struct str path;
	const struct cli_cmd *cmd;
	size_t n_args;
	const struct cli_opt *open; /**< option that waits for its value */
};

/** Take one more word of a path: "cluster certs" is a command, and so is "cluster certs renew". */
static bool take_path_word(struct typed *t, const char *word)
{
	cleanup(mem_freep) char *longer =
		mem_printf("%s%s%s", str_get(&t->path), t->path.len > 0 ? " " : "", word);
	const struct cli_cmd *cmd = cli_cmd_find(longer);

	if (t->cmd != NULL && (cmd == NULL || t->n_args > 0))
		return false;
	t->cmd = cmd;
	str_reset(&t->path);
	str_adds(&t->path, longer);
	return true;
}

static void take_words(struct typed *t, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (t->open != NULL) {
			t->open = NULL;
		} else if (words[i][0] == '-') {
			t->open = option_before(t->cmd, words[i]);
		} else if (!take_path_word(t, words[i])) {
			t->n_args++;
		}
	}
}

static void offer_argument(struct completion *c, const struct typed *t)
{
	const struct cli_cmd *cmd = t->cmd;
	size_t i = t->n_args;

	if (cmd->n_args == 0)
		return;
	if (i >= cmd->n_args && cmd->args[cmd->n_args - 1].repeat)
		i = cmd->n_args - 1;
	if (i >= cmd->n_args)
		return;
	if (cmd->args[i].choices != NULL)
		offer_texts(c, cmd->args[i].choices);
	else
		offer_words(c, cmd->args[i].words);
}

void cli_complete(struct cli *cli, const char *const *words, size_t n, struct str *out)
{
	struct completion c = {.cli = cli, .prefix = n > 0 ? words[n - 1] : "", .out = out};
	struct typed t = {.path = STR_INIT };

	take_words(&t, words, n > 0 ? n - 1 : 0);
	if (t.open != NULL)
		offer_option_value(&c, t.open);
	else if (c.prefix[0] == '-')
		offer_options(&c, t.cmd);
	else if (t.cmd != NULL)
		offer_argument(&c, &t);
	if (t.open == NULL && c.prefix[0] != '-' && t.n_args == 0)
		offer_verbs(&c, str_get(&t.path));
	str_done(&t.path);
}
