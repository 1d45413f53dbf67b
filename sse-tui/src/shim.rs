use std::sync::Mutex;
#[derive(Debug)]
pub struct Batch {
    pub leg: u64,
    pub raw: Vec<u8>,
    pub p: Mutex<()>,
}
impl Batch {
    pub fn items(&self) -> impl Iterator<Item = sse_core::Item<'_>> {
        std::iter::empty()
    }
}
