//! Which URLs may be requested, judged by their text.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::address::{AddressReach, reach};
use crate::error::{Error, ErrorCode, Result};
use crate::location::redacted;

/// Ports of public web servers. A service at another port is probably not one.
const PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// Suffixes of names that mean this machine or network regardless of the resolver (RFC 6761, RFC 8375),
/// or at which clouds serve credentials.
const PRIVATE_SUFFIXES: [&str; 5] = ["localhost", "local", "internal", "localdomain", "home.arpa"];

/// Which URLs and addresses are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UrlRules {
    /// Also allows private and loopback addresses, at any port.
    pub allow_private: bool,
}

/// Why a URL or address is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlRefusal {
    /// Not `http` or `https`.
    Scheme,
    /// The URL holds a user name or password.
    User,
    /// The port is not one of public web servers.
    Port(u16),
    /// There is no host.
    Host,
    /// The address is private, or the name means one.
    Private,
    /// The address is never allowed.
    Never,
    /// A redirect leads from `https` to `http`.
    Downgrade,
    /// There are too many redirects.
    Redirects,
}

impl UrlRules {
    /// Checks the text of `url`. The addresses that a name resolves to are for [`UrlRules::address`].
    pub fn check(self, url: &Url) -> Result<(), UrlRefusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlRefusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::User);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if !self.allow_private && !PORTS.contains(&port) {
            return Err(UrlRefusal::Port(port));
        }
        // The URL parser has normalized IPv4 addresses such as 2130706433, 0x7f.1 and 017700000001.
        match url.host() {
            None => Err(UrlRefusal::Host),
            Some(Host::Ipv4(address)) => self.address(address.into()),
            Some(Host::Ipv6(address)) => self.address(address.into()),
            Some(Host::Domain(name)) => self.name(name),
        }
    }

    /// Checks an address.
    pub fn address(self, address: IpAddr) -> Result<(), UrlRefusal> {
        match reach(address) {
            AddressReach::Public => Ok(()),
            AddressReach::Private if self.allow_private => Ok(()),
            AddressReach::Private => Err(UrlRefusal::Private),
            AddressReach::Never => Err(UrlRefusal::Never),
        }
    }

    fn name(self, name: &str) -> Result<(), UrlRefusal> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if name.is_empty() {
            return Err(UrlRefusal::Host);
        }
        let private = |suffix: &&str| {
            name.strip_suffix(*suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        // A resolver completes a name without a dot with the domain of the network.
        let private = PRIVATE_SUFFIXES.iter().any(private) || !name.contains('.');
        if private && !self.allow_private { Err(UrlRefusal::Private) } else { Ok(()) }
    }
}

impl UrlRefusal {
    /// The error for `url`.
    pub fn about(self, url: &Url) -> Error {
        let code = match self {
            Self::Host => ErrorCode::InvalidRequestBadUrl,
            _ => ErrorCode::SourceBlocked,
        };
        let name = "allow_private";
        let said = self.to_string();
        let names_it = said.contains(name);
        let error = Error::new(code, said);
        let error = if names_it { error.about(name) } else { error };
        error.framed(format_args!("{} ", redacted(url.as_str())), "").lasting()
    }
}

/// The predicate of a sentence about a URL.
impl fmt::Display for UrlRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => write!(f, "is not an http or https URL; name one"),
            Self::User => write!(
                f,
                "holds a user name or password, which are not sent; use a signed URL or an object store"
            ),
            Self::Port(port) => write!(
                f,
                "is at port {port}, where no public web server is expected; set allow_private to fetch from it"
            ),
            Self::Host => write!(f, "names no host; write it as https://host/path"),
            Self::Private => write!(
                f,
                "has a private address; set allow_private if requests may read this network"
            ),
            Self::Never => write!(f, "has an address that is never allowed; name another"),
            Self::Downgrade => {
                write!(
                    f,
                    "is an unencrypted address that an https address redirects to; name it directly"
                )
            }
            Self::Redirects => {
                write!(f, "redirects too often; name the address of the video itself")
            }
        }
    }
}

/// The resolver returns it through the HTTP client.
impl std::error::Error for UrlRefusal {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(url: &str, allow_private: bool) -> Result<(), UrlRefusal> {
        UrlRules { allow_private }.check(&Url::parse(url).unwrap())
    }

