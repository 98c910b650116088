/* Owns host keys: parsing of what ssh-keyscan prints, fingerprints, and running it. */
#include "driver/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#define SCAN_OUTPUT_MAX ((size_t)4 << 20)
#define KEY_BYTES_MAX 4096

/* Best first. */
static const char *const key_types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
	"ecdsa-sha2-nistp521", "ssh-rsa"};

static int type_rank(const char *key)
{
	size_t n = strcspn(key, " ");

	for (size_t i = 0; i < ARRAY_LEN(key_types); i++)
		if (strlen(key_types[i]) == n && strncmp(key, key_types[i], n) == 0)
			return (int)i;
	return -1;
}

static bool key_decode(const char *key, unsigned char *bytes, size_t *ret_len)
{
	const char *data = strchr(key, ' ');

	if (type_rank(key) < 0 || data == NULL)
		return false;
	data++;
	return sodium_base642bin(bytes, KEY_BYTES_MAX, data, strlen(data), NULL, ret_len, NULL,
		       sodium_base64_VARIANT_ORIGINAL) == 0 &&
		*ret_len > 16;
}

bool hostkey_valid(const char *key)
{
	unsigned char bytes[KEY_BYTES_MAX];
	size_t n = 0;

	return key_decode(key, bytes, &n);
}

char *hostkey_fingerprint(const char *key)
{
	unsigned char bytes[KEY_BYTES_MAX];
	unsigned char digest[crypto_hash_sha256_BYTES];
	char text[64];
	size_t n = 0;

	if (!key_decode(key, bytes, &n))
		return NULL;
	crypto_hash_sha256(digest, bytes, n);
	sodium_bin2base64(text, sizeof(text), digest, sizeof(digest),
		sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	return mem_printf("SHA256:%s", text);
}

/* Does the first word of a line name this host? */
static bool names_host(const char *word, size_t len, const struct run_host *h)
{
	cleanup(mem_freep) char *with_port = mem_printf("[%s]:%d", h->address, (int)h->port);
	const char *want = h->port == 22 ? h->address : with_port;

	return strlen(want) == len && strncmp(word, want, len) == 0;
}

static bool take_line(struct run_host *h, const char *line)
{
	size_t n = strcspn(line, " ");

	if (line[n] == '\0' || !names_host(line, n, h) || !hostkey_valid(line + n + 1))
		return false;
	if (h->host_key != NULL && type_rank(h->host_key) <= type_rank(line + n + 1))
		return false;
	mem_free(h->host_key);
	h->host_key = mem_strdup(line + n + 1);
	return true;
}

size_t hostkey_take_scan(struct run_spec *spec, const char *output)
{
	size_t filled = 0;

	for (size_t i = 0; i < spec->n_hosts; i++) {
		struct run_host *h = &spec->hosts[i];
		if (h->host_key != NULL)
			continue;
		for (const char *p = output; *p != '\0';) {
			size_t n = strcspn(p, "\n");
			cleanup(mem_freep) char *line = mem_strndup(p, n);
			(void)take_line(h, line);
			p += n + (p[n] == '\n');
		}
		filled += h->host_key != NULL;
	}
	return filled;
}

/* Starts ssh-keyscan for all keyless hosts of one port; its output goes to *ret_out. */
static struct err *scan_spawn(const struct run_spec *spec, int64_t port, FILE **ret_out,
	pid_t *ret_pid)
{
	size_t n = 0;
	char **argv = mem_zalloc((spec->n_hosts + 10) * sizeof(char *));
	cleanup(mem_freep) char *port_text = mem_printf("%d", (int)port);
	cleanup(mem_freep) char *timeout = mem_printf("%d", (int)spec->connect_timeout_s);
	char *fixed[] = {(char *)(uintptr_t) "ssh-keyscan", (char *)(uintptr_t) "-T", timeout,
		(char *)(uintptr_t) "-p", port_text, (char *)(uintptr_t) "-t",
		(char *)(uintptr_t) "ed25519,ecdsa,rsa", (char *)(uintptr_t) "--"};
	char *env[] = {(char *)(uintptr_t) "PATH=/usr/local/bin:/usr/bin:/bin", NULL};
	posix_spawn_file_actions_t actions;
	int fds[2];

	for (; n < ARRAY_LEN(fixed); n++)
		argv[n] = fixed[n];
	for (size_t i = 0; i < spec->n_hosts; i++)
		if (spec->hosts[i].host_key == NULL && spec->hosts[i].port == port)
			argv[n++] = spec->hosts[i].address;
	if (pipe2(fds, O_CLOEXEC) != 0) {
		mem_free(argv);
		return err_errno(errno, "pipe");
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	int rc = posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	mem_free(argv);
	if (rc != 0) {
		close(fds[0]);
		return err_hint(err_errno(rc, "run ssh-keyscan"), "apt-get install openssh-client");
	}
	*ret_out = fdopen(fds[0], "r");
	must(*ret_out != NULL);
	return NULL;
}

static struct err *scan_port(struct run_spec *spec, int64_t port)
{
	FILE *out = NULL;
	pid_t pid = 0;
	struct str text = STR_INIT;
	char buf[4096];
	size_t n;

	TRY(scan_spawn(spec, port, &out, &pid));
	text.max = SCAN_OUTPUT_MAX;
	while ((n = fread(buf, 1, sizeof(buf), out)) > 0)
		str_add(&text, buf, n);
	fclose(out);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	(void)hostkey_take_scan(spec,
		str_get(&text)); /* hosts that gave no key are reported by ssh itself */
	str_done(&text);
	return NULL;
}

/* Is there a host without a key at this port among the first n? */
static bool port_seen(const struct run_spec *spec, const bool *keyless, size_t n, int64_t port)
{
	for (size_t i = 0; i < n; i++)
		if (keyless[i] && spec->hosts[i].port == port)
			return true;
	return false;
}

struct err *hostkey_scan(struct run_spec *spec)
{
	cleanup(mem_freep) bool *keyless = mem_zalloc(spec->n_hosts * sizeof(bool));

	for (size_t i = 0; i < spec->n_hosts; i++)
		keyless[i] = spec->hosts[i].host_key == NULL;
	for (size_t i = 0; i < spec->n_hosts; i++)
		if (keyless[i] && !port_seen(spec, keyless, i, spec->hosts[i].port))
			TRY(scan_port(spec, spec->hosts[i].port));
	return NULL;
}
