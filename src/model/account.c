/* The tables of accounts, settings and the audit log. Passwords and hashes are hidden: services set
 * them. */
#include "model/account.h"

#include "base/mem.h"

static const char *const role_texts[] = {
	[ROLE_NONE] = "none",
	[ROLE_VIEWER] = "viewer",
	[ROLE_OPERATOR] = "operator",
	[ROLE_ADMIN] = "admin",
	[ROLE_ADMIN + 1] = NULL,
};
const struct enum_table role_table = {"role", role_texts};

struct err *check_json_clusters(const json_t *value)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(value) || json_array_size(value) == 0 ||
		json_array_size(value) > ACCOUNT_CLUSTERS_MAX)
		return err_new(ERR_INVALID,
			"must be an array of 1 to %d clusters; null means all clusters",
			ACCOUNT_CLUSTERS_MAX);
	json_array_foreach(value, i, item)
		if (!json_is_integer(item) || json_integer_value(item) < 1)
			return err_new(ERR_INVALID, "element %zu must be the id of a cluster", i);
	return NULL;
}

static const struct field user_fields[] = {
	ROW_I64(struct user, id, FIELD_FIND, .help = "Number of the account, never reused."),
	ROW_TEXT(struct user, name,
		FIELD_CREATE | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE, .min = 1,
		.max = 32, .check = check_account, .help = "Account name."),
	ROW_ENUM(struct user, role, FIELD_EDIT | FIELD_FIND, .choices = &role_table,
		.def = "viewer", .help = "What the account may do."),
	ROW_JSON(struct user, clusters, FIELD_EDIT, .check_json = check_json_clusters,
		.help = "Numbers of the clusters that the account is limited to; none: all."),
	ROW_BOOL(struct user, disabled, FIELD_EDIT | FIELD_FIND, .def = "false",
		.help = "Whether it may not log in."),
	ROW_TIME(struct user, last_login_at, FIELD_FIND, .help = "When it last logged in."),
	ROW_TIME(struct user, created_at, FIELD_FIND, .help = "When it was made."),
	ROW_TIME(struct user, updated_at, FIELD_FIND, .help = "When its row last changed."),
	ROW_TEXT(struct user, password_hash, FIELD_HIDDEN,
		.help = "argon2id hash of the password."),
};

const struct record_type user_type = {
	.name = "user",
	.table = "users",
	.size = sizeof(struct user),
	.key = "name",
	.fields = user_fields,
	.n_fields = ARRAY_LEN(user_fields),
};

static const struct field token_fields[] = {
	ROW_I64(struct token, id, FIELD_FIND, .help = "Number of the token, never reused."),
	ROW_TEXT(struct token, name,
		FIELD_CREATE | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE, .min = 1,
		.max = 63, .check = check_name, .help = "Name of the token."),
	ROW_I64(struct token, user_id, FIELD_FIND,
		.help = "Account that it belongs to; none: made on this machine."),
	ROW_ENUM(struct token, role, FIELD_CREATE | FIELD_FIND, .choices = &role_table,
		.def = "viewer", .help = "What its holder may do."),
	ROW_JSON(struct token, clusters, FIELD_CREATE, .check_json = check_json_clusters,
		.help = "Numbers of the clusters that it is limited to; none: all of its account."),
	ROW_TIME(struct token, expires_at, FIELD_CREATE | FIELD_FIND,
		.help = "When it ends; none: never."),
	ROW_TIME(struct token, last_used_at, FIELD_FIND, .help = "When it was last used."),
	ROW_TIME(struct token, revoked_at, FIELD_FIND, .help = "When it was revoked."),
	ROW_TIME(struct token, created_at, FIELD_FIND, .help = "When it was made."),
	ROW_TEXT(struct token, hash, FIELD_HIDDEN | FIELD_UNIQUE, .help = "SHA-256 of the token."),
};

const struct record_type token_type = {
	.name = "token",
	.table = "tokens",
	.size = sizeof(struct token),
	.key = "name",
	.fields = token_fields,
	.n_fields = ARRAY_LEN(token_fields),
};

static const struct field session_fields[] = {
	ROW_I64(struct session, id, FIELD_FIND, .help = "Number of the session."),
	ROW_I64(struct session, user_id, FIELD_FIND, .help = "Account that is logged in."),
	ROW_TEXT(struct session, address, FIELD_FILTER, .help = "Address it was opened from."),
	ROW_TIME(struct session, expires_at, FIELD_FIND, .help = "When it ends."),
	ROW_TIME(struct session, created_at, FIELD_FIND, .help = "When it was opened."),
	ROW_TEXT(struct session, hash, FIELD_HIDDEN | FIELD_UNIQUE,
		.help = "SHA-256 of the cookie."),
};

const struct record_type session_type = {
	.name = "session",
	.table = "sessions",
	.size = sizeof(struct session),
	.fields = session_fields,
	.n_fields = ARRAY_LEN(session_fields),
};

static const struct field configuration_fields[] = {
	ROW_I64(struct configuration, id, FIELD_FIND, .help = "Number of the row."),
	ROW_TEXT(struct configuration, key, FIELD_FIND | FIELD_UNIQUE,
		.help = "Name of the setting."),
	ROW_TEXT(struct configuration, value, 0, .help = "Its value."),
	ROW_TIME(struct configuration, updated_at, FIELD_FIND, .help = "When it last changed."),
};

const struct record_type configuration_type = {
	.name = "configuration",
	.table = "configurations",
	.size = sizeof(struct configuration),
	.key = "key",
	.fields = configuration_fields,
	.n_fields = ARRAY_LEN(configuration_fields),
};

static const struct field audit_fields[] = {
	ROW_I64(struct audit, id, FIELD_FIND, .help = "Number of the entry, never reused."),
	ROW_TIME(struct audit, at, FIELD_FIND, .help = "When it happened."),
	ROW_TEXT(struct audit, actor, FIELD_FIND | FIELD_SEARCH, .help = "Who did it."),
	ROW_TEXT(struct audit, via, FIELD_FIND,
		.help = "By what way: cli, api, web, rule, schedule."),
	ROW_TEXT(struct audit, address, FIELD_FIND | FIELD_SEARCH,
		.help = "Where from; none: this machine."),
	ROW_TEXT(struct audit, action, FIELD_FIND | FIELD_SEARCH,
		.help = "What was done, for example node.create."),
	ROW_TEXT(struct audit, object, FIELD_FIND | FIELD_SEARCH, .help = "What it was done to."),
	ROW_JSON(struct audit, detail, 0, .help = "Before and after, secrets masked."),
	ROW_TEXT(struct audit, outcome, FIELD_FIND, .help = "ok, or the code of the error."),
	ROW_TEXT(struct audit, request_id, FIELD_FILTER, .help = "The request."),
	ROW_TEXT(struct audit, prev_hash, 0, .help = "Hash of the entry before."),
	ROW_TEXT(struct audit, hash, 0, .help = "Hash of this entry and prev_hash."),
};

const struct record_type audit_type = {
	.name = "audit entry",
	.table = "audit",
	.size = sizeof(struct audit),
	.fields = audit_fields,
	.n_fields = ARRAY_LEN(audit_fields),
};
