/* Owns the use of zlib in the store. */
#include "store/store_pack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"

#define HEAD 4
#define TEXT_MAX ((size_t)64 << 20) /* what is larger was not written by us */

void *store_pack(const json_t *value, size_t *ret_len)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	must(text != NULL);
	size_t len = strlen(text);
	must(len <= TEXT_MAX);
	uLongf packed = compressBound((uLong)len);
	unsigned char *data = mem_zalloc(HEAD + packed);
	for (size_t i = 0; i < HEAD; i++)
		data[i] = (unsigned char)(len >> 8 * (HEAD - 1 - i));
	must(compress2(data + HEAD, &packed, (const Bytef *)text, (uLong)len,
		     Z_DEFAULT_COMPRESSION) == Z_OK);
	free(text);
	*ret_len = HEAD + packed;
	return data;
}

static struct err *damaged(void)
{
	return err_new(ERR_INVALID, "it is not packed as it should be");
}

struct err *store_unpack(const void *data, size_t len, json_t **ret_value)
{
	const unsigned char *bytes = data;
	uLongf size = 0;

	if (len < HEAD)
		return damaged();
	for (size_t i = 0; i < HEAD; i++)
		size = size << 8 | bytes[i];
	if (size > TEXT_MAX)
		return damaged();
	uLongf wanted = size;
	cleanup(mem_freep) char *text = mem_zalloc(size + 1);
	if (uncompress((Bytef *)text, &size, bytes + HEAD, (uLong)(len - HEAD)) != Z_OK ||
		size != wanted)
		return damaged();
	*ret_value = json_loadb(text, size, JSON_DECODE_ANY, NULL);
	return *ret_value != NULL ? NULL : damaged();
}
