/* Owns users and their rights. Invariant: as soon as an enabled administrator exists, one always
 * exists. */
#include "service/account.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "model/metric.h"
#include "service/audit.h"
#include "service/event.h"
#include "service/scope.h"
#include "service/identity_cache.h"
#include "service/throttle.h"

#define SETUP_KEY "setup_code"
#define SETUP_CODE_LEN 16

static bool is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* A record by id or by the field that names it. */
static struct err *find(struct service *svc, const struct record_type *type, const char *id_or_name,
	void *ret_obj)
{
	int64_t id = 0;

	if (!is_number(id_or_name))
		return store_get_by(svc->store, type, type->key, id_or_name, ret_obj);
	TRY(parse_i64(id_or_name, 1, INT64_MAX, &id));
	return store_get(svc->store, type, id, ret_obj);
}

/* One who may give rights: administrators of some clusters may not. */
static bool is_full_admin(const struct user *user)
{
	return user->role == ROLE_ADMIN && !user->disabled && user->clusters == NULL;
}

static struct err *count_admins(struct service *svc, int64_t *ret_n)
{
	struct store_query q = {.n_filters = 0};

	store_where_number(&q, "role", STORE_EQ, ROLE_ADMIN);
	store_where_number(&q, "disabled", STORE_EQ, 0);
	store_where_number(&q, "clusters", STORE_IS_NULL, 0);
	return store_count(svc->store, &user_type, &q, ret_n);
}

/* One row in the audit log; accounts are always on disk before anybody hears of them. */
static struct err *note(struct service *svc, const struct actor *who, const char *action,
	const char *name, json_t *take_detail)
{
	cleanup(mem_freep) char *object = mem_printf("user %s", name);

	store_want(svc->store, STORE_FULL);
	return audit_write(svc, who, action, object, take_detail, "ok");
}

/* Check what the API decoded, then insert. */
static struct err *insert_user(struct service *svc, struct user *user)
{
	TRY(record_check(&user_type, user));
	if (user->role == ROLE_NONE)
		return err_field(NULL, "role", "must be viewer, operator or admin");
	user->created_at = clock_utc(svc->clock);
	user->updated_at = user->created_at;
	return store_insert(svc->store, &user_type, user);
}

struct err *account_ready(struct service *svc, bool *ret)
{
	int64_t n = 0;

	TRY(count_admins(svc, &n));
	*ret = n > 0;
	return NULL;
}

static struct err *refuse_when_ready(struct service *svc)
{
	bool ready = false;

	TRY(account_ready(svc, &ready));
	if (!ready)
		return NULL;
	return err_hint(err_new(ERR_CONFLICT, "set-up is over: an administrator exists"),
		"a lost password: mko user passwd NAME on this machine");
}

struct err *account_setup_code(struct service *svc, char **ret_code)
{
	struct configuration row;

	TRY(refuse_when_ready(svc));
	struct err *e = store_get_by(svc->store, &configuration_type, "key", SETUP_KEY, &row);
	if (e == NULL) {
		e = seal_open_text(svc->key, row.value, ret_code);
		record_done(&configuration_type, &row);
		return err_wrap(e, "read the set-up code");
	}
	if (err_code(e) != ERR_NOT_FOUND)
		return e;
	err_free(e);
	cleanup(mem_freep) char *code = rand_text(SETUP_CODE_LEN);
	record_init(&configuration_type, &row);
	field_set_text(&row.key, SETUP_KEY);
	row.value = seal_text(svc->key, code);
	row.updated_at = clock_utc(svc->clock);
	e = store_insert(svc->store, &configuration_type, &row);
	record_done(&configuration_type, &row);
	if (e == NULL)
		*ret_code = MOVE(code);
	return e;
}

static struct throttle *throttle_of(struct service *svc)
{
	if (svc->throttle == NULL)
		svc->throttle = throttle_new();
	return svc->throttle;
}

void account_done(struct service *svc)
{
	throttle_free(svc->throttle);
	svc->throttle = NULL;
	identity_cache_free(svc);
}

static struct err *check_throttle(struct service *svc, const char *name, const char *address,
	int64_t *ret_retry_after_s)
{
	int64_t wait_s = svc->throttle != NULL
		? throttle_wait_s(svc->throttle, name, address, clock_mono(svc->clock))
		: 0;

	if (wait_s == 0)
		return NULL;
	*ret_retry_after_s = wait_s;
	metric_add(METRIC_LOGINS, METRIC_LABELS("throttled"), 1);
	return err_new(ERR_THROTTLED, "too many failed attempts: try again in %lld s",
		(long long)wait_s);
}

struct err *account_setup_check(struct service *svc, const struct actor *who, const char *code,
	int64_t *ret_retry_after_s)
{
	char *right = NULL;

	TRY(check_throttle(svc, NULL, who->address, ret_retry_after_s));
	TRY(account_setup_code(svc, &right));
	bool same = strlen(code) == strlen(right) && sodium_memcmp(code, right, strlen(right)) == 0;
	seal_wipe_free(right);
	if (same)
		return NULL;
	throttle_fail(throttle_of(svc), NULL, who->address, clock_mono(svc->clock));
	return err_hint(err_new(ERR_FORBIDDEN, "wrong set-up code"),
		"mko system setup-code shows it, and so does the server's log");
}

