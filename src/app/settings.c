/* Owns the writing of the configuration file: edit a copy, read it as the program would, compare,
 * then replace the file at once. */
#include "app/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "app/config_edit.h"
#include "app/domain.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

static struct err *load(const struct settings *s, struct config *ret)
{
	TRY(config_load(s->live->file, NULL, ret));
	if (ret->ansible_collections_path == NULL)
		ret->ansible_collections_path = domain_find_collections();
	return NULL;
}

/* A text that YAML would take for something else is quoted. */
static void add_text(struct str *out, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
	bool bare = text[0] != '\0' && text[0] != '-' && text[strspn(text, plain)] == '\0' &&
		strcmp(text, "null") != 0;

	if (bare) {
		str_adds(out, text);
		return;
	}
	str_addc(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			str_addc(out, '\\');
		str_addc(out, *text);
	}
	str_addc(out, '"');
}

/* A value as it stands in the file; NULL for null. Owned. */
static char *yaml_of(const json_t *value)
{
	struct str s = STR_INIT;

	if (json_is_null(value))
		return NULL;
	if (json_is_string(value))
		add_text(&s, json_string_value(value));
	else if (json_is_boolean(value))
		str_adds(&s, json_is_true(value) ? "true" : "false");
	else
		str_addf(&s, "%lld", (long long)json_integer_value(value));
	return str_take(&s);
}

static struct err *edit_all(const char *path, char **text, const json_t *changes)
{
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach((json_t *)(uintptr_t)changes, key, value) {
		cleanup(mem_freep) char *yaml = yaml_of(value);
		char *edited = NULL;
		TRY(config_edit(path, *text, key, yaml, &edited));
		mem_free(*text);
		*text = edited;
	}
	return NULL;
}

/* The new text must say what the old one said but for the changes. */
static struct err *compare(const char *path, const char *old, const char *text,
	const json_t *changes)
{
	struct config before, after;
	const char *key = NULL;
	json_t *value = NULL;

	record_init(&config_type, &before);
	record_init(&config_type, &after);
	struct err *e = config_parse(path, old, strlen(old), &before);
	if (e == NULL)
		e = config_parse(path, text, strlen(text), &after);
	json_object_foreach((json_t *)(uintptr_t)changes, key, value)
		if (e == NULL)
			e = field_from_json(record_field(&config_type, key), &before, value);
	if (e == NULL) {
		json_t *want = record_to_json(&config_type, &before);
		json_t *got = record_to_json(&config_type, &after);
		if (!json_equal(want, got))
			e = err_hint(err_new(ERR_CONFLICT, "%s cannot be changed safely", path),
				"edit the file by hand, then: mko system config check");
		json_decref(want);
		json_decref(got);
	}
	config_done(&before);
	config_done(&after);
	return e;
}

/* Replace the file; owner and mode stay, and a link stays a link. */
static struct err *replace_file(const char *path, const char *text)
{
	struct stat st = {.st_mode = 0644, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1};
	char *real = realpath(path, NULL);
	cleanup(mem_freep) char *target = mem_strdup(real != NULL ? real : path);
	cleanup(mem_freep) char *folder = mem_strdup(target);
	char *slash = strrchr(folder, '/');

	free(real);
	(void)stat(target, &st); /* absent: as above */
	if (slash != NULL && slash != folder) {
		*slash = '\0';
		TRY(fs_mkdirs(folder, 0755));
	}
	TRY(fs_write_atomic(target, text, strlen(text), st.st_mode & 0777));
	if (st.st_uid != (uid_t)-1 && chown(target, st.st_uid, st.st_gid) != 0 && errno != EPERM)
		return err_errno(errno, "keep the owner of %s", target);
	return NULL;
}

static struct err *save(const struct settings *s, const json_t *changes)
{
	const char *path = s->live->file;
	cleanup(mem_freep) char *old = NULL;
	struct err *e = fs_read(path, FILE_BYTES_MAX, &old, NULL);

	if (e != NULL && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* made by the first change */
		e = NULL;
		old = mem_strdup("");
	}
	TRY(e);
	cleanup(mem_freep) char *text = mem_strdup(old);
	TRY(edit_all(path, &text, changes));
	TRY(compare(path, old, text, changes));
	e = replace_file(path, text);
	if (e == NULL)
		return NULL;
	return err_hint(err_recode(err_wrap(e, "write %s", path), ERR_FORBIDDEN),
		"as the owner of the file: edit it, then: systemctl reload mko");
}

struct settings settings_for(struct config *config)
{
	return (struct settings){.live = config, .load = load, .save = save};
}
