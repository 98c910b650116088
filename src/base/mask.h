/* Texts for other people's eyes: secrets and addresses are taken out by rules, and it is counted
 * what was. The same address gets the same name in all texts of a mask, so that a reader can follow
 * it. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/str.h"

/** What has been replaced so far. One thread at a time. */
struct mask;

/** A mask that knows no address yet. Never NULL. */
struct mask *mask_new(void);
/** Free; NULL is fine. */
void mask_free(struct mask *m);
/** Append a text as others may see it. Fails closed: a text that a rule cannot be applied to is
 * replaced as a whole.
 * @text any bytes   @out its maximum applies; NUL bytes become spaces
 * @ret_counts {RULE: how often} of this text, only what was found, owned; may be NULL. */
void mask_text(struct mask *m, const char *text, size_t len, struct str *out, json_t **ret_counts);
/** Every rule: [{"rule", "replaces", "by", "times"}] with what all texts together had. Owned. */
json_t *mask_rules_json(const struct mask *m);
