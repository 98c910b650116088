/* A small YAML emitter: block style, two spaces, keys in their order. Double quotes are those of
 * JSON, which YAML reads the same. */
#include "cli/yaml.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "cli/output.h"

static bool reserved(const char *text)
{
	static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "y", "n",
		"null"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(words[i], text) == 0)
			return true;
	return false;
}

/** True when the text means itself without quotes: begins with a letter or '/', holds nothing that
 * YAML knows. */
static bool is_plain(const char *text)
{
	static const char inner[] = " _./:@+-=%";
	size_t len = strlen(text);

	if (len == 0 || reserved(text) || !(isalpha((unsigned char)text[0]) || text[0] == '/'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && strchr(inner, text[i]) == NULL)
			return false;
	return strstr(text, ": ") == NULL && text[len - 1] != ':' && text[len - 1] != ' ';
}

void cli_yaml_add_text(struct str *out, const char *text)
{
	if (is_plain(text)) {
		str_adds(out, text);
		return;
	}
	json_t *json = json_string(text);
	char *quoted = json != NULL ? cli_json_dump(json, 0) : NULL;
	if (quoted != NULL)
		str_adds(out, quoted);
	else
		str_add_json(out, text);
	mem_free(quoted);
	json_decref(json);
}

static void add_value(struct str *out, const json_t *json, int indent);

static void add_indent(struct str *out, int indent)
{
	str_addf(out, "%*s", indent, "");
}

static bool is_block(const json_t *json)
{
	return json_array_size(json) > 0 || json_object_size(json) > 0;
}

static void add_object(struct str *out, const json_t *json, int indent, bool first_here)
{
	const char *key = NULL;
	json_t *value = NULL;

	/* jansson iterates over const objects only through a plain pointer; nothing is changed. */
	json_object_foreach((json_t *)(uintptr_t)json, key, value) {
		if (!first_here)
			add_indent(out, indent);
		first_here = false;
		cli_yaml_add_text(out, key);
		str_addc(out, ':');
		if (is_block(value)) {
			str_addc(out, '\n');
			add_value(out, value, json_is_array(value) ? indent : indent + 2);
		} else {
			str_addc(out, ' ');
			add_value(out, value, 0);
		}
	}
}

static void add_array(struct str *out, const json_t *json, int indent)
{
	const json_t *value = NULL;
	size_t i = 0;

	json_array_foreach(json, i, value) {
		add_indent(out, indent);
		str_addc(out, '-');
		if (json_object_size(value) > 0) {
			str_addc(out, ' ');
			add_object(out, value, indent + 2, true);
		} else if (is_block(value)) {
			str_addc(out, '\n');
			add_value(out, value, indent + 2);
		} else {
			str_addc(out, ' ');
			add_value(out, value, 0);
		}
	}
}

/** Append a value and the end of its line. */
static void add_value(struct str *out, const json_t *json, int indent)
{
	if (json_object_size(json) > 0) {
		add_object(out, json, indent, false);
		return;
	}
	if (json_array_size(json) > 0) {
		add_array(out, json, indent);
		return;
	}
	if (json_is_string(json)) {
		cli_yaml_add_text(out, json_string_value(json));
	} else {
		char *plain = cli_json_dump(json, 0);
		str_adds(out, plain);
		mem_free(plain);
	}
	str_addc(out, '\n');
}

void cli_yaml_add(struct str *out, const json_t *json)
{
	add_value(out, json, 0);
}
