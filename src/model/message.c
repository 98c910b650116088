/* Owns how each kind of notifier is told: one row and one function each. */
#include "model/message.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/seal.h"
#include "base/str.h"

#define TELEGRAM_URL "https://api.telegram.org"
#define TEXT_MAX 1500 /* bytes; with the title: Discord takes 2000 characters */
#define MAIL_LINE 57  /* bytes that make a line of 76 in base64 */
#define SUBJECT_PART 42

/* All that a renderer sees. */
struct job {
	const struct notifier *n;
	const char *secret;
	const json_t *message;
	int64_t now_s;
	char *title, *text;
	struct message_request *to;
};

static const char *text_of(const json_t *message, const char *key)
{
	const char *text = json_string_value(json_object_get(message, key));

	return text != NULL ? text : "";
}

static void header(struct message_request *r, char *take_line)
{
	must(r->n_headers < MESSAGE_HEADERS_MAX);
	r->headers[r->n_headers++] = take_line;
}

static void json_body(struct message_request *r, json_t *take_json)
{
	r->body = json_dumps(take_json, JSON_COMPACT);
	json_decref(take_json);
	must(r->body != NULL);
	header(r, mem_strdup("Content-Type: application/json"));
}

/* ---- texts ---- */

static const char *mark_of(const json_t *message)
{
	const char *event = text_of(message, "event");

	if (strcmp(event, "test") == 0)
		return "TEST";
	if (strcmp(event, "resolved") == 0)
		return "OVER";
	return strcmp(text_of(message, "severity"), "critical") == 0 ? "CRITICAL" : "WARNING";
}

static char *title_of(const json_t *message)
{
	return mem_printf("[%s] %s", mark_of(message), text_of(message, "title"));
}

static void add_plain(const json_t *message, struct str *out)
{
	str_adds(out, text_of(message, "reason"));
	if (text_of(message, "since")[0] != '\0')
		str_addf(out, "%sSince %s.", out->len > 0 ? "\n" : "", text_of(message, "since"));
	if (text_of(message, "next")[0] != '\0' &&
		strcmp(text_of(message, "event"), "resolved") != 0)
		str_addf(out, "%sNext: %s", out->len > 0 ? "\n" : "", text_of(message, "next"));
}

/* A word in braces that names a text of the message; what it names nothing stays. */
static const char *add_word(const json_t *message, const char *at, struct str *out)
{
	static const char *const words[] = {"title", "reason", "severity", "event", "name", "rule",
		"since", "next"};
	size_t len = strcspn(at + 1, "}");

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == len && strncmp(words[i], at + 1, len) == 0 &&
			at[1 + len] == '}') {
			str_adds(out, text_of(message, words[i]));
			return at + len + 2;
		}
	str_addc(out, *at);
	return at + 1;
}

/* At most TEXT_MAX bytes of whole characters. */
static void cut(char *text)
{
	size_t n = TEXT_MAX;

	if (strlen(text) <= n)
		return;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	text[n] = '\0';
}

static char *text_from(const struct notifier *n, const json_t *message)
{
	struct str out = STR_INIT;

	if (n->text == NULL)
		add_plain(message, &out);
	for (const char *at = n->text; at != NULL && *at != '\0';)
		if (*at == '{')
			at = add_word(message, at, &out);
		else
			str_addc(&out, *at++);
	char *text = mem_strdup(str_get(&out));
	str_done(&out);
	cut(text);
	return text;
}

/* ---- webhook ---- */

/* HMAC-SHA256 of "TIME.BODY" with the secret: so a receiver knows who sent it, and when. */
static void sign(struct job *j)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char hex[2 * sizeof(mac) + 1];
	crypto_auth_hmacsha256_state state;
	cleanup(mem_freep) char *begin = mem_printf("%lld.", (long long)j->now_s);

	header(j->to, mem_printf("X-Mko-Timestamp: %lld", (long long)j->now_s));
	if (j->secret == NULL)
		return;
	crypto_auth_hmacsha256_init(&state, (const unsigned char *)j->secret, strlen(j->secret));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)begin, strlen(begin));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)j->to->body,
		strlen(j->to->body));
	crypto_auth_hmacsha256_final(&state, mac);
	header(j->to,
		mem_printf("X-Mko-Signature: sha256=%s",
			sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac))));
}

static void render_webhook(struct job *j)
{
	json_t *body = json_deep_copy(j->message);

	json_object_set_new(body, "text", json_string(j->text));
	j->to->url = mem_strdup(j->n->url);
	json_body(j->to, body);
	header(j->to,
		mem_printf("X-Mko-Delivery: %lld",
			(long long)json_integer_value(json_object_get(j->message, "id"))));
	sign(j);
}

