//! Load tests for Server-Sent Events endpoints
