/* Owns what a new configuration does to a running program. */
#include "service/settings.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "service/audit.h"

void settings_diff_done(struct settings_diff *diff)
{
	json_decref(diff->applied);
	json_decref(diff->restart);
	*diff = (struct settings_diff){.applied = NULL};
}

/* Compare one key; take it over when that may be. */
static void apply_one(const struct field *f, struct config *live, const struct config *fresh,
	struct settings_diff *diff)
{
	json_t *old = field_to_json(f, live);
	json_t *new = field_to_json(f, fresh);

	if (!json_equal(old, new)) {
		bool now = (f->flags & FIELD_RELOAD) != 0;
		if (now) /* it was checked when it was read */
			err_ignore(field_from_json(f, live, new));
		json_array_append_new(now ? diff->applied : diff->restart, json_string(f->name));
	}
	json_decref(old);
	json_decref(new);
}

static void apply(struct config *live, const struct config *fresh, struct settings_diff *diff)
{
	*diff = (struct settings_diff){.applied = json_array(), .restart = json_array()};
	for (size_t i = 0; i < config_type.n_fields; i++)
		apply_one(&config_type.fields[i], live, fresh, diff);
	log_set_level((enum log_level)live->log_level);
}

struct err *settings_reload(struct service *svc, struct settings_diff *ret)
{
	struct config fresh;

	if (svc->settings == NULL)
		return err_new(ERR_UNAVAILABLE, "this program has no configuration file");
	struct err *e = svc->settings->load(svc->settings, &fresh);
	if (e == NULL)
		apply(svc->settings->live, &fresh, ret);
	record_done(&config_type, &fresh);
	return e;
}

static struct err *unknown_key(struct err *take_all, const char *key)
{
	struct suggest s = suggest_start(key);

	for (size_t i = 0; i < config_type.n_fields; i++)
		suggest_try(&s, config_type.fields[i].name);
	if (s.best != NULL)
		return err_field(take_all, key, "unknown key; did you mean %s?", s.best);
	return err_field(take_all, key, "unknown key");
}

/* Check each change on a copy. */
static struct err *check(const struct config *live, const json_t *changes)
{
	struct config copy;
	struct err *all = NULL;
	const char *key = NULL;
	json_t *value = NULL;

	record_copy(&config_type, &copy, live);
	json_object_foreach((json_t *)(uintptr_t)changes, key, value) {
		const struct field *f = record_field(&config_type, key);
		if (f == NULL) {
			all = unknown_key(all, key);
			continue;
		}
		struct err *e = field_from_json(f, &copy, value);
		if (e != NULL)
			all = err_field(all, key, "%s", err_message(e));
		err_free(e);
	}
	record_done(&config_type, &copy);
	if (all == NULL && json_object_size(changes) == 0)
		all = err_new(ERR_INVALID, "no key is given");
	return all;
}

static json_t *values_of(const struct config *config, const json_t *changes)
{
	json_t *values = json_object();
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach((json_t *)(uintptr_t)changes, key, value)
		json_object_set_new(values, key,
			field_to_json(record_field(&config_type, key), config));
	return values;
}

struct err *settings_change(struct service *svc, const struct actor *who, const json_t *changes,
	struct settings_diff *ret)
{
	if (svc->settings == NULL)
		return err_new(ERR_UNAVAILABLE, "this program has no configuration file");
	TRY(check(svc->config, changes));
	json_t *detail = json_object();
	json_object_set_new(detail, "before", values_of(svc->config, changes));
	json_object_set(detail, "after", (json_t *)(uintptr_t)changes);
	/* the audit entry first: what fails after it undoes it; the file is the last to change */
	struct err *e = audit_write(svc, who, "config.change", "config", detail, "ok");
	if (e == NULL)
		e = svc->settings->save(svc->settings, changes);
	return e != NULL ? e : settings_reload(svc, ret);
}
