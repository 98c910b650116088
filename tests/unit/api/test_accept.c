/* Accept and Accept-Encoding, and what is compressed. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "api/accept.h"
#include "api/gzip.h"
#include "base/mem.h"

static void the_most_specific_member_decides(void **state)
{
	static const struct {
		const char *header, *wanted;
		int quality;
	} cases[] = {
		{NULL, "gzip", -1},
		{"", "gzip", -1},
		{"gzip", "gzip", 1000},
		{"GZIP", "gzip", 1000},
		{"br, gzip;q=0.8, *;q=0.1", "gzip", 800},
		{"*;q=0.1,gzip ; q=0", "gzip", 0},
		{"*", "gzip", 1000},
		{"*;q=0", "gzip", 0},
		{"gzipx, xgzip", "gzip", -1},
		{"deflate", "gzip", -1},
		{"*/*", "application/json", 1000},
		{"text/*", "application/json", -1},
		{"application/*;q=0.5", "application/json", 500},
		{"application/*;q=0, application/json", "application/json", 1000},
		{"application/json;q=0, */*", "application/json", 0},
		{"text/html,application/xhtml+xml,*/*;q=0.8", "application/json", 800},
		{"application/json;version=1;q=0.25", "application/json", 250},
		{"application/json;q=nonsense", "application/json", 1000},
		{"application/json;q=0.12345", "application/json", 123},
		{"application/json;q=1.9", "application/json", 1000},
		{"application/json;q=", "application/json", 1000},
		{";q=0,,;;", "application/json", -1},
		{"application/jsonl", "application/json", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int quality = accept_quality(cases[i].header, cases[i].wanted);
		if (quality != cases[i].quality)
			print_error("%s: %d\n", cases[i].header, quality);
		assert_int_equal(quality, cases[i].quality);
	}
}

static void what_is_compressed_comes_out_again(void **state)
{
	struct str body = STR_INIT;
	z_stream z = {.zalloc = Z_NULL};

	(void)state;
	for (int i = 0; i < 500; i++)
		str_addf(&body, "{\"hostname\":\"n%d\"},", i);
	char *before = mem_strdup(str_get(&body));
	size_t len = body.len;
	assert_true(gzip_body(&body));
	assert_true(body.len < len / 4);
	char *after = mem_zalloc(len + 1);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)body.data;
	z.avail_in = (uInt)body.len;
	z.next_out = (Bytef *)after;
	z.avail_out = (uInt)len;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(inflateEnd(&z), Z_OK);
	assert_string_equal(after, before);
	mem_free(before);
	mem_free(after);
	str_done(&body);
}

static void noise_is_left_as_it_is(void **state)
{
	struct str body = STR_INIT;
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 2000; i++)
		str_addc(&body, (char)rand_r(&seed));
	assert_false(gzip_body(&body));
	assert_int_equal(body.len, 2000);
	str_done(&body);
}

TEST_MAIN(cmocka_unit_test(the_most_specific_member_decides),
	cmocka_unit_test(what_is_compressed_comes_out_again),
	cmocka_unit_test(noise_is_left_as_it_is))
