/* Owns where private run folders lie: /run/mko for root, $XDG_RUNTIME_DIR/mko for a user,
 * /dev/shm/mko-UID where neither exists. */
#include "driver/private_dir.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"

static char *base_dir(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		return mem_strdup("/run/mko");
	if (runtime != NULL && runtime[0] == '/' && access(runtime, W_OK) == 0)
		return fs_join(runtime, "mko");
	return mem_printf("/dev/shm/mko-%u", geteuid());
}

char *private_dir_control(void)
{
	cleanup(mem_freep) char *base = base_dir();

	return fs_join(base, "cp");
}

/* A folder of ours that others made or can enter would give secrets away. */
static struct err *check_private(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return err_new(ERR_FORBIDDEN, "%s is not our folder", path);
	if ((st.st_mode & 077) != 0 && chmod(path, 0700) != 0)
		return err_new(ERR_FORBIDDEN, "%s can be entered by others", path);
	return NULL;
}

struct err *private_dir_make(const char *op_dir, int64_t operation_id, char **ret_path)
{
	cleanup(mem_freep) char *base = base_dir();
	char hash[HASH_TEXT_SIZE];

	hash_sha256(op_dir, strlen(op_dir), hash);
	cleanup(mem_freep) char *path =
		mem_printf("%s/op-%lld-%.8s", base, (long long)operation_id, hash);
	cleanup(mem_freep) char *owner = fs_join(path, "owner");
	TRY(fs_mkdirs(base, 0700));
	TRY(check_private(base));
	TRY(fs_remove_tree(path)); /* of an earlier attempt that was killed */
	TRY(fs_mkdirs(path, 0700));
	TRY(fs_write_new(owner, op_dir, strlen(op_dir), 0600));
	*ret_path = MOVE(path);
	return NULL;
}

static void sweep_one(const char *path, const char *data_dir,
	enum runner_state (*look)(const char *op_dir))
{
	cleanup(mem_freep) char *owner = fs_join(path, "owner");
	cleanup(mem_freep) char *op_dir = NULL;
	struct err *e = fs_read(owner, 4096, &op_dir, NULL);
	size_t n = strlen(data_dir);

	if (e != NULL || strncmp(op_dir, data_dir, n) != 0 || op_dir[n] != '/') {
		err_ignore(e); /* not ours, or just being made */
		return;
	}
	if (look(op_dir) != RUNNER_ALIVE)
		err_ignore(fs_remove_tree(path)); /* tried again at the next start */
}

void private_dir_sweep(const char *data_dir, enum runner_state (*look)(const char *op_dir))
{
	cleanup(mem_freep) char *base = base_dir();
	DIR *dir = opendir(base);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "op-", 3) != 0)
			continue;
		cleanup(mem_freep) char *path = fs_join(base, entry->d_name);
		sweep_one(path, data_dir, look);
	}
	if (dir != NULL)
		closedir(dir);
}
