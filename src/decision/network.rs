//! Address ranges (CIDR, RFC 4632 and RFC 4291 section 2.3).

use std::fmt;
use std::net::IpAddr;

/// A range of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `address` or `address/prefix`.
    ///
    /// # Errors
    /// A sentence, where the text is no range or its host bits are not zero
    /// (most often a mistyped prefix).
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = address
            .parse()
            .map_err(|_| format!("{text:?} is not an IP address or range"))?;
        let bits: u8 = if base.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(p) => p
                .parse()
                .ok()
                .filter(|p: &u8| *p <= bits && !text.ends_with("/+"))
                .ok_or_else(|| format!("{text:?} has no prefix length of 0 to {bits}"))?,
        };
        let network = Self { base, prefix };
        if network.masked(base) != Some(number(base)) {
            return Err(format!("{text:?} has bits set beyond its prefix"));
        }
        Ok(network)
    }

    /// Whether the range holds the address. An IPv4-mapped IPv6 address counts
    /// as the IPv4 address (RFC 4291 section 2.5.5.2).
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.masked(address) == Some(number(self.base))
    }

    /// Whether the range holds every address of the other.
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.masked(other.base) == Some(number(self.base))
    }

    fn masked(&self, address: IpAddr) -> Option<u128> {
        let bits: u32 = match (address, self.base) {
            (IpAddr::V4(_), IpAddr::V4(_)) => 32,
            (IpAddr::V6(_), IpAddr::V6(_)) => 128,
            _ => return None,
        };
        let host_bits = bits - u32::from(self.prefix);
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Some(number(address) & mask)
    }
}

const fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits() as u128,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_range_covers_those_within_it() {
        for (wide, narrow, covers) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/8", "10.0.0.0/8", true),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("10.0.0.0/8", "11.0.0.0/16", false),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
        ] {
            let parse = |text| Network::parse(text).unwrap();
            assert_eq!(
                parse(wide).covers(&parse(narrow)),
                covers,
                "{wide} {narrow}"
            );
        }
    }

    #[test]
    fn ranges_hold_their_addresses_and_not_the_next() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.0.0.7", "10.0.0.7", "10.0.0.6"),
            ("0.0.0.0/0", "255.1.1.1", "::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("2001:db8::/32", "2001:db8:ffff::", "2001:db9::"),
            ("10.0.0.0/8", "::ffff:10.1.1.1", "::ffff:11.1.1.1"),
        ] {
            let network = Network::parse(range).unwrap();
            assert!(
                network.contains(inside.parse().unwrap()),
                "{range} {inside}"
            );
            assert!(
                !network.contains(outside.parse().unwrap()),
                "{range} {outside}"
            );
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0/8",
            "",
            "x",
            "10.0.0.0/",
            "::1/129",
            "10.0.0.0/-1",
        ] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }
}
