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

struct err *cli_read_yaml(struct cli *cli, const char *path, struct yaml_file *ret_file)
{
	cleanup(mem_freep) char *text = NULL;
	size_t len = 0;

	TRY(cli_read_file(cli, path, &text, &len));
	return yaml_read(strcmp(path, "-") == 0 ? "stdin" : path, text, len, ret_file);
}
