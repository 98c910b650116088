/* base/seal and base/rand: secrets come back only with their key and unchanged. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/seal.h"
#include "testing_err.h"

static int setup(void **state)
{
	char *dir = mem_strdup("/tmp/mko-seal-XXXXXX");
	rand_init();
	*state = mkdtemp(dir);
	return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	assert_ok(fs_remove_tree(*state));
	mem_free(*state);
	return 0;
}

static void a_sealed_text_opens_with_the_same_key_after_a_restart(void **state)
{
	char *path = fs_join(*state, "secret.key");
	static const char *const texts[] = {"", "a short text", "pässwörd with spaces",
		"line\nline"};
	struct stat st;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct seal_key *key = NULL;
		char *plain = NULL;
		assert_ok(seal_key_open(path, &key));
		char *sealed = seal_text(key, texts[i]);
		assert_true(texts[i][0] == '\0' || strstr(sealed, texts[i]) == NULL);
		seal_key_free(key);
		assert_ok(seal_key_open(path, &key));
		assert_ok(seal_open_text(key, sealed, &plain));
		assert_string_equal(plain, texts[i]);
		seal_wipe_free(plain);
		mem_free(sealed);
		seal_key_free(key);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	mem_free(path);
}

static void the_same_text_is_sealed_differently_each_time(void **state)
{
	char *path = fs_join(*state, "secret.key");
	struct seal_key *key = NULL;
	assert_ok(seal_key_open(path, &key));
	char *a = seal_text(key, "x");
	char *b = seal_text(key, "x");
	assert_string_not_equal(a, b);
	mem_free(a);
	mem_free(b);
	seal_key_free(key);
	mem_free(path);
}

static void a_changed_or_foreign_secret_is_refused(void **state)
{
	char *path = fs_join(*state, "secret.key");
	char *other_path = fs_join(*state, "other.key");
	struct seal_key *key = NULL;
	struct seal_key *other = NULL;
	char *plain = NULL;
	assert_ok(seal_key_open(path, &key));
	assert_ok(seal_key_open(other_path, &other));
	char *sealed = seal_text(key, "secret");
	assert_fails(seal_open_text(other, sealed, &plain), ERR_INVALID);
	for (size_t i = 0; i < strlen(sealed); i++) {
		char before = sealed[i];
		sealed[i] = before == 'A' ? 'B' : 'A';
		struct err *e = seal_open_text(key, sealed, &plain);
		/* the last character may hold bits that do not count */
		assert_true(e != NULL || i + 3 >= strlen(sealed));
		if (e == NULL)
			seal_wipe_free(plain);
		err_free(e);
		sealed[i] = before;
	}
	static const char *const bad[] = {"", "A", "AAAA", "not base64!", "QUJD"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_fails(seal_open_text(key, bad[i], &plain), ERR_INVALID);
	mem_free(sealed);
	seal_key_free(key);
	seal_key_free(other);
	mem_free(path);
	mem_free(other_path);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	char *path = fs_join(*state, "secret.key");
	struct seal_key *key = NULL;
	assert_ok(seal_key_open(path, &key));
	seal_key_free(key);
	key = NULL;
	assert_int_equal(chmod(path, 0640), 0);
	assert_says(seal_key_open(path, &key), ERR_FORBIDDEN, "chmod 600");
	assert_null(key);
	mem_free(path);
}

static void a_file_that_is_no_key_is_refused(void **state)
{
	char *path = fs_join(*state, "secret.key");
	struct seal_key *key = NULL;
	static const char *const bad[] = {"", "abc",
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\n"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_ok(fs_write_atomic(path, bad[i], strlen(bad[i]), 0600));
		assert_says(seal_key_open(path, &key), ERR_INVALID, "not a key");
	}
	mem_free(path);
}

static void random_texts_are_of_the_alphabet_and_differ(void **state)
{
	(void)state;
	char *a = rand_text(40);
	char *b = rand_text(40);
	assert_int_equal(strlen(a), 40);
	assert_int_equal(strspn(a, "abcdefghijkmnpqrstuvwxyz23456789"), 40);
	assert_string_not_equal(a, b);
	mem_free(a);
	mem_free(b);
}

static void sha256_is_that_of_the_standard(void **state)
{
	(void)state;
	char text[HASH_TEXT_SIZE];
	hash_sha256("abc", 3, text);
	assert_string_equal(text,
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hash_sha256("", 0, text);
	assert_string_equal(text,
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#define SEAL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
TEST_MAIN(SEAL_TEST(a_sealed_text_opens_with_the_same_key_after_a_restart),
	SEAL_TEST(the_same_text_is_sealed_differently_each_time),
	SEAL_TEST(a_changed_or_foreign_secret_is_refused),
	SEAL_TEST(a_key_that_others_may_read_is_refused),
	SEAL_TEST(a_file_that_is_no_key_is_refused),
	SEAL_TEST(random_texts_are_of_the_alphabet_and_differ),
	SEAL_TEST(sha256_is_that_of_the_standard))
