//! The addresses that connections come from.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::str::FromStr;

use anyhow::{Result, anyhow};
use ipnet::IpNet;
use thiserror::Error;
use tokio::net::{TcpSocket, TcpStream};

use crate::sys;

/// Addresses whose presence on this machine is looked into beforehand.
const MOST_CHECKED: u64 = 4096;

/// Consecutive addresses of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalRange {
    first: IpAddr,
    count: u64,
}

/// Why a text is no [`LocalRange`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "give an address, a range or a network, such as 127.0.0.2, 127.0.0.2-127.0.0.9 or 10.0.0.0/28"
)]
pub struct InvalidRange;

impl FromStr for LocalRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let address = |text: &str| text.parse::<IpAddr>().map_err(|_| InvalidRange);
        if let Some((first, last)) = text.split_once('-') {
            return Self::between(address(first)?, address(last)?).ok_or(InvalidRange);
        }
        if !text.contains('/') {
            let first = address(text)?;
            return Ok(Self { first, count: 1 });
        }
        let network: IpNet = text.parse().map_err(|_| InvalidRange)?;
        let (mut first, mut last) = (number(network.network()), number(network.broadcast()));
        if matches!(network, IpNet::V4(_)) && network.prefix_len() < 31 {
            // Neither the network's own address nor its broadcast address is anybody's.
            (first, last) = (first + 1, last - 1);
        }
        let is_ipv4 = matches!(network, IpNet::V4(_));
        Self::between(ip(first, is_ipv4), ip(last, is_ipv4)).ok_or(InvalidRange)
    }
}

impl LocalRange {
    fn between(first: IpAddr, last: IpAddr) -> Option<Self> {
        if first.is_ipv4() != last.is_ipv4() {
            return None;
        }
        let further = number(last).checked_sub(number(first))?;
        let count = u64::try_from(further).unwrap_or(u64::MAX).saturating_add(1);
        Some(Self { first, count })
    }

    fn get(&self, index: u64) -> IpAddr {
        ip(number(self.first) + u128::from(index), self.first.is_ipv4())
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn ip(number: u128, is_ipv4: bool) -> IpAddr {
    if is_ipv4 {
        IpAddr::V4(Ipv4Addr::from(number as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from(number))
    }
}

/// The addresses that connections come from, in turns.
#[derive(Debug, Clone, Default)]
pub struct LocalAddresses(Vec<LocalRange>);

impl LocalAddresses {
    /// All addresses of these ranges.
    pub fn new(ranges: &[LocalRange]) -> Self {
        Self(ranges.to_vec())
    }

    /// How many there are; at least 1, the one that the system chooses.
    pub fn count(&self) -> u64 {
        let counts = self.0.iter().map(|range| range.count);
        counts.fold(0, u64::saturating_add).max(1)
    }

    /// The address for number `turn`, of the family of `peer`; `None` where the
    /// system is to choose.
    ///
    /// # Errors
    /// There are addresses, but none of this family.
    pub fn choose(&self, turn: u64, peer: &SocketAddr) -> io::Result<Option<IpAddr>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let family = || {
            self.0
                .iter()
                .filter(|range| range.first.is_ipv4() == peer.is_ipv4())
        };
        let total = family().fold(0, |sum: u64, range| sum.saturating_add(range.count));
        let mut index = turn.checked_rem(total).ok_or_else(|| {
            let family = if peer.is_ipv4() { "IPv4" } else { "IPv6" };
            io::Error::other(format!(
                "--local-addr names no {family} address to connect from"
            ))
        })?;
        for range in family() {
            match index.checked_sub(range.count) {
                None => return Ok(Some(range.get(index))),
                Some(further) => index = further,
            }
        }
        Ok(None)
    }

    /// Connects from the address for number `turn`, with a receive buffer of so
    /// many bytes where one is asked for.
    pub async fn connect(
        &self,
        turn: u64,
        peer: SocketAddr,
        receive_buffer: Option<u32>,
    ) -> io::Result<TcpStream> {
        let local = self.choose(turn, &peer)?;
        if local.is_none() && receive_buffer.is_none() {
            return TcpStream::connect(peer).await;
        }
        let socket = match peer {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let Some(bytes) = receive_buffer {
            // Before the handshake, which announces how much this side takes.
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(local) = local {
            sys::choose_port_late(&socket);
            socket.bind(SocketAddr::new(local, 0))?;
        }
        socket.connect(peer).await
    }

    /// # Errors
    /// An address that this machine does not have.
    pub fn check(&self) -> Result<()> {
        for range in &self.0 {
            for index in 0..range.count.min(MOST_CHECKED) {
                let address = range.get(index);
                UdpSocket::bind((address, 0)).map_err(|error| {
                    anyhow!("--local-addr: this machine does not have {address}: {error}")
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ranges: &[&str], peer: &str) -> Vec<String> {
        let ranges: Vec<_> = ranges.iter().map(|text| text.parse().unwrap()).collect();
        let addresses = LocalAddresses::new(&ranges);
        let peer = peer.parse().unwrap();
        (0..5)
            .filter_map(|turn| addresses.choose(turn, &peer).unwrap())
            .map(|address| address.to_string())
            .collect()
    }

    #[test]
    fn the_addresses_of_the_peers_family_take_turns() {
        let ranges = [
            "127.0.0.9",
            "::1",
            "127.0.1.255-127.0.2.0",
            "fd00::fffe/127",
        ];
        let v4 = [
            "127.0.0.9",
            "127.0.1.255",
            "127.0.2.0",
            "127.0.0.9",
            "127.0.1.255",
        ];
        assert_eq!(all(&ranges, "127.0.0.1:80"), v4);
        let v6 = ["::1", "fd00::fffe", "fd00::ffff", "::1", "fd00::fffe"];
        assert_eq!(all(&ranges, "[::1]:80"), v6);
        assert!(all(&[], "[::1]:80").is_empty());
        let v4 = LocalAddresses::new(&["127.0.0.1".parse().unwrap()]);
        assert!(v4.choose(0, &"[::1]:80".parse().unwrap()).is_err());
    }

    #[test]
    fn a_network_has_neither_its_own_address_nor_that_of_all() {
        let network: LocalRange = "10.1.0.0/30".parse().unwrap();
        assert_eq!(
            (network.get(0).to_string(), network.count),
            ("10.1.0.1".to_owned(), 2)
        );
        let largest: LocalRange = "::/0".parse().unwrap();
        assert_eq!(largest.count, u64::MAX);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "localhost",
            "127.0.0.9-127.0.0.2",
            "127.0.0.1-::1",
            "10.0.0.0/33",
            "1-2-3",
        ] {
            assert_eq!(text.parse::<LocalRange>(), Err(InvalidRange), "{text}");
        }
    }
}