/* ---- ntfy ---- */

/* Published as JSON at the root, so that no text of ours is a header. */
static void render_ntfy(struct job *j)
{
	const char *topic = strrchr(j->n->url, '/') + 1;
	bool urgent = strcmp(mark_of(j->message), "CRITICAL") == 0;

	j->to->url = mem_printf("%.*s", (int)(topic - j->n->url), j->n->url);
	json_body(j->to,
		json_pack("{s:s, s:s, s:s, s:i}", "topic", topic, "title", j->title, "message",
			j->text, "priority", urgent ? 5 : 3));
	if (j->secret != NULL)
		header(j->to, mem_printf("Authorization: Bearer %s", j->secret));
}

/* ---- chats ---- */

static void add_slack(struct str *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '&')
			str_adds(out, "&amp;");
		else if (*text == '<')
			str_adds(out, "&lt;");
		else if (*text == '>')
			str_adds(out, "&gt;");
		else
			str_addc(out, *text);
}

static void render_slack(struct job *j)
{
	cleanup(str_done) struct str text = STR_INIT;

	add_slack(&text, j->title);
	str_addc(&text, '\n');
	add_slack(&text, j->text);
	j->to->url = mem_strdup(j->n->url);
	json_body(j->to, json_pack("{s:s}", "text", str_get(&text)));
}

/* A name that begins with @ must call nobody. */
static void render_discord(struct job *j)
{
	cleanup(mem_freep) char *text = mem_printf("%s\n%s", j->title, j->text);

	j->to->url = mem_strdup(j->n->url);
	json_body(j->to,
		json_pack("{s:s, s:{s:[]}}", "content", text, "allowed_mentions", "parse"));
}

static void render_telegram(struct job *j)
{
	cleanup(mem_freep) char *text = mem_printf("%s\n%s", j->title, j->text);

	j->to->url = mem_printf("%s/bot%s/sendMessage",
		j->n->url != NULL ? j->n->url : TELEGRAM_URL, j->secret);
	json_body(j->to,
		json_pack("{s:s, s:s, s:b}", "chat_id", j->n->recipient, "text", text,
			"disable_web_page_preview", 1));
}

/* ---- mail ---- */

/* Base64 in lines. */
static void add_base64(struct str *out, const char *bytes, size_t len, const char *end)
{
	char line[sodium_base64_ENCODED_LEN(MAIL_LINE, sodium_base64_VARIANT_ORIGINAL)];

	for (size_t at = 0; at < len; at += MAIL_LINE) {
		size_t n = len - at < MAIL_LINE ? len - at : MAIL_LINE;
		str_adds(out,
			sodium_bin2base64(line, sizeof(line), (const unsigned char *)bytes + at, n,
				sodium_base64_VARIANT_ORIGINAL));
		str_adds(out, end);
	}
}

/* RFC 2047: words of whole characters; so neither a line break nor a foreign letter is in a header.
 */
static void add_subject(struct str *out, const char *title)
{
	str_adds(out, "Subject:");
	while (*title != '\0') {
		size_t n = strlen(title) < SUBJECT_PART ? strlen(title) : SUBJECT_PART;
		while (n > 1 && ((unsigned char)title[n] & 0xc0) == 0x80)
			n--;
		str_adds(out, " =?UTF-8?B?");
		add_base64(out, title, n, "");
		str_adds(out, "?=\r\n");
		title += n;
	}
}

static void add_recipients(struct message_request *r, const char *list)
{
	while (*list != '\0') {
		list += strspn(list, ", ");
		size_t n = strcspn(list, ", ");
		if (n == 0)
			break;
		r->recipients =
			mem_realloc_array(r->recipients, r->n_recipients + 1, sizeof(char *));
		r->recipients[r->n_recipients++] = mem_strndup(list, n);
		list += n;
	}
}

static void add_date(struct str *out, int64_t now_s)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec"};
	time_t now = (time_t)now_s;
	struct tm tm;

	gmtime_r(&now, &tm);
	str_addf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void render_mail(struct job *j)
{
	struct str out = STR_INIT;
	struct message_request *r = j->to;

	r->mail = true;
	r->url = mem_strdup(j->n->url);
	r->sender = mem_strdup(j->n->sender);
	add_recipients(r, j->n->recipient);
	r->username = mem_strdup(j->n->username);
	r->password = mem_strdup(j->secret);
	add_date(&out, j->now_s);
	str_addf(&out, "From: %s\r\nTo: %s\r\n", j->n->sender, j->n->recipient);
	add_subject(&out, j->title);
	str_addf(&out,
		"Message-ID: <mko-%lld-%lld@%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		(long long)json_integer_value(json_object_get(j->message, "id")),
		(long long)j->now_s, strchr(j->n->sender, '@') + 1);
	add_base64(&out, j->text, strlen(j->text), "\r\n");
	r->body = str_take(&out);
}

