//! Generated streams: fields as servers write them, with the oddities that the
//! standard rules on, and noise.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Where a parser that works in blocks and windows changes from one to the next.
pub(crate) const EDGES: [usize; 4] = [64, 128, 64 << 10, 128 << 10];

/// A short stream, about as often well-formed as not.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        6 => Just(&b""[..]),
        2 => Just(&b"\xEF\xBB\xBF"[..]),
        1 => select(vec![
            &b"\xEF"[..],
            b"\xEF\xBB",
            b"\xEF\xBB\xBF\xEF\xBB\xBF",
            b"\n\xEF\xBB\xBF",
        ]),
    ];
    (start, vec(line(), 0..40)).prop_map(|(start, lines)| {
        let mut stream = start.to_vec();
        stream.extend(lines.into_iter().flatten());
        stream
    })
}

/// Megabytes are too slow for the model: some hundred KiB of repeated lines
/// with a few bytes changed, often at the edge of a block or window.
pub(crate) fn large_stream() -> impl Strategy<Value = Vec<u8>> {
    let lines = vec(prop_oneof![3 => line(), 2 => ordinary_line()], 1..30);
    let size = prop_oneof![90_usize << 10..140 << 10, 250_usize << 10..300 << 10];
    let offset = (select(&EDGES[..]), 0_usize..5, -70_isize..70)
        .prop_map(|(edge, times, shift)| (edge * times).saturating_add_signed(shift));
    let changes = vec((prop_oneof![offset, 0_usize..300 << 10], noise()), 0..6);
    (lines, size, changes).prop_map(|(lines, size, changes)| {
        let mut stream: Vec<u8> = lines.concat();
        let period = stream.len();
        while stream.len() < size {
            stream.extend_from_within(..period);
        }
        for (offset, bytes) in changes {
            let offset = offset.min(stream.len());
            let end = (offset + bytes.len()).min(stream.len());
            stream.splice(offset..end, bytes);
        }
        stream
    })
}

/// Chunk sizes, to be used over and over.
pub(crate) fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![usize::MAX]),
        Just(vec![1]),
        vec(0_usize..8, 1..6),
        vec(0_usize..200, 1..6),
        vec(select(vec![1, 63, 64, 65, 127, 128, 129]), 1..4),
    ]
}

/// Chunk sizes for [`large_stream`].
pub(crate) fn large_sizes() -> impl Strategy<Value = Vec<usize>> {
    let window = 128 << 10;
    prop_oneof![
        2 => Just(vec![usize::MAX]),
        1 => Just(vec![16 << 10]),
        1 => vec(select(vec![1, window - 1, window, window + 1, 64, 4096]), 1..4),
        1 => vec(1_usize..300 << 10, 1..4),
        1 => vec(1_usize..3000, 1..20),
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => blank(),
        9 => (name(), separator(), value(), line_end())
            .prop_map(|parts| [parts.0, parts.1.to_vec(), parts.2, parts.3.to_vec()].concat()),
        1 => noise(),
    ]
}

fn ordinary_line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => Just(b"\n".to_vec()),
        4 => "data: [ -~]{0,90}\n".prop_map(String::into_bytes),
        1 => "id: [0-9]{1,20}\n".prop_map(String::into_bytes),
        1 => "event: [a-z]{1,9}\n".prop_map(String::into_bytes),
        1 => ":[ -~]{0,200}\n".prop_map(String::into_bytes),
    ]
}

fn blank() -> impl Strategy<Value = Vec<u8>> {
    select(vec!["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"]).prop_map(Into::into)
}

fn line_end() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        4 => Just(&b"\n"[..]),
        2 => Just(&b"\r\n"[..]),
        2 => Just(&b"\r"[..]),
        1 => Just(&b"\n\r"[..]),
        1 => Just(&b"\x0b"[..]),
    ]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let odd = [
        "Data",
        "data ",
        " data",
        "\tid",
        "dat",
        "dataa",
        "d",
        "i",
        "e",
        "r",
        "ids",
        "ID",
        "event\0",
        "retry ",
        "\u{FEFF}data",
        "foo",
        "\0",
        " ",
        "\u{e9}",
    ];
    prop_oneof![
        8 => select(vec!["data", "event", "id", "retry"]).prop_map(Into::into),
        2 => Just(Vec::new()),
        2 => select(odd.to_vec()).prop_map(Into::into),
        1 => vec(noise(), 1..3).prop_map(|parts| parts.concat()),
    ]
}

fn separator() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        6 => Just(&b": "[..]),
        2 => Just(&b":"[..]),
        1 => Just(&b""[..]),
        1 => Just(&b":  "[..]),
        1 => Just(&b" :"[..]),
        1 => Just(&b":\t"[..]),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let number = select(vec![
        "0",
        "5",
        "007",
        "+5",
        "-5",
        "5 ",
        "5.0",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999999999999999999999999",
    ]);
    let part = prop_oneof![
        4 => "[ -~]{0,12}".prop_map(String::into_bytes),
        2 => number.prop_map(Into::into),
        2 => "\\PC{0,6}".prop_map(String::into_bytes),
        1 => (0_usize..200).prop_map(|length| vec![b'x'; length]),
        1 => (0_usize..70).prop_map(|length| "\u{20AC}".repeat(length).into_bytes()),
        1 => noise(),
    ];
    prop_oneof![
        1 => Just(Vec::new()),
        4 => part.clone(),
        2 => vec(part, 0..5).prop_map(|parts| parts.concat()),
    ]
}

/// Bytes that matter to a decoder or a splitter, and any others.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let bytes: [&[u8]; 22] = [
        b"\0",
        b"\r",
        b"\n",
        b":",
        b" ",
        b"\xff",
        b"\x80",
        b"\xc3",
        b"\xc0\xaf",
        b"\xe2\x82",
        b"\xe0\x80",
        b"\xf0\x9f\x98",
        b"\xf0\x9f",
        b"\xf4\x90",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\xef\xbb",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\x0c",
        b"\xe2\x9c\x93",
        b"\xf0\x9f\x98\x80",
    ];
    prop_oneof![
        4 => select(bytes.to_vec()).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..8),
    ]
}
