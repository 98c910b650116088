/* Encryption to the public key of somebody else, by the program age. Blocks: pool threads only. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/** Check the form of a public key: "age1...", or a line of ssh-ed25519 or ssh-rsa. Pure; any
 * thread. Errors: ERR_INVALID. */
struct err *encrypt_check_recipient(const char *recipient) ERR_RESULT;
/** Encrypt. What is plain lies in a private file meanwhile, which is removed.
 * @folder where that file may lie: on the server's own disk   @recipient checked   @out the
 * encrypted bytes are appended. Errors: ERR_NOT_FOUND (age is not installed), ERR_FAILED with what
 * it said, ERR_IO. */
struct err *encrypt_bytes(const char *folder, const char *recipient, const char *data, size_t len,
	struct str *out) ERR_RESULT;
