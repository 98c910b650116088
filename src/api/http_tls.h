/* The server's certificate: loaded, checked and renewed while connections stay open. Loop thread.
 */
#pragma once

#include <gnutls/abstract.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/** A certificate chain with its key, and the files they came from; opaque. */
struct tls;

/** Load a certificate chain and its key (PEM). @paths borrowed for the life of the server
 * @ret owned: tls_close()   Errors: ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_IO (a file that cannot be
 * read), ERR_INVALID (no PEM, encrypted key, key of another certificate); each names the file. */
struct err *tls_open(const char *cert_path, const char *key_path, struct tls **ret) ERR_RESULT;
/** Free; NULL is fine. No handshake may follow. */
void tls_close(struct tls *t);
/** Read the files again. New handshakes use the new certificate, open connections go on. On error
 * the old one stays. Errors: as tls_open(). */
struct err *tls_reload(struct tls *t) ERR_RESULT;
/** True when the files are not those that were loaded or tried last, and were the same at the call
 * before this one: both files of a pair are written by then. */
bool tls_files_changed(struct tls *t);
/** When the certificate ends, UTC ms. */
int64_t tls_expires_at(const struct tls *t);
/** gnutls asks for the certificate of a handshake: gives copies of the one that was opened last. */
int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_ocsp_data_st **ret_ocsp,
	unsigned *ret_ocsp_n, gnutls_privkey_t *ret_key, unsigned *ret_flags);
