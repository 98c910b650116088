/* driver/sshkey: keys that need a passphrase are told from those that do not. The texts are the
 * first lines of throw-away keys made by ssh-keygen. */
#include "testing.h"

#include "base/mem.h"
#include "driver/sshkey.h"

static const struct {
	const char *what, *text;
	bool encrypted;
} cases[] = {
	{"OpenSSH",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n"
		"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n",
		false},
	{"OpenSSH, passphrase",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n"
		"b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDLCY5biL\n",
		true},
	{"PEM",
		"-----BEGIN RSA PRIVATE KEY-----\n"
		"MIIG4wIBAAKCAYEAtY6jxSBPEpWdykYjwdMSsx54ooYYtTJx+oE8GU3GHoqlLOxZ\n",
		false},
	{"PEM, passphrase",
		"-----BEGIN RSA PRIVATE KEY-----\n"
		"Proc-Type: 4,ENCRYPTED\n",
		true},
	{"PKCS#8",
		"-----BEGIN PRIVATE KEY-----\n"
		"MIIG/gIBADANBgkqhkiG9w0BAQEFAASCBugwggbkAgEAAoIBgQDtuPAy+We/6fr8\n",
		false},
	{"PKCS#8, passphrase",
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
		"MIIHbTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIhcELjnFsVNwCAggA\n",
		true},
	{"nothing", "", false},
	{"cut off", "-----BEGIN OPENSSH PRIVATE KEY-----\n", true},
	{"no key", "hello", false},
};

static void a_passphrase_is_seen_in_every_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (sshkey_is_encrypted(cases[i].text) != cases[i].encrypted)
			fail_msg("%s: not %d", cases[i].what, cases[i].encrypted);
}

static void a_file_that_cannot_be_read_says_nothing(void **state)
{
	(void)state;
	assert_false(sshkey_file_is_encrypted(NULL));
	assert_false(sshkey_file_is_encrypted("/nowhere/key"));
	assert_false(sshkey_file_is_encrypted("/"));
}

TEST_MAIN(cmocka_unit_test(a_passphrase_is_seen_in_every_format),
	cmocka_unit_test(a_file_that_cannot_be_read_says_nothing))
