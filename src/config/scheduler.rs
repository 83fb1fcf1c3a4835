//! The address of a cluster's scheduler.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::error::{Error, ErrorCode, Result};

/// Where a scheduler listens: `df://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerAddress {
    /// Name or address of its machine.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl SchedulerAddress {
    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.trim_matches(['[', ']']).parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for SchedulerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "df://{}:{}", self.host, self.port)
    }
}

impl FromStr for SchedulerAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (host, port) =
                text.strip_prefix("df://")?.trim_end_matches('/').rsplit_once(':')?;
            let is_name = !host.is_empty() && !host.contains(['/', '@', ' ']);
            is_name.then_some(Self { host: host.to_owned(), port: port.parse().ok()? })
        };
        parse().ok_or_else(|| {
            let message = match text {
                "" => "is empty; the backend dask needs the address of a scheduler, df://HOST:PORT"
                    .to_owned(),
                other => format!("is {other}; give df://HOST:PORT"),
            };
            Error::new(ErrorCode::ConfigInvalid, format!("scheduler {message}")).about("scheduler")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses() {
        for (text, host, port, local) in [
            ("df://127.0.0.1:20050", "127.0.0.1", 20050, true),
            ("df://[::1]:20050/", "[::1]", 20050, true),
            ("df://head:20050", "head", 20050, false),
        ] {
            let address: SchedulerAddress = text.parse().unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.is_loopback(), local);
        }
        for text in ["", "head:20050", "df://head", "df://:1", "df://a@b:1", "http://head:1"] {
            let error = text.parse::<SchedulerAddress>().unwrap_err();
            assert!(error.message().contains("df://HOST:PORT"), "{error}");
        }
    }
}
