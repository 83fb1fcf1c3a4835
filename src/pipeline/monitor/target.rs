//! Where metrics go, as settings name it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

use crate::error::{Error, Result};
use crate::location::redacted;

/// Port of an address without one.
const DEFAULT_PORT: u16 = 9464;

/// The address that a setting names: `ADDRESS:PORT`, or a port of the loopback interface. `None` if it is empty.
///
/// # Errors
/// `config.invalid`.
pub(super) fn listen_address(text: &str) -> Result<Option<SocketAddr>> {
    if text.is_empty() {
        return Ok(None);
    }
    if !cfg!(feature = "http") {
        let what = "needs a build of clipflow with the feature http; use metrics_file";
        return Err(Error::setting("metrics_listen", what));
    }
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let bare = text.strip_prefix(':').unwrap_or(text);
    let port = bare.parse::<u16>().ok().map(|port| SocketAddr::new(loopback, port));
    let host = text.replace("localhost", "127.0.0.1");
    let address = port.or_else(|| host.parse().ok());
    let address = address.or_else(|| Some(SocketAddr::new(host.parse().ok()?, DEFAULT_PORT)));
    let wrong = || {
        let what =
            format!("is {text}; give an address and a port, such as 127.0.0.1:{DEFAULT_PORT}");
        Error::setting("metrics_listen", what)
    };
    address.map(Some).ok_or_else(wrong)
}

/// The base address of the OpenTelemetry collector that a setting names. `None` if it is empty.
///
/// # Errors
/// `config.invalid`.
pub(super) fn collector(text: &str) -> Result<Option<Url>> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |what: String| Err(Error::setting("otlp_url", what));
    if !cfg!(feature = "otlp") {
        return wrong("needs a build of clipflow with the feature otlp".to_owned());
    }
    let shown = redacted(text);
    match Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => wrong(format!(
            "is {shown}; keys go into the variable OTEL_EXPORTER_OTLP_HEADERS, as in authorization=Bearer%20KEY"
        )),
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url)),
        _ => wrong(format!(
            "is {shown}; give the base address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318"
        )),
    }
}

/// An agent that takes DogStatsD datagrams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Datadog {
    /// Host and port.
    Udp(String),
    /// A Unix datagram socket.
    Unix(PathBuf),
}

impl Datadog {
    /// The agent that a setting names: `udp://HOST:PORT` or `unix:///PATH`. `None` if it is empty.
    ///
    /// # Errors
    /// `config.invalid`.
    pub(super) fn parse(text: &str) -> Result<Option<Self>> {
        if text.is_empty() {
            return Ok(None);
        }
        let udp = text.strip_prefix("udp://").map(|host| host.trim_end_matches('/'));
        let has_port = |host: &&str| {
            host.rsplit_once(':')
                .is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok())
        };
        let unix = text.strip_prefix("unix://").filter(|path| path.starts_with('/'));
        let udp = udp.filter(has_port).map(|host| Self::Udp(host.to_owned()));
        let found = udp.or_else(|| unix.map(|path| Self::Unix(path.into())));
        let wrong = || {
            let what =
                format!("is {text}; give udp://HOST:PORT or unix:///PATH of a DogStatsD agent");
            Error::setting("datadog_url", what)
        };
        found.map(Some).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[cfg(feature = "http")]
    #[test]
    fn a_port_alone_is_of_loopback_and_other_addresses_are_named() {
        for (text, address) in [
            ("9464", "127.0.0.1:9464"),
            (":9000", "127.0.0.1:9000"),
            ("localhost:9000", "127.0.0.1:9000"),
            ("127.0.0.1", "127.0.0.1:9464"),
            ("0.0.0.0:9464", "0.0.0.0:9464"),
            ("[::1]:9464", "[::1]:9464"),
        ] {
            assert_eq!(listen_address(text).unwrap().unwrap().to_string(), address, "{text}");
        }
        assert_eq!(listen_address("").unwrap(), None);
        let error = listen_address("example.com:1").unwrap_err();
        assert!(error.message().starts_with("metrics_listen is example.com:1; give"), "{error}");
    }

    #[cfg(feature = "otlp")]
    #[test]
    fn a_collector_is_named_by_a_web_address_without_a_key() {
        assert_eq!(collector("").unwrap(), None);
        let url = collector("http://127.0.0.1:4318").unwrap().unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1:4318/");
        for (text, said) in [
            ("127.0.0.1:4318", "give the base address"),
            ("grpc://h:4317", "give the base address"),
            ("https://key:canary@h/", "OTEL_EXPORTER_OTLP_HEADERS"),
        ] {
            let error = collector(text).unwrap_err();
            assert!(error.message().contains(said), "{error}");
            assert!(!error.message().contains("canary"), "{error}");
        }
    }

    #[test]
    fn an_agent_is_named_by_a_url() {
        let parse = |text: &str| Datadog::parse(text).unwrap();
        assert_eq!(parse(""), None);
        assert_eq!(parse("udp://127.0.0.1:8125"), Some(Datadog::Udp("127.0.0.1:8125".into())));
        assert_eq!(parse("unix:///run/d.sock"), Some(Datadog::Unix("/run/d.sock".into())));
        for wrong in ["udp://host", "127.0.0.1:8125", "unix://d.sock", "http://h:1", "udp://:1"] {
            let error = Datadog::parse(wrong).unwrap_err();
            assert!(error.message().contains("udp://HOST:PORT"), "{error}");
        }
    }
}
