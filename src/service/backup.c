/* Owns how backups are found in the data directory. What is in them, the playbooks prove. */
#include "service/backup.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"

#define MANIFEST_MAX ((size_t)64 << 10)

char *backup_folder(const struct service *svc, const char *cluster, const char *id)
{
	return mem_printf("%s/backups/%s/%s", svc->data_dir, cluster, id);
}

static bool is_number(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n > 0 && n < 20 && text[n] == '\0';
}

struct err *backup_check_name(const char *text)
{
	const char *slash = strchr(text, '/');

	if (!is_number(slash != NULL ? slash + 1 : text))
		return err_new(ERR_INVALID, "must be the number of a backup, or CLUSTER/NUMBER");
	if (slash == NULL)
		return NULL;
	cleanup(mem_freep) char *cluster = mem_strndup(text, (size_t)(slash - text));
	return check_name(cluster);
}

/* When and where the backup was restored on trial; most never were. */
static void add_drill(const char *folder, json_t *manifest)
{
	cleanup(mem_freep) char *path = fs_join(folder, "drill.json");
	cleanup(mem_freep) char *text = NULL;

	err_ignore(fs_read(path, MANIFEST_MAX, &text, NULL)); /* none: there was no drill */
	json_t *drill = text != NULL ? json_loads(text, 0, NULL) : NULL;
	if (json_is_object(drill))
		json_object_update(manifest, drill);
	json_decref(drill);
}

struct err *backup_manifest(const struct service *svc, const char *cluster, const char *id,
	json_t **ret_manifest)
{
	cleanup(mem_freep) char *folder = backup_folder(svc, cluster, id);
	cleanup(mem_freep) char *path = fs_join(folder, "manifest.json");
	cleanup(mem_freep) char *text = NULL;
	struct err *e = fs_read(path, MANIFEST_MAX, &text, NULL);

	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_free(e);
		return err_hint(err_new(ERR_NOT_FOUND, "there is no backup %s of cluster %s", id,
					cluster),
			"mko cluster backup list %s", cluster);
	}
	TRY(e);
	json_t *manifest = json_loads(text, 0, NULL);
	if (!json_is_object(manifest)) {
		json_decref(manifest);
		return err_new(ERR_PROTOCOL, "%s is no manifest of a backup", path);
	}
	add_drill(folder, manifest);
	json_object_set_new(manifest, "folder", json_string(folder));
	json_object_set_new(manifest, "id", json_string(id));
	*ret_manifest = manifest;
	return NULL;
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
	return -strverscmp((*a)->d_name, (*b)->d_name);
}

static int numbers_only(const struct dirent *entry)
{
	return is_number(entry->d_name);
}

struct err *backup_list(const struct service *svc, const char *cluster, json_t **ret_list)
{
	cleanup(mem_freep) char *folder = backup_folder(svc, cluster, "");
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, numbers_only, newest_first);

	if (n < 0 && errno != ENOENT)
		return err_errno(errno, "list %s", folder);
	*ret_list = json_array();
	for (int i = 0; i < n; i++) {
		json_t *manifest = NULL;
		struct err *e = backup_manifest(svc, cluster, entries[i]->d_name, &manifest);
		if (e == NULL)
			json_array_append_new(*ret_list, manifest);
		else
			err_ignore(e); /* without a manifest it is no backup: it was cut off */
		free(entries[i]);
	}
	free(entries);
	return NULL;
}
