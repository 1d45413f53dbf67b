//! A terminal dashboard for Server-Sent Events streams

pub mod app;
pub mod detail;
pub mod format;
pub mod json;
pub mod keymap;
pub mod message;
pub mod sanitize;
pub mod shim;
pub mod stats;
pub mod store;
pub mod theme;
pub mod ui;
pub mod view;
