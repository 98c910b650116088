/* Owns the certificate. A handshake gets copies, which gnutls frees, so that a renewal may free the
 * old one at any time. */
#include "api/http_tls.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/seal.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define KEY_ID_MAX 64

/* What tells one version of a file from the next. */
struct fingerprint {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

/* A pair that belongs together. */
struct pair {
	gnutls_x509_crt_t *chain;
	unsigned n;
	gnutls_x509_privkey_t key;
};

struct tls {
	const char *cert_path, *key_path;
	struct pair pair;
	struct fingerprint tried[2]; /* of the pair that was loaded or refused last */
	struct fingerprint seen[2];  /* at the last look */
};

/* gnutls gives its callback no place for our own data; there is one server in a process. */
static struct tls *the_tls;

static void pair_done(struct pair *p)
{
	for (unsigned i = 0; i < p->n; i++)
		gnutls_x509_crt_deinit(p->chain[i]);
	if (p->chain != NULL)
		gnutls_free(p->chain);
	if (p->key != NULL)
		gnutls_x509_privkey_deinit(p->key);
	*p = (struct pair){.chain = NULL};
}

static struct err *read_file(const char *what, const char *path, char **ret_text, size_t *ret_len)
{
	struct err *e = fs_read(path, FILE_BYTES_MAX, ret_text, ret_len);

	return err_hint(err_wrap(e, "%s", what),
		"ls -lL %s    (the user that runs mko must be able to read it)", path);
}

static gnutls_datum_t datum(char *text, size_t len)
{
	return (gnutls_datum_t){(unsigned char *)text, (unsigned)len};
}

static struct err *load_chain(const char *path, struct pair *p)
{
	cleanup(mem_freep) char *text = NULL;
	size_t len = 0;

	TRY(read_file("TLS certificate", path, &text, &len));
	gnutls_datum_t data = datum(text, len);
	int rc = gnutls_x509_crt_list_import2(&p->chain, &p->n, &data, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0 || p->n == 0) {
		*p = (struct pair){.chain = NULL};
		return err_hint(err_new(ERR_INVALID, "TLS certificate %s is no certificate in PEM",
					path),
			"it begins with -----BEGIN CERTIFICATE-----; the server's own comes first");
	}
	return NULL;
}

static struct err *load_key(const char *path, struct pair *p)
{
	char *text = NULL;
	size_t len = 0;

	TRY(read_file("TLS key", path, &text, &len));
	gnutls_datum_t data = datum(text, len);
	int rc = gnutls_x509_privkey_init(&p->key);
	if (rc >= 0)
		rc = gnutls_x509_privkey_import2(p->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	seal_wipe_free(text);
	if (rc == GNUTLS_E_DECRYPTION_FAILED)
		return err_hint(err_new(ERR_INVALID, "TLS key %s is encrypted", path),
			"openssl pkey -in KEY -out PLAIN_KEY, readable by the service alone");
	if (rc < 0)
		return err_hint(err_new(ERR_INVALID, "TLS key %s is no private key in PEM", path),
			"it begins with -----BEGIN PRIVATE KEY-----");
	return NULL;
}

static bool belong_together(const struct pair *p)
{
	unsigned char of_cert[KEY_ID_MAX], of_key[KEY_ID_MAX];
	size_t cert_len = sizeof(of_cert), key_len = sizeof(of_key);

	return gnutls_x509_crt_get_key_id(p->chain[0], 0, of_cert, &cert_len) >= 0 &&
		gnutls_x509_privkey_get_key_id(p->key, 0, of_key, &key_len) >= 0 &&
		cert_len == key_len && memcmp(of_cert, of_key, cert_len) == 0;
}

static struct err *load_pair(const struct tls *t, struct pair *p)
{
	TRY(load_chain(t->cert_path, p));
	TRY(load_key(t->key_path, p));
	if (belong_together(p))
		return NULL;
	return err_hint(err_new(ERR_INVALID, "TLS key %s does not belong to the certificate %s",
				t->key_path, t->cert_path),
		"compare: openssl x509 -in CERT -noout -pubkey; openssl pkey -in KEY -pubout");
}

/* A file that is not there has a fingerprint too: zeros. */
static void look(const struct tls *t, struct fingerprint ret[static 2])
{
	const char *paths[] = {t->cert_path, t->key_path};

	memset(ret, 0, 2 * sizeof(*ret));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct stat st;
		if (stat(paths[i], &st) != 0)
			continue;
		ret[i].dev = st.st_dev;
		ret[i].ino = st.st_ino;
		ret[i].size = st.st_size;
		ret[i].changed = st.st_ctim;
	}
}

struct err *tls_open(const char *cert_path, const char *key_path, struct tls **ret)
{
	struct tls *t = mem_zalloc(sizeof(*t));

	t->cert_path = cert_path;
	t->key_path = key_path;
	struct err *e = tls_reload(t);
	if (e != NULL) {
		tls_close(t);
		return e;
	}
	the_tls = t;
	*ret = t;
	return NULL;
}

void tls_close(struct tls *t)
{
	if (t == NULL)
		return;
	if (the_tls == t)
		the_tls = NULL;
	pair_done(&t->pair);
	mem_free(t);
}

struct err *tls_reload(struct tls *t)
{
	struct pair fresh = {.chain = NULL};

	look(t, t->tried); /* before reading: what is written meanwhile counts as a change */
	memcpy(t->seen, t->tried, sizeof(t->seen));
	struct err *e = load_pair(t, &fresh);
	if (e != NULL) {
		pair_done(&fresh);
		return e;
	}
	pair_done(&t->pair);
	t->pair = fresh;
	return NULL;
}

bool tls_files_changed(struct tls *t)
{
	struct fingerprint now[2];

	look(t, now);
	bool quiet = memcmp(now, t->seen, sizeof(now)) == 0;
	memcpy(t->seen, now, sizeof(now));
	return quiet && memcmp(now, t->tried, sizeof(now)) != 0;
}

int64_t tls_expires_at(const struct tls *t)
{
	return (int64_t)gnutls_x509_crt_get_expiration_time(t->pair.chain[0]) * 1000;
}

/* Copy what a handshake needs; -1 when gnutls is out of memory. */
static int copy_pair(const struct pair *p, gnutls_pcert_st *chain, gnutls_privkey_t key)
{
	if (gnutls_privkey_import_x509(key, p->key, GNUTLS_PRIVKEY_IMPORT_COPY) < 0)
		return -1;
	for (unsigned i = 0; i < p->n; i++) {
		if (gnutls_pcert_import_x509(&chain[i], p->chain[i], 0) >= 0)
			continue;
		while (i-- > 0)
			gnutls_pcert_deinit(&chain[i]);
		return -1;
	}
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is that of gnutls */
int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_ocsp_data_st **ret_ocsp,
	unsigned *ret_ocsp_n, gnutls_privkey_t *ret_key, unsigned *ret_flags)
{
	gnutls_privkey_t key = NULL;

	(void)session;
	(void)info;
	if (the_tls == NULL || gnutls_privkey_init(&key) < 0)
		return -1;
	const struct pair *p = &the_tls->pair;
	gnutls_pcert_st *chain = gnutls_calloc(p->n, sizeof(*chain));
	if (chain == NULL || copy_pair(p, chain, key) != 0) {
		gnutls_free(chain);
		gnutls_privkey_deinit(key);
		return -1;
	}
	*ret_chain = chain;
	*ret_n = p->n;
	*ret_ocsp = NULL;
	*ret_ocsp_n = 0;
	*ret_key = key;
	*ret_flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	return 0;
}
