//! Load tests for Server-Sent Events endpoints

pub mod histogram;
pub mod http;
pub mod timestamp;