struct err *account_setup(struct service *svc, const struct actor *who,
	const struct account_setup *setup, struct user *ret_user)
{
	struct user user;
	struct store_query q = {.n_filters = 0};
	int64_t wait_s = 0;

	TRY(refuse_when_ready(svc));
	if (setup->code != NULL)
		TRY(account_setup_check(svc, who, setup->code, &wait_s));
	record_init(&user_type, &user);
	field_set_text(&user.name, setup->name);
	user.role = ROLE_ADMIN;
	field_set_text(&user.password_hash, setup->hash);
	struct err *e = insert_user(svc, &user);
	store_where_text(&q, "key", STORE_EQ, SETUP_KEY);
	if (e == NULL)
		e = store_delete_where(svc->store, &configuration_type, &q, NULL);
	if (e == NULL)
		e = note(svc, who, "user.setup", setup->name, NULL);
	if (e != NULL)
		record_done(&user_type, &user);
	else
		*ret_user = user;
	return e;
}

struct err *account_user_find(struct service *svc, const char *id_or_name, struct user *ret_user)
{
	return find(svc, &user_type, id_or_name, ret_user);
}

struct err *account_user_create(struct service *svc, const struct actor *who,
	const struct user *user, const char *hash, struct user *ret_user)
{
	struct user row;

	record_copy(&user_type, &row, user);
	field_set_text(&row.password_hash, hash);
	struct err *e = insert_user(svc, &row);
	if (e == NULL)
		e = note(svc, who, "user.create", row.name, record_to_json(&user_type, &row));
	if (e != NULL)
		record_done(&user_type, &row);
	else
		*ret_user = row;
	return e;
}

/* Refuse to lose the last one who may give rights. */
static struct err *keep_an_admin(struct service *svc)
{
	int64_t n = 0;

	TRY(count_admins(svc, &n));
	if (n > 0)
		return NULL;
	return err_hint(err_new(ERR_PRECONDITION, "this is the last administrator"),
		"make another account administrator first");
}

static struct err *end_sessions(struct service *svc, int64_t user_id)
{
	struct store_query q = {.n_filters = 0};

	store_where_number(&q, "user_id", STORE_EQ, user_id);
	svc->rights_epoch++;
	return store_delete_where(svc->store, &session_type, &q, NULL);
}

/* Apply an edit to a row that was read; the caller's savepoint undoes it when the last
 * administrator would go. */
static struct err *apply_edit(struct service *svc, const struct actor *who, const json_t *body,
	struct user *user)
{
	bool was_admin = is_full_admin(user);
	svc->rights_epoch++;
	json_t *before = record_to_json(&user_type, user);
	json_t *resolved = json_copy((json_t *)(uintptr_t)body);
	struct err *e = scope_resolve(svc, resolved);

	if (e == NULL)
		e = record_from_json(&user_type, user, resolved, RECORD_UPDATE);
	json_decref(resolved);

	if (e == NULL && user->role == ROLE_NONE)
		e = err_field(NULL, "role", "must be viewer, operator or admin");
	if (e == NULL) {
		user->updated_at = clock_utc(svc->clock);
		e = store_update(svc->store, &user_type, user);
	}
	if (e == NULL && was_admin)
		e = keep_an_admin(svc);
	if (e == NULL && user->disabled)
		e = end_sessions(svc, user->id);
	if (e != NULL) {
		json_decref(before);
		return e;
	}
	return note(svc, who, "user.edit", user->name,
		json_pack("{so so}", "before", before, "after", record_to_json(&user_type, user)));
}

struct err *account_user_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct user *ret_user)
{
	struct user user;

	TRY(account_user_find(svc, id_or_name, &user));
	struct err *e = apply_edit(svc, who, body, &user);
	if (e != NULL)
		record_done(&user_type, &user);
	else
		*ret_user = user;
	return e;
}

struct err *account_user_remove(struct service *svc, const struct actor *who,
	const char *id_or_name)
{
	struct user user;

	TRY(account_user_find(svc, id_or_name, &user));
	bool was_admin = is_full_admin(&user);
	svc->rights_epoch++;
	struct err *e =
		store_delete(svc->store, &user_type, user.id); /* sessions and tokens go with it */
	if (e == NULL && was_admin)
		e = keep_an_admin(svc);
	if (e == NULL)
		e = note(svc, who, "user.remove", user.name, record_to_json(&user_type, &user));
	record_done(&user_type, &user);
	return e;
}

struct err *account_password_set(struct service *svc, const struct actor *who, int64_t user_id,
	const char *hash)
{
	struct user user;

	TRY(store_get(svc->store, &user_type, user_id, &user));
	field_set_text(&user.password_hash, hash);
	user.updated_at = clock_utc(svc->clock);
	struct err *e = store_update(svc->store, &user_type, &user);
	if (e == NULL)
		e = end_sessions(svc, user_id);
	if (e == NULL)
		e = note(svc, who, "user.passwd", user.name, NULL);
	record_done(&user_type, &user);
	return e;
}

