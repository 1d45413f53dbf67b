//! Event -> bytes (HTML Living Standard §9.2.5). Nothing here allocates.

use bytes::BufMut;
use memchr::memchr2;

use crate::event::Event;

impl Event {
    /// Appends the block and the blank line that dispatches it.
    ///
    /// A space follows the colon of every field, so that a leading space in a
    /// value survives; a comment stands as it is. An event without any part
    /// encodes to nothing.
    ///
    /// # Panics
    /// As [`BufMut::put_slice`] does, if `out` is a buffer that cannot grow and
    /// has too little room left.
    pub fn encode(&self, out: &mut impl BufMut) {
        if let Some(text) = &self.comment {
            put_lines(out, b":", text);
        }
        if let Some(id) = &self.id {
            put_line(out, b"id: ", id.as_str().as_bytes());
        }
        if let Some(event_type) = &self.event_type {
            put_line(out, b"event: ", event_type.as_str().as_bytes());
        }
        if let Some(retry) = self.retry {
            let mut digits = [0; 20];
            put_line(out, b"retry: ", decimal(millis(retry), &mut digits));
        }
        if let Some(data) = &self.data {
            put_lines(out, b"data: ", data);
        }
        if *self != Self::default() {
            out.put_u8(b'\n');
        }
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn put_line(out: &mut impl BufMut, name: &[u8], value: &[u8]) {
    out.put_slice(name);
    out.put_slice(value);
    out.put_u8(b'\n');
}

/// One field for each line of `text`; CR, LF and CRLF each end a line.
fn put_lines(out: &mut impl BufMut, name: &[u8], text: &str) {
    let mut rest = text.as_bytes();
    while let Some(end) = memchr2(b'\r', b'\n', rest) {
        put_line(out, name, &rest[..end]);
        let crlf = rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n');
        rest = &rest[end + 1 + usize::from(crlf)..];
    }
    put_line(out, name, rest);
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}
