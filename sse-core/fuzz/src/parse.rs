//! The parser says what the model says, whole and in any chunks.

use arbitrary::{Result, Unstructured};

use crate::drive;
use crate::model::{self, Caps};

/// More than the 128 KiB that the parser reads at a time from large chunks.
const LARGE: usize = 140 << 10;

/// Reads caps and chunk sizes from the front of `bytes`, the stream from the rest.
pub(crate) fn run(bytes: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(bytes);
    let caps = caps(&mut input)?;
    let [one, two, three] = input.arbitrary::<[u8; 3]>()?;
    let sizes = [one.into(), two.into(), usize::from(three) % 8];
    agree(input.take_rest(), caps, &sizes);
    Ok(())
}

/// The same on a stream repeated until it fills a window: a thousand times as slow.
pub(crate) fn run_large(bytes: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(bytes);
    let caps = caps(&mut input)?;
    let sizes = input
        .arbitrary::<[u16; 2]>()?
        .map(|size| usize::from(size) * 4);
    let mut stream = input.take_rest().to_vec();
    let period = stream.len();
    while period > 0 && stream.len() < LARGE {
        stream.extend_from_within(..period);
    }
    agree(&stream, caps, &sizes);
    Ok(())
}

fn caps(input: &mut Unstructured<'_>) -> Result<Caps> {
    if input.arbitrary::<u8>()? % 2 == 0 {
        return Ok(Caps::NONE);
    }
    let [line, field, event] = input.arbitrary::<[u8; 3]>()?;
    Ok(Caps {
        line: line.into(),
        field: field.into(),
        event: event.into(),
    })
}

fn agree(stream: &[u8], caps: Caps, sizes: &[usize]) {
    let expected = model::read(stream, caps);
    drive::assert_same(stream, &expected, &drive::read(&[stream], caps));
    let chunks = drive::cut(stream, sizes);
    drive::assert_same(stream, &expected, &drive::read(&chunks, caps));
}