/* A hash that no password has, so that unknown names cost as much as known ones. Made by the same
 * preset as password_hash(). */
static const char dummy_hash[] =
	"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct err *account_login_begin(struct service *svc, const struct actor *who, const char *name,
	char **ret_hash, int64_t *ret_retry_after_s)
{
	struct user user;

	TRY(check_throttle(svc, name, who->address, ret_retry_after_s));
	struct err *e = store_get_by(svc->store, &user_type, "name", name, &user);
	if (e != NULL && err_code(e) != ERR_NOT_FOUND)
		return e;
	bool known = e == NULL && !user.disabled && user.password_hash != NULL;
	*ret_hash = mem_strdup(known ? user.password_hash : dummy_hash);
	if (e == NULL)
		record_done(&user_type, &user);
	err_free(e);
	return NULL;
}

/* Make the session row; the cookie's text is only known to the browser. */
static struct err *open_session(struct service *svc, const struct actor *who, struct user *user,
	char **ret_cookie)
{
	struct session session;
	char hash[HASH_TEXT_SIZE];
	cleanup(mem_freep) char *cookie = rand_text(40);

	record_init(&session_type, &session);
	hash_sha256(cookie, strlen(cookie), hash);
	session.user_id = user->id;
	field_set_text(&session.hash, hash);
	field_set_text(&session.address, who->address);
	session.created_at = clock_utc(svc->clock);
	session.expires_at = session.created_at + svc->config->web_session_hours * 3600000;
	struct err *e = store_insert(svc->store, &session_type, &session);
	record_done(&session_type, &session);
	user->last_login_at = clock_utc(svc->clock);
	if (e == NULL)
		e = store_update(svc->store, &user_type, user);
	if (e == NULL)
		*ret_cookie = MOVE(cookie);
	return e;
}

struct err *account_login_failed(struct service *svc, const struct actor *who, const char *name)
{
	throttle_fail(throttle_of(svc), name, who->address, clock_mono(svc->clock));
	metric_add(METRIC_LOGINS, METRIC_LABELS("failed"), 1);
	return err_new(ERR_UNAUTHENTICATED, "wrong name or password");
}

struct err *account_proof_begin(struct service *svc, const struct actor *who, const char *user,
	int64_t *ret_retry_after_s)
{
	return check_throttle(svc, user, who->address, ret_retry_after_s);
}

struct err *account_proof_end(struct service *svc, const struct actor *who, const char *user,
	const char *field, bool matches)
{
	if (matches) {
		throttle_clear(throttle_of(svc), user, who->address);
		return NULL;
	}
	err_ignore(account_login_failed(svc, who, user)); /* counted; the session is still good */
	return err_field(NULL, field, "is wrong");
}

struct err *account_login_end(struct service *svc, const struct actor *who, const char *name,
	char **ret_cookie, struct user *ret_user)
{
	struct user user;
	struct actor as = *who;
	struct err *e = store_get_by(svc->store, &user_type, "name", name, &user);

	if (e != NULL) {
		err_free(e);
		return account_login_failed(svc, who, name);
	}
	throttle_clear(throttle_of(svc), name, who->address);
	metric_add(METRIC_LOGINS, METRIC_LABELS("ok"), 1);
	e = open_session(svc, who, &user, ret_cookie);
	as.name = user.name;
	as.user_id = user.id;
	if (e == NULL)
		e = note(svc, &as, "user.login", user.name, NULL);
	if (e != NULL)
		record_done(&user_type, &user);
	else
		*ret_user = user;
	return e;
}

struct err *account_logout(struct service *svc, const struct actor *who, int64_t session_id)
{
	svc->rights_epoch++;
	if (session_id == I64_NONE)
		TRY(end_sessions(svc, who->user_id));
	else
		TRY(store_delete(svc->store, &session_type, session_id));
	return note(svc, who, "user.logout", who->name, NULL);
}

struct err *account_session_end(struct service *svc, const struct actor *who, int64_t id, bool all)
{
	struct session session;
	struct user user;

	TRY(store_get(svc->store, &session_type, id, &session));
	int64_t owner = session.user_id;
	record_done(&session_type, &session);
	if (!all && owner != who->user_id)
		return err_new(ERR_NOT_FOUND, "no session %lld", (long long)id);
	TRY(store_get(svc->store, &user_type, owner, &user));
	svc->rights_epoch++;
	struct err *e = store_delete(svc->store, &session_type, id);
	if (e == NULL)
		e = note(svc, who, "session.end", user.name,
			json_pack("{s:I}", "session_id", (json_int_t)id));
	record_done(&user_type, &user);
	return e;
}

struct err *account_sign_out(struct service *svc, const struct actor *who, const char *id_or_name)
{
	struct user user;

	TRY(account_user_find(svc, id_or_name, &user));
	struct err *e = end_sessions(svc, user.id);
	if (e == NULL)
		e = note(svc, who, "user.signout", user.name, NULL);
	record_done(&user_type, &user);
	return e;
}
