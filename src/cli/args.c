/* Parsing of the command line. getopt_long() is built from the tables; first the words that lead to
 * a command are taken, with global options between them, then the rest is parsed with the command's
 * own options too. */
#include "cli/args.h"

#include <getopt.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/suggest.h"
#include "cli/client.h"

#define LONG_BASE 256 /* getopt's value of option i is LONG_BASE + i */
#define LETTERS_MAX (2 * CLI_OPTS_MAX + 3)

/** What getopt_long() needs, built from a command's options. */
struct parser {
	struct option longs[CLI_OPTS_MAX + 1];
	char letters[LETTERS_MAX];
	struct err *invalid; /**< wrong values so far */
	bool help, version;
};

static bool takes_value(const struct cli_opt *opt)
{
	return opt->kind != CLI_OPT_FLAG && opt->kind != CLI_OPT_UNFLAG;
}

/** Take the options of cmd into cli->values (keeping what was given) and into getopt's tables. */
static void parser_set(struct cli *cli, struct parser *p, const struct cli_cmd *cmd, bool permute)
{
	struct cli_opt_ref refs[CLI_OPTS_MAX];
	struct cli_value old[CLI_OPTS_MAX];
	size_t n_old = cli->n_values;
	size_t n = cli_opts_of(cmd, refs);
	size_t len = 0;

	memcpy(old, cli->values, sizeof(old));
	memset(cli->values, 0, sizeof(cli->values));
	memset(p->longs, 0, sizeof(p->longs));
	if (!permute)
		p->letters[len++] = '+'; /* stop at the first word */
	p->letters[len++] = ':';         /* tell a missing value from an unknown option */
	for (size_t i = 0; i < n; i++) {
		const struct cli_opt *opt = refs[i].opt;
		cli->values[i].opt = opt;
		for (size_t j = 0; j < n_old; j++)
			if (old[j].opt == opt)
				cli->values[i] = old[j];
		p->longs[i] = (struct option){opt->name,
			takes_value(opt) ? required_argument : no_argument, NULL,
			LONG_BASE + (int)i};
		if (opt->letter != 0)
			p->letters[len++] = opt->letter;
		if (opt->letter != 0 && takes_value(opt))
			p->letters[len++] = ':';
	}
	p->letters[len] = '\0';
	cli->n_values = n;
}

static void add_list(struct cli_value *v, const char *text)
{
	if (v->list == NULL)
		v->list = json_array();
	while (*text != '\0') {
		size_t len = strcspn(text, ",");
		if (len > 0)
			json_array_append_new(v->list, json_stringn(text, len));
		text += len;
		text += *text == ',' ? 1 : 0;
	}
}

static struct err *add_pair(struct cli_value *v, const char *text)
{
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals == text)
		return err_new(ERR_INVALID, "must be NAME=VALUE");
	if (v->list == NULL)
		v->list = json_object();
	cleanup(mem_freep) char *name = mem_strndup(text, (size_t)(equals - text));
	json_t *value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
	if (value == NULL)
		value = json_string(equals + 1);
	if (value == NULL || json_object_set_new(v->list, name, value) != 0)
		return err_new(ERR_INVALID, "is not valid UTF-8");
	return NULL;
}

static struct err *check_choice(const struct enum_table *table, const char *text)
{
	cleanup(str_done) struct str all = STR_INIT;

	if (enum_value(table, text) >= 0)
		return NULL;
	for (size_t i = 0; table->texts[i] != NULL; i++)
		str_addf(&all, "%s%s", i == 0 ? "" : ", ", table->texts[i]);
	return err_new(ERR_INVALID, "must be one of %s", str_get(&all));
}

/** Check a value and keep it. */
static struct err *set_value(struct cli_value *v, const char *text)
{
	int64_t ms = 0;

	v->text = takes_value(v->opt) ? text : "";
	switch (v->opt->kind) {
	case CLI_OPT_NUMBER:
		return parse_i64(text, v->opt->min, v->opt->max, &v->number);
	case CLI_OPT_DURATION:
		TRY(parse_duration_ms(text, &ms));
		v->number = ms / 1000;
		if (v->number < v->opt->min)
			return err_new(ERR_INVALID, "must be at least %llds",
				(long long)v->opt->min);
		return NULL;
	case CLI_OPT_CHOICE:
		return check_choice(v->opt->choices, text);
	case CLI_OPT_LIST:
		add_list(v, text);
		return NULL;
	case CLI_OPT_PAIRS:
		return add_pair(v, text);
	case CLI_OPT_TEXT:
		if (text[0] == '\0' && v->opt->required)
			return err_new(ERR_INVALID, "must not be empty");
		return NULL;
	case CLI_OPT_FLAG:
	case CLI_OPT_UNFLAG:
	case CLI_OPT_KIND_N_:
		return NULL;
	}
	return NULL;
}

