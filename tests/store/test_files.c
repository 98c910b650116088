/* Conformance: the store as a whole: restart, backup, damage, locks, folders that refuse, a disk
 * that is full. */
#include "suite.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include "base/clock.h"

/* skip() jumps out of the test, which analysers do not know. */
#define SKIP()                                                                                     \
	do {                                                                                       \
		skip();                                                                            \
		return;                                                                            \
	} while (0)

static void a_second_open_changes_nothing(void **state)
{
	struct suite *t = *state;
	int schema = store_schema_version(t->s);

	assert_true(schema >= 1);
	suite_add_node(t, 1);
	suite_reopen(t);
	suite_reopen(t);
	assert_int_equal(store_schema_version(t->s), schema);
	assert_int_equal(suite_count(t, &node_type), 1);
	assert_ok(store_check(t->s));
}

static void the_file_is_private(void **state)
{
	struct suite *t = *state;
	struct stat st;

	if (!t->backend->is_file)
		SKIP();
	assert_int_equal(stat(t->url, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_backup_is_a_store_of_its_own(void **state)
{
	struct suite *t = *state;
	struct stat st;
	struct store *copy = NULL;
	int64_t n = -1;

	if (!t->backend->is_file)
		SKIP();
	char *path = fs_join(t->dir, "copy.db");
	suite_add_node(t, 1);
	assert_ok(store_begin(t->s));
	suite_add_node(t, 2);
	assert_ok(store_backup(t->s, path)); /* what is not committed is not in it */
	assert_ok(store_commit(t->s));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_says(store_backup(t->s, path), ERR_EXISTS, "copy.db");
	assert_ok(store_open(path, &copy));
	assert_ok(store_check(copy));
	assert_ok(store_count(copy, &node_type, NULL, &n));
	assert_int_equal(n, 1);
	store_close(copy);
	assert_int_equal(suite_count(t, &node_type), 2);
	assert_fails(store_backup(t->s, "/nonexistent/folder/x.db"), ERR_NOT_FOUND);
	mem_free(path);
}

static void a_newer_schema_is_refused(void **state)
{
	struct suite *t = *state;
	struct store *s = NULL;

	if (t->backend->set_version == NULL)
		SKIP();
	int schema = store_schema_version(t->s);
	suite_add_node(t, 1);
	store_close(t->s);
	t->s = NULL;
	t->backend->set_version(t->url, schema + 1);
	assert_says(store_open(t->url, &s), ERR_INVALID, "schema version");
	assert_null(s);
	t->backend->set_version(t->url, schema);
	assert_ok(store_open(t->url, &t->s));
	assert_int_equal(suite_count(t, &node_type), 1);
}

static void the_store_of_another_program_is_refused(void **state)
{
	struct suite *t = *state;
	struct store *s = NULL;

	if (t->backend->make_foreign == NULL)
		SKIP();
	char *path = fs_join(t->dir, "other.db");
	t->backend->make_foreign(path);
	assert_says(store_open(path, &s), ERR_INVALID, "another program");
	mem_free(path);
}

static void a_damaged_store_is_refused_clearly(void **state)
{
	struct suite *t = *state;
	struct store *s = NULL;

	if (t->backend->damage == NULL)
		SKIP();
	suite_add_node(t, 1);
	store_close(t->s);
	t->s = NULL;
	t->backend->damage(t->url);
	assert_says(store_open(t->url, &s), ERR_INVALID, "damaged");
	char *path = fs_join(t->dir, "text.db");
	const char *text =
		"This is a text that somebody has put where the database was. It is long enough for a header.";
	assert_ok(fs_write_new(path, text, strlen(text), 0600));
	assert_says(store_open(path, &s), ERR_INVALID, "not a database");
	mem_free(path);
}

static void a_folder_that_does_not_exist_is_named(void **state)
{
	struct suite *t = *state;
	struct store *s = NULL;

	if (!t->backend->is_file)
		SKIP();
	assert_says(store_open("/nonexistent/folder/mko.db", &s), ERR_NOT_FOUND,
		"/nonexistent/folder/mko.db");
	assert_says(store_open("oracle://x", &s), ERR_INVALID, "oracle");
}

static void another_process_that_locks_it_is_told(void **state)
{
	struct suite *t = *state;

	if (t->backend->lock == NULL)
		SKIP();
	pid_t pid = t->backend->lock(t->url);
	int64_t before = clock_mono(&clock_system);
	assert_says(store_begin(t->s), ERR_UNAVAILABLE, "locked by another process");
	assert_true(clock_mono(&clock_system) - before < 10000);
	assert_int_equal(suite_count(t, &node_type), 0); /* reading goes on */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	suite_add_node(t, 1);
}

/* Root may open everything, so as root the test goes on as nobody. */
static void drop_root(struct suite *t, uid_t uid)
{
	if (getuid() != 0)
		return;
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(t->dir, uid, (gid_t)-1), 0);
	assert_int_equal(chown(t->url, uid, (gid_t)-1), 0);
	assert_int_equal(seteuid(uid), 0);
}

static void a_file_without_permission_is_refused(void **state)
{
	struct suite *t = *state;
	struct store *s = NULL;

	if (!t->backend->is_file)
		SKIP();
	store_close(t->s);
	t->s = NULL;
	drop_root(t, 65534);
	assert_int_equal(chmod(t->url, 0), 0);
	assert_fails(store_open(t->url, &s), ERR_FORBIDDEN);
	assert_int_equal(chmod(t->url, 0600), 0);
	assert_int_equal(chmod(t->dir, 0500), 0);
	struct err *e = store_open(t->url, &s);
	assert_non_null(e);
	assert_true(err_code(e) == ERR_FORBIDDEN || err_code(e) == ERR_UNAVAILABLE);
	print_message("# %s\n", err_message(e));
	err_free(e);
	assert_int_equal(chmod(t->dir, 0700), 0);
	assert_ok(store_open(t->url, &t->s));
	drop_root(t, 0);
}

/* A small file system of our own, in a mount namespace that ends with the test program. */
static char *mount_small(struct suite *t, const char *options)
{
	static bool unshared;

	if (geteuid() != 0) {
		print_message("# skipped: only root may mount\n");
		return NULL;
	}
	if (!unshared &&
		(unshare(CLONE_NEWNS) != 0 ||
			/* in a chroot / is no mount point: nothing to make private there */
			(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 &&
				errno != EINVAL))) {
		print_message("# skipped: no mounts here: %s\n", strerror(errno));
		return NULL;
	}
	unshared = true;
	char *dir = fs_join(t->dir, "small");
	assert_int_equal(mkdir(dir, 0700), 0);
	if (mount("tmpfs", dir, "tmpfs", 0, options) == 0)
		return dir;
	print_message("# skipped: no tmpfs here: %s\n", strerror(errno));
	mem_free(dir);
	return NULL;
}

static void unmount(char *dir)
{
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	mem_free(dir);
}

static void a_read_only_file_system_is_told(void **state)
{
	struct suite *t = *state;
	struct store *s = NULL;
	char *dir = t->backend->is_file ? mount_small(t, "size=4m") : NULL;

	if (dir == NULL)
		SKIP();
	char *path = fs_join(dir, "mko.db");
	char *fresh = fs_join(dir, "fresh.db");
	assert_ok(store_open(path, &s));
	store_close(s);
	s = NULL;
	assert_int_equal(mount("tmpfs", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=4m"), 0);
	assert_says(store_open(path, &s), ERR_UNAVAILABLE, "ead-only");
	assert_says(store_open(fresh, &s), ERR_UNAVAILABLE, "ead-only");
	assert_null(s);
	mem_free(path);
	mem_free(fresh);
	unmount(dir);
}

/* Store rows of 20 kB in one transaction; the error of the first call that fails. */
static struct err *fill_disk(struct store *s, int first, int n)
{
	struct err *e = store_begin(s);

	if (e != NULL)
		return e;
	for (int i = first; e == NULL && i < first + n; i++) {
		struct node node = suite_node(i);
		node.notes = mem_zalloc(20001);
		memset(node.notes, 'x', 20000);
		e = store_insert(s, &node_type, &node);
		record_done(&node_type, &node);
	}
	if (e == NULL)
		return store_commit(s);
	store_rollback(s);
	return e;
}

static void a_full_disk_loses_nothing_that_was_committed(void **state)
{
	struct suite *t = *state;
	char *dir = t->backend->is_file ? mount_small(t, "size=1500k") : NULL;
	int64_t n = 0;
	int64_t kept = 0;

	if (dir == NULL)
		SKIP();
	char *path = fs_join(dir, "mko.db");
	store_close(t->s);
	t->s = NULL;
	assert_ok(store_open(path, &t->s));
	struct err *e = NULL;
	for (int i = 0; e == NULL && i < 100; i++) {
		e = fill_disk(t->s, i * 5, 5);
		kept += e == NULL ? 5 : 0;
	}
	assert_says(e, ERR_UNAVAILABLE, "no space is left");
	assert_true(kept > 0);
	assert_int_equal(suite_count(t, &node_type),
		kept); /* reading goes on, and all of a batch or nothing */
	/* a batch that is larger than the cache fails in its middle */
	assert_says(fill_disk(t->s, 1000, 400), ERR_UNAVAILABLE, "no space is left");
	assert_int_equal(suite_count(t, &node_type), kept);
	/* a job that goes on after such an error must not be stored without its batch */
	assert_ok(store_begin(t->s));
	assert_ok(store_savepoint(t->s));
	e = NULL;
	for (int i = 1000; e == NULL && i < 1400; i++) {
		struct node node = suite_node(i);
		node.notes = mem_zalloc(20001);
		memset(node.notes, 'x', 20000);
		e = store_insert(t->s, &node_type, &node);
		record_done(&node_type, &node);
	}
	assert_fails(e, ERR_UNAVAILABLE);
	struct node more = suite_node(2000);
	err_free(store_insert(t->s, &node_type, &more)); /* works or fails, both are fine */
	record_done(&node_type, &more);
	err_free(store_release(t->s, false));
	err_free(store_commit(t->s));
	assert_int_equal(suite_count(t, &node_type), kept);
	assert_int_equal(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=32m"), 0);
	assert_ok(fill_disk(t->s, 1000, 400));
	assert_int_equal(suite_count(t, &node_type), kept + 400);
	assert_ok(store_check(t->s));
	store_close(t->s);
	t->s = NULL;
	assert_ok(store_open(path, &t->s));
	assert_ok(store_count(t->s, &node_type, NULL, &n));
	assert_int_equal(n, kept + 400);
	store_close(t->s);
	t->s = NULL;
	mem_free(path);
	unmount(dir);
}

static void a_disk_without_room_for_a_store_is_told(void **state)
{
	struct suite *t = *state;
	struct store *s = NULL;
	char *dir = t->backend->is_file ? mount_small(t, "size=64k") : NULL;

	if (dir == NULL)
		SKIP();
	char *path = fs_join(dir, "mko.db");
	assert_says(store_open(path, &s), ERR_UNAVAILABLE, "space");
	assert_int_equal(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=4m"), 0);
	assert_ok(store_open(path, &s)); /* half-made tables are not left behind */
	store_close(s);
	mem_free(path);
	unmount(dir);
}

SUITE_MAIN(SUITE_TEST(a_second_open_changes_nothing), SUITE_TEST(the_file_is_private),
	SUITE_TEST(a_backup_is_a_store_of_its_own), SUITE_TEST(a_newer_schema_is_refused),
	SUITE_TEST(the_store_of_another_program_is_refused),
	SUITE_TEST(a_damaged_store_is_refused_clearly),
	SUITE_TEST(a_folder_that_does_not_exist_is_named),
	SUITE_TEST(another_process_that_locks_it_is_told),
	SUITE_TEST(a_file_without_permission_is_refused),
	SUITE_TEST(a_read_only_file_system_is_told),
	SUITE_TEST(a_full_disk_loses_nothing_that_was_committed),
	SUITE_TEST(a_disk_without_room_for_a_store_is_told))
