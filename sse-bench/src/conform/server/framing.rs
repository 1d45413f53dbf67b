//! The grammar of RFC 9112, to the letter: what a recipient may forgive too.

/// What is wrong with a head, field by field.
pub(super) fn head_error(head: &[u8]) -> Option<String> {
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        if !line.ends_with(b"\r\n") {
            let line = String::from_utf8_lossy(line);
            return Some(format!("the line {line:?} does not end in CRLF"));
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            let line = String::from_utf8_lossy(line);
            return Some(format!("the line {line:?} continues the one before it"));
        }
    }
    None
}

/// What is wrong with the chunks that came so far.
pub(super) fn chunk_error(wire: &[u8]) -> Option<String> {
    let mut rest = wire;
    loop {
        let at = wire.len() - rest.len();
        let length = rest.iter().position(|byte| *byte == b'\n')?;
        let (line, after) = rest.split_at(length + 1);
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return Some(format!("the chunk size at byte {at} ends in a bare LF"));
        };
        let digits = line
            .split(|byte| matches!(byte, b';' | b' ' | b'\t'))
            .next()?;
        let text = std::str::from_utf8(digits).unwrap_or_default();
        let size = usize::from_str_radix(text, 16).ok();
        let Some(size) = size.filter(|_| !text.starts_with('+')) else {
            let line = String::from_utf8_lossy(line);
            return Some(format!("{line:?} at byte {at} is no chunk size"));
        };
        if size == 0 {
            return None;
        }
        let after = after.get(size..)?;
        let end = after.get(..2)?;
        if end != b"\r\n" {
            let end = String::from_utf8_lossy(end);
            let at = wire.len() - after.len();
            return Some(format!(
                "a chunk of {size} bytes ends in {end:?} at byte {at} instead of CRLF"
            ));
        }
        rest = &after[2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_checked_as_far_as_they_came() {
        for good in [
            "",
            "5",
            "2\r\nab",
            "2;x=y\r\nab\r\n3\r",
            "1\r\na\r\n0\r\n\r\n",
        ] {
            assert_eq!(chunk_error(good.as_bytes()), None, "{good:?}");
        }
        for (bad, said) in [
            ("2\nab\r\n", "byte 0 ends in a bare LF"),
            ("2\r\nab\n1\r\n", "ends in \"\\n1\" at byte 5"),
            ("2\r\nab\r\nx\r\n", "\"x\" at byte 7"),
            ("+2\r\nab\r\n", "no chunk size"),
        ] {
            let error = chunk_error(bad.as_bytes()).unwrap_or_default();
            assert!(error.contains(said), "{bad:?}: {error}");
        }
    }

    #[test]
    fn heads_end_their_lines_in_crlf() {
        assert_eq!(head_error(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), None);
        assert!(head_error(b"HTTP/1.1 200 OK\nA: b\r\n\r\n").is_some());
        assert!(head_error(b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n").is_some());
    }
}