static void take_option(struct parser *p, struct cli_value *v, const char *text)
{
	struct err *e = set_value(v, text);

	if (e != NULL) {
		char *name = mem_printf("--%s", v->opt->name);
		p->invalid = err_field(p->invalid, name, "%s", err_message(e));
		mem_free(name);
	}
	err_free(e);
	p->help = p->help || strcmp(v->opt->name, "help") == 0;
	p->version = p->version || strcmp(v->opt->name, "version") == 0;
}

/** The error for what getopt_long() did not understand. @typed the word it stumbled over */
static struct err *option_error(const struct cli *cli, int code, const char *typed)
{
	struct suggest s = suggest_start("");
	cleanup(mem_freep) char *word = mem_strdup(typed);

	if (code == ':')
		return err_new(ERR_USAGE, "option %s needs a value", word);
	if (optopt >= LONG_BASE)
		return err_new(ERR_USAGE, "option --%s takes no value",
			cli->values[optopt - LONG_BASE].opt->name);
	if (word[0] != '-' || word[1] != '-')
		return err_new(ERR_USAGE, "unknown option -%c", optopt);
	word[strcspn(word, "=")] = '\0';
	s.word = word + 2;
	for (size_t i = 0; i < cli->n_values; i++)
		suggest_try(&s, cli->values[i].opt->name);
	struct err *e = err_new(ERR_USAGE, "unknown option %s", word);
	if (s.best != NULL)
		e = err_hint(e, "--%s", s.best);
	return e;
}

/** Run getopt_long() over argv[1..]. @ret_next index of the first word that is no option (after
 * permuting) */
static struct err *parse_options(struct cli *cli, struct parser *p, int argc, char **argv,
	int *ret_next)
{
	optind = 0; /* glibc: start anew */
	opterr = 0;
	for (;;) {
		int code = getopt_long(argc, argv, p->letters, p->longs,
			NULL); // NOLINT(concurrency-mt-unsafe): main thread
		if (code == -1)
			break;
		if (code == '?' || code == ':')
			return option_error(cli, code, argv[optind - 1]);
		struct cli_value *v = NULL;
		for (size_t i = 0; i < cli->n_values; i++)
			if (code == LONG_BASE + (int)i ||
				(code < LONG_BASE && cli->values[i].opt->letter == (char)code))
				v = &cli->values[i];
		must(v != NULL);
		take_option(p, v, optarg);
	}
	*ret_next = optind;
	return NULL;
}

/** The error for a word that leads nowhere. @path what came before, "" at the start */
static struct err *word_error(const char *path, const char *word)
{
	struct suggest s = suggest_start(word);
	size_t len = strlen(path);
	cleanup(mem_freep) char *shown = cli_esc(word);
	cleanup(mem_freep) char *nearest = NULL;

	for (size_t i = 0; i < cli_cmds_n; i++) {
		const char *rest = cli_cmds[i]->path;
		if ((cli_cmds[i]->flags & CLI_CMD_HIDDEN) != 0)
			continue;
		if (len > 0 && (strncmp(rest, path, len) != 0 || rest[len] != ' '))
			continue;
		rest += len > 0 ? len + 1 : 0;
		char *next = mem_strndup(rest, strcspn(rest, " "));
		const char *before = s.best;
		suggest_try(&s, next);
		if (s.best != before) {
			mem_free(nearest);
			nearest = next;
			s.best = nearest;
		} else {
			mem_free(next);
		}
	}
	const char *gap = len > 0 ? " " : "";
	struct err *e = err_new(ERR_USAGE, "unknown command \"%s%s%s\"", path, gap, shown);
	if (nearest != NULL)
		return err_hint(e, "mko %s%s%s", path, gap, nearest);
	return err_hint(e, "mko %s%s--help", path, gap);
}

/** True when a command's words and the next one are those of another command: `system config` and
 * `set`. */
static bool goes_on(const char *path, const char *next)
{
	if (next == NULL)
		return false;
	cleanup(mem_freep) char *longer = mem_printf("%s %s", path, next);
	return cli_cmd_find(longer) != NULL;
}

/** Take words up to a command, with global options between them. @ret_pos index after the command's
 * last word */
