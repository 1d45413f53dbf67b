//! Peers that vanish without a word: a network of two namespaces, of which one
//! stops answering.

use std::fs::File;
use std::process::Command;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::support::{Server, until};

const HOME: &str = "10.213.7.1";
const AWAY: &str = "10.213.7.2";

/// Two namespaces and a cable between them; gone when dropped.
struct Network {
    home: String,
    away: String,
}

impl Network {
    /// `None` where namespaces need a privilege or a program that is missing.
    fn new(name: &str) -> Option<Self> {
        let unique = format!("sse-{name}-{}", std::process::id());
        let network = Self {
            home: format!("{unique}-home"),
            away: format!("{unique}-away"),
        };
        if !ip(&format!("netns add {}", network.home)) {
            let problem = "left out: network namespaces need root and iproute2's `ip`";
            println!("{problem}");
            let set = |name| std::env::var_os(name).is_some();
            assert!(
                !set("SSE_TEST_REQUIRE_ALL") || set("SSE_TEST_WITHOUT_ROOT"),
                "{problem}"
            );
            return None;
        }
        let (home, away) = (&network.home, &network.away);
        for command in [
            format!("netns add {away}"),
            format!("-n {home} link add cable type veth peer name cable netns {away}"),
            format!("-n {home} address add {HOME}/24 dev cable"),
            format!("-n {away} address add {AWAY}/24 dev cable"),
            format!("-n {home} link set cable up"),
            format!("-n {away} link set cable up"),
            format!("-n {home} link set lo up"),
        ] {
            assert!(ip(&command), "ip {command}");
        }
        Some(network)
    }

    /// From now on nothing that is away reaches home, not even an
    /// acknowledgement; what is sent there arrives.
    fn silence(&self) {
        let route = format!("-n {} route add blackhole {HOME}/32", self.away);
        assert!(ip(&route));
        let local = format!("-n {} route flush cache", self.away);
        assert!(ip(&local));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in [&self.home, &self.away] {
            ip(&format!("netns delete {name}"));
        }
    }
}

fn ip(arguments: &str) -> bool {
    let done = Command::new("ip").args(arguments.split(' ')).output();
    done.is_ok_and(|output| output.status.success())
}

/// Runs in this namespace; sockets and processes begun there stay there.
fn inside<T: Send>(namespace: &str, run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let file = File::open(format!("/var/run/netns/{namespace}")).unwrap();
            let network = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), network).unwrap();
            run()
        });
        thread.join().unwrap()
    })
}

fn vanishes(name: &str, flags: &[&str], publish: bool) {
    let Some(network) = Network::new(name) else {
        return;
    };
    let listen = format!("{HOME}:0");
    let own = ["--listen", &listen, "--allow-anonymous"];
    inside(&network.home, || {
        let server = Server::start(&[&own[..], flags].concat());
        let vanishing = inside(&network.away, || server.subscribe(""));
        let mut staying = server.subscribe("");
        server.wait_for_connections(2);
        network.silence();
        if publish {
            server.publish(r#"{"data":1}"#);
            assert_eq!(staying.event().data, "1");
        }
        until("the vanished peer to be given up", || {
            server.connections() == 1
        });
        server.publish(r#"{"data":2}"#);
        assert_eq!(staying.event().data, "2");
        drop(vanishing);
    });
}

#[test]
fn a_peer_that_acknowledges_nothing_is_gone_after_the_write_timeout() {
    vanishes(
        "write",
        &["--write-timeout", "2s", "--heartbeat", "1h"],
        true,
    );
}

#[test]
fn heartbeats_find_out_that_a_peer_is_gone() {
    vanishes(
        "beat",
        &["--write-timeout", "2s", "--heartbeat", "500ms"],
        false,
    );
}

#[test]
fn keep_alive_finds_out_that_a_peer_is_gone_where_nothing_is_sent() {
    vanishes(
        "probe",
        &["--write-timeout", "2s", "--heartbeat", "1h"],
        false,
    );
}

#[test]
fn whoever_connects_is_not_an_operator() {
    let Some(network) = Network::new("admin") else {
        return;
    };
    let listen = format!("{HOME}:0");
    inside(&network.home, || {
        let server = Server::start_demo(&["--listen", &listen, "--allow-anonymous"]);
        inside(&network.away, || {
            let refused = server.get("/connections").problem(403);
            assert!(refused.contains("authentication"), "{refused}");
            let mut connection = server.connect();
            let kick = connection.request("DELETE", "/connections/x", "");
            kick.problem(403);
            assert_eq!(server.get("/metrics").status, 200);
        });
        let counted = "requests_refused_total{reason=\"admin\"}";
        assert_eq!(server.metric(counted), 2);
    });
}