    #[test]
    fn what_may_be_asked_and_what_not() {
        use UrlRefusal::{Never, Port, Private, Scheme, User};
        for (url, wanted) in [
            ("https://example.com/a.mp4?sig=x", Ok(())),
            ("http://example.com:8080/a.mp4", Ok(())),
            ("http://8.8.8.8/a.mp4", Ok(())),
            ("https://[2606:4700::1111]/a.mp4", Ok(())),
            ("https://notlocal.com/", Ok(())),
            ("https://mylocalhost.com/", Ok(())),
            // One address in all its spellings.
            ("http://127.0.0.1/", Err(Private)),
            ("http://2130706433/", Err(Private)),
            ("http://0x7f000001/", Err(Private)),
            ("http://0x7f.1/", Err(Private)),
            ("http://017700000001/", Err(Private)),
            ("http://0177.0.0.1/", Err(Private)),
            ("http://127.1/", Err(Private)),
            ("http://%31%32%37.0.0.1/", Err(Private)),
            ("http://１２７.0.0.1/", Err(Private)),
            ("http://127。0。0。1/", Err(Private)),
            ("http://127.0.0.1./", Err(Private)),
            ("http://[::1]/", Err(Private)),
            ("http://[::ffff:127.0.0.1]/", Err(Private)),
            ("http://[::ffff:7f00:1]/", Err(Private)),
            ("http://[0:0:0:0:0:ffff:10.0.0.1]/", Err(Private)),
            ("http://[64:ff9b::10.0.0.1]/", Err(Private)),
            ("http://10.0.0.1/", Err(Private)),
            ("http://192.168.0.1/", Err(Private)),
            ("http://172.20.0.1/", Err(Private)),
            ("http://[fd00::1]/", Err(Private)),
            // Metadata services and addresses that are never allowed.
            ("http://169.254.169.254/latest/meta-data/", Err(Never)),
            ("http://2852039166/", Err(Never)),
            ("http://0xa9fea9fe/", Err(Never)),
            ("http://0251.0376.0251.0376/", Err(Never)),
            ("http://[::ffff:a9fe:a9fe]/", Err(Never)),
            ("http://0.0.0.0/", Err(Never)),
            ("http://0/", Err(Never)),
            ("http://[::]/", Err(Never)),
            ("http://[fe80::1]/", Err(Never)),
            ("http://255.255.255.255/", Err(Never)),
            // Names of this machine and network.
            ("http://localhost/", Err(Private)),
            ("http://LOCALHOST./", Err(Private)),
            ("http://a.localhost/", Err(Private)),
            ("http://printer.local/", Err(Private)),
            ("http://metadata.google.internal/", Err(Private)),
            ("http://nas/", Err(Private)),
            ("http://router.home.arpa/", Err(Private)),
            // Everything else.
            ("http://user@example.com/", Err(User)),
            ("http://user:secret@example.com/", Err(User)),
            ("http://:secret@example.com/", Err(User)),
            ("http://example.com:22/", Err(Port(22))),
            ("http://example.com:6379/", Err(Port(6379))),
            ("https://example.com:0/", Err(Port(0))),
            ("ftp://example.com/", Err(Scheme)),
            ("file:///etc/passwd", Err(Scheme)),
            ("gopher://example.com/", Err(Scheme)),
        ] {
            assert_eq!(check(url, false), wanted, "{url}");
        }
    }

    #[test]
    fn what_a_private_network_may_be_asked() {
        use UrlRefusal::{Never, Scheme, User};
        for (url, wanted) in [
            ("http://127.0.0.1:38121/", Ok(())),
            ("http://nas/", Ok(())),
            ("http://localhost:9000/", Ok(())),
            ("http://[fd00::1]/", Ok(())),
            ("http://169.254.169.254/", Err(Never)),
            ("http://[fd00:ec2::254]/", Err(Never)),
            ("http://0.0.0.0/", Err(Never)),
            ("http://user@10.0.0.1/", Err(User)),
            ("ftp://10.0.0.1/", Err(Scheme)),
        ] {
            assert_eq!(check(url, true), wanted, "{url}");
        }
    }

    #[test]
    fn a_refusal_is_blocked_for_good_and_tells_no_secret() {
        let url = Url::parse("http://u:secret@10.0.0.1/a.mp4?sig=secret").unwrap();
        let error = UrlRefusal::User.about(&url);
        assert_eq!(error.code(), ErrorCode::SourceBlocked);
        assert!(!crate::resilience::may_change(&error));
        assert!(!error.message().contains("secret"), "{error}");
        assert!(error.message().starts_with("http://10.0.0.1/a.mp4?…"), "{error}");
    }
}
