//! A terminal dashboard for Server-Sent Events streams
