//! Sends metrics to a DogStatsD agent.

use std::io;
use std::net::{ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixDatagram;

use super::target::Datadog;
use crate::telemetry::MetricSample;
use crate::telemetry::datadog::{DogStatsd, UDP_BYTES, UNIX_BYTES};

/// A socket to an agent, opened for each sending: agents come and go.
#[derive(Debug)]
pub(super) struct DatadogSocket {
    target: Datadog,
    encoder: DogStatsd,
    /// Whether the last sending failed, so that it is said once.
    fails: bool,
}

impl DatadogSocket {
    pub(super) fn new(target: Datadog) -> Self {
        Self { target, encoder: DogStatsd::default(), fails: false }
    }

    /// Send what has changed. An agent that is not there is logged once.
    pub(super) fn send(&mut self, samples: &[MetricSample]) {
        match self.try_send(samples) {
            Ok(_) => self.fails = false,
            Err(cause) if self.fails => tracing::debug!("metrics are not sent to Datadog: {cause}"),
            Err(cause) => {
                self.fails = true;
                tracing::warn!("metrics are not sent to Datadog: {cause}");
            }
        }
    }

    /// Send what has changed: the number of datagrams. What is not delivered is lost, as with any agent that is
    /// away.
    ///
    /// # Errors
    /// Of the socket.
    pub(super) fn try_send(&mut self, samples: &[MetricSample]) -> io::Result<usize> {
        let max_bytes = match self.target {
            Datadog::Udp(_) => UDP_BYTES,
            Datadog::Unix(_) => UNIX_BYTES,
        };
        let datagrams = self.encoder.datagrams(samples, max_bytes);
        self.deliver(&datagrams).map(|()| datagrams.len())
    }

    fn deliver(&self, datagrams: &[String]) -> io::Result<()> {
        match &self.target {
            Datadog::Udp(host) => {
                let address = host.to_socket_addrs()?.next();
                let address = address.ok_or_else(|| io::Error::other("the host has no address"))?;
                let own = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(own)?;
                let send = |datagram: &String| socket.send_to(datagram.as_bytes(), address);
                datagrams.iter().try_for_each(|datagram| send(datagram).map(|_| ()))
            }
            Datadog::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                // A full agent loses metrics; it must not hold up the run.
                socket.set_nonblocking(true)?;
                let send = |datagram: &String| socket.send_to(datagram.as_bytes(), path);
                datagrams.iter().try_for_each(|datagram| send(datagram).map(|_| ()))
            }
        }
    }
}
