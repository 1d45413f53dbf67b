//! The event stream on the wire: parser and encoder against the standard, a
//! slow model, a peer and one another.

#[path = "../drive/mod.rs"]
mod drive;
#[path = "../encoded/mod.rs"]
mod encoded;
#[path = "../model/mod.rs"]
mod model;

mod agreement;
mod fuzz_bodies;
mod peer;
mod round_trip;
mod rules;
mod seeds;
mod streams;
mod vectors;
