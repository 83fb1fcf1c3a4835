//! Which IP addresses may be connected to.
//!
//! Requests name URLs that are fetched from inside the operator's network. Without these rules a request
//! could read what only that network may (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who can be reached at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressReach {
    /// A global unicast address.
    Public,
    /// An address of this machine or network.
    Private,
    /// An address that no network serves video from: metadata services, link-local, multicast, reserved
    /// and unspecified addresses.
    Never,
}

/// Addresses in [`AddressReach::Private`] networks at which clouds serve credentials.
const METADATA_V4: [Ipv4Addr; 2] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

/// The reach of `address`. An IPv4 address inside an IPv6 one (mapped, compatible, NAT64, 6to4) counts as
/// the IPv4 address.
pub fn reach(address: IpAddr) -> AddressReach {
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => reach_v4(v4),
            None => reach_v6(v6),
        },
    }
}

/// By the IANA special-purpose registry,
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>.
fn reach_v4(address: Ipv4Addr) -> AddressReach {
    if METADATA_V4.contains(&address) {
        return AddressReach::Never;
    }
    match address.octets() {
        [10, ..] | [127, ..] | [192, 168, ..] => AddressReach::Private,
        [172, b, ..] if b & 0xf0 == 16 => AddressReach::Private,
        // Shared by providers and their customers, and within some clouds.
        [100, b, ..] if b & 0xc0 == 64 => AddressReach::Private,
        // Benchmarks between two networks.
        [198, 18 | 19, ..] => AddressReach::Private,
        [0, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] => AddressReach::Never,
        [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => AddressReach::Never,
        _ => AddressReach::Public,
    }
}

/// By <https://www.iana.org/assignments/iana-ipv6-special-registry>: of the global unicast addresses
/// (`2000::/3`) those that are not reserved.
fn reach_v6(address: Ipv6Addr) -> AddressReach {
    if address == METADATA_V6 {
        return AddressReach::Never;
    }
    match address.segments() {
        _ if address.is_loopback() => AddressReach::Private,
        // Unique local.
        [a, ..] if a & 0xfe00 == 0xfc00 => AddressReach::Private,
        // Protocol assignments (with Teredo, which hides an IPv4 address), documentation.
        [0x2001, b, ..] if b < 0x0200 || b == 0x0db8 => AddressReach::Never,
        [0x3fff, b, ..] if b < 0x1000 => AddressReach::Never,
        [a, ..] if a & 0xe000 == 0x2000 => AddressReach::Public,
        _ => AddressReach::Never,
    }
}

/// The IPv4 address that packets to this address may be delivered to.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // `::` and `::1` embed no IPv4 address.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => v4(high, low),
        // Translated (RFC 2765).
        [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        // NAT64 (RFC 6052).
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_what_the_registries_say() {
        for (address, wanted) in [
            ("8.8.8.8", AddressReach::Public),
            ("1.1.1.1", AddressReach::Public),
            ("172.15.0.1", AddressReach::Public),
            ("172.32.0.1", AddressReach::Public),
            ("100.63.0.1", AddressReach::Public),
            ("192.169.0.1", AddressReach::Public),
            ("223.255.255.254", AddressReach::Public),
            ("2606:4700::1111", AddressReach::Public),
            ("2001:4860:4860::8888", AddressReach::Public),
            ("64:ff9b::808:808", AddressReach::Public),
            ("::ffff:8.8.8.8", AddressReach::Public),
            ("127.0.0.1", AddressReach::Private),
            ("127.255.255.254", AddressReach::Private),
            ("10.1.2.3", AddressReach::Private),
            ("172.16.0.1", AddressReach::Private),
            ("172.31.255.255", AddressReach::Private),
            ("192.168.1.1", AddressReach::Private),
            ("100.64.0.1", AddressReach::Private),
            ("198.18.0.1", AddressReach::Private),
            ("::1", AddressReach::Private),
            ("fd12:3456::1", AddressReach::Private),
            ("::ffff:127.0.0.1", AddressReach::Private),
            ("::127.0.0.1", AddressReach::Private),
            ("::ffff:0:10.0.0.1", AddressReach::Private),
            ("64:ff9b::7f00:1", AddressReach::Private),
            ("2002:7f00:1::", AddressReach::Private),
            ("2002:c0a8:101::1", AddressReach::Private),
            ("0.0.0.0", AddressReach::Never),
            ("0.1.2.3", AddressReach::Never),
            ("169.254.169.254", AddressReach::Never),
            ("::ffff:169.254.169.254", AddressReach::Never),
            ("64:ff9b::a9fe:a9fe", AddressReach::Never),
            ("100.100.100.200", AddressReach::Never),
            ("192.0.0.192", AddressReach::Never),
            ("fd00:ec2::254", AddressReach::Never),
            ("192.0.2.1", AddressReach::Never),
            ("198.51.100.1", AddressReach::Never),
            ("203.0.113.1", AddressReach::Never),
            ("224.0.0.1", AddressReach::Never),
            ("240.0.0.1", AddressReach::Never),
            ("255.255.255.255", AddressReach::Never),
            ("::", AddressReach::Never),
            ("fe80::1", AddressReach::Never),
            ("fec0::1", AddressReach::Never),
            ("ff02::1", AddressReach::Never),
            ("2001::1", AddressReach::Never),
            ("2001:db8::1", AddressReach::Never),
            ("3fff::1", AddressReach::Never),
            ("64:ff9b:1::1", AddressReach::Never),
            ("100::1", AddressReach::Never),
        ] {
            assert_eq!(reach(address.parse().unwrap()), wanted, "{address}");
        }
    }

    proptest! {
        #[test]
        fn an_ipv4_address_is_the_same_in_all_its_ipv6_clothes(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let wanted = reach(IpAddr::V4(v4));
            let low = u128::from(bits);
            let mut clothes = vec![low | 0xffff << 32, low | 0xffff << 48, low | 0x0064_ff9b << 96];
            clothes.push(0x2002 << 112 | low << 80);
            if bits > 1 {
                clothes.push(low);
            }
            for v6 in clothes.into_iter().map(Ipv6Addr::from_bits) {
                prop_assert_eq!(reach(IpAddr::V6(v6)), wanted, "{} as {}", v4, v6);
            }
        }

        #[test]
        fn what_std_calls_special_is_not_public(bits: u128) {
            let v6 = Ipv6Addr::from_bits(bits);
            let special = v6.is_loopback() || v6.is_multicast() || v6.is_unspecified()
                || v6.is_unique_local() || v6.is_unicast_link_local();
            prop_assert!(!special || reach(IpAddr::V6(v6)) != AddressReach::Public);
            let v4 = Ipv4Addr::from_bits(bits as u32);
            let special = v4.is_loopback() || v4.is_multicast() || v4.is_unspecified()
                || v4.is_private() || v4.is_link_local() || v4.is_broadcast() || v4.is_documentation();
            prop_assert!(!special || reach(IpAddr::V4(v4)) != AddressReach::Public);
        }
    }
}
