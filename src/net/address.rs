//! Which addresses sources may be fetched from.
//!
//! A request names a URL and we fetch it from inside somebody's network: without these rules it
//! could read what only that network may (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, for the purpose of fetching from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Anybody's: a global unicast address.
    Public,
    /// This machine's or this network's own.
    Private,
    /// Nobody's to fetch video from, in any network: metadata services, link-local, multicast,
    /// reserved and unspecified addresses.
    Never,
}

/// Addresses within networks of the kind [`Reach::Private`] at which clouds serve credentials.
const METADATA_V4: [Ipv4Addr; 2] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

/// What `address` is. An IPv4 address inside an IPv6 one (mapped, compatible, NAT64, 6to4) counts as
/// the IPv4 address.
pub fn reach(address: IpAddr) -> Reach {
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
fn reach_v4(address: Ipv4Addr) -> Reach {
    if METADATA_V4.contains(&address) {
        return Reach::Never;
    }
    match address.octets() {
        [10, ..] | [127, ..] | [192, 168, ..] => Reach::Private,
        [172, b, ..] if b & 0xf0 == 16 => Reach::Private,
        // Between a provider and its customers, and within some clouds.
        [100, b, ..] if b & 0xc0 == 64 => Reach::Private,
        // Benchmarks between two networks.
        [198, 18 | 19, ..] => Reach::Private,
        [0, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] => Reach::Never,
        [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => Reach::Never,
        _ => Reach::Public,
    }
}

/// By <https://www.iana.org/assignments/iana-ipv6-special-registry>: of the global unicast addresses
/// (`2000::/3`) those that are not set aside.
fn reach_v6(address: Ipv6Addr) -> Reach {
    if address == METADATA_V6 {
        return Reach::Never;
    }
    match address.segments() {
        _ if address.is_loopback() => Reach::Private,
        // Unique local.
        [a, ..] if a & 0xfe00 == 0xfc00 => Reach::Private,
        // Protocol assignments (with Teredo, which hides an IPv4 address), documentation.
        [0x2001, b, ..] if b < 0x0200 || b == 0x0db8 => Reach::Never,
        [0x3fff, b, ..] if b < 0x1000 => Reach::Never,
        [a, ..] if a & 0xe000 == 0x2000 => Reach::Public,
        _ => Reach::Never,
    }
}

/// The IPv4 address that a packet to this one may end at.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // `::` and `::1` are what they are.
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
            ("8.8.8.8", Reach::Public),
            ("1.1.1.1", Reach::Public),
            ("172.15.0.1", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("100.63.0.1", Reach::Public),
            ("192.169.0.1", Reach::Public),
            ("223.255.255.254", Reach::Public),
            ("2606:4700::1111", Reach::Public),
            ("2001:4860:4860::8888", Reach::Public),
            ("64:ff9b::808:808", Reach::Public),
            ("::ffff:8.8.8.8", Reach::Public),
            ("127.0.0.1", Reach::Private),
            ("127.255.255.254", Reach::Private),
            ("10.1.2.3", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("172.31.255.255", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("198.18.0.1", Reach::Private),
            ("::1", Reach::Private),
            ("fd12:3456::1", Reach::Private),
            ("::ffff:127.0.0.1", Reach::Private),
            ("::127.0.0.1", Reach::Private),
            ("::ffff:0:10.0.0.1", Reach::Private),
            ("64:ff9b::7f00:1", Reach::Private),
            ("2002:7f00:1::", Reach::Private),
            ("2002:c0a8:101::1", Reach::Private),
            ("0.0.0.0", Reach::Never),
            ("0.1.2.3", Reach::Never),
            ("169.254.169.254", Reach::Never),
            ("::ffff:169.254.169.254", Reach::Never),
            ("64:ff9b::a9fe:a9fe", Reach::Never),
            ("100.100.100.200", Reach::Never),
            ("192.0.0.192", Reach::Never),
            ("fd00:ec2::254", Reach::Never),
            ("192.0.2.1", Reach::Never),
            ("198.51.100.1", Reach::Never),
            ("203.0.113.1", Reach::Never),
            ("224.0.0.1", Reach::Never),
            ("240.0.0.1", Reach::Never),
            ("255.255.255.255", Reach::Never),
            ("::", Reach::Never),
            ("fe80::1", Reach::Never),
            ("fec0::1", Reach::Never),
            ("ff02::1", Reach::Never),
            ("2001::1", Reach::Never),
            ("2001:db8::1", Reach::Never),
            ("3fff::1", Reach::Never),
            ("64:ff9b:1::1", Reach::Never),
            ("100::1", Reach::Never),
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
            prop_assert!(!special || reach(IpAddr::V6(v6)) != Reach::Public);
            let v4 = Ipv4Addr::from_bits(bits as u32);
            let special = v4.is_loopback() || v4.is_multicast() || v4.is_unspecified()
                || v4.is_private() || v4.is_link_local() || v4.is_broadcast() || v4.is_documentation();
            prop_assert!(!special || reach(IpAddr::V4(v4)) != Reach::Public);
        }
    }
}
