/* Wake-on-LAN: the packet, byte by byte, and who gets none. */
#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "driver/wol.h"

static void the_packet_is_six_ff_and_sixteen_times_the_address(void **state)
{
	static const uint8_t mac[] = {0x52, 0x54, 0x00, 0xab, 0xCD, 0x01};
	uint8_t packet[WOL_PACKET_BYTES];

	(void)state;
	assert_null(wol_packet("52:54:00:ab:CD:01", packet));
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(packet[i], 0xff);
	for (size_t i = 0; i < 16; i++)
		assert_memory_equal(packet + 6 + 6 * i, mac, sizeof(mac));
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {"", "52:54:00:ab:cd", "52:54:00:ab:cd:01:02",
		"52:54:00:ab:cd:0g", "525400abcd01", "52:54:00:ab:cd:1", "52-54-00-ab-cd-01",
		" 52:54:00:ab:cd:01", "+2:54:00:ab:cd:01"};
	uint8_t packet[WOL_PACKET_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err *e = wol_packet(bad[i], packet);
		if (e == NULL)
			print_error("\"%s\" was taken\n", bad[i]);
		assert_non_null(e);
		assert_int_equal(err_code(e), ERR_INVALID);
		err_free(e);
	}
}

TEST_MAIN(cmocka_unit_test(the_packet_is_six_ff_and_sixteen_times_the_address),
	cmocka_unit_test(what_is_no_address_is_refused))
