//! HTTP/2 frames by hand, for what a well-behaved client does not send.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::server::{PATIENCE, Server};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A frame (RFC 9113 §4.1).
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// `GET /events` of localhost as a header block (RFC 7541).
pub(crate) fn get_events() -> Vec<u8> {
    let mut block = vec![0x82, 0x86];
    for (index, value) in [(0x04, "/events"), (0x01, "localhost")] {
        block.push(index);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
    }
    block
}

pub(crate) fn connect(server: &Server) -> TcpStream {
    let socket = TcpStream::connect(server.addr).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// A connection that has said its preface.
pub(crate) fn greet(server: &Server) -> TcpStream {
    let mut socket = connect(server);
    let settings = frame(SETTINGS, 0, 0, &[]);
    socket.write_all(&[PREFACE, &settings].concat()).unwrap();
    socket
}

/// Reads frames of this kind until the connection ends, answering none.
pub(crate) fn read_to_end(socket: &mut TcpStream, kind: u8) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "the connection does not end");
        match testing::read(&*socket, &mut buffer) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            // A reset is an end too, after what came before it.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        }
    }
    let mut found = Vec::new();
    let mut rest = &bytes[..];
    while rest.len() >= 9 {
        let length = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
        let end = (9 + length).min(rest.len());
        if rest[3] == kind {
            found.push(rest[9..end].to_vec());
        }
        rest = &rest[end..];
    }
    found
}
