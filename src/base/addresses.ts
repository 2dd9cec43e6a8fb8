/** IP addresses that no name of a tenant's choosing may lead to: this machine, its networks, and what is not on the internet. */

import { BlockList, isIP } from "node:net";

/** IANA's special-purpose address registries (RFC 6890), and multicast; the metadata services of clouds lie within them. */
const V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
] as const;

/** All that is not global unicast (2000::/3), and of that what tunnels to or stands for something else. */
const V6 = [
  "::/3", // unspecified, loopback, IPv4-mapped, NAT64
  "4000::/2",
  "8000::/1", // unique local, link-local, multicast among them
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
] as const;

/** One list for each family: in a common one, IPv4 addresses would be taken as mapped into `::/3`. */
const blocked = { ipv4: listOf("ipv4", V4), ipv6: listOf("ipv6", V6) } as const;

function listOf(family: "ipv4" | "ipv6", ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** Whether an address is one of the public internet; false for what is no address. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const family = version === 6 ? "ipv6" : "ipv4";
  return !blocked[family].check(address, family);
}
