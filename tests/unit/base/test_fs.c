/* base/fs: files are read whole, replaced at once, locked once. */
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "testing_err.h"

static int setup(void **state)
{
	char *dir = mem_strdup("/tmp/mko-fs-XXXXXX");
	*state = mkdtemp(dir);
	return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	assert_ok(fs_remove_tree(*state));
	assert_int_equal(access(*state, F_OK), -1);
	mem_free(*state);
	return 0;
}

static void assert_content(const char *path, const char *want)
{
	char *text = NULL;
	size_t len = 0;
	assert_ok(fs_read(path, 1 << 20, &text, &len));
	assert_string_equal(text, want);
	assert_int_equal(len, strlen(want));
	mem_free(text);
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void a_file_is_replaced_at_once(void **state)
{
	char *path = fs_join(*state, "f");
	assert_ok(fs_write_atomic(path, "one", 3, 0640));
	assert_content(path, "one");
	assert_int_equal(mode_of(path), 0640);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_ok(fs_write_atomic(path, "two!", 4, 0600));
	assert_content(path, "two!");
	assert_int_equal(mode_of(path), 0600);
	char old[4] = "";
	assert_int_equal(read(fd, old, 3), 3);
	assert_string_equal(old, "one"); /* a reader keeps what it opened */
	close(fd);
	mem_free(path);
}

static void a_failed_write_leaves_nothing_behind(void **state)
{
	char *dir = fs_join(*state, "d");
	char *inside = fs_join(dir, "x");
	assert_ok(fs_mkdirs(dir, 0700));
	assert_ok(fs_write_new(inside, "", 0, 0600));
	struct err *e = fs_write_atomic(dir, "text", 4, 0600); /* a folder is in the way */
	assert_non_null(e);
	err_free(e);
	assert_content(inside, "");
	assert_int_equal(rmdir(*state), -1);
	assert_ok(fs_remove_tree(dir));
	assert_int_equal(rmdir(*state), 0); /* no temporary file is left */
	assert_int_equal(mkdir(*state, 0700), 0);
	assert_fails(fs_write_atomic("/nonexistent/x", "", 0, 0600), ERR_NOT_FOUND);
	mem_free(inside);
	mem_free(dir);
}

static void a_new_file_must_not_exist(void **state)
{
	char *path = fs_join(*state, "f");
	assert_ok(fs_write_new(path, "a", 1, 0600));
	assert_fails(fs_write_new(path, "b", 1, 0600), ERR_EXISTS);
	assert_content(path, "a");
	assert_int_equal(mode_of(path), 0600);
	mem_free(path);
}

static void reading_is_bounded(void **state)
{
	char *path = fs_join(*state, "f");
	char *text = NULL;
	size_t len = 0;
	char *data = mem_zalloc(10001);
	memset(data, 'x', 10000);
	assert_ok(fs_write_new(path, data, 10000, 0600));
	assert_fails(fs_read(path, 9999, &text, NULL), ERR_TOO_LARGE);
	assert_null(text);
	assert_ok(fs_read(path, 10000, &text, &len));
	assert_int_equal(len, 10000);
	assert_string_equal(text, data);
	mem_free(text);
	mem_free(data);
	text = NULL;
	assert_fails(fs_read("/nonexistent", 10, &text, NULL), ERR_NOT_FOUND);
	assert_fails(fs_read(*state, 10, &text, NULL), ERR_IO); /* a folder */
	mem_free(path);
}

static void folders_are_made_with_their_parents(void **state)
{
	char *path = fs_join(*state, "a/b//c/");
	assert_ok(fs_mkdirs(path, 0750));
	assert_ok(fs_mkdirs(path, 0750));
	assert_int_equal(mode_of(path), 0750);
	assert_ok(fs_mkdirs("/", 0700));
	mem_free(path);
}

static void no_folder_is_made_of_nothing_or_over_a_file(void **state)
{
	char *file = fs_join(*state, "f");
	char *below = fs_join(file, "x");
	assert_fails(fs_mkdirs("", 0700), ERR_INVALID);
	assert_ok(fs_write_new(file, "", 0, 0600));
	struct err *e = fs_mkdirs(file, 0700);
	assert_non_null(e);
	err_free(e);
	e = fs_mkdirs(below, 0700);
	assert_non_null(e);
	err_free(e);
	mem_free(below);
	mem_free(file);
}

static void removing_a_tree_does_not_follow_links(void **state)
{
	char *keep = fs_join(*state, "keep");
	char *kept = fs_join(keep, "f");
	char *tree = fs_join(*state, "tree");
	char *link = fs_join(tree, "sub/link");
	char *sub = fs_join(tree, "sub");
	assert_ok(fs_mkdirs(keep, 0700));
	assert_ok(fs_write_new(kept, "x", 1, 0600));
	assert_ok(fs_mkdirs(sub, 0700));
	assert_int_equal(symlink(keep, link), 0);
	assert_ok(fs_remove_tree(tree));
	assert_int_equal(access(tree, F_OK), -1);
	assert_content(kept, "x");
	assert_ok(fs_remove_tree(tree)); /* absent is fine */
	mem_free(keep);
	mem_free(kept);
	mem_free(tree);
	mem_free(link);
	mem_free(sub);
}

static void a_lock_is_held_by_one(void **state)
{
	char *path = fs_join(*state, "lock");
	int first = -1;
	int second = -1;
	assert_ok(fs_lock(path, &first));
	assert_true(first >= 0);
	assert_int_equal(fcntl(first, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_fails(fs_lock(path, &second), ERR_LOCKED);
	assert_int_equal(second, -1);
	fs_closep(&first);
	assert_int_equal(first, -1);
	assert_ok(fs_lock(path, &second));
	fs_closep(&second);
	mem_free(path);
}

static void a_lock_ends_with_its_process(void **state)
{
	char *path = fs_join(*state, "lock");
	int ready[2];
	char c;
	int fd = -1;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct err *e = fs_lock(path, &fd);
		(void)!write(ready[1], e == NULL ? "y" : "n", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	assert_fails(fs_lock(path, &fd), ERR_LOCKED);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_ok(fs_lock(path, &fd));
	fs_closep(&fd);
	close(ready[0]);
	close(ready[1]);
	mem_free(path);
}

static void paths_are_joined_with_one_slash(void **state)
{
	(void)state;
	static const char *const cases[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"},
		{"/", "b", "/b"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *got = fs_join(cases[i][0], cases[i][1]);
		assert_string_equal(got, cases[i][2]);
		mem_free(got);
	}
}

#define FS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
TEST_MAIN(FS_TEST(a_file_is_replaced_at_once), FS_TEST(a_failed_write_leaves_nothing_behind),
	FS_TEST(a_new_file_must_not_exist), FS_TEST(reading_is_bounded),
	FS_TEST(folders_are_made_with_their_parents),
	FS_TEST(no_folder_is_made_of_nothing_or_over_a_file),
	FS_TEST(removing_a_tree_does_not_follow_links), FS_TEST(a_lock_is_held_by_one),
	FS_TEST(a_lock_ends_with_its_process), FS_TEST(paths_are_joined_with_one_slash))