static struct err *parse_path(struct cli *cli, struct parser *p, char **argv, struct str *path,
	int *ret_pos)
{
	int pos = 1;
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;

	parser_set(cli, p, NULL, false);
	for (;;) {
		int next = 1;
		char **rest = argv + pos - 1;
		char *first = rest[0];
		rest[0] = argv[0];
		struct err *e = parse_options(cli, p, argc - pos + 1, rest, &next);
		rest[0] = first;
		if (e != NULL)
			return e;
		pos += next - 1;
		if (pos >= argc)
			break;
		char *before = mem_strdup(str_get(path));
		str_addf(path, "%s%s", path->len > 0 ? " " : "", argv[pos]);
		pos++;
		cli->cmd = cli_cmd_find(str_get(path));
		if (cli->cmd == NULL && !cli_cmd_is_group(str_get(path)))
			e = word_error(before, argv[pos - 1]);
		if (e != NULL) {
			str_reset(path);
			str_adds(path, before);
		}
		mem_free(before);
		if (cli->cmd != NULL && goes_on(str_get(path), argv[pos]))
			continue;
		if (e != NULL || cli->cmd != NULL) {
			*ret_pos = pos;
			return e;
		}
	}
	*ret_pos = pos;
	return NULL;
}

static void check_required(struct cli *cli, struct parser *p)
{
	for (size_t i = 0; i < cli->n_values; i++) {
		const struct cli_value *v = &cli->values[i];
		if (!v->opt->required || v->text != NULL)
			continue;
		char *name = mem_printf("--%s", v->opt->name);
		p->invalid = err_field(p->invalid, name, "is required");
		mem_free(name);
	}
}

static struct err *check_args(const struct cli *cli)
{
	const struct cli_cmd *cmd = cli->cmd;
	size_t most = cmd->n_args;

	if (most > 0 && cmd->args[most - 1].repeat)
		most = SIZE_MAX;
	if (cli->n_args > most) {
		cleanup(mem_freep) char *shown = cli_esc(cli->args[most]);
		return err_new(ERR_USAGE, "unexpected argument \"%s\"", shown);
	}
	if (cli->n_args < cmd->n_args && !cmd->args[cli->n_args].optional)
		return err_new(ERR_USAGE, "%s is missing", cmd->args[cli->n_args].name);
	for (size_t i = 0; i < cli->n_args && i < cmd->n_args; i++) {
		const char *const *choices = cmd->args[i].choices;
		struct suggest s = suggest_start(cli->args[i]);
		bool found = choices == NULL;
		for (size_t c = 0; choices != NULL && choices[c] != NULL; c++) {
			found = found || strcmp(choices[c], cli->args[i]) == 0;
			suggest_try(&s, choices[c]);
		}
		if (found)
			continue;
		cleanup(mem_freep) char *shown = cli_esc(cli->args[i]);
		struct err *e = err_new(ERR_USAGE, "unknown %s \"%s\"", cmd->args[i].name, shown);
		return s.best != NULL ? err_hint(e, "mko %s %s", cmd->path, s.best) : e;
	}
	return NULL;
}

/** Parse what follows the command's words. */
static struct err *parse_rest(struct cli *cli, struct parser *p, int argc, char **argv, int pos)
{
	int next = 1;

	parser_set(cli, p, cli->cmd, true);
	if ((cli->cmd->flags & CLI_CMD_RAW) == 0) {
		argv[pos - 1] = argv[0];
		TRY(parse_options(cli, p, argc - pos + 1, argv + pos - 1, &next));
	}
	for (int i = pos + next - 1; i < argc; i++) {
		cli->args = mem_realloc_array(cli->args, cli->n_args + 1, sizeof(*cli->args));
		cli->args[cli->n_args++] = argv[i];
	}
	if (p->help || (cli->cmd->flags & CLI_CMD_RAW) != 0)
		return NULL;
	check_required(cli, p);
	struct err *e = check_args(cli);
	if (e != NULL && p->invalid != NULL && err_hint_text(e) == NULL) {
		/* Both at once: the argument as one more wrong field. */
		p->invalid = err_field(p->invalid, "arguments", "%s", err_message(e));
		err_free(e);
		e = NULL;
	}
	return e;
}

/** Set what the global options say. */
static void take_globals(struct cli *cli)
{
	const char *color = cli_opt_text(cli, "color");
	const char *output = cli_opt_text(cli, "output");
	bool dumb = cli_env(cli, "TERM") != NULL && strcmp(cli_env(cli, "TERM"), "dumb") == 0;
	bool never = (color != NULL && strcmp(color, "never") == 0) ||
		(color == NULL && (cli_env(cli, "NO_COLOR") != NULL || dumb));
	bool always = color != NULL && strcmp(color, "always") == 0;

	cli->color_out = !never && (always || cli->io->out_tty);
	cli->color_err = !never && (always || cli->io->err_tty);
	cli->output_given = output != NULL;
	if (output != NULL && enum_value(&cli_output_table, output) >= 0)
		cli->output = (enum cli_output)enum_value(&cli_output_table, output);
	cli->no_headers = cli_opt_given(cli, "no-headers");
	cli->quiet = cli_opt_given(cli, "quiet");
	cli->verbose = cli_opt_given(cli, "verbose");
	cli->yes = cli_opt_given(cli, "yes");
	cli->wait_timeout_ms = cli_opt_number(cli, "wait-timeout", 0) * 1000;
}

