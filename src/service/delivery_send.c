/* Owns one sending: secrets are opened, messages rendered, handed over, and forgotten. */
#include <string.h>

#include "base/mem.h"
#include "base/seal.h"
#include "driver/courier.h"
#include "service/delivery.h"

#define TIMEOUT_MS 20000

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* The notifier as it went into the input; what only the API shows is left out. */
static struct err *read_notifier(const json_t *item, struct notifier *n)
{
	const json_t *json = json_object_get(item, "notifier");

	record_init(&notifier_type, n);
	for (size_t i = 0; i < notifier_type.n_fields; i++) {
		const struct field *f = &notifier_type.fields[i];
		const json_t *value = json_object_get(json, f->name);
		if ((f->flags & FIELD_CREATE) != 0 && value != NULL && !json_is_null(value))
			TRY(field_from_json(f, n, value));
	}
	return NULL;
}

static struct err *fill(const struct seal_key *key, const json_t *item, int64_t now_s,
	struct courier_parcel *p)
{
	cleanup(seal_wipe_freep) char *secret = NULL;
	const char *sealed = text_of(item, "secret");
	struct notifier n;

	if (sealed != NULL)
		TRY(seal_open_text(key, sealed, &secret));
	struct err *e = read_notifier(item, &n);
	if (e == NULL)
		e = message_render(&n, secret, json_object_get(item, "message"), now_s,
			&p->request);
	p->ca_file = mem_strdup(n.ca_file);
	record_done(&notifier_type, &n);
	return e;
}

static json_t *result_json(const json_t *item, bool sent, int64_t status, const char *error)
{
	return json_pack("{s:O, s:b, s:I, s:s?}", "id", json_object_get(item, "id"), "sent", sent,
		"status", (json_int_t)status, "error", sent ? NULL : error);
}

/* What can be rendered becomes a parcel, in the same order; what cannot is a result. */
static size_t fill_all(const struct seal_key *key, const json_t *input,
	struct courier_parcel *parcels, const json_t **items, json_t *results)
{
	const json_t *item = NULL;
	size_t i = 0;
	size_t n = 0;

	json_array_foreach(json_object_get(input, "items"), i, item) {
		struct err *e = fill(key, item, json_integer_value(json_object_get(input, "now_s")),
			&parcels[n]);
		if (e == NULL) {
			items[n++] = item;
			continue;
		}
		json_array_append_new(results, result_json(item, false, 0, err_message(e)));
		err_free(e);
		courier_parcel_done(&parcels[n]);
		parcels[n] = (struct courier_parcel){.sent = false};
	}
	return n;
}

static struct err *send_all(const struct seal_key *key, const json_t *input,
	const atomic_bool *stop, json_t *results)
{
	size_t max = json_array_size(json_object_get(input, "items"));
	struct courier_parcel *parcels = mem_zalloc((max + 1) * sizeof(*parcels));
	cleanup(mem_freep) const json_t **items = mem_zalloc((max + 1) * sizeof(const json_t *));
	size_t n = fill_all(key, input, parcels, items, results);
	struct err *e = courier_send(parcels, n, TIMEOUT_MS, stop);

	for (size_t i = 0; i < n; i++) {
		json_t *result =
			result_json(items[i], parcels[i].sent, parcels[i].status, parcels[i].error);
		if (result == NULL) /* an error text that is no UTF-8 */
			result = result_json(items[i], false, parcels[i].status, "it failed");
		json_array_append_new(results, result);
		courier_parcel_done(&parcels[i]);
	}
	mem_free(parcels);
	return e;
}

struct err *delivery_send_until(const json_t *input, const atomic_bool *stop, json_t **ret_output)
{
	struct seal_key *key = NULL;
	json_t *results = json_array();
	struct err *e = seal_key_open(text_of(input, "secret_key"), &key);

	if (e == NULL)
		e = send_all(key, input, stop, results);
	seal_key_free(key);
	*ret_output = e == NULL ? json_pack("{s:O}", "results", results) : NULL;
	json_decref(results);
	return e;
}

struct err *delivery_send(const json_t *input, json_t **ret_output)
{
	return delivery_send_until(input, NULL, ret_output);
}
