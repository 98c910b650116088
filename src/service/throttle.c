/* Owns a fixed table of failure counters; when a bucket is full, its oldest entry gives way. */
#include "service/throttle.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"

#define BUCKETS 512
#define WAYS 4
#define FORGET_MS 3600000
#define EXPONENT_N 20

/* What is counted: the pair, the address whatever the account, the account whatever the address. */
static const struct {
	bool account, address;
	int64_t free_tries;
	int64_t wait_max_s;
} kinds[] = {
	{true, true, 5, 900},
	{false, true, 20, 900},
	{true, false, 50, 30},
};

struct counter {
	uint64_t key; /* 0 = empty */
	int64_t fails;
	int64_t last_ms;
};
struct throttle {
	struct counter counters[BUCKETS][WAYS];
	char salt[HASH_TEXT_SIZE]; /* so that nobody can choose names that share a bucket */
};

struct throttle *throttle_new(void)
{
	struct throttle *t = mem_zalloc(sizeof(*t));
	unsigned char bytes[16];

	rand_bytes(bytes, sizeof(bytes));
	hash_sha256(bytes, sizeof(bytes), t->salt);
	return t;
}

void throttle_free(struct throttle *t)
{
	mem_free(t);
}

static uint64_t key_of(const struct throttle *t, size_t kind, const char *account,
	const char *address)
{
	char hash[HASH_TEXT_SIZE];
	uint64_t key = 0;
	cleanup(mem_freep) char *text = mem_printf("%s|%zu|%s|%s", t->salt, kind,
		kinds[kind].account && account != NULL ? account : "",
		kinds[kind].address && address != NULL ? address : "");

	hash_sha256(text, strlen(text), hash);
	memcpy(&key, hash, sizeof(key));
	return key;
}

static const struct counter *find(const struct throttle *t, uint64_t key)
{
	const struct counter *bucket = t->counters[key % BUCKETS];

	for (size_t i = 0; i < WAYS; i++)
		if (bucket[i].key == key)
			return &bucket[i];
	return NULL;
}

static int64_t wait_of(const struct counter *c, size_t kind, int64_t now_ms)
{
	int64_t over = c->fails - kinds[kind].free_tries;

	if (over < 0 || now_ms - c->last_ms > FORGET_MS)
		return 0;
	int64_t wait_s = (int64_t)1 << (over < EXPONENT_N ? over : EXPONENT_N);
	if (wait_s > kinds[kind].wait_max_s)
		wait_s = kinds[kind].wait_max_s;
	int64_t left_ms = c->last_ms + wait_s * 1000 - now_ms;
	return left_ms > 0 ? (left_ms + 999) / 1000 : 0;
}

int64_t throttle_wait_s(const struct throttle *t, const char *account, const char *address,
	int64_t now_ms)
{
	int64_t longest = 0;

	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
		const struct counter *c = find(t, key_of(t, kind, account, address));
		int64_t wait = c != NULL ? wait_of(c, kind, now_ms) : 0;
		if (wait > longest)
			longest = wait;
	}
	return longest;
}

/* The counter of a key: its own, else the one of the bucket that was quiet longest. */
static struct counter *take(struct throttle *t, uint64_t key)
{
	struct counter *bucket = t->counters[key % BUCKETS];
	struct counter *oldest = &bucket[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (bucket[i].key == key)
			return &bucket[i];
		if (bucket[i].last_ms < oldest->last_ms || bucket[i].key == 0)
			oldest = &bucket[i];
	}
	*oldest = (struct counter){.key = key};
	return oldest;
}

void throttle_fail(struct throttle *t, const char *account, const char *address, int64_t now_ms)
{
	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
		struct counter *c = take(t, key_of(t, kind, account, address));
		if (now_ms - c->last_ms > FORGET_MS)
			c->fails = 0;
		c->fails++;
		c->last_ms = now_ms;
	}
}

void throttle_clear(struct throttle *t, const char *account, const char *address)
{
	struct counter *c = take(t, key_of(t, 0, account, address));

	*c = (struct counter){.key = 0};
}
