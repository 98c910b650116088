/* Owns the rules of what is a secret or an address in a text. GLib's regular expressions (PCRE2)
 * are used here and nowhere else. */
#include "base/mask.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

/** How a match is replaced. */
enum how {
	HOW_WHOLE,  /**< by the text */
	HOW_AFTER,  /**< the first group stays, then the text */
	HOW_NUMBER, /**< by the text and the number of this value */
};

/** A rule. They are applied in this order. */
static const struct rule {
	const char *name, *replaces, *pattern, *by;
	enum how how;
	int family; /**< HOW_NUMBER: what it must be an address of, 0 = anything */
} rules[] = {
	{"private_key", "private keys in PEM",
		"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\\z)",
		"<private key>", HOW_WHOLE, 0},
	{"url_password", "names and passwords in URLs",
		"(\\w://)[^/\\s:@\"]{0,200}:[^@/\\s\"]{1,200}@", "<login>@", HOW_AFTER, 0},
	{"bearer", "tokens of HTTP headers", "(?i)\\b((?:bearer|basic)\\s+)[A-Za-z0-9._~+/=-]{8,}",
		"<token>", HOW_AFTER, 0},
	{"secret", "values of what is called a password, secret, token or key",
		"(?i)([\\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api_?key|private_key|key-data|credential)[\\w.-]*"
		"[\"']?\\s*[:=]\\s*)(?!null\\b|true\\b|false\\b|<)(?:\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*'|[^\\s,;}\\]]+)",
		"\"<secret>\"", HOW_AFTER, 0},
	{"mko_token", "tokens of this API", "\\bmko_[A-Za-z0-9_-]{16,}", "<token>", HOW_WHOLE, 0},
	{"hex", "keys and tokens in hexadecimal", "\\b[0-9a-fA-F]{32,}(?:/[0-9a-f]{12})?\\b",
		"<hex>", HOW_WHOLE, 0},
	{"email", "addresses of mail", "\\b[\\w.+-]{1,64}@[\\w-]{1,63}(?:\\.[\\w-]{1,63})+\\b",
		"mail-", HOW_NUMBER, 0},
	{"mac", "hardware addresses", "\\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\\b", "mac-",
		HOW_NUMBER, 0},
	{"ipv6", "IPv6 addresses", "(?<![\\w:.])[0-9a-fA-F:]{2,39}(?![\\w:])", "ipv6-", HOW_NUMBER,
		AF_INET6},
	{"ipv4", "IPv4 addresses", "(?<![\\w.])(?:\\d{1,3}\\.){3}\\d{1,3}(?![\\w]|\\.\\d)", "ipv4-",
		HOW_NUMBER, AF_INET},
};

struct mask {
	GRegex *regex[ARRAY_LEN(rules)];
	json_t *known[ARRAY_LEN(rules)]; /**< {value: its number} */
	json_int_t times[ARRAY_LEN(rules)];
};

/** What a replacement needs to know. */
struct job {
	struct mask *m;
	size_t rule;
	json_int_t times;
};

struct mask *mask_new(void)
{
	struct mask *m = mem_zalloc(sizeof(*m));

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		m->regex[i] = g_regex_new(rules[i].pattern,
			(GRegexCompileFlags)(G_REGEX_RAW | G_REGEX_DOTALL | G_REGEX_OPTIMIZE), 0,
			NULL);
		must(m->regex[i] != NULL);
		m->known[i] = json_object();
	}
	return m;
}

void mask_free(struct mask *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		g_regex_unref(m->regex[i]);
		json_decref(m->known[i]);
	}
	mem_free(m);
}

/* Whether it is an address of a machine: not the loopback, "any", a time of day or a version. */
static bool is_address(int family, const char *text)
{
	unsigned char addr[sizeof(struct in6_addr)];

	if (family == 0)
		return true;
	if (inet_pton(family, text, addr) != 1)
		return false;
	if (family == AF_INET)
		return addr[0] != 127 && addr[0] != 0 && addr[0] != 255;
	return strcmp(text, "::") != 0 && strcmp(text, "::1") != 0;
}

static json_int_t number_of(struct mask *m, size_t rule, const char *text)
{
	cleanup(mem_freep) char *value = mem_strdup(text);

	for (char *c = value; *c != '\0'; c++) /* any byte is a key of JSON then */
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	json_t *number = json_object_get(m->known[rule], value);
	if (number == NULL) {
		number = json_integer((json_int_t)json_object_size(m->known[rule]) + 1);
		json_object_set_new(m->known[rule], value, number);
	}
	return json_integer_value(number);
}

static gboolean replace(const GMatchInfo *info, GString *result, gpointer data)
{
	struct job *job = data;
	const struct rule *r = &rules[job->rule];
	char *match = g_match_info_fetch(info, 0);
	char *before = r->how == HOW_AFTER ? g_match_info_fetch(info, 1) : NULL;

	if (r->how == HOW_NUMBER && !is_address(r->family, match)) {
		g_string_append(result, match);
	} else {
		g_string_append(result, before != NULL ? before : "");
		g_string_append(result, r->by);
		if (r->how == HOW_NUMBER)
			g_string_append_printf(result, "%lld",
				(long long)number_of(job->m, job->rule, match));
		job->times++;
	}
	g_free(before);
	g_free(match);
	return FALSE;
}

/* A copy without NUL bytes; GLib's, as the result of each rule is. */
static char *plain_copy(const char *text, size_t len)
{
	char *copy = g_malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		copy[i] = (char)(text[i] == '\0' ? ' ' : text[i]);
	copy[len] = '\0';
	return copy;
}

/* Apply a rule. @take_text owned, GLib's   Returns the new text, NULL when the rule gave up. */
static char *apply(struct mask *m, size_t rule, char *take_text, json_t *counts)
{
	struct job job = {.m = m, .rule = rule};
	GError *error = NULL;
	char *done = g_regex_replace_eval(m->regex[rule], take_text, -1, 0, (GRegexMatchFlags)0,
		replace, &job, &error);

	g_free(take_text);
	if (error != NULL) {
		g_error_free(error);
		g_free(done);
		return NULL;
	}
	m->times[rule] += job.times;
	if (counts != NULL && job.times > 0)
		json_object_set_new(counts, rules[rule].name, json_integer(job.times));
	return done;
}

void mask_text(struct mask *m, const char *text, size_t len, struct str *out, json_t **ret_counts)
{
	json_t *counts = ret_counts != NULL ? json_object() : NULL;
	char *masked = plain_copy(text, len);

	for (size_t i = 0; i < ARRAY_LEN(rules) && masked != NULL; i++)
		masked = apply(m, i, masked, counts);
	str_adds(out, masked != NULL ? masked : "<a text that could not be masked>\n");
	g_free(masked);
	if (ret_counts != NULL)
		*ret_counts = counts;
}

json_t *mask_rules_json(const struct mask *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		cleanup(mem_freep) char *by =
			mem_printf("%s%s", rules[i].by, rules[i].how == HOW_NUMBER ? "NUMBER" : "");
		json_array_append_new(list,
			json_pack("{ss ss ss sI}", "rule", rules[i].name, "replaces",
				rules[i].replaces, "by", by, "times", m->times[i]));
	}
	return list;
}
