//! ring-spsc