/* ---- the kinds ---- */

static const struct kind {
	void (*render)(struct job *j);
	const char *url; /* what it must begin with, NULL = http */
	bool needs_url;
	bool needs_recipient;
	bool needs_secret;
} kinds[NOTIFIER_KIND_N_] = {
	[NOTIFIER_WEBHOOK] = {render_webhook, "http", true, false, false},
	[NOTIFIER_MAIL] = {render_mail, "smtp", true, true, false},
	[NOTIFIER_NTFY] = {render_ntfy, "http", true, false, false},
	[NOTIFIER_SLACK] = {render_slack, "http", true, false, false},
	[NOTIFIER_DISCORD] = {render_discord, "http", true, false, false},
	[NOTIFIER_TELEGRAM] = {render_telegram, "http", false, true, true},
};

/* Only what can stand in a header and in an envelope. */
static bool is_address(const char *text, size_t len)
{
	const char *at = memchr(text, '@', len);

	if (at == NULL || at == text || at + 1 == text + len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("<>,;:\"\\()[]", text[i]) != NULL)
			return false;
	return true;
}

static struct err *check_mail(struct err *take_err, const struct notifier *n)
{
	struct err *e = take_err;

	if (n->sender == NULL || !is_address(n->sender, strlen(n->sender)))
		e = err_field(e, "sender", "a mail needs an address NAME@HOST");
	for (const char *p = n->recipient; p != NULL && *p != '\0';) {
		p += strspn(p, ", ");
		size_t len = strcspn(p, ", ");
		if (len > 0 && !is_address(p, len)) {
			e = err_field(e, "recipient", "must be addresses NAME@HOST with commas");
			break;
		}
		p += len;
	}
	return e;
}

/* The topic is the last part of the path. */
static struct err *check_ntfy(struct err *take_err, const struct notifier *n)
{
	const char *host = n->url != NULL ? strstr(n->url, "://") : NULL;
	const char *topic = host != NULL ? strrchr(host + 3, '/') : NULL;

	if (n->url == NULL || (topic != NULL && topic[1] != '\0'))
		return take_err;
	return err_field(take_err, "url", "must end with the topic: https://ntfy.sh/TOPIC");
}

struct err *message_check(const struct notifier *n, bool has_secret)
{
	const struct kind *kind = &kinds[n->kind];
	struct err *e = NULL;

	if (kind->needs_url && n->url == NULL)
		e = err_field(e, "url", "is needed for this kind");
	if (n->url != NULL && strncmp(n->url, kind->url, strlen(kind->url)) != 0)
		e = err_field(e, "url", "must begin with %s:// or %ss:// for this kind", kind->url,
			kind->url);
	if (kind->needs_recipient && (n->recipient == NULL || *n->recipient == '\0'))
		e = err_field(e, "recipient", "is needed for this kind");
	if (kind->needs_secret && !has_secret)
		e = err_field(e, "secret", "is needed for this kind");
	if (n->timezone != NULL && n->quiet == NULL)
		e = err_field(e, "timezone", "says something only with quiet hours");
	if (n->kind == NOTIFIER_MAIL)
		e = check_mail(e, n);
	if (n->kind == NOTIFIER_NTFY)
		e = check_ntfy(e, n);
	return e;
}

struct err *message_render(const struct notifier *n, const char *secret, const json_t *message,
	int64_t now_s, struct message_request *ret)
{
	struct job j = {.n = n, .secret = secret, .message = message, .now_s = now_s, .to = ret};

	*ret = (struct message_request){.n_headers = 0};
	TRY(message_check(n, secret != NULL));
	j.title = title_of(message);
	j.text = text_from(n, message);
	kinds[n->kind].render(&j);
	mem_free(j.title);
	mem_free(j.text);
	return NULL;
}

void message_request_done(struct message_request *r)
{
	mem_free(r->url);
	mem_free(r->body);
	for (size_t i = 0; i < r->n_headers; i++)
		seal_wipe_free(r->headers[i]);
	for (size_t i = 0; i < r->n_recipients; i++)
		mem_free(r->recipients[i]);
	mem_free(r->recipients);
	mem_free(r->sender);
	mem_free(r->username);
	seal_wipe_free(r->password);
	*r = (struct message_request){.n_headers = 0};
}
