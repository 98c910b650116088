/* Owns passwords: rules, hashing, checking. Slow on purpose; never call the hash functions on the
 * domain worker. */
#include <ctype.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "service/account.h"

/* The limits of libsodium's "interactive" preset for argon2id, 64 MiB; two passes. */
#define PASSES crypto_pwhash_OPSLIMIT_INTERACTIVE
#define MEMORY_BYTES crypto_pwhash_MEMLIMIT_INTERACTIVE

struct err *password_hash(const char *password, char **ret_hash)
{
	char hash[crypto_pwhash_STRBYTES];

	if (crypto_pwhash_str(hash, password, strlen(password), PASSES, MEMORY_BYTES) != 0)
		return err_new(ERR_UNAVAILABLE, "not enough memory to hash a password");
	*ret_hash = mem_strdup(hash);
	return NULL;
}

bool password_matches(const char *hash, const char *password)
{
	return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

/* Words that every guesser tries, with a few characters behind. */
static bool is_well_known(const char *password)
{
	static const char *const words[] = {"password", "passw0rd", "p@ssw0rd", "microk8s",
		"kubernetes", "administrator", "letmein", "qwertyuiop", "qwertzuiop", "1234567890",
		"changeme", "changeit", "welcome", "iloveyou", "1q2w3e4r5t6y", "1qaz2wsx3edc",
		"qwerty123456", "superman", "football", "trustno1", "dragon", "monkey",
		"correcthorsebatterystaple", "correct horse battery staple"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strncasecmp(password, words[i], strlen(words[i])) == 0 &&
			strlen(password) < strlen(words[i]) + 5)
			return true;
	return false;
}

/* One short piece again and again: "aaaaaaaaaaaa", "abcabcabcabc". */
static bool is_repeated(const char *password)
{
	for (size_t period = 1; period <= 4; period++) {
		const char *at = password + period;
		while (*at != '\0' && *at == at[-(ptrdiff_t)period])
			at++;
		if (*at == '\0')
			return true;
	}
	return false;
}

/* Each character one more or one less than the last: "abcdefghijkl", "987654321098". */
static bool is_sequence(const char *password)
{
	size_t breaks = 0;

	for (const char *at = password + 1; *at != '\0'; at++)
		if (abs(*at - at[-1]) != 1)
			breaks++;
	return breaks <= 1;
}

/* Characters, not bytes. */
static size_t length_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0U) != 0x80U;
	return n;
}

struct err *password_check(const char *field, const char *name, const char *password)
{
	size_t len = strlen(password);

	if (length_of(password) < ACCOUNT_PASSWORD_MIN || len > ACCOUNT_PASSWORD_MAX)
		return err_field(NULL, field, "must have %d to %d characters", ACCOUNT_PASSWORD_MIN,
			ACCOUNT_PASSWORD_MAX);
	if (name != NULL && strcasestr(password, name) != NULL && len < strlen(name) + 8)
		return err_field(NULL, field, "must be more than the name of the account");
	if (is_repeated(password) || is_sequence(password))
		return err_field(NULL, field, "must be more than a repetition or a sequence");
	if (is_well_known(password))
		return err_field(NULL, field, "is one of the first that a guesser tries");
	return NULL;
}
