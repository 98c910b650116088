/* Owns reading what a person gives as a file. */
#include "cli/file.h"

#include <string.h>

#include "base/fs.h"
#include "base/mem.h"

static struct err *read_stdin(struct cli *cli, char **ret_text, size_t *ret_len)
{
	struct str text = {.max = YAML_BYTES_MAX};
	char block[4096];
	size_t n = 0;

	while ((n = fread(block, 1, sizeof(block), cli->io->in)) > 0)
		str_add(&text, block, n);
	size_t len = text.len;
	char *taken = str_take(&text);
	if (taken == NULL && len > 0)
		return err_new(ERR_TOO_LARGE, "stdin has more than 1 MiB");
	*ret_text = taken != NULL ? taken : mem_strdup("");
	*ret_len = len;
	return NULL;
}

struct err *cli_read_file(struct cli *cli, const char *path, char **ret_text, size_t *ret_len)
{
	size_t len = 0;

	if (strcmp(path, "-") == 0)
		TRY(read_stdin(cli, ret_text, &len));
	else
		TRY(fs_read(path, YAML_BYTES_MAX, ret_text, &len));
	if (ret_len != NULL)
		*ret_len = len;
	return NULL;
}

/* ---- ${NAME} ---- */

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* Where in a text something is, as "NAME:LINE:COLUMN". Owned. */
static char *place_of(const char *name, const char *text, const char *at)
{
	size_t line = 1;
	const char *begin = text;

	for (const char *p = text; p < at; p++) {
		if (*p != '\n')
			continue;
		line++;
		begin = p + 1;
	}
	return mem_printf("%s:%zu:%zu", name, line, (size_t)(at - begin) + 1);
}

/* A text that holds variables. */
struct source {
	const char *(*env)(const char *name);
	const char *name, *text;
};

static struct err *wrong_at(const struct source *s, const char *at, const char *what)
{
	cleanup(mem_freep) char *where = place_of(s->name, s->text, at);

	return err_field(NULL, where, "%s", what);
}

/* The value of the variable that "${NAME}" at a place names. @ret_len of the whole "${NAME}" */
static struct err *value_at(const struct source *s, const char *at, const char **ret_value,
	size_t *ret_len)
{
	size_t n = strspn(at + 2, NAME_CHARS);
	cleanup(mem_freep) char *variable = mem_strndup(at + 2, n);

	if (n == 0 || at[2 + n] != '}')
		return wrong_at(s, at, "${ must be followed by the name of a variable and }");
	*ret_value = s->env(variable);
	*ret_len = n + 3;
	if (*ret_value != NULL)
		return NULL;
	cleanup(mem_freep) char *what = mem_printf("the environment has no variable %s", variable);
	return wrong_at(s, at, what);
}

/* The text with the variables in place. @ret owned */
static struct err *expand(const struct source *s, char **ret)
{
	cleanup(str_done) struct str out = {.max = YAML_BYTES_MAX};
	const char *p = s->text;

	for (const char *at; (at = strstr(p, "${")) != NULL;) {
		const char *value = NULL;
		size_t n = 0;
		TRY(value_at(s, at, &value, &n));
		str_add(&out, p, (size_t)(at - p));
		str_adds(&out, value);
		p = at + n;
	}
	str_adds(&out, p);
	bool empty = out.len == 0;
	*ret = empty ? mem_strdup("") : str_take(&out);
	return *ret != NULL
		? NULL
		: err_new(ERR_TOO_LARGE, "%s has more than 1 MiB with its variables", s->name);
}

struct err *cli_read_yaml(struct cli *cli, const char *path, bool env, struct yaml_file *ret_file)
{
	cleanup(mem_freep) char *text = NULL;
	cleanup(mem_freep) char *expanded = NULL;
	const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
	size_t len = 0;

	TRY(cli_read_file(cli, path, &text, &len));
	must(text != NULL);
	if (!env)
		return yaml_read(name, text, len, ret_file);
	if (strlen(text) != len)
		return err_new(ERR_INVALID, "%s has a zero byte", name);
	const struct source source = {.env = cli->io->env, .name = name, .text = text};
	TRY(expand(&source, &expanded));
	must(expanded != NULL);
	return yaml_read(name, expanded, strlen(expanded), ret_file);
}
