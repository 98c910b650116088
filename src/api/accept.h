/* What a client takes: lists such as "application/json;q=0.5, text/plain" (Accept) or "gzip,
 * br;q=0" (Accept-Encoding). RFC 9110 section 12. Pure. */
#pragma once

/** How much the client wants this, in thousandths: 0 = not at all. The most specific member of the
 * list that fits decides: "text/plain", then the same kind with a star for the rest, then only
 * stars.
 * @header NULL or empty: nothing is said about it   @wanted "text/plain", "gzip"
 * Returns -1 when the list does not mention it. Any thread. */
int accept_quality(const char *header, const char *wanted);
