/* Accounts: users, tokens, sessions; and small rows that belong to the server: settings, audit. */
#pragma once

#include "model/record.h"

/** Roles, each includes the ones before it. */
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };
extern const struct enum_table role_table;

/** Most clusters that an account can be limited to. */
#define ACCOUNT_CLUSTERS_MAX 200
/** check_json_fn: an array of ids of clusters, at least one. */
struct err *check_json_clusters(const json_t *value) ERR_RESULT;

/** A row of `users`. */
struct user {
	int64_t id;
	char *name;
	int64_t role;
	json_t *clusters;    /**< ids it is limited to, NULL: all */
	char *password_hash; /**< argon2id, hidden */
	bool disabled;
	int64_t last_login_at;
	int64_t created_at;
	int64_t updated_at;
};
extern const struct record_type user_type;

/** A row of `tokens`: "mko_" + 40 characters; only its hash is kept. */
struct token {
	int64_t id;
	char *name;
	int64_t user_id;
	int64_t role;
	json_t *clusters; /**< ids it is limited to, NULL: all that its account sees */
	char *hash;       /**< SHA-256 hex, hidden */
	int64_t expires_at;
	int64_t last_used_at;
	int64_t revoked_at;
	int64_t created_at;
};
extern const struct record_type token_type;

/** A row of `sessions` (web login). */
struct session {
	int64_t id;
	int64_t user_id;
	char *hash; /**< SHA-256 hex of the cookie */
	char *address;
	int64_t expires_at;
	int64_t created_at;
};
extern const struct record_type session_type;

/** A row of `configurations`: a setting changed at run time. */
struct configuration {
	int64_t id;
	char *key;
	char *value;
	int64_t updated_at;
};
extern const struct record_type configuration_type;

/** A row of `audit`: hash-chained. */
struct audit {
	int64_t id;
	int64_t at;
	char *actor;    /**< user name, "system", or the login name on the machine */
	char *via;      /**< cli, api, web, rule, schedule */
	char *address;  /**< where from, NULL local */
	char *action;   /**< "node.create" */
	char *object;   /**< "node/3 n1" */
	json_t *detail; /**< before and after, secrets masked */
	char *outcome;  /**< "ok" or an error slug */
	char *request_id;
	char *prev_hash;
	char *hash;
};
extern const struct record_type audit_type;
