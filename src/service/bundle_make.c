/* Owns how a support bundle is masked and packed. Every text passes the mask; only the manifest,
 * which is ours, does not. What cannot be read is named in the manifest and stops nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mask.h"
#include "base/mem.h"
#include "driver/encrypt.h"
#include "driver/tarball.h"
#include "driver/tool.h"
#include "gen/version.h"
#include "service/bundle.h"
#include "service/doctor.h"

#define TEXT_MAX ((size_t)1 << 20)
#define INSPECT_MAX ((size_t)32 << 20)
#define TOTAL_MAX ((size_t)96 << 20)
#define JOURNAL_MS 20000
#define SHA256_HEX (crypto_hash_sha256_BYTES * 2 + 1)

/** A bundle in the making. */
struct bundle {
	struct mask *mask;
	struct tarball *tar;
	json_t *files, *missing; /**< of the manifest */
	int64_t now;
	size_t total;
	const char *node;  /**< whose report is read */
	struct err *error; /**< the first that ends the work */
};

static const char *text_of(const json_t *input, const char *key)
{
	return json_string_value(json_object_get(input, key));
}

static void miss(struct bundle *b, const char *name, const char *why)
{
	json_array_append_new(b->missing, json_pack("{ss ss}", "name", name, "why", why));
}

static void put(struct bundle *b, const char *name, const struct str *text, json_t *take_masked,
	bool cut)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[SHA256_HEX];

	crypto_hash_sha256(digest, (const unsigned char *)str_get(text), text->len);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	json_array_append_new(b->files,
		json_pack("{ss sI ss sb so}", "name", name, "bytes", (json_int_t)text->len,
			"sha256", hex, "cut", cut, "masked", take_masked));
	b->total += text->len;
	if (b->error == NULL)
		b->error = tarball_add(b->tar, name, str_get(text), text->len, b->now);
}

/* Mask a text and pack it. */
static void add(struct bundle *b, const char *name, const char *text, size_t len, bool cut)
{
	cleanup(str_done) struct str masked = STR_INIT;
	json_t *counts = NULL;

	if (b->total >= TOTAL_MAX) {
		miss(b, name, "the bundle is large enough");
		return;
	}
	mask_text(b->mask, text, len, &masked, &counts);
	put(b, name, &masked, counts, cut || masked.overflowed != 0);
}

static void add_json(struct bundle *b, const char *name, const json_t *json)
{
	cleanup(mem_freep) char *text = json_dumps(json, JSON_INDENT(2));

	add(b, name, text, strlen(text), false);
}

/* The end of a file. */
static struct err *read_end(const char *path, struct str *out, bool *ret_cut)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_errno(errno, "read %s", path);
	cleanup(mem_freep) char *data = mem_zalloc(TEXT_MAX);
	*ret_cut = fstat(fd, &st) == 0 && st.st_size > (off_t)TEXT_MAX;
	ssize_t n = pread(fd, data, TEXT_MAX, *ret_cut ? st.st_size - (off_t)TEXT_MAX : 0);
	int saved = errno;
	fs_closep(&fd);
	if (n < 0)
		return err_errno(saved, "read %s", path);
	str_add(out, data, (size_t)n);
	return NULL;
}

static void add_file(struct bundle *b, const char *name, const char *path)
{
	cleanup(str_done) struct str text = STR_INIT;
	bool cut = false;
	struct err *e = read_end(path, &text, &cut);

	if (e == NULL)
		add(b, name, str_get(&text), text.len, cut);
	else
		miss(b, name, err_message(e));
	err_free(e);
}

/* The server's own words, where systemd keeps them. */
static void add_journal(struct bundle *b)
{
	static const char *const argv[] = {"journalctl", "--no-pager", "-q", "-o", "short-iso",
		"-n", "3000", "-u", "mko.service", NULL};
	static const char name[] = "server/journal.log";
	struct tool_result said = {0};
	struct err *e = tool_run(argv, JOURNAL_MS, TEXT_MAX, &said);

	if (e != NULL)
		miss(b, name, err_message(e));
	else if (said.timed_out || said.status != 0)
		miss(b, name, said.timed_out ? "journalctl did not end" : str_get(&said.out));
	else
		add(b, name, str_get(&said.out), said.out.len, said.out.overflowed != 0);
	err_free(e);
	tool_result_done(&said);
}

static void add_doctor(struct bundle *b, const json_t *input)
{
	json_t *findings = NULL;
	struct err *e = doctor_run(input, &findings);

	if (e == NULL)
		add_json(b, "server/doctor.json", findings);
	else
		miss(b, "server/doctor.json", err_message(e));
	err_free(e);
	json_decref(findings);
}

/* ---- reports of nodes ---- */

