/* Owns the first contact with bytes from clients: nothing here allocates more than its caps or
 * knows what a request means. */
#include "api/decode.h"

#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decode into out (len + 1 bytes); returns how many bytes, or -1 for a bad escape or a NUL. */
static ssize_t unescape(const char *text, size_t len, bool plus_is_space, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '%') {
			int high = i + 2 < len ? hex_value(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_value(text[i + 2]) : -1;
			if (high < 0 || low < 0)
				return -1;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (c == '\0')
			return -1;
		out[n++] = c;
	}
	out[n] = '\0';
	return (ssize_t)n;
}

struct err *decode_percent(const char *text, size_t len, bool plus_is_space, char **ret_text)
{
	if (len > (size_t)3 * DECODE_TEXT_MAX)
		return err_new(ERR_USAGE, "a part of the address is too long");
	cleanup(mem_freep) char *out = mem_zalloc(len + 1);
	ssize_t n = unescape(text, len, plus_is_space, out);
	if (n < 0)
		return err_new(ERR_USAGE, "bad percent escape in the address");
	if (n > DECODE_TEXT_MAX)
		return err_new(ERR_USAGE, "a part of the address is too long");
	struct err *e = check_line(out);
	if (e != NULL)
		return err_recode(err_wrap(e, "address"), ERR_USAGE);
	*ret_text = MOVE(out);
	return NULL;
}

static struct err *add_part(struct decode_path *path, const char *text, size_t len)
{
	if (path->n == DECODE_SEGMENTS_MAX)
		return err_new(ERR_NOT_FOUND, "no such route");
	char *part = NULL;
	TRY(decode_percent(text, len, false, &part));
	must(part != NULL);
	if (part[0] == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0) {
		mem_free(part);
		return err_new(ERR_USAGE, "empty or relative part in the path");
	}
	path->parts[path->n++] = part;
	return NULL;
}

struct err *decode_path_parse(const char *path, struct decode_path *ret_path)
{
	struct decode_path out = {.n = 0};

	if (path[0] != '/')
		return err_new(ERR_USAGE, "the path does not start with a slash");
	const char *at = path + 1;
	while (*at != '\0') {
		size_t len = strcspn(at, "/");
		struct err *e = add_part(&out, at, len);
		if (e == NULL && at[len] == '/' && at[len + 1] == '\0')
			e = err_new(ERR_USAGE, "empty or relative part in the path");
		if (e != NULL) {
			decode_path_done(&out);
			return e;
		}
		at += len + (at[len] == '/');
	}
	*ret_path = out;
	return NULL;
}

void decode_path_done(struct decode_path *path)
{
	for (size_t i = 0; i < path->n; i++)
		mem_free(path->parts[i]);
	path->n = 0;
}

static struct err *add_pair(struct decode_query *query, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
	cleanup(mem_freep) char *name = NULL;
	cleanup(mem_freep) char *value = NULL;

	if (query->n == DECODE_PAIRS_MAX)
		return err_new(ERR_USAGE, "more than %d query parameters", DECODE_PAIRS_MAX);
	TRY(decode_percent(text, name_len, true, &name));
	must(name != NULL);
	if (equals == NULL)
		value = mem_strdup("");
	else
		TRY(decode_percent(equals + 1, len - name_len - 1, true, &value));
	if (name[0] == '\0')
		return err_new(ERR_USAGE, "a query parameter has no name");
	if (decode_query_get(query, name) != NULL)
		return err_new(ERR_USAGE, "query parameter %s is given twice", name);
	query->pairs[query->n].name = MOVE(name);
	query->pairs[query->n++].value = MOVE(value);
	return NULL;
}

struct err *decode_query_parse(const char *text, struct decode_query *ret_query)
{
	struct decode_query out = {.n = 0};

	for (const char *at = text; at != NULL && *at != '\0';) {
		size_t len = strcspn(at, "&");
		struct err *e = len > 0 ? add_pair(&out, at, len) : NULL;
		if (e != NULL) {
			decode_query_done(&out);
			return e;
		}
		at += len + (at[len] == '&');
	}
	*ret_query = out;
	return NULL;
}

const char *decode_query_get(const struct decode_query *query, const char *name)
{
	for (size_t i = 0; i < query->n; i++)
		if (strcmp(query->pairs[i].name, name) == 0)
			return query->pairs[i].value;
	return NULL;
}

void decode_query_done(struct decode_query *query)
{
	for (size_t i = 0; i < query->n; i++) {
		mem_free(query->pairs[i].name);
		mem_free(query->pairs[i].value);
	}
	query->n = 0;
}

/* jansson's own limit (2048 levels) is far above what any body of ours needs. */
static bool too_deep(const char *text, size_t len)
{
	int depth = 0;
	bool in_text = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (in_text) {
			i += c == '\\';
			in_text = c != '"';
		} else if (c == '"') {
			in_text = true;
		} else if (c == '{' || c == '[') {
			if (++depth > DECODE_DEPTH_MAX)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

struct err *decode_json_object(const char *text, size_t len, json_t **ret_json)
{
	json_error_t error;

	if (too_deep(text, len))
		return err_new(ERR_USAGE, "the JSON body is nested deeper than %d levels",
			DECODE_DEPTH_MAX);
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		return err_new(ERR_USAGE, "malformed JSON at line %d column %d: %s", error.line,
			error.column, error.text);
	if (!json_is_object(json)) {
		json_decref(json);
		return err_new(ERR_USAGE, "the JSON body must be an object");
	}
	*ret_json = json;
	return NULL;
}

char *decode_cookie(const char *header, const char *name)
{
	size_t name_len = strlen(name);

	for (const char *at = header; at != NULL && *at != '\0';) {
		at += strspn(at, " \t;");
		size_t len = strcspn(at, ";");
		if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0)
			return mem_strndup(at + name_len + 1, len - name_len - 1);
		at += len;
	}
	return NULL;
}
