/* The configuration's specification, from the table of model/config.h. */
#include <string.h>

#include "base/mem.h"
#include "cli/spec.h"
#include "cli/yaml.h"
#include "model/config.h"

static const char *const kinds[FIELD_KIND_N_] = {
	[FIELD_I64] = "integer",
	[FIELD_BOOL] = "boolean",
	[FIELD_TEXT] = "text",
	[FIELD_ENUM] = "choice",
	[FIELD_TIME] = "time",
	[FIELD_JSON] = "json",
};

/** "1 to 500", "error, warn, info, debug", or nothing. */
static void add_range(struct str *out, const struct field *f)
{
	if (f->kind == FIELD_I64 && (f->min != 0 || f->max != 0))
		str_addf(out, "%lld to %lld", (long long)f->min, (long long)f->max);
	for (size_t i = 0; f->kind == FIELD_ENUM && f->choices->texts[i] != NULL; i++)
		str_addf(out, "%s%s", i > 0 ? ", " : "", f->choices->texts[i]);
	if (f->kind == FIELD_BOOL)
		str_adds(out, "true, false");
}

void cli_spec_config_markdown(struct str *out)
{
	str_adds(out,
		"# Configuration\n\nMade by `mko spec config` from the program's table; do not edit.\n\n"
		"YAML, read from `--config FILE`, else `$MKO_CONFIG`, else `/etc/mko/mko.yaml`, else these defaults. A key `a.b` stands in the\n"
		"file as `b:` below `a:`. An unknown key or a value out of range is refused with file and line.\n\n"
		"Applies says when a change takes effect: at once (`mko system config set`, `systemctl reload mko`), or at the next start.\n\n"
		"| key | type | range | unit | default | applies | meaning |\n| --- | --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < config_type.n_fields; i++) {
		const struct field *f = &config_type.fields[i];
		str_addf(out, "| `%s` | %s | ", f->name, kinds[f->kind]);
		add_range(out, f);
		str_addf(out, " | %s | ", f->unit != NULL ? f->unit : "");
		if (f->def != NULL)
			str_addf(out, "`%s`", f->def);
		str_addf(out, " | %s | %s |\n",
			f->flags & FIELD_RELOAD ? "at once" : "at the next start", f->help);
	}
}

/** A comment of lines of at most 100 characters. */
static void add_comment(struct str *out, const char *text, const char *indent)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");
		if (column == 0 || column + word + 1 > 100) {
			str_addf(out, "%s%s#", column > 0 ? "\n" : "", indent);
			column = strlen(indent) + 1;
		}
		str_addc(out, ' ');
		str_add(out, text, word);
		column += word + 1;
		text += word;
		text += *text == ' ' ? 1 : 0;
	}
	str_addc(out, '\n');
}

/** A key with its help, range and default; one without default is a comment too, for it would have
 * no value. */
static void add_key(struct str *out, const struct field *f, const char *name, const char *indent)
{
	cleanup(str_done) struct str range = STR_INIT;
	cleanup(str_done) struct str help = STR_INIT;

	add_range(&range, f);
	str_adds(&help, f->help);
	if (range.len > 0)
		str_addf(&help, " %s: %s%s%s.", f->kind == FIELD_I64 ? "Range" : "One of",
			str_get(&range), f->unit != NULL ? " " : "",
			f->unit != NULL ? f->unit : "");
	add_comment(out, str_get(&help), indent);
	if (f->def == NULL) {
		str_addf(out, "%s%s:\n", indent, name);
		return;
	}
	str_addf(out, "%s%s: ", indent, name);
	if (f->kind == FIELD_TEXT)
		cli_yaml_add_text(out, f->def);
	else
		str_adds(out, f->def);
	str_addc(out, '\n');
}

void cli_spec_config_yaml(struct str *out)
{
	cleanup(mem_freep) char *section = mem_strdup("");

	str_adds(out,
		"# Configuration of mko with every key and its default; a key without a value has none.\n"
		"# Read from --config FILE, else $MKO_CONFIG, else /etc/mko/mko.yaml. Made by: mko spec config -o yaml\n");
	for (size_t i = 0; i < config_type.n_fields; i++) {
		const struct field *f = &config_type.fields[i];
		const char *dot = strchr(f->name, '.');
		size_t len = dot != NULL ? (size_t)(dot - f->name) : 0;
		if (strlen(section) != len || strncmp(section, f->name, len) != 0) {
			mem_free(section);
			section = mem_strndup(f->name, len);
			str_addf(out, "\n%s:\n", section);
		} else if (len == 0) {
			str_addc(out, '\n');
		}
		add_key(out, f, dot != NULL ? dot + 1 : f->name, len > 0 ? "  " : "");
	}
}

json_t *cli_spec_config_json(void)
{
	json_t *keys = json_array();

	for (size_t i = 0; i < config_type.n_fields; i++) {
		const struct field *f = &config_type.fields[i];
		json_t *key = json_pack("{s:s, s:s, s:s?, s:s?, s:b, s:s}", "key", f->name, "type",
			kinds[f->kind], "default", f->def, "unit", f->unit, "reloadable",
			(f->flags & FIELD_RELOAD) != 0, "help", f->help);
		if (f->kind == FIELD_I64 && (f->min != 0 || f->max != 0)) {
			json_object_set_new(key, "min", json_integer(f->min));
			json_object_set_new(key, "max", json_integer(f->max));
		}
		if (f->kind == FIELD_ENUM) {
			json_t *choices = json_array();
			for (size_t c = 0; f->choices->texts[c] != NULL; c++)
				json_array_append_new(choices, json_string(f->choices->texts[c]));
			json_object_set_new(key, "choices", choices);
		}
		json_array_append_new(keys, key);
	}
	return json_pack("{s:o}", "keys", keys);
}
