//! A recording says the same however it is cut, and again when written again.

use arbitrary::{Result, Unstructured};
use sse_core::capture::{Entry, NotReadable, Reader};

/// Reads chunk sizes and a recording from `bytes`.
pub(crate) fn run(bytes: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(bytes);
    let size = 1 + usize::from(input.arbitrary::<u8>()?);
    let recording = input.take_rest();
    let whole = read(recording, recording.len().max(1));
    assert_eq!(read(recording, size), whole);
    let Ok((entries, _)) = whole else {
        return Ok(());
    };
    let mut again = Vec::new();
    let mut kept = Vec::new();
    for entry in entries {
        match &entry {
            Entry::Opening(opening) => opening.encode(&mut again),
            Entry::Record(record) => record.encode(&mut again),
            Entry::Damaged(_) => continue,
        }
        kept.push(entry);
    }
    assert_eq!(read(&again, size), Ok((kept, 0)));
    Ok(())
}

/// The entries, and the bytes of a last line that has no end.
fn read(recording: &[u8], size: usize) -> std::result::Result<(Vec<Entry>, u64), NotReadable> {
    let mut reader = Reader::new();
    let mut entries = Vec::new();
    for chunk in recording.chunks(size) {
        reader.feed(chunk);
        while let Some(entry) = reader.next_entry()? {
            entries.push(entry);
        }
    }
    Ok((entries, reader.unfinished()))
}
