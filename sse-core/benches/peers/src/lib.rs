//! Corpora and parsers that the benchmarks share.

pub mod corpus;
pub mod parsers;