struct err *cli_args_parse(struct cli *cli, int argc, char **argv, char **ret_path, bool *ret_help)
{
	struct parser p = {.invalid = NULL};
	cleanup(str_done) struct str path = STR_INIT;
	char **copy = mem_realloc_array(NULL, (size_t)argc + 1, sizeof(*copy));
	int pos = argc;

	memcpy(copy, argv, ((size_t)argc + 1) * sizeof(*copy)); /* getopt_long() moves words */
	struct err *e = parse_path(cli, &p, copy, &path, &pos);
	if (e == NULL && cli->cmd != NULL)
		e = parse_rest(cli, &p, argc, copy, pos);
	mem_free(copy);
	take_globals(cli);
	*ret_help = p.help;
	*ret_path = mem_strdup(str_get(&path));
	if (e == NULL && p.invalid != NULL && !p.help)
		e = MOVE(p.invalid);
	err_free(p.invalid);
	if (e != NULL && err_hint_text(e) == NULL)
		e = err_hint(e, "mko %s%s--help", *ret_path, path.len > 0 ? " " : "");
	if (e == NULL && p.version)
		cli->cmd = cli_cmd_find("version");
	return e;
}

void cli_args_done(struct cli *cli)
{
	for (size_t i = 0; i < cli->n_values; i++)
		json_decref(cli->values[i].list);
	cli->n_values = 0;
	mem_free(cli->args);
	cli->args = NULL;
	cli->n_args = 0;
}

static const struct cli_value *value_of(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if (strcmp(cli->values[i].opt->name, name) == 0)
			return &cli->values[i];
	return NULL;
}

bool cli_opt_given(const struct cli *cli, const char *name)
{
	const struct cli_value *v = value_of(cli, name);

	return v != NULL && v->text != NULL;
}

const char *cli_opt_text(const struct cli *cli, const char *name)
{
	const struct cli_value *v = value_of(cli, name);

	return v != NULL ? v->text : NULL;
}

int64_t cli_opt_number(const struct cli *cli, const char *name, int64_t fallback)
{
	const struct cli_value *v = value_of(cli, name);

	return v != NULL && v->text != NULL ? v->number : fallback;
}

json_t *cli_opt_list(const struct cli *cli, const char *name)
{
	const struct cli_value *v = value_of(cli, name);

	return v != NULL ? v->list : NULL;
}

/** True when an option belongs to the set (NULL: the command's own ones). */
static bool in_set(const struct cli *cli, const struct cli_optset *set, const struct cli_opt *opt)
{
	const struct cli_opt *first = set != NULL ? set->opts : cli->cmd->opts;
	size_t n = set != NULL ? set->n : cli->cmd->n_opts;

	return n > 0 && opt >= first && opt < first + n;
}

static json_t *value_json(const struct cli_value *v)
{
	switch (v->opt->kind) {
	case CLI_OPT_FLAG:
		return json_true();
	case CLI_OPT_UNFLAG:
		return json_false();
	case CLI_OPT_NUMBER:
	case CLI_OPT_DURATION:
		return json_integer(v->number);
	case CLI_OPT_LIST:
	case CLI_OPT_PAIRS:
		return json_copy(v->list);
	case CLI_OPT_TEXT:
	case CLI_OPT_CHOICE:
	case CLI_OPT_KIND_N_:
		break;
	}
	/* An empty text takes the value away. What is not UTF-8 cannot be sent: shown escaped, the
	 * API refuses it by its field. */
	json_t *text = v->text[0] == '\0' ? json_null() : json_string(v->text);
	if (text != NULL)
		return text;
	char *escaped = cli_esc(v->text);
	text = json_string(escaped);
	mem_free(escaped);
	return text;
}

void cli_opts_to_json(const struct cli *cli, const struct cli_optset *set, json_t *object)
{
	for (size_t i = 0; i < cli->n_values; i++) {
		const struct cli_value *v = &cli->values[i];
		if (v->text != NULL && v->opt->key != NULL && in_set(cli, set, v->opt))
			json_object_set_new(object, v->opt->key, value_json(v));
	}
}

void cli_opts_to_query(const struct cli *cli, const struct cli_optset *set, struct str *query)
{
	for (size_t i = 0; i < cli->n_values; i++) {
		const struct cli_value *v = &cli->values[i];
		if (v->text == NULL || v->opt->key == NULL || !in_set(cli, set, v->opt))
			continue;
		if (v->opt->kind == CLI_OPT_FLAG || v->opt->kind == CLI_OPT_UNFLAG)
			cli_query_add(query, v->opt->key,
				v->opt->kind == CLI_OPT_FLAG ? "true" : "false");
		else
			cli_query_add(query, v->opt->key, v->text);
	}
}
