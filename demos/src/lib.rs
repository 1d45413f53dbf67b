//! Runnable scenarios over the SSE toolkit