static void take_report(void *context, const char *name, const char *data, size_t len, bool cut)
{
	struct bundle *b = context;
	cleanup(mem_freep) char *full = mem_printf("nodes/%s/%s", b->node, name);

	if (memchr(data, '\0', len) != NULL)
		miss(b, full, "it is no text");
	else
		add(b, full, data, len, cut);
}

static void add_report(struct bundle *b, const char *folder, const char *file)
{
	cleanup(mem_freep) char *path = fs_join(folder, file);
	cleanup(mem_freep) char *node = mem_strndup(file, strcspn(file, "."));

	b->node = node;
	struct err *e = tarball_read(path, TEXT_MAX, INSPECT_MAX, take_report, b);
	if (e != NULL)
		miss(b, file, err_message(e));
	err_free(e);
}

static int only_reports(const struct dirent *entry)
{
	const char *end = strstr(entry->d_name, ".tar.gz");

	return entry->d_name[0] != '.' && end != NULL && end[7] == '\0';
}

static void add_reports(struct bundle *b, const char *folder)
{
	struct dirent **list = NULL;
	int n = scandir(folder, &list, only_reports, alphasort);

	if (n < 0)
		miss(b, "nodes", "no node gave a report");
	for (int i = 0; i < n; i++) {
		add_report(b, folder, list[i]->d_name);
		free(list[i]); /* scandir's */
	}
	free(list);
}

/* ---- all ---- */

static void add_all(struct bundle *b, const json_t *input)
{
	const char *name = NULL;
	const json_t *value = NULL;
	size_t i = 0;
	const char *inspect = text_of(input, "inspect");

	json_object_foreach((json_t *)(uintptr_t)json_object_get(input, "files"), name, value)
		add_json(b, name, value);
	add_doctor(b, json_object_get(input, "doctor"));
	add_journal(b);
	json_array_foreach(json_object_get(input, "logs"), i, value)
		add_file(b, text_of(value, "name"), text_of(value, "path"));
	if (inspect != NULL)
		add_reports(b, inspect);
}

static void add_manifest(struct bundle *b, const char *cluster)
{
	cleanup(str_done) struct str text = STR_INIT;
	char when[CLOCK_TEXT_SIZE];

	clock_format(b->now, when);
	json_t *manifest = json_pack("{ss ss ss? sO so sO}", "mko", MKO_VERSION, "created_at", when,
		"cluster", cluster, "files", b->files, "masked", mask_rules_json(b->mask),
		"not_included", b->missing);
	cleanup(mem_freep) char *json = json_dumps(manifest, JSON_INDENT(2));
	str_adds(&text, json);
	if (b->error == NULL)
		b->error = tarball_add(b->tar, "manifest.json", json, text.len, b->now);
	json_decref(manifest);
}

/* The finished archive. */
static struct err *make(const json_t *input, struct str *out)
{
	struct bundle b = {.mask = mask_new(),
		.files = json_array(),
		.missing = json_array(),
		.now = json_integer_value(json_object_get(input, "now"))};
	struct err *e = tarball_new(&b.tar);

	if (e == NULL) {
		add_all(&b, input);
		add_manifest(&b, text_of(input, "cluster"));
		e = b.error;
		if (e == NULL)
			e = tarball_end(b.tar, out);
		else
			tarball_free(b.tar);
	}
	mask_free(b.mask);
	json_decref(b.files);
	json_decref(b.missing);
	return e;
}

static json_t *base64_json(const struct str *bytes)
{
	size_t size = sodium_base64_encoded_len(bytes->len, sodium_base64_VARIANT_ORIGINAL);
	cleanup(mem_freep) char *text = mem_zalloc(size);

	sodium_bin2base64(text, size, (const unsigned char *)str_get(bytes), bytes->len,
		sodium_base64_VARIANT_ORIGINAL);
	return json_string(text);
}

struct err *bundle_run(const json_t *input, json_t **ret_output)
{
	cleanup(str_done) struct str plain = STR_INIT;
	cleanup(str_done) struct str encrypted = STR_INIT;
	const char *recipient = text_of(input, "recipient");

	TRY(make(input, &plain));
	if (recipient != NULL)
		TRY(encrypt_bytes(text_of(input, "data_dir"), recipient, str_get(&plain), plain.len,
			&encrypted));
	*ret_output = base64_json(recipient != NULL ? &encrypted : &plain);
	return NULL;
}

void bundle_bytes(const json_t *output, struct str *out)
{
	const char *text = json_string_value(output);
	size_t len = strlen(text);
	cleanup(mem_freep) char *bytes = mem_zalloc(len + 1);
	size_t n = 0;

	must(sodium_base642bin((unsigned char *)bytes, len, text, len, NULL, &n, NULL,
		     sodium_base64_VARIANT_ORIGINAL) == 0);
	str_add(out, bytes, n);
}
