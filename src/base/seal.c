/* Owns secret.key and what is sealed under it. */
#include "base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

struct seal_key {
	unsigned char bytes[crypto_secretbox_KEYBYTES];
};

#define KEY_TEXT_LEN (2 * crypto_secretbox_KEYBYTES)

static struct err *key_create(const char *path)
{
	unsigned char bytes[crypto_secretbox_KEYBYTES];
	char text[KEY_TEXT_LEN + 2];

	crypto_secretbox_keygen(bytes);
	sodium_bin2hex(text, KEY_TEXT_LEN + 1, bytes, sizeof(bytes));
	text[KEY_TEXT_LEN] = '\n';
	struct err *e = fs_write_new(path, text, KEY_TEXT_LEN + 1, 0600);
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(text, sizeof(text));
	return e;
}

static struct err *key_check_mode(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return err_errno(errno, "%s", path);
	if ((st.st_mode & 077) != 0)
		return err_hint(err_new(ERR_FORBIDDEN, "%s may be read by others", path),
			"chmod 600 %s", path);
	return NULL;
}

struct err *seal_key_open(const char *path, struct seal_key **ret_key)
{
	cleanup(mem_freep) char *text = NULL;
	size_t len = 0;

	if (access(path, F_OK) != 0 && errno == ENOENT) {
		struct err *e = key_create(path);
		if (e != NULL && err_code(e) != ERR_EXISTS)
			return e;
		err_ignore(e); /* another process was faster: its key is read below */
	}
	TRY(key_check_mode(path));
	TRY(fs_read(path, KEY_TEXT_LEN + 2, &text, &len));
	struct seal_key *key = sodium_malloc(sizeof(*key));
	must(key != NULL);
	size_t got = 0;
	int bad = len < KEY_TEXT_LEN ||
		sodium_hex2bin(key->bytes, sizeof(key->bytes), text, KEY_TEXT_LEN, NULL, &got,
			NULL) != 0 ||
		got != sizeof(key->bytes);
	sodium_memzero(text, len);
	if (bad) {
		sodium_free(key);
		return err_hint(err_new(ERR_INVALID, "%s is not a key", path),
			"restore it from a backup; what is sealed cannot be read without it");
	}
	*ret_key = key;
	return NULL;
}

void seal_key_free(struct seal_key *key)
{
	if (key != NULL)
		sodium_free(key);
}

char *seal_text(const struct seal_key *key, const char *plain)
{
	size_t n = strlen(plain);
	size_t size = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + n;
	unsigned char *box = mem_zalloc(size);
	size_t text_size = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	char *text = mem_zalloc(text_size);

	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)plain, n,
		box, key->bytes);
	sodium_bin2base64(text, text_size, box, size, sodium_base64_VARIANT_ORIGINAL);
	mem_free(box);
	return text;
}

struct err *seal_open_text(const struct seal_key *key, const char *sealed, char **ret_plain)
{
	size_t n = strlen(sealed);
	cleanup(mem_freep) unsigned char *box = mem_zalloc(n);
	size_t size = 0;
	const size_t overhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;

	if (sodium_base642bin(box, n, sealed, n, NULL, &size, NULL,
		    sodium_base64_VARIANT_ORIGINAL) != 0 ||
		size < overhead)
		return err_new(ERR_INVALID, "not a sealed secret");
	char *plain = mem_zalloc(size - overhead + 1);
	if (crypto_secretbox_open_easy((unsigned char *)plain, box + crypto_secretbox_NONCEBYTES,
		    size - crypto_secretbox_NONCEBYTES, box, key->bytes) != 0) {
		mem_free(plain);
		return err_new(ERR_INVALID,
			"the secret was sealed with another key or was changed");
	}
	*ret_plain = plain;
	return NULL;
}

void seal_wipe_free(char *plain)
{
	if (plain == NULL)
		return;
	sodium_memzero(plain, strlen(plain));
	mem_free(plain);
}

void seal_wipe_freep(char **plain)
{
	seal_wipe_free(*plain);
	*plain = NULL;
}
