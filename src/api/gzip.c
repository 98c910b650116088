/* Owns the use of zlib. */
#include "api/gzip.h"

#include <string.h>
#include <zlib.h>

#include "base/mem.h"

#define WINDOW_GZIP (15 + 16) /* zlib: the largest window, with the header of gzip */
#define MEMORY_LEVEL 8

bool gzip_body(struct str *body)
{
	z_stream z = {.zalloc = Z_NULL};

	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_GZIP, MEMORY_LEVEL,
		    Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	struct str out = {.cap = body->len};
	out.data = mem_zalloc(out.cap + 1);
	z.next_in = (Bytef *)body->data;
	z.avail_in = (uInt)body->len;
	z.next_out = (Bytef *)out.data;
	z.avail_out = (uInt)body->len;
	bool smaller = deflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_out > 0;
	out.len = (size_t)z.total_out;
	(void)deflateEnd(&z);
	if (!smaller) {
		str_done(&out);
		return false;
	}
	str_done(body);
	*body = out;
	return true;
}
