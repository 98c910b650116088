/* Fuzzes what the network reaches first: paths, queries, cookies, ETags, Accept, JSON bodies, event
 * lines. Nothing may crash or leak, and what is taken must be text that a handler may trust: no
 * NUL, no control characters, no empty names. The first byte chooses the parser. */
#include <stdlib.h>
#include <string.h>

#include "api/accept.h"
#include "api/decode.h"
#include "api/opfile.h"
#include "api/reply.h"
#include "base/mem.h"
#include "base/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_line(const char *text)
{
	if (check_line(text) != NULL)
		abort();
}

static void fuzz_path(const char *text, size_t len)
{
	struct decode_path path;
	struct err *e = decode_path_parse(text, &path);

	(void)len;
	err_free(e);
	if (e != NULL)
		return;
	for (size_t i = 0; i < path.n; i++) {
		must_be_line(path.parts[i]);
		if (path.parts[i][0] == '\0' || strcmp(path.parts[i], "..") == 0)
			abort();
	}
	decode_path_done(&path);
}

static void fuzz_query(const char *text, size_t len)
{
	struct decode_query query;
	struct err *e = decode_query_parse(text, &query);

	(void)len;
	err_free(e);
	if (e != NULL)
		return;
	for (size_t i = 0; i < query.n; i++) {
		must_be_line(query.pairs[i].name);
		must_be_line(query.pairs[i].value);
		if (decode_query_get(&query, query.pairs[i].name) != query.pairs[i].value)
			abort();
	}
	decode_query_done(&query);
}

static void fuzz_json(const char *text, size_t len)
{
	json_t *json = NULL;

	err_free(decode_json_object(text, len, &json));
	json_decref(json);
}

static void fuzz_cookie(const char *text, size_t len)
{
	(void)len;
	char *value = decode_cookie(text, "mko_session");
	if (value != NULL && strchr(value, ';') != NULL)
		abort();
	mem_free(value);
}

static void fuzz_etag(const char *text, size_t len)
{
	(void)len;
	(void)reply_etag_listed(text, "\"0123456789abcdef01234567\"", true);
	(void)reply_etag_listed(text, "\"0123456789abcdef01234567\"", false);
}

static void fuzz_line(const char *text, size_t len)
{
	if (opfile_seq(text, len) < -1)
		abort();
}

static void fuzz_accept(const char *text, size_t len)
{
	static const char *const wanted[] = {"application/json", "gzip"};

	(void)len;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		int quality = accept_quality(text, wanted[i]);
		if (quality < -1 || quality > 1000)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const char *text, size_t len) = {fuzz_path, fuzz_query,
		fuzz_json, fuzz_cookie, fuzz_etag, fuzz_line, fuzz_accept};

	if (size < 1 || size > 65536)
		return 0;
	char *text = mem_strndup((const char *)data + 1,
		size - 1); /* an own block: reads beyond the end are seen */
	parsers[(uint8_t)(data[0] - '0') % ARRAY_LEN(parsers)](text, strlen(text));
	mem_free(text);
	return 0;
}
