/* base/parse: what is accepted and what is not, one row each. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "testing_err.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A63 A60 "aaa"

static void integers_are_taken_whole_and_in_range(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t want;
		bool good;
	} cases[] = {
		{"0", 0, true},
		{"-5", -5, true},
		{"42", 42, true},
		{"100", 100, true},
		{"007", 7, true},
		{"101", 0, false},
		{"-11", 0, false},
		{"", 0, false},
		{" 1", 0, false},
		{"1 ", 0, false},
		{"+1", 0, false},
		{"0x1", 0, false},
		{"1.0", 0, false},
		{"1e1", 0, false},
		{"--1", 0, false},
		{"-", 0, false},
		{"99999999999999999999", 0, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = -99;
		struct err *e = parse_i64(cases[i].text, -10, 100, &got);
		assert_int_equal(e == NULL, cases[i].good);
		assert_int_equal(got, cases[i].good ? cases[i].want : -99);
		err_free(e);
	}
	int64_t got = 0;
	assert_ok(parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &got));
	assert_int_equal(got, INT64_MIN);
	assert_ok(parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &got));
	assert_int_equal(got, INT64_MAX);
}

static void durations_become_milliseconds(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} cases[] = {
		{"250ms", 250},
		{"30s", 30000},
		{"30", 30000},
		{"5m", 300000},
		{"2h", 7200000},
		{"7d", 604800000},
		{"0", 0},
		{"3650d", INT64_C(315360000000)},
		{"3651d", -1},
		{"", -1},
		{"s", -1},
		{"-1s", -1},
		{"1.5h", -1},
		{"1 s", -1},
		{"1w", -1},
		{"9999999999999999s", -1},
		{"1S", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = -1;
		struct err *e = parse_duration_ms(cases[i].text, &got);
		assert_int_equal(e == NULL, cases[i].want >= 0);
		assert_int_equal(got, cases[i].want);
		err_free(e);
	}
}

static void sizes_become_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{"0", 0},
		{"17", 17},
		{"17B", 17},
		{"1k", 1024},
		{"1KiB", 1024},
		{"512M", 536870912},
		{"10G", INT64_C(10737418240)},
		{"2TiB", INT64_C(2199023255552)},
		{"8388607T", INT64_C(9223370937343148032)},
		{"8388608T", -1},
		{"", -1},
		{"M", -1},
		{"-1", -1},
		{"1kb", -1},
		{"1 M", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = -1;
		struct err *e = parse_size(cases[i].text, &got);
		assert_int_equal(e == NULL, cases[i].want >= 0);
		assert_int_equal(got, cases[i].want);
		err_free(e);
	}
}

static void truth_has_four_words_each(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int want;
	} cases[] = {{"true", 1}, {"Yes", 1}, {"ON", 1}, {"1", 1}, {"false", 0}, {"no", 0},
		{"off", 0}, {"0", 0}, {"", -1}, {"y", -1}, {"2", -1}, {"truee", -1}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool got = false;
		struct err *e = parse_bool(cases[i].text, &got);
		assert_int_equal(e == NULL ? got : -1, cases[i].want);
		err_free(e);
	}
}

/* The check must accept exactly the good ones. */
static void check_all(check_fn check, const char *const *good, const char *const *bad)
{
	for (; *good != NULL; good++) {
		struct err *e = check(*good);
		if (e != NULL)
			print_error("\"%s\" was refused: %s\n", *good, err_message(e));
		assert_ok(e);
	}
	for (; *bad != NULL; bad++) {
		struct err *e = check(*bad);
		if (e == NULL)
			print_error("\"%s\" was accepted\n", *bad);
		assert_fails(e, ERR_INVALID);
	}
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void hostnames_are_rfc_1123(void **state)
{
	(void)state;
	check_all(check_hostname,
		LIST("n1", "a", "node-1.example.com", "1a", A63, A63 "." A63 "." A63 "." A60),
		LIST("", "N1", "n_1", "-a", "a-", "a..b", ".a", "a.", "12", "1.2.3.4", "a b", "a\n",
			"ä", A63 "a", A63 "." A63 "." A63 "." A63 "a", "a.-b", "$(x)", "a;b"));
}

static void labels_are_those_of_kubernetes(void **state)
{
	(void)state;
	check_all(check_label_key,
		LIST("disk", "a", "Zone", "x.y_z-1", "example.com/disk",
			"node-role.kubernetes.io/worker", A63),
		LIST("", "-a", "a-", ".a", "a b", "a=b", "/a", "a/", "a/b/c", "A.com/x", "a,b", "ä",
			A63 "a"));
	check_all(check_label_value, LIST("", "ssd", "1", "1.2_3-x", A63),
		LIST("-", "a-", "_a", "a b", "a,b", "a/b", "ä", A63 "a"));
}

static void addresses_are_of_one_host(void **state)
{
	(void)state;
	check_all(check_ip,
		LIST("10.0.0.1", "127.0.0.1", "192.168.255.255", "::1", "fe80::1", "2001:db8::1"),
		LIST("", "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.2.3", "::", "ff02::1",
			"10.0.0", "10.0.0.256", "10.0.0.1/24", "010.0.0.1", " 10.0.0.1",
			"10.0.0.1 ", "n1", "fe80::1%eth0", "[::1]", "1.2.3.4.5"));
}

static void networks_end_where_the_prefix_ends(void **state)
{
	(void)state;
	check_all(check_cidr,
		LIST("10.1.0.0/16", "10.152.183.0/24", "192.168.1.128/25", "1.2.3.4/32", "fd00::/8",
			"128.0.0.0/1"),
		LIST("", "10.1.0.0", "10.1.0.0/", "/16", "10.1.0.1/16", "10.1.0.0/33", "10.1.0.0/0",
			"10.1.0.0/-1", "10.1.0.0/16x", "10.1/16", "fd00::/129", "fd00::1/8", "a/8",
			"10.1.0.0/ 16", "1111111111111111111111111111111111111111111111111111/8"));
}

static void login_names_are_of_unix(void **state)
{
	(void)state;
	check_all(check_user, LIST("ubuntu", "_x", "a-b_c9", "a1234567890123456789012345678901"),
		LIST("", "Root", "1a", "-a", "a b", "a$", "a.b",
			"a12345678901234567890123456789012", "a:b"));
}

static void names_of_objects_are_no_numbers(void **state)
{
	(void)state;
	check_all(check_name, LIST("prod", "a", "1a", "a-b.c", "1.2", A63),
		LIST("", "12", "A", "-a", "a-", ".a", "a_b", "a b", "a/b", A63 "a"));
}

static void account_names_start_with_a_letter(void **state)
{
	(void)state;
	check_all(check_account, LIST("ann", "a.b_c-9"),
		LIST("", "1a", "Ann", "_a", "a b", "a@b", "a12345678901234567890123456789012"));
}

static void channels_have_track_and_risk(void **state)
{
	(void)state;
	check_all(check_channel,
		LIST("1.32/stable", "1.32-strict/stable", "latest/edge", "1.29/candidate/fix-1",
			"1.30/beta"),
		LIST("", "1.32", "stable", "1.32/", "/stable", "1.32/solid", "1.32/stable/",
			"1.32/stable/a/b", "l/stable", "lat/stable", "latestx/stable",
			"1.32//stable", "1.32/stablest", "1.32/stable x", "1.32/Stable",
			"x/stable"));
}

static void key_paths_are_absolute(void **state)
{
	(void)state;
	check_all(check_key_path,
		LIST("/root/.ssh/id_ed25519", "~/.ssh/id", "/a..b/c", "/with space"),
		LIST("", "id", "./id", "~root/x", "/a/../b", "/a/..", "~/..", "/a\nb", "/a\x1b"));
	char *long_path = mem_zalloc(502);
	memset(long_path, 'a', 501);
	long_path[0] = '/';
	assert_fails(check_key_path(long_path), ERR_INVALID);
	long_path[500] = '\0';
	assert_ok(check_key_path(long_path));
	mem_free(long_path);
}

static void mac_addresses_have_six_parts(void **state)
{
	(void)state;
	check_all(check_mac, LIST("aa:bb:cc:dd:ee:ff", "00:11:22:33:44:55", "AA:bb:CC:dd:EE:ff"),
		LIST("", "aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:f", "aa:bb:cc:dd:ee:fff",
			"aa-bb-cc-dd-ee-ff", "aabb.ccdd.eeff", "gg:bb:cc:dd:ee:ff",
			"aa:bb:cc:dd:ee:ff "));
}

static void addons_may_have_a_repository(void **state)
{
	(void)state;
	check_all(check_addon, LIST("dns", "hostpath-storage", "community/argocd"),
		LIST("", "-x", "/dns", "core/", "a/b/c", "DNS", "dns:1.1.1.1", "a b", "--help"));
}

static void text_is_utf8_without_controls(void **state)
{
	(void)state;
	check_all(check_line, LIST("", "a b", "\xc3\xa4", "\xf0\x9f\x98\x80"),
		LIST("a\nb", "a\tb", "\x01", "\x7f", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x98",
			"\xf4\x90\x80\x80"));
	check_all(check_text, LIST("", "a\nb", "a\tb"), LIST("a\rb", "\x1b[0m", "\xc3"));
}

static void networks_overlap_when_one_holds_the_other(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool want;
	} cases[] = {
		{"10.1.0.0/16", "10.1.5.0/24", true},
		{"10.1.5.0/24", "10.1.0.0/16", true},
		{"10.1.0.0/16", "10.2.0.0/16", false},
		{"10.0.0.0/8", "10.152.183.0/24", true},
		{"10.1.0.0/16", "fd00::/8", false},
		{"fd00::/8", "fd12::/16", true},
		{"x", "10.1.0.0/16", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(cidr_overlap(cases[i].a, cases[i].b), cases[i].want);
}

TEST_MAIN(cmocka_unit_test(integers_are_taken_whole_and_in_range),
	cmocka_unit_test(durations_become_milliseconds), cmocka_unit_test(sizes_become_bytes),
	cmocka_unit_test(truth_has_four_words_each), cmocka_unit_test(hostnames_are_rfc_1123),
	cmocka_unit_test(labels_are_those_of_kubernetes),
	cmocka_unit_test(addresses_are_of_one_host),
	cmocka_unit_test(networks_end_where_the_prefix_ends),
	cmocka_unit_test(login_names_are_of_unix),
	cmocka_unit_test(names_of_objects_are_no_numbers),
	cmocka_unit_test(account_names_start_with_a_letter),
	cmocka_unit_test(channels_have_track_and_risk), cmocka_unit_test(key_paths_are_absolute),
	cmocka_unit_test(mac_addresses_have_six_parts),
	cmocka_unit_test(addons_may_have_a_repository),
	cmocka_unit_test(text_is_utf8_without_controls),
	cmocka_unit_test(networks_overlap_when_one_holds_the_other))
