/* Owns passwords: rules, hashing, checking. Slow on purpose; never call the hash functions on the
 * domain worker. */
#include <ctype.h>
#include <sodium.h>
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

/* Words that every guesser tries; longer lists belong into a check of their own. */
static bool is_well_known(const char *password)
{
	static const char *const words[] = {"password", "passw0rd", "microk8s", "kubernetes",
		"administrator", "letmein", "qwertyuiop", "1234567890", "changeme", "welcome"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strncasecmp(password, words[i], strlen(words[i])) == 0 &&
			strlen(password) < strlen(words[i]) + 5)
			return true;
	for (const char *at = password; *at != '\0'; at++)
		if (*at != password[0])
			return false;
	return true;
}

struct err *password_check(const char *field, const char *name, const char *password)
{
	size_t len = strlen(password);

	if (len < ACCOUNT_PASSWORD_MIN || len > ACCOUNT_PASSWORD_MAX)
		return err_field(NULL, field, "must have %d to %d characters", ACCOUNT_PASSWORD_MIN,
			ACCOUNT_PASSWORD_MAX);
	if (name != NULL && strcasestr(password, name) != NULL && len < strlen(name) + 8)
		return err_field(NULL, field, "must be more than the name of the account");
	if (is_well_known(password))
		return err_field(NULL, field, "is one of the first that a guesser tries");
	return NULL;
}
