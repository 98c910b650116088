/* Owns the use of the program age. */
#include "driver/encrypt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/tool.h"

#define AGE_MS 60000
#define SAID_MAX 2000
#define RECIPIENT_MAX ((size_t)1000)

struct err *encrypt_check_recipient(const char *recipient)
{
	static const char bech32[] = "023456789acdefghjklmnpqrstuvwxyz";
	size_t len = strlen(recipient);

	if (strncmp(recipient, "age1", 4) == 0 && len == 62 &&
		strspn(recipient + 4, bech32) == len - 4)
		return NULL;
	bool ssh = strncmp(recipient, "ssh-ed25519 AAAA", 16) == 0 ||
		strncmp(recipient, "ssh-rsa AAAA", 12) == 0;
	if (ssh && len <= RECIPIENT_MAX && recipient[strcspn(recipient, "\r\n\t\v")] == '\0')
		return NULL;
	return err_hint(
		err_new(ERR_INVALID,
			"is no public key: age1..., or a line \"ssh-ed25519 AAAA...\" or \"ssh-rsa AAAA...\""),
		"age-keygen -o key.txt shows one");
}

static struct err *run_age(const char *recipient, const char *in, const char *out)
{
	const char *const argv[] = {"age", "--encrypt", "--recipient", recipient, "--output", out,
		"--", in, NULL};
	struct tool_result said = {0};
	struct err *e = tool_run(argv, AGE_MS, SAID_MAX, &said);

	if (e != NULL)
		e = err_hint(e, "apt-get install age");
	else if (said.timed_out || said.status != 0)
		e = err_new(ERR_FAILED, "age failed: %s",
			said.timed_out ? "it did not end" : str_get(&said.out));
	tool_result_done(&said);
	return e;
}

static struct err *encrypt_in(const char *folder, const char *recipient, const char *data,
	size_t len, struct str *out)
{
	cleanup(mem_freep) char *in = fs_join(folder, "plain");
	cleanup(mem_freep) char *done = fs_join(folder, "encrypted");
	char *bytes = NULL;
	size_t n = 0;

	TRY(fs_write_new(in, data, len, 0600));
	TRY(run_age(recipient, in, done));
	TRY(fs_read(done, 2 * len + 65536, &bytes, &n));
	str_add(out, bytes, n);
	mem_free(bytes);
	return NULL;
}

struct err *encrypt_bytes(const char *folder, const char *recipient, const char *data, size_t len,
	struct str *out)
{
	cleanup(mem_freep) char *own = fs_join(folder, "encrypt.XXXXXX");

	if (mkdtemp(own) == NULL)
		return err_errno(errno, "make a folder in %s", folder);
	struct err *e = encrypt_in(own, recipient, data, len, out);
	struct err *late = fs_remove_tree(own);
	if (e == NULL)
		return late;
	err_free(late);
	return e;
}
