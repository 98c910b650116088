/* Reading the configuration: YAML events go straight into the table of model/config.h. Owns the
 * rules of where the file and the data directory are. Every wrong key is reported with file and
 * line, all at once. Knows no key by name but data_dir and pairs that must fit. */
#include "app/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/suggest.h"

#define FILE_MAX ((size_t)1 << 20)
#define ERRORS_MAX 50
#define FIELDS_MAX 128

/** One file being read. */
struct reader {
	yaml_parser_t parser;
	const char *name;
	struct config *config;
	struct err *errors;
	size_t lines[FIELDS_MAX]; /**< where each field was given, 0 = nowhere */
	bool broken;              /**< the syntax is wrong: what follows means nothing */
};

static void complain(struct reader *r, size_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(struct reader *r, size_t line, const char *fmt, ...)
{
	va_list ap;

	if (r->errors != NULL && err_field_count(r->errors) >= ERRORS_MAX)
		return;
	va_start(ap, fmt);
	char *text = mem_vprintf(fmt, ap);
	va_end(ap);
	char *where = mem_printf("%s:%zu", r->name, line);
	r->errors = err_field(r->errors, where, "%s", text);
	mem_free(where);
	mem_free(text);
}

/** Next event; false when the syntax is broken. The caller deletes the event. */
static bool next_event(struct reader *r, yaml_event_t *event)
{
	if (r->broken)
		return false;
	if (yaml_parser_parse(&r->parser, event) != 0)
		return true;
	r->broken = true;
	const char *problem = r->parser.problem != NULL ? r->parser.problem : "cannot be read";
	size_t line = r->parser.problem_mark.line + 1;
	if (r->parser.error == YAML_READER_ERROR)
		complain(r, line, "%s (byte %zu)", problem, r->parser.problem_offset);
	else
		complain(r, line, "%s", problem);
	return false;
}

/** Read over what belongs to an event whose kind is not wanted. False when the syntax is broken. */
static bool skip_value(struct reader *r, yaml_event_type_t first)
{
	int depth = first == YAML_MAPPING_START_EVENT || first == YAML_SEQUENCE_START_EVENT ? 1 : 0;

	while (depth > 0) {
		yaml_event_t event;
		if (!next_event(r, &event))
			return false;
		if (event.type == YAML_MAPPING_START_EVENT ||
			event.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		else if (event.type == YAML_MAPPING_END_EVENT ||
			event.type == YAML_SEQUENCE_END_EVENT)
			depth--;
		yaml_event_delete(&event);
	}
	return true;
}

static bool is_section(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < config_type.n_fields; i++) {
		const char *key = config_type.fields[i].name;
		if (strncmp(key, name, len) == 0 && key[len] == '.')
			return true;
	}
	return false;
}

static void complain_unknown(struct reader *r, size_t line, const char *key)
{
	struct suggest s = suggest_start(key);

	for (size_t i = 0; i < config_type.n_fields; i++)
		suggest_try(&s, config_type.fields[i].name);
	/* The right word in the wrong section is a frequent slip as well. */
	const char *last = strrchr(key, '.') != NULL ? strrchr(key, '.') + 1 : key;
	for (size_t i = 0; s.best == NULL && i < config_type.n_fields; i++) {
		const char *dot = strchr(config_type.fields[i].name, '.');
		if (dot != NULL && strcmp(dot + 1, last) == 0)
			s.best = config_type.fields[i].name;
	}
	if (s.best != NULL)
		complain(r, line, "%s: unknown key; did you mean %s?", key, s.best);
	else
		complain(r, line, "%s: unknown key", key);
}

static bool is_null(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		(text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/** The value of a scalar as the field wants it; NULL with an error when it cannot be. */
static struct err *scalar_to_json(const struct field *f, const char *text, json_t **ret)
{
	int64_t number = 0;
	bool yes = false;

	if (f->kind == FIELD_I64) {
		TRY(parse_i64(text, INT64_MIN + 1, INT64_MAX, &number));
		*ret = json_integer(number);
	} else if (f->kind == FIELD_BOOL) {
		TRY(parse_bool(text, &yes));
		*ret = json_boolean(yes);
	} else {
		*ret = json_string(text);
		if (*ret == NULL)
			return err_new(ERR_INVALID, "is not valid UTF-8");
	}
	return NULL;
}

static void set_scalar(struct reader *r, const char *key, size_t line, const yaml_event_t *event)
{
	const struct field *f = record_field(&config_type, key);
	const char *text = (const char *)event->data.scalar.value;
	json_t *value = NULL;

	if (f == NULL) {
		if (is_section(key) && is_null(event))
			return; /* a section whose keys are all commented out */
		if (is_section(key))
			complain(r, line, "%s: is a section: its keys belong below it, indented",
				key);
		else
			complain_unknown(r, line, key);
		return;
	}
	size_t i = (size_t)(f - config_type.fields);
	if (r->lines[i] != 0) {
		complain(r, line, "%s: given twice, first in line %zu", key, r->lines[i]);
		return;
	}
	r->lines[i] = line;
	if (is_null(event))
		return; /* stays as the table says */
	if (strlen(text) != event->data.scalar.length) {
		complain(r, line, "%s: contains a NUL character", key);
		return;
	}
	struct err *e = scalar_to_json(f, text, &value);
	if (e == NULL)
		e = field_from_json(f, r->config, value);
	if (e != NULL)
		complain(r, line, "%s: %s", key, err_message(e));
	err_free(e);
	json_decref(value);
}

static void read_mapping(struct reader *r, const char *section);

/** Read the value of a key: a scalar, or below the top level's keys a mapping. */
static void read_value(struct reader *r, const char *section, const char *name, size_t line)
{
	yaml_event_t event;

	if (!next_event(r, &event))
		return;
	char *key = section != NULL ? mem_printf("%s.%s", section, name) : mem_strdup(name);
	if (event.type == YAML_SCALAR_EVENT) {
		set_scalar(r, key, line, &event);
	} else if (event.type == YAML_MAPPING_START_EVENT && section == NULL && is_section(key)) {
		read_mapping(r, key);
	} else {
		if (event.type == YAML_ALIAS_EVENT)
			complain(r, line, "%s: aliases are not supported", key);
		else if (record_field(&config_type, key) != NULL)
			complain(r, line, "%s: must be a single value", key);
		else
			complain_unknown(r, line, key);
		(void)skip_value(r, event.type);
	}
	yaml_event_delete(&event);
	mem_free(key);
}

/** Read over a key that is no word, and its value. */
static void skip_pair(struct reader *r, yaml_event_type_t key)
{
	yaml_event_t value;

	if (!skip_value(r, key) || !next_event(r, &value))
		return;
	(void)skip_value(r, value.type);
	yaml_event_delete(&value);
}

/** Read the keys of a mapping up to its end. @section NULL at the top level */
static void read_mapping(struct reader *r, const char *section)
{
	for (;;) {
		yaml_event_t event;
		if (!next_event(r, &event))
			return;
		yaml_event_type_t type = event.type;
		if (type == YAML_SCALAR_EVENT) {
			read_value(r, section, (const char *)event.data.scalar.value,
				event.start_mark.line + 1);
		} else if (type != YAML_MAPPING_END_EVENT) {
			complain(r, event.start_mark.line + 1, "a key must be a word");
			skip_pair(r, type);
		}
		yaml_event_delete(&event);
		if (type == YAML_MAPPING_END_EVENT)
			return;
	}
}

/** Read the stream: at most one document, which is a mapping. */
static void read_stream(struct reader *r)
{
	int documents = 0;

	for (bool end = false; !end && !r->broken;) {
		yaml_event_t event;
		if (!next_event(r, &event))
			return;
		size_t line = event.start_mark.line + 1;
		if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
			complain(r, line, "only one YAML document is expected");
			end = true;
		} else if (event.type == YAML_MAPPING_START_EVENT) {
			read_mapping(r, NULL);
		} else if ((event.type == YAML_SCALAR_EVENT && !is_null(&event)) ||
			event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_ALIAS_EVENT) {
			complain(r, line,
				"must consist of lines \"section:\" and \"  key: value\"");
			end = true;
		}
		end = end || event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
}

static size_t line_of(const struct reader *r, const char *key)
{
	return r->lines[record_field(&config_type, key) - config_type.fields];
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/** Rules over more than one key. */
static void check_pairs(struct reader *r)
{
	const struct config *c = r->config;

	if ((c->web_tls_cert == NULL) != (c->web_tls_key == NULL))
		complain(r, larger(line_of(r, "web.tls_cert"), line_of(r, "web.tls_key")),
			"web.tls_cert, web.tls_key: one needs the other");
	if (c->microk8s_network_cidr != NULL && c->microk8s_service_cidr != NULL &&
		cidr_overlap(c->microk8s_network_cidr, c->microk8s_service_cidr))
		complain(r,
			larger(line_of(r, "microk8s.network_cidr"),
				line_of(r, "microk8s.service_cidr")),
			"microk8s.network_cidr, microk8s.service_cidr: the networks overlap");
}

struct err *config_parse(const char *name, const char *text, size_t len, struct config *config)
{
	struct reader r = {.name = name, .config = config};

	must(config_type.n_fields <= FIELDS_MAX);
	must(yaml_parser_initialize(&r.parser) != 0);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	read_stream(&r);
	yaml_parser_delete(&r.parser);
	if (r.errors == NULL)
		check_pairs(&r);
	if (r.errors == NULL)
		return NULL;
	return err_hint(err_wrap(r.errors, "configuration file %s", name),
		"mko spec config    (shows every key with its range and default)");
}

void config_done(struct config *config)
{
	record_done(&config_type, config);
}

static const char *env_get(const struct config_env *env, const char *name)
{
	const char *value = env != NULL && env->get != NULL
		? env->get(name)
		: getenv(name); // NOLINT(concurrency-mt-unsafe): before threads

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/** Make a path absolute; the caller frees. */
static struct err *absolute(const char *path, char **ret)
{
	if (path[0] == '/') {
		*ret = mem_strdup(path);
		return NULL;
	}
	char *cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		return err_new(ERR_IO, "the current folder cannot be read");
	*ret = fs_join(cwd, path);
	free(cwd);
	return NULL;
}

static bool owns(const char *path, uid_t uid)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == uid;
}

/** Where data is kept: the environment, the file, the service's folder when it is ours, the user's
 * own. */
static struct err *decide_data_dir(const struct config_env *env, struct config *config)
{
	const char *given = env_get(env, "MKO_DATA_DIR");
	const char *service = env != NULL && env->system_data_dir != NULL ? env->system_data_dir
									  : "/var/lib/mko";
	uid_t uid = env != NULL && env->euid >= 0 ? (uid_t)env->euid : geteuid();
	const char *home = env_get(env, "HOME");
	const char *xdg = env_get(env, "XDG_DATA_HOME");
	char *path = NULL;

	if (given == NULL)
		given = config->data_dir;
	if (given != NULL)
		TRY(absolute(given, &path));
	else if (uid == 0 || owns(service, uid))
		path = mem_strdup(service);
	else if (xdg != NULL && xdg[0] == '/')
		path = fs_join(xdg, "mko");
	else if (home != NULL && home[0] == '/')
		path = fs_join(home, ".local/share/mko");
	else
		return err_hint(err_new(ERR_INVALID,
					"no data directory: neither MKO_DATA_DIR, "
					"XDG_DATA_HOME nor HOME is set"),
			"MKO_DATA_DIR=/some/folder mko ...");
	mem_free(config->data_dir);
	config->data_dir = path;
	return NULL;
}

static struct err *load_file(const char *path, bool optional, struct config *config)
{
	cleanup(mem_freep) char *text = NULL;
	size_t len = 0;
	struct err *e = fs_read(path, FILE_MAX, &text, &len);

	if (e != NULL && optional && err_code(e) == ERR_NOT_FOUND) {
		err_ignore(e); /* nobody asked for it: defaults */
		return NULL;
	}
	if (e != NULL)
		return err_wrap(e, "read the configuration");
	return config_parse(path, text, len, config);
}

struct err *config_load(const char *path, const struct config_env *env, struct config *ret_config)
{
	const char *asked = path != NULL ? path : env_get(env, "MKO_CONFIG");
	const char *usual = env != NULL && env->system_file != NULL ? env->system_file
								    : "/etc/mko/mko.yaml";

	record_init(&config_type, ret_config);
	const char *file = asked != NULL ? asked : usual;
	if (strlen(file) >= sizeof(ret_config->file))
		return err_new(ERR_INVALID, "the path of the configuration is too long");
	memcpy(ret_config->file, file, strlen(file) + 1);
	TRY(load_file(asked != NULL ? asked : usual, asked == NULL, ret_config));
	return decide_data_dir(env, ret_config);
}
