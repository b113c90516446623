//! atomic-counter
