/* Randomness and hashing (libsodium). */
#pragma once

#include <stddef.h>

/** Start libsodium; call once in main before anything else of this file and of seal.h. Aborts when
 * it cannot. */
void rand_init(void);
/** Fill with unpredictable bytes. Any thread. */
void rand_bytes(void *data, size_t size);
/** A random text of n characters of a 32-letter alphabet without look-alikes (5 bits each). The
 * caller frees. */
char *rand_text(size_t n);

#define HASH_TEXT_SIZE 65
/** SHA-256 of data in lower-case hex. */
void hash_sha256(const void *data, size_t size, char text[static HASH_TEXT_SIZE]);
#define HASH_SHORT_TEXT_SIZE 25
/** 96 bits of BLAKE2b as lower-case hex: several times faster than SHA-256, for what is compared
 * but kept nowhere (ETags). Any thread. */
void hash_short(const void *data, size_t size, char text[static HASH_SHORT_TEXT_SIZE]);
