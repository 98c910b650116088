/* driver/hostkey: keys out of hostile text, fingerprints as ssh shows them. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "driver/hostkey.h"

/* made by ssh-keygen; the fingerprint is what `ssh-keygen -lf` says */
#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHkpfAysI5HzXhg2vx+xBHHbHCq4W8U0k5qYHQ0CGXyV"

static struct run_spec one_host(const char *address, int64_t port)
{
	struct run_spec spec = {0};
	struct run_host *h = run_spec_add_host(&spec);
	h->address = mem_strdup(address);
	h->port = port;
	return spec;
}

static void the_key_of_the_asked_host_is_taken(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		int64_t port;
		const char *output;
		size_t filled;
	} cases[] = {
		{"10.0.0.1", 22, "10.0.0.1 " ED25519 "\n", 1},
		{"10.0.0.1", 2222, "[10.0.0.1]:2222 " ED25519 "\n", 1},
		{"10.0.0.1", 22, "10.0.0.2 " ED25519 "\n", 0},
		{"10.0.0.1", 22, "[10.0.0.1]:2222 " ED25519 "\n", 0},
		{"10.0.0.1", 22, "10.0.0.1 ssh-ed25519 not-base64!\n", 0},
		{"10.0.0.1", 22, "10.0.0.1 ssh-foo AAAAC3NzaC1lZDI1NTE5AAAAIHkpfAysI5HzXhg2\n", 0},
		{"10.0.0.1", 22, "10.0.0.1", 0},
		{"10.0.0.1", 22, "\n\n \n# comment\n", 0},
		{"10.0.0.1", 22, "", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run_spec spec = one_host(cases[i].address, cases[i].port);
		assert_int_equal(hostkey_take_scan(&spec, cases[i].output), cases[i].filled);
		if (cases[i].filled > 0)
			assert_string_equal(spec.hosts[0].host_key, ED25519);
		run_spec_done(&spec);
	}
}

static void a_stronger_type_wins_wherever_it_stands(void **state)
{
	(void)state;
	struct run_spec spec = one_host("10.0.0.1", 22);
	assert_int_equal(
		hostkey_take_scan(&spec,
			"10.0.0.1 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7\n10.0.0.1 " ED25519
			"\n10.0.0.1 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7\n"),
		1);
	assert_string_equal(spec.hosts[0].host_key, ED25519);
	run_spec_done(&spec);
}

static void a_known_key_is_never_replaced_by_a_scan(void **state)
{
	(void)state;
	struct run_spec spec = one_host("10.0.0.1", 22);
	spec.hosts[0].host_key = mem_strdup("ssh-ed25519 OLD");
	assert_int_equal(hostkey_take_scan(&spec, "10.0.0.1 " ED25519 "\n"), 0);
	assert_string_equal(spec.hosts[0].host_key, "ssh-ed25519 OLD");
	run_spec_done(&spec);
}

static void fingerprint_has_the_form_of_ssh(void **state)
{
	(void)state;
	char *text = hostkey_fingerprint(ED25519);
	assert_non_null(text);
	assert_int_equal(strncmp(text, "SHA256:", 7), 0);
	assert_int_equal(strlen(text), 7 + 43);
	mem_free(text);
	assert_null(hostkey_fingerprint("ssh-ed25519"));
	assert_null(hostkey_fingerprint("ssh-ed25519 ???"));
}

TEST_MAIN(cmocka_unit_test(the_key_of_the_asked_host_is_taken),
	cmocka_unit_test(a_stronger_type_wins_wherever_it_stands),
	cmocka_unit_test(a_known_key_is_never_replaced_by_a_scan),
	cmocka_unit_test(fingerprint_has_the_form_of_ssh))
