/* Owns telling encrypted private keys from plain ones, by their first bytes. */
#include "driver/sshkey.h"

#include <string.h>

#include "base/fs.h"
#include "base/mem.h"

#define KEY_MAX ((size_t)64 << 10)
#define OPENSSH_MARK "-----BEGIN OPENSSH PRIVATE KEY-----"
/* base64 of "openssh-key-v1", NUL, and the cipher's name as a counted text: "none" */
#define OPENSSH_PLAIN "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"

bool sshkey_is_encrypted(const char *text)
{
	/* PKCS#8 and the old PEM of OpenSSL say it in words */
	static const char *const words[] = {"-----BEGIN ENCRYPTED PRIVATE KEY-----",
		"Proc-Type: 4,ENCRYPTED"};
	const char *key = strstr(text, OPENSSH_MARK);

	if (key != NULL) {
		key += strlen(OPENSSH_MARK);
		key += strspn(key, "\r\n");
		return strncmp(key, OPENSSH_PLAIN, strlen(OPENSSH_PLAIN)) != 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(text, words[i]) != NULL)
			return true;
	return false;
}

bool sshkey_file_is_encrypted(const char *path)
{
	char *text = NULL;
	size_t len = 0;

	if (path == NULL)
		return false;
	struct err *e = fs_read(path, KEY_MAX, &text, &len);
	if (e != NULL) {
		err_ignore(e); /* what ssh says of it is all there is to say */
		return false;
	}
	bool encrypted = sshkey_is_encrypted(text);
	explicit_bzero(text, len);
	mem_free(text);
	return encrypted;
}
