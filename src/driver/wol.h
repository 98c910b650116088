/* Wake-on-LAN: magic packets. A card that sleeps hears only what reaches its segment, so the packet
 * goes out as a broadcast on every interface of this machine, or through a relay node by a
 * playbook. */
#pragma once

#include <stdint.h>

#include "base/err.h"

#define WOL_PACKET_BYTES 102

/** The packet for a card: six times ff, sixteen times its address.
 * @mac "aa:bb:cc:dd:ee:ff"   Errors: ERR_INVALID. Any thread. */
struct err *wol_packet(const char *mac, uint8_t ret_packet[static WOL_PACKET_BYTES]) ERR_RESULT;

/** Send the packet as a UDP broadcast (port 9) on each interface that is up and has an IPv4
 * address, and to the whole segment. @mac as above   @ret_sent packets that left, may be NULL.
 * Blocks for less than a millisecond. Errors: ERR_INVALID, ERR_UNREACHABLE when none could be sent.
 * Any thread. */
struct err *wol_send(const char *mac, int *ret_sent) ERR_RESULT;
