/* Owns randomness and plain hashes; the only callers of libsodium besides seal.c and the password
 * worker. */
#include "base/rand.h"

#include <sodium.h>

#include "base/mem.h"

void rand_init(void)
{
	must(sodium_init() >= 0);
}

void rand_bytes(void *data, size_t size)
{
	randombytes_buf(data, size);
}

char *rand_text(size_t n)
{
	static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
	char *text = mem_zalloc(n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = alphabet[randombytes_uniform(sizeof(alphabet) - 1)];
	return text;
}

void hash_sha256(const void *data, size_t size, char text[static HASH_TEXT_SIZE])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, data, size);
	sodium_bin2hex(text, HASH_TEXT_SIZE, digest, sizeof(digest));
}

void hash_short(const void *data, size_t size, char text[static HASH_SHORT_TEXT_SIZE])
{
	unsigned char digest[crypto_generichash_BYTES_MIN];

	must(crypto_generichash(digest, sizeof(digest), data, size, NULL, 0) == 0);
	sodium_bin2hex(text, HASH_SHORT_TEXT_SIZE, digest, HASH_SHORT_TEXT_SIZE / 2);
}
