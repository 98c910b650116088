/* Private SSH keys: only what mko must know of them to explain a refusal. */
#pragma once

#include <stdbool.h>

/** True when this text of a private key is encrypted, so that ssh can use the key only through an
 * agent. @text any text; what is no key is not encrypted. */
bool sshkey_is_encrypted(const char *text);
/** The same for a file; false when it cannot be read. @path NULL is no file */
bool sshkey_file_is_encrypted(const char *path);
