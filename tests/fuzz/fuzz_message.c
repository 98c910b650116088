/* A message to a notifier with any title and reason: it can be rendered by every kind, no header
 * and no line of a mail's head is theirs. The first byte chooses the kind, the rest is "title NUL
 * reason".
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *text_json(const char *bytes, size_t len)
{
	json_t *json = json_stringn(bytes, strnlen(bytes, len));

	return json != NULL ? json : json_string("");
}

static void check(const struct message_request *r)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (strpbrk(r->headers[i], "\r\n") != NULL)
			abort();
	const char *head_end = r->mail ? strstr(r->body, "\r\n\r\n") : NULL;
	if (r->mail && (head_end == NULL))
		abort();
	if (!r->mail) {
		json_t *json = json_loads(r->body, 0, NULL);
		if (json == NULL)
			abort();
		json_decref(json);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const urls[NOTIFIER_KIND_N_] = {"https://a.example/x",
		"smtp://a.example", "https://a.example/t", "https://a.example/x",
		"https://a.example/x", "https://a.example"};
	char text[4096] = "";
	struct message_request r;

	if (size < 2 || size > sizeof(text) - 2)
		return 0;
	memcpy(text, data + 1, size - 1);
	size_t kind = data[0] % NOTIFIER_KIND_N_;
	struct notifier n = {.kind = (int64_t)kind,
		.url = (char *)(uintptr_t)urls[kind],
		.recipient = (char *)(uintptr_t) "a@b.example",
		.sender = (char *)(uintptr_t) "c@d.example"};
	size_t title = strlen(text);
	json_t *message = json_pack("{s:s, s:o, s:o, s:i}", "event", "firing", "title",
		text_json(text, title), "reason", text_json(text + title + 1, size - 1 - title),
		"id", 1);
	struct err *e = message_render(&n, "1:secret", message, 1700000000, &r);
	if (e == NULL)
		check(&r);
	err_free(e);
	message_request_done(&r);
	json_decref(message);
	return 0;
}
