/* A message as each kind wants it: nothing that comes from a node becomes a header, a mention or a
 * line of its own. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "model/message.h"

static json_t *message(const char *event, const char *title)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "id", 7, "event", event, "title",
		title, "reason", "It answers neither.", "severity", "critical", "since",
		"2026-11-27T00:00:00Z", "next", "mko node test n3");
}

static struct message_request render(const struct notifier *n, const char *secret,
	const char *event, const char *title)
{
	struct message_request r;
	json_t *m = message(event, title);
	struct err *e = message_render(n, secret, m, 1700000000, &r);

	if (e != NULL)
		print_error("%s\n", err_message(e));
	assert_null(e);
	json_decref(m);
	return r;
}

static void a_webhook_is_signed_with_its_time(void **state)
{
	struct notifier n = {.kind = NOTIFIER_WEBHOOK,
		.url = (char *)(uintptr_t) "https://h.example/x",
		.cluster_id = I64_NONE};
	struct message_request r = render(&n, "key", "firing", "Node n3 is down");
	json_t *body = json_loads(r.body, 0, NULL);

	(void)state;
	assert_string_equal(r.url, "https://h.example/x");
	assert_string_equal(json_string_value(json_object_get(body, "title")), "Node n3 is down");
	assert_non_null(strstr(json_string_value(json_object_get(body, "text")),
		"Next: mko node test n3"));
	assert_int_equal(r.n_headers, 4);
	assert_string_equal(r.headers[1], "X-Mko-Delivery: 7");
	assert_string_equal(r.headers[2], "X-Mko-Timestamp: 1700000000");
	assert_non_null(strstr(r.headers[3], "X-Mko-Signature: sha256="));
	assert_int_equal(strlen(r.headers[3]), strlen("X-Mko-Signature: sha256=") + 64);
	json_decref(body);
	message_request_done(&r);
	r = render(&n, NULL, "firing", "x");
	assert_int_equal(r.n_headers, 3);
	message_request_done(&r);
}

static void ntfy_gets_the_topic_in_the_body(void **state)
{
	struct notifier n = {.kind = NOTIFIER_NTFY,
		.url = (char *)(uintptr_t) "https://ntfy.example/mine"};
	struct message_request r = render(&n, "tk_1", "resolved", "a\nb");
	json_t *body = json_loads(r.body, 0, NULL);

	(void)state;
	assert_string_equal(r.url, "https://ntfy.example/");
	assert_string_equal(json_string_value(json_object_get(body, "topic")), "mine");
	assert_string_equal(json_string_value(json_object_get(body, "title")), "[OVER] a\nb");
	assert_int_equal(json_integer_value(json_object_get(body, "priority")), 3);
	assert_string_equal(r.headers[1], "Authorization: Bearer tk_1");
	json_decref(body);
	message_request_done(&r);
}

static void chats_are_not_told_to_call_anybody(void **state)
{
	struct notifier slack = {.kind = NOTIFIER_SLACK,
		.url = (char *)(uintptr_t) "https://hooks.example/a"};
	struct notifier discord = {.kind = NOTIFIER_DISCORD,
		.url = (char *)(uintptr_t) "https://d.example/a"};
	struct message_request r = render(&slack, NULL, "firing", "<!channel> & co");

	(void)state;
	assert_non_null(strstr(r.body, "&lt;!channel&gt; &amp; co"));
	message_request_done(&r);
	r = render(&discord, NULL, "firing", "@everyone");
	assert_non_null(strstr(r.body, "\"allowed_mentions\":{\"parse\":[]}"));
	message_request_done(&r);
}

static void telegram_needs_a_token_and_a_chat(void **state)
{
	struct notifier n = {.kind = NOTIFIER_TELEGRAM, .recipient = (char *)(uintptr_t) "-100"};
	struct message_request r = render(&n, "1:abc", "test", "x");

	(void)state;
	assert_string_equal(r.url, "https://api.telegram.org/bot1:abc/sendMessage");
	assert_non_null(strstr(r.body, "[TEST] x"));
	message_request_done(&r);
	n.recipient = NULL;
	struct err *e = message_check(&n, false);
	assert_int_equal(err_field_count(e), 2);
	err_free(e);
}

static void a_mail_has_no_line_that_a_node_wrote(void **state)
{
	struct notifier n = {.kind = NOTIFIER_MAIL,
		.url = (char *)(uintptr_t) "smtp://m.example:25",
		.sender = (char *)(uintptr_t) "mko@m.example",
		.recipient = (char *)(uintptr_t) "a@x.example, b@x.example"};
	struct message_request r = render(&n, NULL, "firing",
		"Größe\r\nBcc: evil@x.example and a title that is much longer than a line");

	(void)state;
	assert_true(r.mail);
	assert_int_equal(r.n_recipients, 2);
	assert_string_equal(r.recipients[1], "b@x.example");
	assert_null(strstr(r.body, "Bcc"));
	assert_non_null(strstr(r.body, "Subject: =?UTF-8?B?"));
	assert_non_null(strstr(r.body, "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"));
	for (const char *line = r.body; line != NULL;
		line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL)
		assert_true(strcspn(line, "\n") <= 79);
	message_request_done(&r);
}

static void what_a_kind_needs_is_told_at_once(void **state)
{
	struct notifier n = {.kind = NOTIFIER_MAIL, .url = (char *)(uintptr_t) "https://x.example"};
	struct err *e = message_check(&n, false);

	(void)state;
	assert_int_equal(err_field_count(e), 3);
	err_free(e);
	n = (struct notifier){.kind = NOTIFIER_MAIL,
		.url = (char *)(uintptr_t) "smtp://x.example",
		.sender = (char *)(uintptr_t) "a@b.example>",
		.recipient = (char *)(uintptr_t) "c d@e.example"};
	e = message_check(&n, false);
	assert_int_equal(err_field_count(e), 2);
	err_free(e);
	n = (struct notifier){.kind = NOTIFIER_NTFY, .url = (char *)(uintptr_t) "https://ntfy.sh"};
	e = message_check(&n, false);
	assert_int_equal(err_field_count(e), 1);
	err_free(e);
}

static void a_template_says_it_in_other_words(void **state)
{
	struct notifier n = {.kind = NOTIFIER_SLACK,
		.url = (char *)(uintptr_t) "https://hooks.example/a",
		.text = (char *)(uintptr_t) "{severity}: {reason} {nothing} {"};
	struct message_request r = render(&n, NULL, "firing", "x");

	(void)state;
	assert_non_null(strstr(r.body, "critical: It answers neither. {nothing} {"));
	message_request_done(&r);
}

static void a_long_text_is_cut_at_a_character(void **state)
{
	struct notifier n = {.kind = NOTIFIER_DISCORD,
		.url = (char *)(uintptr_t) "https://d.example/a"};
	struct message_request r;
	char *reason = mem_zalloc(10001);

	(void)state;
	for (size_t i = 0; i + 1 < 10001; i += 2) {
		reason[i] = (char)0xc3; /* an a with two dots */
		reason[i + 1] = (char)0xa4;
	}
	json_t *m = json_pack("{s:s, s:s, s:s}", "event", "firing", "title", "x", "reason", reason);
	assert_null(message_render(&n, NULL, m, 0, &r));
	assert_true(strlen(r.body) < 1700);
	json_t *body = json_loads(r.body, 0, NULL);
	assert_non_null(body);
	json_decref(body);
	json_decref(m);
	message_request_done(&r);
	mem_free(reason);
}

TEST_MAIN(cmocka_unit_test(a_webhook_is_signed_with_its_time),
	cmocka_unit_test(ntfy_gets_the_topic_in_the_body),
	cmocka_unit_test(chats_are_not_told_to_call_anybody),
	cmocka_unit_test(telegram_needs_a_token_and_a_chat),
	cmocka_unit_test(a_mail_has_no_line_that_a_node_wrote),
	cmocka_unit_test(what_a_kind_needs_is_told_at_once),
	cmocka_unit_test(a_template_says_it_in_other_words),
	cmocka_unit_test(a_long_text_is_cut_at_a_character))
