/* Masking: secrets and addresses go, everything else stays, and the same address keeps its name. */
#include "testing.h"

#include <string.h>

#include "base/mask.h"
#include "base/mem.h"

static void expect(struct mask *m, const char *text, const char *want)
{
	struct str out = STR_INIT;

	mask_text(m, text, strlen(text), &out, NULL);
	assert_string_equal(str_get(&out), want);
	str_done(&out);
}

static void secrets_are_taken_out_and_what_they_are_called_stays(void **state)
{
	struct mask *m = mask_new();

	(void)state;
	expect(m, "{\"sudo_password\": \"hun\\\"ter2\", \"port\": 22}",
		"{\"sudo_password\": \"<secret>\", \"port\": 22}");
	expect(m, "password=hunter2 user=pi", "password=\"<secret>\" user=pi");
	expect(m, "MONITOR rack@localhost 1 mko s3cret primary\nPASSWORD: x, y",
		"MONITOR rack@localhost 1 mko s3cret primary\nPASSWORD: \"<secret>\", y");
	expect(m, "client-key-data: LS0tLS1CRUdJTg==\nname: admin",
		"client-key-data: \"<secret>\"\nname: admin");
	expect(m, "Authorization: Bearer abcdefgh.ijkl-mnop", "Authorization: Bearer <token>");
	expect(m, "https://pi:raspberry@example.org/x", "https://<login>@example.org/x");
	expect(m,
		"-----BEGIN OPENSSH PRIVATE KEY-----\nAAA\nBBB\n-----END OPENSSH PRIVATE KEY-----\nz",
		"<private key>\nz");
	expect(m, "-----BEGIN PRIVATE KEY-----\nAAA and cut off", "<private key>");
	expect(m, "microk8s join 10.1.2.3:25000/0123456789abcdef0123456789abcdef/0123456789ab",
		"microk8s join ipv4-1:25000/<hex>");
	expect(m, "mko_AbCdEfGhIjKlMnOpQrSt", "<token>");
	expect(m, "\"has_token\": true, \"token\": null", "\"has_token\": true, \"token\": null");
	mask_free(m);
}

static void an_address_keeps_its_name_in_every_text(void **state)
{
	struct mask *m = mask_new();

	(void)state;
	expect(m, "10.0.0.1 10.0.0.2, 10.0.0.1:16443", "ipv4-1 ipv4-2, ipv4-1:16443");
	expect(m, "from 10.0.0.2.", "from ipv4-2.");
	expect(m, "fe80::1 [fd00:1::2]:22 FD00:1::2 fd00:1::2", "ipv6-1 [ipv6-2]:22 ipv6-3 ipv6-2");
	expect(m, "dc:a6:32:00:00:04 is dc:a6:32:00:00:04", "mac-1 is mac-1");
	expect(m, "ann@example.org", "mail-1");
	mask_free(m);
}

static void what_only_looks_like_an_address_stays(void **state)
{
	struct mask *m = mask_new();
	static const char text[] =
		"12:34:56 v1.32.9 1.2.3.4.5 127.0.0.1 0.0.0.0 ::1 :: 2026-11-26T10:00:00Z rack@localhost";

	(void)state;
	expect(m, text, text);
	expect(m, "", "");
	mask_free(m);
}

static void it_is_counted_what_was_replaced_and_garbage_does_no_harm(void **state)
{
	struct mask *m = mask_new();
	struct str out = STR_INIT;
	json_t *counts = NULL;
	static const char text[] = "\xff\xfe 10.0.0.1\0 10.0.0.9 \xc3( token=\xff\xff";

	(void)state;
	mask_text(m, text, sizeof(text) - 1, &out, &counts);
	assert_string_equal(str_get(&out), "\xff\xfe ipv4-1  ipv4-2 \xc3( token=\"<secret>\"");
	assert_int_equal(json_integer_value(json_object_get(counts, "ipv4")), 2);
	assert_int_equal(json_object_size(counts), 2);
	json_decref(counts);
	str_done(&out);
	json_t *rules = mask_rules_json(m);
	size_t i = 0;
	const json_t *one = NULL;
	int64_t times = 0;
	json_array_foreach(rules, i, one) {
		assert_true(json_is_string(json_object_get(one, "replaces")));
		times += json_integer_value(json_object_get(one, "times"));
	}
	assert_int_equal(times, 3);
	json_decref(rules);
	mask_free(m);
}

TEST_MAIN(cmocka_unit_test(secrets_are_taken_out_and_what_they_are_called_stays),
	cmocka_unit_test(an_address_keeps_its_name_in_every_text),
	cmocka_unit_test(what_only_looks_like_an_address_stays),
	cmocka_unit_test(it_is_counted_what_was_replaced_and_garbage_does_no_harm))
