//! A Server-Sent Events hub with replay, and a demo publisher
