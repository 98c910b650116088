/* Owns the magic packet. Knows nothing of nodes. */
#include "driver/wol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"

#define WOL_PORT 9
#define MAC_BYTES 6

static struct err *parse_mac(const char *mac, uint8_t ret[static MAC_BYTES])
{
	TRY(check_mac(mac));
	for (size_t i = 0; i < MAC_BYTES; i++)
		ret[i] = (uint8_t)strtoul(mac + 3 * i, NULL, 16);
	return NULL;
}

struct err *wol_packet(const char *mac, uint8_t ret_packet[static WOL_PACKET_BYTES])
{
	uint8_t address[MAC_BYTES];

	TRY(parse_mac(mac, address));
	memset(ret_packet, 0xff, MAC_BYTES);
	for (size_t i = MAC_BYTES; i < WOL_PACKET_BYTES; i += MAC_BYTES)
		memcpy(ret_packet + i, address, MAC_BYTES);
	return NULL;
}

static int send_to(int fd, struct in_addr where, const uint8_t *packet)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(WOL_PORT)};

	to.sin_addr = where;
	return sendto(fd, packet, WOL_PACKET_BYTES, 0, (const struct sockaddr *)(const void *)&to,
		       sizeof(to)) == WOL_PACKET_BYTES;
}

static int send_on_all(int fd, const struct ifaddrs *list, const uint8_t *packet)
{
	const unsigned wanted = IFF_UP | IFF_BROADCAST;
	int sent = 0;

	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET ||
			(i->ifa_flags & wanted) != wanted || i->ifa_broadaddr == NULL)
			continue;
		struct sockaddr_in to;
		memcpy(&to, i->ifa_broadaddr, sizeof(to));
		sent += send_to(fd, to.sin_addr, packet);
	}
	return sent;
}

struct err *wol_send(const char *mac, int *ret_sent)
{
	uint8_t packet[WOL_PACKET_BYTES];
	struct ifaddrs *list = NULL;
	int yes = 1;

	TRY(wol_packet(mac, packet));
	cleanup(fs_closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)) != 0)
		return err_errno(errno, "open a socket for broadcasts");
	if (getifaddrs(&list) != 0)
		return err_errno(errno, "list the network interfaces");
	int sent = send_on_all(fd, list, packet);
	freeifaddrs(list);
	sent += send_to(fd, (struct in_addr){.s_addr = htonl(INADDR_BROADCAST)}, packet);
	if (ret_sent != NULL)
		*ret_sent = sent;
	if (sent > 0)
		return NULL;
	return err_hint(err_new(ERR_UNREACHABLE, "no interface took the magic packet for %s", mac),
		"wake it through a node of its network: --relay NODE");
}
