/* Whom credentials belong to is believed for a second, never longer than the rights last. */
#include "testing.h"

#include "domain.h"
#include "service/account.h"
#include "service/identity_cache.h"
#include "testing_err.h"

static char *new_token(struct test_domain *d, const struct actor *who, int64_t role,
	int64_t expires_at)
{
	struct token wish, made;
	char *text = NULL;

	record_init(&token_type, &wish);
	field_set_text(&wish.name, "robot");
	wish.role = role;
	wish.expires_at = expires_at;
	TX(d, account_token_create(&d->svc, who, &wish, &text, &made));
	record_done(&token_type, &wish);
	record_done(&token_type, &made);
	return text;
}

/* Role of who sends this token; ROLE_NONE: refused. */
static enum role role_by(struct test_domain *d, const char *token)
{
	struct identity who;

	ok(store_begin(d->svc.store));
	struct err *e = account_by_token(&d->svc, token, &who);
	ok(store_commit(d->svc.store));
	if (e != NULL) {
		expect_code(e, ERR_UNAUTHENTICATED);
		return ROLE_NONE;
	}
	enum role role = who.role;
	identity_done(&who);
	return role;
}

/* Behind the server's back, as another program would. */
static void revoke_in_the_store(struct test_domain *d)
{
	struct token row;

	ok(store_begin(d->svc.store));
	ok(store_get_by(d->svc.store, &token_type, "name", "robot", &row));
	row.revoked_at = clock_utc(&d->clock);
	ok(store_update(d->svc.store, &token_type, &row));
	ok(store_commit(d->svc.store));
	record_done(&token_type, &row);
}

static void what_is_changed_behind_our_back_counts_after_a_second(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *token = new_token(d, &test_admin, ROLE_OPERATOR, I64_NONE);

	assert_int_equal(role_by(d, token), ROLE_OPERATOR);
	revoke_in_the_store(d);
	d->clock.fake_ms += IDENTITY_CACHE_MS - 1;
	assert_int_equal(role_by(d, token), ROLE_OPERATOR);
	d->clock.fake_ms += 1;
	assert_int_equal(role_by(d, token), ROLE_NONE);
	account_done(&d->svc);
}

static void a_clock_that_goes_back_makes_nothing_live_longer(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *token = new_token(d, &test_admin, ROLE_OPERATOR, I64_NONE);

	assert_int_equal(role_by(d, token), ROLE_OPERATOR);
	revoke_in_the_store(d);
	d->clock.fake_ms -= 3600000;
	assert_int_equal(role_by(d, token), ROLE_NONE);
	account_done(&d->svc);
}

static void a_revoked_token_is_refused_at_once(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *token = new_token(d, &test_admin, ROLE_OPERATOR, I64_NONE);

	assert_int_equal(role_by(d, token), ROLE_OPERATOR);
	TX(d, account_token_revoke(&d->svc, &test_admin, "robot"));
	assert_int_equal(role_by(d, token), ROLE_NONE);
	account_done(&d->svc);
}

static void a_token_ends_to_the_millisecond(void **state)
{
	struct test_domain *d = *state;
	int64_t end = clock_utc(&d->clock) + 300;
	cleanup(mem_freep) char *token = new_token(d, &test_admin, ROLE_OPERATOR, end);

	assert_int_equal(role_by(d, token), ROLE_OPERATOR);
	d->clock.fake_ms += 299;
	assert_int_equal(role_by(d, token), ROLE_OPERATOR);
	d->clock.fake_ms += 1;
	assert_int_equal(role_by(d, token), ROLE_NONE);
	account_done(&d->svc);
}

static void a_change_of_the_owner_counts_at_once(void **state)
{
	struct test_domain *d = *state;
	struct user wish, ann;

	record_init(&user_type, &wish);
	field_set_text(&wish.name, "ann");
	wish.role = ROLE_OPERATOR;
	TX(d, account_user_create(&d->svc, &test_admin, &wish, "$argon2id$x", &ann));
	record_done(&user_type, &wish);
	const struct actor who = {.name = "ann",
		.role = ROLE_OPERATOR,
		.via = OP_VIA_API,
		.request_id = "r2",
		.user_id = ann.id};
	record_done(&user_type, &ann);
	cleanup(mem_freep) char *token = new_token(d, &who, ROLE_OPERATOR, I64_NONE);

	assert_int_equal(role_by(d, token), ROLE_OPERATOR);
	json_t *body = json_pack("{s:s}", "role", "viewer");
	TX(d, account_user_edit(&d->svc, &test_admin, "ann", body, &ann));
	record_done(&user_type, &ann);
	json_decref(body);
	assert_int_equal(role_by(d, token), ROLE_VIEWER);
	TX(d, account_user_remove(&d->svc, &test_admin, "ann"));
	assert_int_equal(role_by(d, token), ROLE_NONE);
	account_done(&d->svc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOMAIN_TEST(what_is_changed_behind_our_back_counts_after_a_second),
		DOMAIN_TEST(a_clock_that_goes_back_makes_nothing_live_longer),
		DOMAIN_TEST(a_revoked_token_is_refused_at_once),
		DOMAIN_TEST(a_token_ends_to_the_millisecond),
		DOMAIN_TEST(a_change_of_the_owner_counts_at_once),
	};
	rand_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
