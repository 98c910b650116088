/* Requests for tests of the API: a domain on a scratch folder, and calls that look like what a
 * client sends. */
#pragma once

#include "api/api.h"
#include "domain.h"
#include "service/account.h"

/** A reply with its JSON; api_over() frees. */
struct answer {
	struct api_reply reply;
	json_t *json; /**< NULL when the body is no JSON */
};

static inline void answer_done(struct answer *a)
{
	json_decref(a->json);
	api_reply_done(&a->reply);
}

/** Send a prepared request. */
static inline struct answer ask(struct test_domain *d, struct api_request req)
{
	struct answer a = {.json = NULL};

	req.request_id = "r1";
	if (req.body != NULL) {
		req.body_len = strlen(req.body);
		if (req.content_type == NULL)
			req.content_type = "application/json";
	}
	api_dispatch(&d->svc, &req, &a.reply);
	a.json = json_loads(str_get(&a.reply.body), 0, NULL);
	return a;
}

/** A request at the local door. */
static inline struct answer at_home(struct test_domain *d, const char *method, const char *path,
	const char *body)
{
	return ask(d,
		(struct api_request){.door = API_DOOR_LOCAL,
			.method = method,
			.path = path,
			.body = body,
			.local_user = "root",
			.via = OP_VIA_CLI});
}

/** Status of a request at the local door. */
static inline int status_of(struct test_domain *d, const char *method, const char *path,
	const char *body)
{
	struct answer a = at_home(d, method, path, body);
	int status = a.reply.status;

	answer_done(&a);
	return status;
}

/** Make a token with a role; the header's text, owned. */
static inline char *make_token(struct test_domain *d, const char *name, const char *role)
{
	cleanup(mem_freep) char *body = mem_printf("{\"name\":\"%s\",\"role\":\"%s\"}", name, role);
	struct answer a = at_home(d, "POST", "/api/tokens", body);

	assert_int_equal(a.reply.status, 201);
	char *header = mem_printf("Bearer %s", json_string_value(json_object_get(a.json, "token")));
	answer_done(&a);
	return header;
}

static inline const char *text_of(const struct answer *a, const char *key)
{
	return json_string_value(json_object_get(a->json, key));
}

static inline int drop_domain(void **state)
{
	account_done(&((struct test_domain *)*state)->svc);
	return test_domain_drop(state);
}
#define API_TEST(name) cmocka_unit_test_setup_teardown(name, test_domain_make, drop_domain)
