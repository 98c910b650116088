/* Archives: what was packed is there again; what somebody else packed cannot lead anywhere and is
 * bounded. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/encrypt.h"
#include "driver/tarball.h"
#include "driver/tool.h"

static char folder[32];

static int make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/mko-tarball-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static void ok(struct err *e)
{
	if (e != NULL)
		print_message("%s\n", err_message(e));
	assert_null(e);
}

static void expect_code(struct err *e, enum err_code code)
{
	assert_non_null(e);
	assert_int_equal(err_code(e), code);
	err_free(e);
}

static int drop(void **state)
{
	(void)state;
	err_free(fs_remove_tree(folder));
	return 0;
}

static void collect(void *context, const char *name, const char *data, size_t len, bool cut)
{
	str_addf(context, "%s=%.*s%s;", name, (int)(len < 20 ? len : 20), data, cut ? "(cut)" : "");
}

/* Write bytes as a file of the folder. Owned. */
static char *keep(const char *name, const char *data, size_t len)
{
	char *path = fs_join(folder, name);

	ok(fs_write_new(path, data, len, 0600));
	return path;
}

/* An archive as the program tar makes it. Owned. */
static char *by_tar(const char *script)
{
	char *path = fs_join(folder, "x.tar.gz");
	cleanup(mem_freep) char *command = mem_printf("cd %s && %s", folder, script);
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct tool_result said = {0};

	ok(tool_run(argv, 60000, 4096, &said));
	assert_int_equal(said.status, 0);
	tool_result_done(&said);
	return path;
}

static void what_is_packed_comes_out_again(void **state)
{
	struct tarball *t = NULL;
	struct str bytes = STR_INIT;
	struct str seen = STR_INIT;

	(void)state;
	ok(tarball_new(&t));
	ok(tarball_add(t, "a.json", "{}", 2, 1700000000000));
	ok(tarball_add(t, "deep/er/b.log", "hello\n", 6, 0));
	ok(tarball_add(t, "empty", "", 0, 0));
	ok(tarball_end(t, &bytes));
	char *path = keep("x.tar.gz", str_get(&bytes), bytes.len);
	ok(tarball_read(path, 100, 1000, collect, &seen));
	assert_string_equal(str_get(&seen), "a.json={};deep/er/b.log=hello\n;empty=;");
	str_done(&seen);
	str_done(&bytes);
	mem_free(path);
}

static void names_of_others_lead_nowhere_and_only_files_are_taken(void **state)
{
	struct str seen = STR_INIT;

	(void)state;
	char *path = by_tar(
		"printf x >f; ln -s /etc/passwd link; mkdir d; tar -czPf x.tar.gz --transform 's,^f$,../../etc/f\\x1b[2J,' f link d");
	ok(tarball_read(path, 100, 1000, collect, &seen));
	assert_non_null(strstr(str_get(&seen), "=x;"));
	assert_null(strstr(str_get(&seen), ".."));
	assert_null(strstr(str_get(&seen), "\x1b"));
	assert_null(strstr(str_get(&seen), "link"));
	assert_true(str_get(&seen)[0] != '/');
	str_done(&seen);
	mem_free(path);
}

static void an_archive_that_unpacks_without_end_is_cut(void **state)
{
	struct str seen = STR_INIT;

	(void)state;
	char *path = by_tar(
		"head -c 50000000 /dev/zero >zeros; printf y >zz; tar -czf x.tar.gz zeros zz zeros zz");
	ok(tarball_read(path, 4096, 4098, collect, &seen));
	assert_non_null(strstr(str_get(&seen), "zeros="));
	assert_non_null(strstr(str_get(&seen), "(cut);zz=y;"));
	assert_null(strstr(strstr(str_get(&seen), "zz=y;") + 5, "zz="));
	str_done(&seen);
	mem_free(path);
}

static void what_is_no_archive_or_ends_too_early_is_an_error(void **state)
{
	struct str seen = STR_INIT;

	(void)state;
	char *garbage = keep("g", "this is no archive at all, only a text", 38);
	expect_code(tarball_read(garbage, 10, 10, collect, &seen), ERR_IO);
	char *path = by_tar(
		"head -c 1000000 /dev/urandom >f; tar -czf x.tar.gz f; truncate -s 500000 x.tar.gz");
	expect_code(tarball_read(path, 1 << 20, 1 << 20, collect, &seen), ERR_IO);
	expect_code(tarball_read("/nowhere", 10, 10, collect, &seen), ERR_IO);
	assert_non_null(strstr(str_get(&seen), "(cut)"));
	str_done(&seen);
	mem_free(path);
	mem_free(garbage);
}

static void only_public_keys_are_recipients(void **state)
{
	static const char *const good[] =
		{"age1lwq386dgkvlvkynx9qk4p9phafepzmf66cgyjrgaanr4x40z23sscgs9xq",
			"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ ann@host",
			"ssh-rsa AAAAB3NzaC1yc2E"};
	static const char *const bad[] = {"", "age1", "-r", "--output=/etc/passwd", "ssh-dss AAAA",
		"ssh-ed25519 AAAAC3\nssh-rsa AAAA", "AGE-SECRET-KEY-1QQQ",
		"age1LWQ386DGKVLVKYNX9QK4P9PHAFEPZMF66CGYJRGAANR4X40Z23SSCGS9XQ"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ok(encrypt_check_recipient(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect_code(encrypt_check_recipient(bad[i]), ERR_INVALID);
}

static void nothing_plain_is_left_when_encryption_fails(void **state)
{
	struct str out = STR_INIT;

	(void)state;
	expect_code(encrypt_bytes(folder, "ssh-rsa AAAAnonsense", "plain", 5, &out), ERR_FAILED);
	assert_int_equal(out.len, 0);
	assert_int_equal(rmdir(folder), 0); /* it is empty */
	str_done(&out);
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

TEST_MAIN(FOLDER_TEST(what_is_packed_comes_out_again),
	FOLDER_TEST(names_of_others_lead_nowhere_and_only_files_are_taken),
	FOLDER_TEST(an_archive_that_unpacks_without_end_is_cut),
	FOLDER_TEST(what_is_no_archive_or_ends_too_early_is_an_error),
	FOLDER_TEST(only_public_keys_are_recipients),
	FOLDER_TEST(nothing_plain_is_left_when_encryption_fails))
